"""The kinds of phantom this program draws, one a modality: what a set of each is and who renders it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from lab.data.phantom_image import PhantomImage
from lab.errors import ImageError, NotFoundError
from lab.provenance import code_digest

if TYPE_CHECKING:
    from lab.data.phantoms.render import Body

Render = Callable[[int, int, int], PhantomImage]


@dataclass(frozen=True)
class PhantomFamily:
    """One kind of phantom.

    Attributes:
        id: of its set, for example "phantom-cxr".
        title: of its set.
        modality: as on a dataset's card.
        noun: what its pictures are called, plural.
        prefix: first word of its patients' ids.
        patients, films: how large the set is that comes with this program.
        renderer: module whose source decides the pixels.
        mask_labels: value of a mask to the structure's name.
        render: (seed, patient, number of the film) to the picture.
    """

    id: str
    title: str
    modality: str
    noun: str
    prefix: str
    patients: int
    films: int
    renderer: str
    mask_labels: Mapping[int, str]
    render: Render

    @property
    def digest(self) -> str:
        """Digest of the source of the renderer."""
        return code_digest([self.renderer])


def _radiograph(seed: int, patient: int, film: int) -> PhantomImage:
    from lab.data.phantoms.make import label_mask
    from lab.data.phantoms.render import PhantomRecipe, render_body

    made = render_body(_body(seed, patient), PhantomRecipe(seed, patient, film))
    record = {key: str(value) for key, value in made.record.items()}
    return PhantomImage(made.image, label_mask(made), {**record, "text": record["caption"]})


@lru_cache(maxsize=2)
def _body(seed: int, patient: int) -> Body:
    """A patient's body; kept for the next film, which is often of the same one."""
    from lab.data.phantoms.render import body_of

    return body_of(seed, patient)


def _skin(seed: int, patient: int, film: int) -> PhantomImage:
    from lab.data.phantom_skin import SkinRecipe, render

    return render(SkinRecipe(seed, patient, film))


def _heart(seed: int, patient: int, film: int) -> PhantomImage:
    from lab.data.phantom_heart import HeartRecipe, render

    return render(HeartRecipe(seed, patient, film))


CXR = PhantomFamily(
    "phantom-cxr", "Phantom chest radiographs", "chest radiograph", "radiographs", "phantom", 1000, 3,
    "lab.data.phantoms", MappingProxyType({1: "lungs", 2: "heart", 3: "lesion"}), _radiograph,
)  # fmt: skip
DERM = PhantomFamily(
    "phantom-derm", "Phantom dermoscopy", "dermoscopy", "dermoscopic pictures", "skin", 300, 2,
    "lab.data.phantom_skin", MappingProxyType({1: "lesion"}), _skin,
)  # fmt: skip
CMR = PhantomFamily(
    "phantom-cmr", "Phantom cardiac cine MRI", "cardiac MRI", "cardiac pictures", "heart", 100, 6,
    "lab.data.phantom_heart", MappingProxyType({1: "right ventricle", 2: "myocardium", 3: "left ventricle"}), _heart,
)  # fmt: skip
FAMILIES: Mapping[str, PhantomFamily] = MappingProxyType({family.id: family for family in (CXR, DERM, CMR)})


def get_family(id: str) -> PhantomFamily:
    """The family of that id.

    Raises:
        NotFoundError: with the ids that exist.
    """
    if id not in FAMILIES:
        raise NotFoundError(
            f"There is no phantom of that kind; nothing was rendered; choose one of: {', '.join(FAMILIES)}."
        )
    return FAMILIES[id]


def family_of_patient(patient_id: str) -> PhantomFamily:
    """The family a phantom patient belongs to, by the first word of the id.

    Raises:
        ImageError: when no family has such patients.
    """
    prefix = patient_id.partition("-")[0]
    for family in FAMILIES.values():
        if family.prefix == prefix:
            return family
    raise ImageError(
        "A patient of no known phantom was asked for; nothing was rendered; render the set anew."
    )
