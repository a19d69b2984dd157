"""Taking in images that were made elsewhere: read in child processes, kept without names or metadata."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.callbacks import relay, stepwise
from lab.runs.spec import Progress, RunSpec


@run_kind(
    "import-samples", lane="side", priority="interactive", modules=("lab.data",), title="Import samples"
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Import the samples; missing and bad files are listed with the reason, their names concealed."""
    from lab.data.importing.concealed import concealed
    from lab.data.importing.sample_import import import_samples

    chosen = spec.settings
    steps = stepwise(
        lambda report: import_samples(
            chosen["place"],
            chosen["id"],
            chosen["parent"],
            chosen["licence"],
            Path(chosen["metadata"]) if chosen["metadata"] else None,
            generator=chosen["generator"],
            limit=chosen["limit"],
            seed=chosen["seed"],
            key=spec.digest,
            on_progress=report,
        )
    )
    report = yield from relay(steps, ctx, "Reading samples")
    return {
        "samples": chosen["id"],
        "images": len(report.samples),
        "left_out": concealed(report.left_out),
        "notes": list(report.notes),
        "real_films": report.real_films,
    }
