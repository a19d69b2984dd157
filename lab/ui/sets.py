"""What can be chosen on either side of a comparison: datasets by split, sample sets, folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from lab.data.card import DatasetCard
from lab.data.dataset import parse_reference
from lab.data.guards.real_files import real_files, told
from lab.data.imageset import ImageSet
from lab.data.importing.sample_import import FOLDER
from lab.data.resolve import resolve
from lab.data.samples import SampleSetCard, list_sample_sets
from lab.data.store import list_datasets, open_dataset
from lab.features.records import get_record
from lab.metrics.guards import Finding, InputSizes
from lab.prompts.past import words_of
from lab.runs.captions import why_no_pairs
from lab.runs.comparisons import judged
from lab.runs.dataset_requests import known_duplicates
from lab.runs.kinds.providers import absent_needs
from lab.runs.records import Run
from lab.runs.store import RunStore


@dataclass(frozen=True)
class Choice:
    """One entry of a list: the reference a run understands, and words for people."""

    reference: str
    words: str
    images: int = 0


def generation_runs(limit: int = 200) -> list[Run]:
    """Finished generation runs, newest first."""
    runs = RunStore.open().list(states=("done",), kinds=("generate",), limit=limit)
    return judged([run for run in runs if run.result])


def grid_runs(limit: int = 50) -> list[Run]:
    """Finished grids, newest first."""
    runs = RunStore.open().list(states=("done",), kinds=("grid",), limit=limit)
    return judged([run for run in runs if run.result])


def prompts_by_set() -> dict[str, str]:
    """The prompt of each sample set that a run of this workspace made."""
    return {
        str(run.result["sample_set"]): words_of(run.spec.settings) for run in generation_runs() if run.result
    }


def real_choices() -> list[Choice]:
    """Datasets as reference: their training split."""
    found = []
    for card in list_datasets():
        count = card.splits.get("train", 0)
        found.append(Choice(card.id, f"{card.title} ({count:,} training images)", count))
    return found


def synthetic_choices(real: str = "") -> list[Choice]:
    """Sample sets first, then the held-out and test splits of datasets, which serve as honest stand-ins.

    Args:
        real: id of the dataset they will be measured against; what was made from it stands before the rest.
    """
    prompts = prompts_by_set()
    made = [
        (one.parent, Choice(one.id, _named(one, prompts.get(one.id)), one.images))
        for one in list_sample_sets()
    ]
    splits = [
        (card.id, Choice(f"{card.id}:{split}", f"{card.title}, {split} split ({count:,} images)", count))
        for card in list_datasets()
        for split in ("held-out", "test")
        if (count := card.splits.get(split, 0))
    ]
    found = [*made, *splits]
    return [one for at, one in found if at == real] + [one for at, one in found if at != real]


def _named(card: SampleSetCard, prompt: str | None) -> str:
    """A set by its prompt where it was made here, else by the name it was given, and by what made it."""
    maker = "taken in from a folder" if card.origin == FOLDER else card.origin
    return f"{_short(prompt or card.id)} · {card.images:,} samples · {maker}"


def sizes(real: str, synthetic: ImageSet, extractor: str, needs: Sequence[str] = ()) -> InputSizes:
    """Counts of both sides, read from cards and tables only; `needs` are looked up too."""
    name, _ = parse_reference(real)
    dataset = open_dataset(name)
    train, held_out = dataset.rows("train"), dataset.rows(control_split(name, synthetic))
    return InputSizes(
        n_real=len(train),
        n_synthetic=len(synthetic.ids()),
        n_held_out=len(held_out),
        dimension=get_record(extractor).dimension,
        real_patients=int(train["patient_id"].nunique()),
        held_out_patients=int(held_out["patient_id"].nunique()),
        no_pairs=why_no_pairs(real, synthetic),
        unknown_patients=int((train["patient_id"] == train["image_id"]).sum()),
        duplicate_reals=known_duplicates(name),
        has_labels=_labelled(train["label"].astype(str).tolist()) and _prompted(synthetic),
        absent=_absent(real, dataset.card.digest, synthetic.digest, extractor, tuple(needs), synthetic),
    )


@st.cache_data(max_entries=32, show_spinner=False, ttl=60)
def _absent(
    real: str, dataset: str, digest: str, extractor: str, needs: tuple[str, ...], _synthetic: ImageSet
) -> dict[str, str]:
    """Reasons by need; the digests of both sides are part of the cache key, and weights may arrive meanwhile."""
    return absent_needs(needs, real, _synthetic, extractor)


def control_split(dataset: str, synthetic: ImageSet) -> str:
    """The split that is the control: held-out, or test where held-out films themselves stand in for samples."""
    return "test" if synthetic.id == f"{dataset}:held-out" else "held-out"


def stands_in(dataset: str, synthetic: ImageSet) -> list[Finding]:
    """What to know where held-out films are measured in place of samples."""
    if synthetic.id != f"{dataset}:held-out":
        return []
    words = "Held-out films stand in for samples here: this shows what honest data scores."
    if len(open_dataset(dataset).rows("test")):
        return [Finding("note", f"{words} The test split is their control.")]
    words += " Nothing is left to be their control, because this dataset has no test split: metrics that need one, all "
    return [Finding("note", f"{words}privacy headlines among them, are left out.")]


def real_films(synthetic: ImageSet) -> list[Finding]:
    """What forbids a run: real films in a set that claims to be synthetic, with the list."""
    found = real_files(synthetic)
    return [Finding("stop", told(found, len(synthetic.ids())))] if found else []


def of_another(real: str, reference: str, synthetic: ImageSet) -> list[Finding]:
    """A warning where the samples learned from, or are films of, another dataset than the one measured against.

    Args:
        real: reference of the real side.
        reference: of the synthetic side.
        synthetic: the images of that side.
    """
    wanted = card_of(parse_reference(real)[0])
    parent = str(getattr(synthetic, "parent", "") or reference.partition(":")[0])
    own = card_of(parent)
    if wanted is None or own is None or wanted.id in (own.id, own.parent):
        return []
    made = "These samples were made from" if synthetic.tag == "SYNTHETIC" else "These films are of"
    sentence = (
        f"{made} {own.title} ({own.modality}), the real set is {wanted.title} ({wanted.modality}): fidelity also "
        f"holds what sets the two apart, and no privacy number here says anything of the patients of {own.title}."
    )
    return [Finding("warn", sentence)]


def open_set(reference: str) -> ImageSet:
    """The images a reference names.

    Raises:
        LabError: when there is nothing of that name.
    """
    return resolve(reference)


def card_of(dataset: str) -> DatasetCard | None:
    """The card of a dataset, or None."""
    return next((card for card in list_datasets() if card.id == dataset), None)


def _labelled(labels: list[str]) -> bool:
    return len(set(labels) - {""}) >= 2


def _prompted(images: ImageSet) -> bool:
    frame = images.frame()
    return bool((frame["label"].astype(str) != "").any() or (frame["caption"].astype(str) != "").any())


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
