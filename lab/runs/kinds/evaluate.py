"""Measuring a synthetic set against a real one: features, verdicts, then one metric after another."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from typing import Any

from lab.provenance import canonical_json
from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.evaluate_groups import group_titles, in_group
from lab.runs.kinds.evaluate_inputs import gathered
from lab.runs.spec import Progress, RunSpec

_CODE = (
    "lab.data.preprocess", "lab.runs.kinds.set_checks",
    "lab.metrics", "lab.features", "lab.neighbours", "lab.runs.kinds.reference", "lab.runs.kinds.text_image",
    "lab.runs.captions", "lab.data.labels", "lab.runs.kinds.evaluate_groups", "lab.runs.kinds.evaluate_inputs",
    "lab.runs.kinds.providers",
    "lab.auroc", "lab.identification", "lab.segmentation",
)  # fmt: skip


@run_kind("evaluate", lane="device", priority="batch", modules=_CODE, title="Measure a set")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Compute the chosen metrics; each finished metric is a part."""
    from lab.metrics.evaluate import evaluate

    names: list[str] = spec.settings["metrics"]
    warnings = yield from _warnings(spec, ctx)
    plan = _plan(spec, names)
    results = [json.loads(kept) for key in plan if (kept := ctx.part(key))]
    if len(results) < len(plan):
        waiting = list(dict.fromkeys(name for key, (_, name) in plan.items() if ctx.part(key) is None))
        warning = _copies(spec)
        given, sides = yield from gathered(spec, ctx, waiting)
        keys = {pair: key for key, pair in plan.items()}
        stage = "Computing metrics"
        for title in dict.fromkeys(title for title, _ in keys):
            todo = [name for name in waiting if ctx.part(keys[title, name]) is None]
            yield ctx.progress(stage, len(results), len(plan))
            if not todo:
                continue
            part = in_group(given, title, sides.real, sides.synthetic, sides.held_out)
            for result in evaluate(todo, part, spec.settings["seed"]):
                record = result.to_json()
                record["note"] = " ".join(filter(None, (warning, record["note"])))
                if result.per_image is not None:
                    record["per_image"] = _scores(ctx, result.per_image)
                line = json.dumps(record)
                ctx.save_part(keys[title, result.metric], line.encode())
                results.append(json.loads(line))
                yield ctx.progress(stage, len(results), len(plan), message=f"{result.title} is done")
    order = list(plan.values())
    results.sort(key=lambda record: order.index((record["group"], record["metric"])))
    # The same numbers as a file of their own: whoever changes either is found out (lab.runs.integrity).
    kept_as = ctx.artifact(canonical_json(results).encode(), ".json")
    return {"results": results, "warnings": warnings, "record": kept_as, "provenance": _provenance(spec)}


def _plan(spec: RunSpec, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Key of each part to the group and the metric it holds, in the order in which they are computed."""
    from lab.data.resolve import resolve

    titles = group_titles(resolve(spec.settings["real"]), spec.settings.get("by", ""))
    return {f"metric-{number}-{name}": (title, name) for number, title in enumerate(titles) for name in names}


def _warnings(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, list[str]]:
    """What is said about the two sets as a whole; kept as a part, so a resumed run does not look again."""
    from lab.data.resolve import resolve
    from lab.data.store import open_dataset
    from lab.runs.kinds.set_checks import stored_alike

    kept = ctx.part("warnings")
    if kept is not None:
        return list(json.loads(kept))
    real, synthetic = resolve(spec.settings["real"]), resolve(spec.settings["synthetic"])
    modality = open_dataset(spec.settings["real"].split(":")[0]).card.modality
    found = yield from stored_alike(ctx, real, synthetic, modality)
    ctx.save_part("warnings", json.dumps(found).encode())
    return found


def _copies(spec: RunSpec) -> str:
    """A sentence about real films among the samples; unless a person asked to go on, they end the run with the list.

    Raises:
        DatasetError: when a set that claims to be synthetic holds real films and nobody asked to go on.
    """
    from lab.data.guards.real_files import real_files, told
    from lab.data.imageset import shared_digests
    from lab.data.resolve import resolve
    from lab.errors import DatasetError

    real, synthetic = resolve(spec.settings["real"]), resolve(spec.settings["synthetic"])
    found, total = real_files(synthetic), len(synthetic.ids())
    if found and spec.settings["copies"] != "measure":
        raise DatasetError(told(found, total))
    count = len(shared_digests(synthetic, real)) if synthetic.tag == "SYNTHETIC" else 0
    parts = (
        [f"{count} of the {total} synthetic images are images of the real set, byte for byte."]
        if count
        else []
    )
    others = len({one.image for one in found}) - count
    if others > 0:
        parts.append(f"{others} are films of other real sets that lie here, byte for byte.")
    return " ".join(parts)


def _scores(ctx: RunContext, values: Any) -> str:
    import io

    import numpy as np

    stream = io.BytesIO()
    np.save(stream, np.asarray(values, dtype=np.float64), allow_pickle=False)
    return ctx.artifact(stream.getvalue(), ".npy")


def _provenance(spec: RunSpec) -> dict[str, Any]:
    from lab.provenance import versions

    return {"digest": spec.digest, "settings": spec.settings, "inputs": spec.inputs, "versions": versions()}
