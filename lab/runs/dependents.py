"""What depends on a dataset: sample sets and generators that name it, other datasets made of it, finished runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from lab.config import ASSETS


@dataclass(frozen=True)
class Dependent:
    """Something that names a dataset.

    Attributes:
        kind: "generator", "network", "samples", "dataset" or "runs".
        name: its id, or the kind of the runs.
        words: for people.
    """

    kind: str
    name: str
    words: str


def dependents(id: str) -> list[Dependent]:
    """Everything here that names the dataset, generators first."""
    from lab.data.samples import list_sample_sets
    from lab.data.store import list_datasets
    from lab.generators.cards import list_cards
    from lab.identification.card import list_cards as list_networks

    found = [
        Dependent("generator", card.id, f"generator {card.id}: it learned from it")
        for card in list_cards()
        if card.training_dataset == id
    ]
    found += [
        Dependent("network", card.title, f"{card.title}: it learned from it or was judged on it")
        for folder, card in list_networks()
        if card.dataset == id and not folder.is_relative_to(ASSETS)
    ]
    found += [
        Dependent("dataset", card.id, f"dataset {card.id}: it was made of it by a recipe")
        for card in list_datasets()
        if getattr(card, "parent", "") == id
    ]
    found += [
        Dependent("samples", made.id, f"sample set {made.id}: {made.images} samples of {made.origin}")
        for made in list_sample_sets()
        if made.parent == id
    ]
    return found + _runs(id)


def _runs(id: str) -> list[Dependent]:
    from lab.runs.store import RunStore

    named = ("dataset", "real", "reference", "id")
    kinds: Counter[str] = Counter()
    for run in RunStore.open().list(states=("done",), limit=2000):
        values = {str(run.spec.settings.get(key, "")).partition(":")[0] for key in named}
        if id in values and run.kind not in ("import", "phantom"):
            kinds[run.kind] += 1
    return [
        Dependent("runs", kind, f"{count} finished {'run' if count == 1 else 'runs'} of kind {kind}")
        for kind, count in kinds.most_common()
    ]
