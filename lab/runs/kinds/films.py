"""Rendering the films of a phantom dataset ahead of the first look at them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.spec import Progress, RunSpec


@run_kind(
    "films", lane="side", priority="batch", modules=("lab.data.phantom_films",), title="Render films ahead"
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Render what is missing, film by film; each finished film is kept whatever happens to the run."""
    from lab.data.phantom_films import supply_all
    from lab.data.store import open_dataset

    dataset = open_dataset(spec.settings["dataset"])
    first = last = 0
    for done, total in supply_all(dataset.folder, dataset.manifest):
        first, last = (done if not last else first), done
        yield ctx.progress("Rendering pictures", done, total)
    return {"dataset": dataset.card.id, "images": last, "rendered": last - first}
