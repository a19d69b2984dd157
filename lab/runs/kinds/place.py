"""Placing a sample set on a finished map, with what the map cannot say: true neighbours and the centroid."""

from __future__ import annotations

import io
from collections.abc import Generator
from typing import Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import matrix, resident_extractor
from lab.runs.kinds.map import arrays, placed_on, placing, with_model
from lab.runs.spec import Progress, RunSpec


@run_kind(
    "place",
    lane="side",
    priority="interactive",
    modules=("lab.projection", "lab.features"),
    title="Place samples",
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Transform the samples with the map's own model where it has one, else put them among their nearest."""
    import numpy as np

    from lab.data.resolve import resolve
    from lab.projection.neighbourhood import TORN, centroid, stretch, true_neighbours
    from lab.projection.projection import Projection

    chosen = spec.settings
    images = resolve(chosen["samples"])
    features = yield from matrix(ctx, resident_extractor(ctx, chosen["extractor"]), images)
    yield ctx.progress("Placing images", 0, len(features))
    with np.load(io.BytesIO(ctx.read_artifact(spec.inputs["map"], ".npz")), allow_pickle=False) as stored:
        train, coordinates = stored["features"].astype(np.float32), stored["coordinates"]
    method = dict(chosen["method"])
    fitted = with_model(ctx, Projection(str(method.pop("name")), coordinates, method), train)
    points = placed_on(fitted, train, features)
    rows, distances = true_neighbours(train, features)
    limit = chosen["off_map_limit"]
    placed = {
        "image_id": np.asarray(images.ids(), dtype=str),
        "points": np.asarray(points, dtype=np.float32),
        "off_map": np.zeros(len(rows), bool) if limit is None else distances[:, 0] > limit,
        "torn": stretch(points, coordinates, rows) >= TORN,
        "rows": rows,
        "distances": distances,
        "centroid": centroid(features),
    }
    return {
        "samples": chosen["samples"],
        "placed": ctx.artifact(arrays(**placed), ".npz"),
        "images": len(rows),
        "placed_by": placing(fitted),
    }
