"""The nearest-neighbour audit of a whole set: every sample beside its nearest training image."""

from __future__ import annotations

import io
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kind import run_kind
from lab.runs.kinds.audit_pairs import look_closer
from lab.runs.kinds.embed import resident_extractor
from lab.runs.kinds.reference import BLOCK, Reference, open_reference, queries_of
from lab.runs.spec import Progress, RunSpec

if TYPE_CHECKING:
    import pandas as pd

    from lab.data.imageset import ImageSet
    from lab.features.extractor import FeatureExtractor
    from lab.neighbours.neighbours import NeighbourReport
    from lab.neighbours.reference import Queries
    from lab.neighbours.verdict import Verdict

_CODE = ("lab.neighbours", "lab.features", "lab.runs.kinds.reference", "lab.runs.kinds.audit_pairs")


@run_kind("audit", lane="device", priority="batch", modules=_CODE, title="Audit a set")
def execute(spec: RunSpec, ctx: RunContext) -> Generator[Progress, None, dict[str, Any]]:
    """Verdicts, distance ratios and copy, real and non-real sets; the table is an artifact."""
    from lab.data.resolve import resolve
    from lab.features.store import FeatureStore

    asked = spec.settings
    images = resolve(asked["samples"], folders=False)
    extractor = resident_extractor(ctx, asked["extractor"])
    reference = yield from open_reference(ctx, asked["dataset"], extractor, spec.inputs["calibration"])
    queries = yield from queries_of(ctx, images, extractor, FeatureStore(ctx.settings.features))
    table = yield from _table(ctx, images, queries, reference, extractor)
    looked = yield from look_closer(ctx, table, images, asked["dataset"])
    stream = io.BytesIO()
    table.to_parquet(stream, index=False)
    return {
        "samples": asked["samples"],
        "dataset": asked["dataset"],
        "extractor": extractor.id,
        "n": len(table),
        "n_train": len(reference.train),
        "table": ctx.artifact(stream.getvalue(), ".parquet"),
        "sets": {name: int((table["set"] == name).sum()) for name in ("copy", "real", "non-real")},
        "labels": {str(name): int(count) for name, count in table["label"].value_counts().items()},
        "flagged": int((table["nndr"] < _flag()).sum()),
        "nndr_median": float(table["nndr"].median()),
        **looked,
        "distances": _distances(ctx, reference),
    }


def _flag() -> float:
    from lab.neighbours.nearest_real import FLAG_BELOW

    return FLAG_BELOW


def _table(
    ctx: RunContext, images: ImageSet, queries: Queries, reference: Reference, extractor: FeatureExtractor
) -> Generator[Progress, None, pd.DataFrame]:
    import pandas as pd

    from lab.neighbours.nearest_real import nearest_real, radii
    from lab.neighbours.neighbours import find

    train = reference.train
    reports: list[NeighbourReport] = []
    for start in range(0, len(queries), BLOCK):
        block = queries.part(start, start + BLOCK)
        reports += find(block, train, reference.held_out, reference.calibration, k=1)
        yield ctx.progress("Judging samples", len(reports), len(queries))
    key = f"radii:{train.digest}:{extractor.digest}"
    yield ctx.progress("Measuring training images", 0, 2)
    reach = ctx.resident(key, lambda: radii(train.features, groups=train.patients))
    near = nearest_real(queries.features[0], train.features, reach)
    yield ctx.progress("Measuring training images", 1, 2)
    pixels = nearest_real(queries.lowres, train.lowres)
    yield ctx.progress("Measuring training images", 2, 2)
    told = {
        "image_id": images.ids(),
        "digest": images.digests(),
        "set": near.sets,
        "nearest": [train.ids[row] for row in near.rows],
        "offending": [train.ids[row] for row in near.offending],
        "distance": near.distances[:, 0],
        "nndr": near.nndr,
        "pixel_nearest": [train.ids[row] for row in pixels.rows],
        "pixel_distance": pixels.distances[:, 0],
        "pixel_nndr": pixels.nndr,
    }
    return pd.DataFrame(told | _verdicts(reports))


def _verdicts(reports: list[NeighbourReport]) -> dict[str, list[Any]]:
    """Label, p, agreeing detectors, cosine and registered distance and the first film of each report."""
    found: dict[str, list[Any]] = {}
    for report in reports:
        match, verdict = report.matches[0], report.verdict
        row = {
            "label": verdict.label if verdict else "no verdict",
            "p": verdict.p if verdict else None,
            "agreeing": ", ".join(verdict.agreeing) if verdict else "",
            "first": match.image_id,
            "cosine": match.distance,
            "registered": match.registered,
            "control": report.held_out.distance if report.held_out else None,
            "identical": report.identical or "",
            **_readings(verdict),
        }
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return found


def _readings(verdict: Verdict | None) -> dict[str, Any]:
    """By detector, the distance to its own nearest training film and that film, under the columns of a population."""
    from lab.leakage.population import distance_column, film_column

    told: dict[str, Any] = {}
    for reading in verdict.detectors if verdict else ():
        told |= {distance_column(reading.name): reading.distance, film_column(reading.name): reading.nearest}
    return told


def _distances(ctx: RunContext, reference: Reference) -> dict[str, dict[str, str]]:
    """Artifacts of the calibration's real-to-real and held-out distances, by detector."""
    import numpy as np

    calibration = reference.calibration
    if calibration is None:
        return {}

    def kept(values: Any) -> str:
        stream = io.BytesIO()
        # As the calibration holds them: a rounded one could fall on the other side of its own threshold.
        np.save(stream, np.asarray(values, dtype=np.float64), allow_pickle=False)
        return ctx.artifact(stream.getvalue(), ".npy")

    return {
        name: {"train": kept(values), "held-out": kept(calibration.held_out[name])}
        for name, values in calibration.reference.items()
    }
