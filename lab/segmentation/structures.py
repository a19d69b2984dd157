"""Names of the structures in a dataset's masks."""

from __future__ import annotations

from lab.data.card import DatasetCard
from lab.data.phantom_families import FAMILIES


def structure_names(card: DatasetCard) -> dict[int, str]:
    """Mask value to name: from the card, else from the kind of phantom; {} where nobody has said."""
    told = {int(value): name for value, name in card.mask_labels.items()}
    family = FAMILIES.get(card.id)
    return told or (dict(family.mask_labels) if family is not None else {})
