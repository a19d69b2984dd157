"""What a training run shows of itself, live and afterwards: losses by step, and its newest contact sheet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.errors import LabError
from lab.runs.artifacts import read_artifact

if TYPE_CHECKING:
    from lab.runs.records import Run

MOST = 200


@dataclass(frozen=True)
class TrainingView:
    """A training as it is told.

    Attributes:
        losses: stage to (step, loss) pairs in the order of the steps, at most a few hundred.
        sheet: digest of the newest contact sheet, an artifact with suffix ".png"; None before the first.
    """

    losses: dict[str, list[tuple[int, float]]]
    sheet: str | None


def training_view(run: Run) -> TrainingView:
    """The view of a run of kind "train"; empty before it has told anything."""
    digest = (run.result or {}).get("told") or (run.progress.preview if run.progress else None)
    if not digest:
        return TrainingView({}, None)
    try:
        told = json.loads(read_artifact(digest, ".json"))
    except LabError:
        # Cleared meanwhile: a training can be followed without its curve.
        return TrainingView({}, None)
    losses: dict[str, list[tuple[int, float]]] = {}
    for stage, step, loss in told["losses"]:
        losses.setdefault(stage, []).append((int(step), float(loss)))
    return TrainingView(losses, told["sheet"])


def thinned(losses: list[list[Any]]) -> list[list[Any]]:
    """At most about `MOST` of the reports, evenly spread, the last one among them."""
    if len(losses) <= MOST:
        return losses
    return [*losses[: -1 : len(losses) // MOST + 1], losses[-1]]
