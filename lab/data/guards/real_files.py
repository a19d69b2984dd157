"""Real films in a set that claims to be synthetic: the same file, byte for byte, as a film of any real dataset here."""

from __future__ import annotations

from dataclasses import dataclass

from lab.data.dataset import Dataset
from lab.data.imageset import ImageSet
from lab.data.store import list_datasets, open_dataset
from lab.errors import DatasetError

NAMED = 8


@dataclass(frozen=True)
class RealFile:
    """An image of a synthetic set that is a real film.

    Attributes:
        image: its id in the synthetic set.
        dataset: id of the real dataset.
        film: id of the film there.
    """

    image: str
    dataset: str
    film: str


def real_files(images: ImageSet) -> list[RealFile]:
    """Every image of a synthetic set whose file is a film of a real dataset of this workspace, in the set's order.

    A split of a dataset ("ID:SPLIT") does not claim to be synthetic, so nothing is found in it.
    """
    if images.tag != "SYNTHETIC":
        return []
    wanted = set(images.digests())
    known: dict[str, tuple[str, str]] = {}
    for card in list_datasets():
        if card.origin == "real":
            for digest, film in _shared(open_dataset(card.id), wanted):
                known.setdefault(digest, (card.id, film))
    pairs = zip(images.ids(), images.digests(), strict=True)
    return [RealFile(image, *known[digest]) for image, digest in pairs if digest in known]


def _shared(dataset: Dataset, wanted: set[str]) -> list[tuple[str, str]]:
    try:
        table = dataset.manifest
    except DatasetError:  # a damaged set stops no other set's run
        return []
    rows = table[table["digest"].isin(wanted)]
    return list(zip(rows["digest"].astype(str), rows["image_id"].astype(str), strict=True))


def told(found: list[RealFile], total: int) -> str:
    """The finding as one sentence, with the first ids; "" for none. Ids are opaque: no file name is in it."""
    if not found:
        return ""
    listed = ", ".join(f"{one.image} is {one.dataset}/{one.film}" for one in found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return (
        f"{len(found)} of the {total} images of this synthetic set are real films, byte for byte ({listed}{more}); "
        "nothing was computed; take the real films out of the set."
    )
