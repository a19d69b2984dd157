"""Importing a folder of images: untrusted files are decoded in the side process, never in the web process."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.callbacks import relay, stepwise
from lab.runs.spec import Progress, RunSpec


@run_kind("import", lane="side", priority="interactive", modules=("lab.data",), title="Import a dataset")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Import the folder; bad files are listed with the reason and left out."""
    from lab.data.concealed import concealed
    from lab.data.store import add_folder

    chosen = spec.settings
    steps = stepwise(
        lambda report: add_folder(
            Path(chosen["folder"]),
            chosen["id"],
            metadata=Path(chosen["metadata"]) if chosen["metadata"] else None,
            mapping=chosen["mapping"] or None,
            licence=chosen["licence"],
            seed=chosen["seed"],
            control=chosen["control"],
            on_progress=report,
        )
    )
    report = yield from relay(steps, ctx, "Reading images")
    return {
        "dataset": chosen["id"],
        "images": report.kept,
        "left_out": concealed(report.left_out),
        "merged": concealed(report.merged),
        "notes": list(report.notes),
    }
