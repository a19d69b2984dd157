"""Combinations of finding, side and size that no generator is trained on: they show whether it puts words together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Every finding, side and size occurs in training; only these pairings do not.
WITHHELD = frozenset({
    ("effusion", "left", "moderate"),
    ("pneumothorax", "right", "large"),
    ("consolidation", "right", "small"),
    ("consolidation", "left", "large"),
    ("nodule", "left", "moderate"),
    ("nodule", "right", "large"),
})  # fmt: skip


def is_withheld(findings: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a film shows one of the combinations that training leaves out."""
    return any((f["label"], f["side"], f["size"]) in WITHHELD for f in findings)
