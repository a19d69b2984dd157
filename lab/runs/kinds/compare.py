"""Comparing samples that were made before their training images could be searched: verdict, neighbours, map position.

It is queued behind the runs that make the dataset ready, so it finds the calibration by its content, not by a run.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from lab.runs.comparisons import KIND
from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.answer import compared
from lab.runs.kinds.embed import resident_extractor
from lab.runs.kinds.reference import calibrations, splits
from lab.runs.spec import Progress, RunSpec

_CODE = (
    "lab.neighbours",
    "lab.features",
    "lab.projection",
    "lab.runs.kinds.answer",
    "lab.runs.kinds.reference",
)


@run_kind(KIND, lane="device", priority="batch", modules=_CODE, title="Compare samples with training images")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Search, judge and place the samples, prompt by prompt."""
    from lab.data.imageset import subset
    from lab.data.resolve import resolve

    chosen = spec.settings
    images = resolve(chosen["samples"], folders=False)
    digests = (_calibration(spec, ctx), spec.inputs["map"])
    found: dict[str, dict[str, Any]] = {}
    for prompt, names in chosen["prompts"]:
        rows: list[dict[str, Any]] = [{"map": None} for _ in names]
        asked = {"dataset": chosen["dataset"], "extractor": chosen["extractor"], "prompt": prompt}
        yield from compared(ctx, asked, digests, subset(images, names), rows)
        found |= dict(zip(names, rows, strict=True))
    return {"samples": chosen["samples"], "dataset": chosen["dataset"], "found": found}


def _calibration(spec: RunSpec, ctx: RunContext) -> str:
    """Digest of the calibration of the dataset as it is now.

    Raises:
        NotComputable: when it is not in the workspace.
        StoreError: when it is damaged.
    """
    from lab.errors import NotComputable
    from lab.neighbours.calibrate import CANARIES, calibration_digest
    from lab.neighbours.calibration import load

    train, held_out = splits(spec.settings["dataset"])
    extractor = resident_extractor(ctx, spec.settings["extractor"])
    digest = calibration_digest(train, held_out, extractor, CANARIES, 0, spec.inputs["autoencoder"])
    if load(calibrations(ctx), digest) is None:
        raise NotComputable(
            "The near-copy detectors are not calibrated on the training images; the samples are kept; resume the "
            "calibration, then this run."
        )
    return digest
