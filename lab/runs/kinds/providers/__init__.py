"""What metrics need beside features, one module a need: the evaluation asks only for what the chosen metrics read.

A module offers `absent(real, synthetic, extractor)`: why the need cannot be had, one sentence or "" (cheap: cards and
tables only, called by the page before launch), and `provide(ctx, sets)`: a generator that yields progress and returns
fields of a `MetricInput` by name.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from lab.runs.context import RunContext
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet
    from lab.features.extractor import FeatureExtractor

PROVIDERS = {
    "pictures": "pictures",
    "sources": "sources",
    "siblings": "siblings",
    "masks": "masks",
    "logits": "logits",
    "depths": "depths",
    "resolutions": "resolutions",
    "re-id": "re_id",
    "copy-embedding": "copy_embedding",
    "second-task": "second_task",
    "text-encoder": "text_encoder",
    "radiomics": "radiomics",
    "perceptual": "perceptual",
}


@dataclass(frozen=True, eq=False)
class Sets:
    """The three sides of an evaluation.

    Args:
        reference: the real side as the run names it, "ID" or "ID:SPLIT".
        real, synthetic: the sets.
        held_out: the control, None where there is none.
        extractor: of the features.
        settings: of the run.
    """

    reference: str
    real: ImageSet
    synthetic: ImageSet
    held_out: ImageSet | None
    extractor: FeatureExtractor
    settings: Mapping[str, Any]


class Provider(Protocol):
    """What a module of this folder offers."""

    def absent(self, real: str, synthetic: ImageSet, extractor: str) -> str:
        """Why the need cannot be had, as one sentence; "" where it can."""

    def provide(self, ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
        """Fields of a `MetricInput` by name; `spaces` of several needs are joined."""


def provider(need: str) -> Provider:
    """The module that provides a need."""
    return cast("Provider", importlib.import_module(f"{__name__}.{PROVIDERS[need]}"))


def absent_needs(needs: Iterable[str], real: str, synthetic: ImageSet, extractor: str) -> dict[str, str]:
    """Reasons by need, for those of `needs` that cannot be had."""
    told = {need: provider(need).absent(real, synthetic, extractor) for need in needs if need in PROVIDERS}
    return {need: reason for need, reason in told.items() if reason}


def provided(ctx: RunContext, sets: Sets, needs: Iterable[str]) -> Generator[Progress, None, dict[str, Any]]:
    """Fields for all needs; a need that cannot be had leaves its reason under `absent`."""
    wanted = [need for need in PROVIDERS if need in set(needs)]
    absent = absent_needs(wanted, sets.reference, sets.synthetic, sets.extractor.id)
    found: dict[str, Any] = {"absent": absent, "spaces": {}}
    for need in wanted:
        if need in absent:
            continue
        fields = yield from provider(need).provide(ctx, sets)
        found["spaces"] |= fields.pop("spaces", {})
        found |= fields
    return found
