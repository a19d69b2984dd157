"""What can be chosen on either side of a comparison: datasets by split, sample sets, folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from lab.data.card import DatasetCard
from lab.data.dataset import parse_reference
from lab.data.guards.real_files import real_files, told
from lab.data.imageset import ImageSet
from lab.data.resolve import resolve
from lab.data.samples import list_sample_sets
from lab.data.store import list_datasets, open_dataset
from lab.features.records import get_record
from lab.metrics.guards import Finding, InputSizes
from lab.prompts.past import words_of
from lab.runs.captions import why_no_pairs
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
    return [
        run for run in RunStore.open().list(states=("done",), kinds=("generate",), limit=limit) if run.result
    ]


def grid_runs(limit: int = 50) -> list[Run]:
    """Finished grids, newest first."""
    return [run for run in RunStore.open().list(states=("done",), kinds=("grid",), limit=limit) if run.result]


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


def synthetic_choices() -> list[Choice]:
    """Sample sets first, then the held-out and test splits of datasets, which serve as honest stand-ins."""
    prompts = prompts_by_set()
    found = []
    for made in list_sample_sets():
        words = _short(prompts.get(made.id, made.origin))
        found.append(Choice(made.id, f"{words} · {made.images} samples · {made.origin}", made.images))
    for card in list_datasets():
        for split in ("held-out", "test"):
            count = card.splits.get(split, 0)
            if count:
                words = f"{card.title}, {split} split ({count:,} images)"
                found.append(Choice(f"{card.id}:{split}", words, count))
    return found


def sizes(real: str, synthetic: ImageSet, extractor: str, needs: Sequence[str] = ()) -> InputSizes:
    """Counts of both sides, read from cards and tables only; `needs` are looked up too."""
    name, _ = parse_reference(real)
    dataset = open_dataset(name)
    train, held_out = dataset.rows("train"), dataset.rows("held-out")
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


def real_films(synthetic: ImageSet) -> list[Finding]:
    """What forbids a run: real films in a set that claims to be synthetic, with the list."""
    found = real_files(synthetic)
    return [Finding("stop", told(found, len(synthetic.ids())))] if found else []


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
