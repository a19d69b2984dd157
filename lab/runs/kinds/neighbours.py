"""Finding the nearest images of a dataset for some image files."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import resident_extractor
from lab.runs.kinds.reference import BLOCK, open_reference, shown
from lab.runs.spec import Progress, RunSpec

_CODE = ("lab.neighbours", "lab.features", "lab.runs.kinds.reference")


@run_kind("neighbours", lane="device", priority="interactive", modules=_CODE, title="Find neighbours")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Search and judge the images in blocks."""
    from lab.data.dataset import parse_reference
    from lab.data.images import decode
    from lab.neighbours.neighbours import find
    from lab.neighbours.reference import new_queries

    name, split = parse_reference(spec.settings["dataset"])
    extractor = resident_extractor(ctx, spec.settings["extractor"])
    reference = yield from open_reference(ctx, name, extractor, spec.inputs["calibration"])
    searched = (
        reference.held_out if split == "held-out" and reference.held_out is not None else reference.train
    )
    digests: list[str] = spec.settings["images"]
    stage, found = "Searching neighbours", []
    for start in range(0, len(digests), BLOCK):
        block = digests[start : start + BLOCK]
        images = [decode(ctx.read_artifact(digest, ".image")).array for digest in block]
        queries = new_queries(images, extractor, block)
        reports = find(queries, searched, reference.held_out, reference.calibration, spec.settings["k"])
        found += [shown(report) for report in reports]
        yield ctx.progress(stage, len(found), len(digests))
    return {
        "dataset": name,
        "images": [{"digest": d, **item} for d, item in zip(digests, found, strict=True)],
    }
