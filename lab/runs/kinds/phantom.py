"""Rendering phantoms and taking them in as a dataset."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.callbacks import relay, stepwise
from lab.runs.spec import Progress, RunSpec


@run_kind(
    "phantom",
    lane="side",
    priority="interactive",
    modules=("lab.data.phantoms", "lab.data.phantom_skin", "lab.data.phantom_heart"),
    title="Render phantoms",
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Render the films of all patients, resumable, then import them like any other folder."""
    from lab.data.phantom_dataset import add_phantom
    from lab.data.phantom_families import CXR, get_family

    chosen = spec.settings
    family = get_family(chosen.get("family", CXR.id))
    steps = stepwise(
        lambda report: add_phantom(
            chosen["id"],
            chosen["patients"],
            chosen["films_per_patient"],
            chosen["seed"],
            on_progress=report,
            family=family,
        )
    )
    report = yield from relay(steps, ctx, f"Rendering {family.noun}")
    return {"dataset": chosen["id"], "images": report.kept}
