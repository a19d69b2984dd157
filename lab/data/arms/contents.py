"""What the subsets and arms of a matrix hold: sources, counts of each class, and what to do about a missing one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.data.arms.matrix import ARMS, PIPELINES, SOURCES, SUBSETS, Matrix, removes_hair
from lab.data.card import DatasetCard
from lab.data.samples import SampleSetCard, list_sample_sets, open_sample_set
from lab.data.store import list_datasets, open_dataset
from lab.errors import InputError, LabError

SAMPLING = {
    "GN": "truncation psi 0.8 and one seed an image from 0 on",
    "DF": "1,000 steps and averaged weights",
}


@dataclass(frozen=True)
class SubsetFacts:
    """One subset.

    Attributes:
        name: such as "AD_GN".
        reference: dataset or sample set, "" while it is missing.
        counts: images of each class; of generated images without a class they are of the target.
        notes: what does not fit, one sentence each.
        advice: what to do while it is missing, "" otherwise.
    """

    name: str
    reference: str
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    advice: str = ""

    @property
    def title(self) -> str:
        """Words for the subset."""
        pipeline, source = self.name.split("_")
        return f"{SOURCES[source]}, {PIPELINES[pipeline]}"


@dataclass(frozen=True)
class ArmFacts:
    """One arm.

    Attributes:
        name: "A1" to "B4".
        sources: (subset, reference) in order; the reference is "" while the subset is missing.
        counts: images of each class that the arm trains on.
        synthetic: how many of them are generated.
        missing: subsets still to be made.
    """

    name: str
    sources: tuple[tuple[str, str], ...]
    counts: Mapping[str, int]
    synthetic: int
    missing: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every source is there."""
        return not self.missing

    @property
    def total(self) -> int:
        """Images in all."""
        return sum(self.counts.values())


def facts(matrix: Matrix) -> dict[str, SubsetFacts]:
    """Every subset of a matrix by name, missing ones with what to do."""
    return {name: _subset(matrix, name) for name in SUBSETS}


def arms(matrix: Matrix, subsets: Mapping[str, SubsetFacts] | None = None) -> dict[str, ArmFacts]:
    """Every arm by name: all classes of its real images, and of a second subset the target class alone."""
    known = facts(matrix) if subsets is None else subsets
    return {name: _arm(name, names, matrix.target, known) for name, names in ARMS.items()}


def _arm(name: str, names: tuple[str, ...], target: str, known: Mapping[str, SubsetFacts]) -> ArmFacts:
    counts: Counter[str] = Counter()
    synthetic = 0
    for place, one in enumerate(known[subset] for subset in names):
        added = dict(one.counts) if place == 0 else {target: one.counts.get(target, 0)}
        counts.update({label: count for label, count in added.items() if count})
        synthetic += sum(added.values()) if one.name.endswith(("_GN", "_DF")) else 0
    missing = tuple(subset for subset in names if not known[subset].reference)
    return ArmFacts(
        name, tuple((subset, known[subset].reference) for subset in names), counts, synthetic, missing
    )


def checked(matrix: Matrix, subset: str, reference: str) -> Matrix:
    """The matrix with a subset's reference, refused where it cannot be that subset.

    Raises:
        InputError: for a sample set where a dataset belongs or the other way round, a dataset of the other pipeline or
            of another origin, or the name of a split.
        NotFoundError: when nothing has that name.
    """
    changed = matrix.with_subset(subset, reference)
    if ":" in reference:
        raise InputError(
            "An arm trains on training images; nothing was changed; name the dataset without a split."
        )
    if reference and subset.endswith(("_GT", "_GTA")):
        card = open_dataset(reference).card
        if not _descends(card, matrix.dataset):
            raise InputError(
                f"That dataset was not made of {matrix.dataset}; nothing was changed; derive it from there by a recipe."
            )
        if _pipeline(card) != subset.split("_")[0]:
            raise InputError(
                "That dataset went through the other pipeline or through none; nothing was changed; derive it by "
                f"{matrix.recipes[subset.split('_')[0]]}."
            )
    elif reference:
        open_sample_set(reference)
    return changed


def proposed(matrix: Matrix) -> dict[str, str]:
    """References for the missing subsets that this workspace already holds, by subset.

    Datasets are told by the recipe they were derived with: the lowest seed is the set itself, the next one its
    augmentation. Sample sets are told by the family of their generator and by the dataset it was trained on.
    """
    found: dict[str, str] = {}
    for pipeline in PIPELINES:
        own = [
            card
            for card in list_datasets()
            if _pipeline(card) == pipeline and _descends(card, matrix.dataset)
        ]
        own.sort(key=lambda card: (int(card.recipe.get("seed", 0)), card.id))
        for source, card in zip(("GT", "GTA"), own, strict=False):
            found[f"{pipeline}_{source}"] = card.id
        real = matrix.references.get(f"{pipeline}_GT") or found.get(f"{pipeline}_GT")
        for made in list_sample_sets():
            source = _source(made)
            if source and real and made.parent == real:
                found.setdefault(f"{pipeline}_{source}", made.id)
    return {name: one for name, one in found.items() if name not in matrix.references}


def _source(made: SampleSetCard) -> str:
    """GN or DF by the family of the generator that made a set, "" where nobody knows."""
    from lab.generators.cards import get_card

    try:
        family = get_card(made.origin).family.lower()
    except LabError:
        return ""
    return {"gan": "GN", "diffusion": "DF"}.get(family, "")


def _pipeline(card: DatasetCard) -> str:
    """BS or AD by the recipe a dataset was derived with; "" for none."""
    recipe = card.recipe.get("recipe") if card.recipe else None
    if not isinstance(recipe, Mapping) or not recipe.get("steps"):
        return ""
    return "AD" if removes_hair(recipe) else "BS"


def _descends(card: DatasetCard, dataset: str) -> bool:
    return card.parent == dataset


def _subset(matrix: Matrix, name: str) -> SubsetFacts:
    reference = matrix.references.get(name, "")
    if not reference:
        return SubsetFacts(name, "", advice=_advice(matrix, name))
    try:
        if name.endswith(("_GT", "_GTA")):
            counts: Counter[str] = Counter(open_dataset(reference).rows("train")["label"].astype(str))
            return SubsetFacts(name, reference, dict(sorted(counts.items())))
        return _generated(matrix, name, reference)
    except LabError:
        gone = f"{reference} is not here any more."
        return SubsetFacts(name, "", notes=(gone,), advice=_advice(matrix, name))


def _generated(matrix: Matrix, name: str, reference: str) -> SubsetFacts:
    """Generated images: of the class they carry, else of the target, the only class generators are trained on."""
    images = open_sample_set(reference)
    labels = [label or matrix.target for label in images.frame()["label"].astype(str)]
    notes = []
    real = matrix.references.get(f"{name.split('_')[0]}_GT", "")
    if real and images.parent != real:
        notes.append(f"Its generator was not trained on {real}, the real images of this pipeline.")
    source = _source(images.card)
    if source and source != name.split("_")[1]:
        notes.append(f"It was made by a generator of another family than {SOURCES[name.split('_')[1]]}.")
    others = sum(label != matrix.target for label in labels)
    if others:
        notes.append(f"{others} images of other classes than {matrix.target} are left out of the arms.")
    return SubsetFacts(name, reference, dict(sorted(Counter(labels).items())), tuple(notes))


def _advice(matrix: Matrix, name: str) -> str:
    pipeline, source = name.split("_")
    recipe = matrix.recipes[pipeline]
    derived = f"python -m lab dataset derive {matrix.dataset} --recipe {recipe}"
    if source == "GT":
        return f"Preprocess {matrix.dataset} with recipe {recipe} in Library, or: {derived} --id NEW."
    if source == "GTA":
        return (
            f"Preprocess {matrix.dataset} with recipe {recipe} and another seed: {derived} --seed 1 --id NEW."
        )
    family = "a GAN" if source == "GN" else "a diffusion model"
    real = matrix.references.get(f"{pipeline}_GT") or f"{pipeline}_GT"
    return (
        f"Train {family} on the {matrix.target} images of {real}, then generate as many as there are real ones with "
        f"{SAMPLING[source]}, or import a set with: python -m lab samples add FOLDER --id NEW --parent {real}."
    )


def to_json(matrix: Matrix) -> dict[str, Any]:
    """The matrix with all that its subsets and arms hold, as plain JSON."""
    subsets = facts(matrix)
    return {
        **matrix.to_json(),
        "subsets": {
            name: {
                "title": one.title, "reference": one.reference, "counts": dict(one.counts),
                "images": sum(one.counts.values()), "notes": list(one.notes), "advice": one.advice,
            }
            for name, one in subsets.items()
        },
        "arms": {
            name: {
                "sources": [{"subset": subset, "reference": reference} for subset, reference in one.sources],
                "counts": dict(one.counts), "images": one.total, "synthetic": one.synthetic,
                "missing": list(one.missing),
            }
            for name, one in arms(matrix, subsets).items()
        },
    }  # fmt: skip
