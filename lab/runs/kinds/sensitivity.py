"""Planting altered copies of training images and counting which privacy metrics find them."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import matrix, resident_extractor
from lab.runs.kinds.planted import PlantedSet, planted_set
from lab.runs.kinds.providers import Sets, provided
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    from lab.metrics.inputs import MetricInput

_CODE = (
    "lab.auroc", "lab.metrics", "lab.features", "lab.neighbours.canaries", "lab.runs.kinds.planted",
    "lab.runs.kinds.providers",
)  # fmt: skip


@run_kind(
    "sensitivity", lane="device", priority="batch", modules=_CODE, title="Try detectors on planted copies"
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """The share of planted copies found and of honest images accused, by metric; each finished metric is a part."""
    from lab.metrics.sensitivity import sensitivity

    asked = spec.settings
    names: list[str] = asked["metrics"]
    kept = {name: json.loads(part) for name in names if (part := ctx.part(f"detector-{name}"))}
    todo = [name for name in names if name not in kept]
    planted = planted_set(asked["dataset"], asked["copies"], asked["seed"])
    if todo:
        given = yield from _given(spec, ctx, planted, todo)
        yield ctx.progress("Trying detectors", len(kept), len(names))
        for one in sensitivity(todo, given, planted.kinds, asked["seed"]):
            kept[one.metric] = one.to_json()
            ctx.save_part(f"detector-{one.metric}", json.dumps(kept[one.metric]).encode())
            yield ctx.progress("Trying detectors", len(kept), len(names))
    detectors = [kept[name] for name in names]
    return {
        "dataset": asked["dataset"],
        "extractor": asked["extractor"],
        "copies": planted.copies,
        "honest": planted.honest,
        "training": len(planted.train.ids()),
        "detectors": detectors,
        "table": table(detectors),
        "examples": _examples(ctx, planted),
    }


def _examples(ctx: RunContext, planted: PlantedSet) -> list[dict[str, str]]:
    """The first image's copy of every kind, for people to see what was planted; kinds in their order."""
    from lab.data.images import encode_png
    from lab.metrics.sensitivity import HONEST

    rows = planted.frame().drop_duplicates("kind")
    rows = rows[rows["kind"] != HONEST]
    return [
        {
            "kind": str(row.kind),
            "source": str(row.source),
            "artifact": ctx.artifact(encode_png(planted.image(str(row.image_id))), ".png"),
        }
        for row in rows.itertuples()
    ]


def table(detectors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a detector: the share of each kind found at one false alarm in twenty; then its own rule's alarms."""
    rows = []
    for one in detectors:
        found = {share["kind"]: round(share["value"], 3) for share in one["matched"]}
        alarms = one["false_alarms"]
        own = {} if alarms is None else {"false alarms of its own rule": round(alarms["value"], 3)}
        rows.append(
            {"detector": one["title"], **found, **own, **({"note": one["note"]} if one["note"] else {})}
        )
    return rows


def _given(
    spec: RunSpec, ctx: RunContext, planted: PlantedSet, names: list[str]
) -> Generator[Progress, None, MetricInput]:
    from lab.metrics.inputs import MetricInput
    from lab.metrics.registry import get_metric

    extractor = resident_extractor(ctx, spec.settings["extractor"])
    features = []
    for images in (planted.train, planted, planted.control):
        features.append((yield from matrix(ctx, extractor, images)))
    sides = Sets(planted.train.id, planted.train, planted, planted.control, extractor, spec.settings)
    asks = {need for name in names for need in get_metric(name).spec.asks}
    more = yield from provided(ctx, sides, asks)
    return MetricInput(
        real=features[0], real_patients=planted.train.patients(), synthetic=features[1], held_out=features[2],
        held_out_patients=planted.control.patients(), extractor=extractor.id, **more,
    )  # fmt: skip
