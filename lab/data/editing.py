"""Changing what is known about a dataset: its division, its licence, whom to name. Pictures are never touched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import pandas as pd

from lab.atomic import write_json
from lab.data import burned_in, licences, manifest
from lab.data.card import DatasetCard
from lab.data.dataset import CARD, MANIFEST, Dataset
from lab.data.linked_patients import linked_groups
from lab.data.splits import DEFAULT_FRACTIONS, SPLITS, check_splits, split_by_patient
from lab.data.store import open_dataset
from lab.data.stratified import split_stratified
from lab.errors import DatasetError, InputError


def divide_anew(
    id: str,
    fractions: Sequence[float] = DEFAULT_FRACTIONS,
    seed: int = 0,
    stratify: bool = True,
    together: Iterable[tuple[str, str]] = (),
) -> Dataset:
    """Divide a dataset into train, held-out and test again, by patient.

    Features stay, for they belong to pictures; calibrations and maps belong to a division and are made anew.

    Args:
        id: of the dataset.
        fractions: shares of patients.
        seed: another seed gives another division.
        stratify: whether every label is to have its share.
        together: pairs of image ids whose patients must share a split, such as pictures that stand in the set twice.

    Raises:
        InputError: for impossible shares.
        DatasetError: for a phantom set, whose division every generator that learned from it relies on.
    """
    dataset = open_dataset(id)
    if dataset.card.origin == "phantom":
        raise DatasetError(
            "The division of a phantom set is fixed, for the generators shipped with it learned from its train; "
            "nothing was changed; import a copy of it to divide that."
        )
    table = dataset.manifest.copy()
    patient_of = dict(zip(table["image_id"], table["patient_id"], strict=True))
    links = [(patient_of[a], patient_of[b]) for a, b in together if a in patient_of and b in patient_of]
    group = linked_groups(map(str, table["patient_id"]), links)
    groups = [group[str(patient)] for patient in table["patient_id"]]
    labels = [str(label) for label in table["label"]]
    divided = (
        split_stratified(groups, labels, fractions, seed)
        if stratify
        else split_by_patient(groups, fractions, seed)
    )
    table["split"] = [divided[name] for name in groups]
    check_splits(list(table["patient_id"]), list(table["split"]))
    how = "every label in its share" if stratify else "without regard to labels"
    shares = " to ".join(f"{100 * share:g}" for share in fractions)
    note = (
        f"Divided by patient {shares} with seed {seed}, {how}; linked patients kept together: {len(links)}."
    )
    return _written(dataset, table, _noted(dataset.card, "Divided by patient", note))


def set_terms(
    id: str,
    licence: str | None = None,
    attribution: str | None = None,
    title: str | None = None,
    public: bool | None = None,
) -> Dataset:
    """Change licence, attribution, title, or whether pictures may be shown in public.

    Args:
        id: of the dataset.
        licence: of every picture; what a picture may be shown for follows from it.
        attribution: whom to name where a picture is shown.
        title: for people.
        public: False withholds pictures whatever their licence says; True asks for licences that allow showing.

    Raises:
        InputError: when `public` is asked for against the licences, or the title is empty.
    """
    dataset = open_dataset(id)
    table, card = dataset.manifest.copy(), dataset.card
    if licence is not None:
        table["licence"] = licence.strip()
    allowed = burned_in.may_be_public(table)
    if public and not allowed:
        raise InputError(
            "The licence of some pictures does not allow showing them in public, or text in their pixels has not been "
            "ruled out; nothing was changed; correct the licence or review the pictures first."
        )
    if title is not None and not title.strip():
        raise InputError("A dataset needs a title; nothing was changed; give one.")
    card = dataclasses.replace(
        card,
        licence=licences.joined(table["licence"]),
        public=allowed
        if public is None and licence is not None
        else (card.public if public is None else public),
        attribution=card.attribution if attribution is None else attribution.strip(),
        title=card.title if title is None else title.strip(),
    )
    return _written(dataset, table, card)


def _noted(card: DatasetCard, start: str, note: str) -> DatasetCard:
    """The card with a note in place of the one that begins alike."""
    kept = [
        old
        for old in card.notes
        if not old.startswith((start, "The division into", "Patient ids that share"))
    ]
    return dataclasses.replace(card, notes=(*kept, note))


def _written(dataset: Dataset, table: pd.DataFrame, card: DatasetCard) -> Dataset:
    card = dataclasses.replace(
        card,
        digest=manifest.content_digest(table, str(card.recipe.get("digest", ""))),
        splits={split: int((table["split"] == split).sum()) for split in SPLITS},
    )
    # The manifest first: a card that is older than its manifest is corrected by the same call made again.
    manifest.write(table, dataset.folder / MANIFEST)
    write_json(dataset.folder / CARD, card.as_json())
    return Dataset(dataset.folder)
