"""What an output filter leaves of an audited set: privacy and fidelity of all samples and of those that pass."""

from __future__ import annotations

import io
import json
from collections.abc import Generator
from typing import Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.embed import matrix, resident_extractor
from lab.runs.spec import Progress, RunSpec

STAGE = "Measuring what is left"


@run_kind(
    "filter",
    lane="device",
    priority="batch",
    modules=("lab.leakage.filtering", "lab.auroc", "lab.metrics", "lab.features"),
    title="Filter a set",
)
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """The metrics of `lab.leakage.filtering.MEASURED`, before and after; each is a part."""
    import numpy as np
    import pandas as pd

    from lab.data.resolve import resolve
    from lab.leakage.filtering import MEASURED, filtered
    from lab.metrics.evaluate import evaluate
    from lab.metrics.inputs import MetricInput

    chosen = spec.settings
    table = pd.read_parquet(io.BytesIO(ctx.read_artifact(spec.inputs["table"])))
    left = filtered(table)
    extractor = resident_extractor(ctx, chosen["extractor"])
    samples = resolve(chosen["samples"], folders=False)
    train, held_out = resolve(f"{chosen['dataset']}:train"), resolve(f"{chosen['dataset']}:held-out")
    rows = []
    for images in (train, samples, held_out):
        rows.append((yield from matrix(ctx, extractor, images)))
    results: dict[str, list[dict[str, Any]]] = {}
    total, done = 2 * len(MEASURED), 0
    for name, kept in (("all", np.ones(len(rows[1]), dtype=bool)), ("kept", left.kept)):
        results[name] = []
        given = MetricInput(
            real=rows[0], real_patients=train.patients(), synthetic=rows[1][kept], held_out=rows[2],
            held_out_patients=held_out.patients(), extractor=extractor.id,
        )  # fmt: skip
        for metric in MEASURED:
            part = ctx.part(f"{name}-{metric}")
            if part is None:
                part = json.dumps(next(evaluate([metric], given)).to_json()).encode()
                ctx.save_part(f"{name}-{metric}", part)
            results[name].append(json.loads(part))
            done += 1
            yield ctx.progress(STAGE, done, total)
    return {"samples": chosen["samples"], "dataset": chosen["dataset"], "n": len(table),
            "kept": int(left.kept.sum()), "exposed": left.exposed, "results": results}  # fmt: skip
