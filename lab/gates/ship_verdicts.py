"""Samples judged by the calibrated detectors, and how near each lies to training and to held-out images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.gates.ship_ground import Ground, file_memo
from lab.gates.ship_samples import OnProgress, SampleArrays
from lab.metrics.comparison import Comparison
from lab.metrics.inputs import MetricInput
from lab.neighbours.calibrate import DETECTORS
from lab.neighbours.neighbours import NeighbourReport, find
from lab.neighbours.reference import Queries
from lab.neighbours.verdict import COSINE, NEAR_COPY, NEAR_COPY_P, REGISTERED, combined_p, p_values
from lab.provenance import digest_json

Floats = NDArray[np.float64]
BLOCK = 20
PAIRS = 20


@dataclass(frozen=True, eq=False)
class Judged:
    """Samples beside their ground.

    Attributes:
        reports: (m) verdict and nearest films of each sample, as the app shows them.
        near: (m,) bool, near-copies.
        control: (h,) bool, near-copies among the held-out images by the same calibration.
        to_train, to_held_out: (m, n) and (m, h) registered distances, 0..2.
        given: features and flags as a metric run gets them.
    """

    samples: SampleArrays
    ground: Ground
    reports: tuple[NeighbourReport, ...]
    near: NDArray[np.bool_]
    control: NDArray[np.bool_]
    to_train: Floats
    to_held_out: Floats
    given: MetricInput


def judge(samples: SampleArrays, ground: Ground, on_progress: OnProgress) -> Judged:
    """Judge samples, exactly as the app judges them, and measure all registered distances."""
    queries = ground.queries(samples, on_progress)
    reports = verdicts(queries, ground, on_progress)
    near = np.asarray([_label(report) == NEAR_COPY for report in reports], dtype=bool)
    to_train, to_held_out = _registered(queries, ground, on_progress)
    calibration = ground.calibration
    ps = [p_values(calibration.held_out[name], calibration.reference[name]) for name in DETECTORS]
    control = combined_p(np.stack(ps)) <= NEAR_COPY_P
    given = _given(samples, ground, near, control)
    return Judged(samples, ground, tuple(reports), near, control, to_train, to_held_out, given)


def verdicts(queries: Queries, ground: Ground, on_progress: OnProgress) -> list[NeighbourReport]:
    """Nearest films and verdict of each query."""
    found: list[NeighbourReport] = []
    for start in range(0, len(queries), BLOCK):
        block = queries.part(start, start + BLOCK)
        found += find(block, ground.train_set, ground.held_out_set, ground.calibration, 1)
        on_progress("Searching copies among samples", len(found), len(queries))
    return found


def comparison(judged: Judged, seed: int) -> Comparison:
    """The sets as a metric sees them."""
    return Comparison(judged.given, seed)


def closest(judged: Judged, count: int = PAIRS) -> list[dict[str, Any]]:
    """The pairs of a sample and a training image that lie closest, by corrected p, then by registered distance.

    No film and no patient: image ids are opaque, distances are numbers.
    """
    keys = [
        (_p(report), float(row.min())) for report, row in zip(judged.reports, judged.to_train, strict=True)
    ]
    order = sorted(range(len(keys)), key=lambda position: (*keys[position], position))[:count]
    return [_pair(judged, position) for position in order]


def _pair(judged: Judged, position: int) -> dict[str, Any]:
    report, samples = judged.reports[position], judged.samples
    assert report.verdict is not None  # noqa: S101 - the ground is calibrated
    assert report.held_out is not None  # noqa: S101 - and has held-out images
    row = samples.frame().iloc[position]
    near = judged.to_held_out[position]
    leading = min(report.verdict.detectors, key=lambda one: one.p)
    return {
        "seed": samples.seeds[position],
        "label": str(row["label"]),
        "prompt": str(row["caption"]),
        "sample": str(row["digest"]),
        "training_image": leading.nearest,
        "found_by": leading.name,
        "verdict": report.verdict.label,
        "p": report.verdict.p,
        "detectors": {
            one.name: {"distance": one.distance, "p": one.p, "nearest": one.nearest, "variant": one.variant}
            for one in report.verdict.detectors
        },
        "held_out": {
            COSINE: {"distance": report.held_out.distance, "nearest": report.held_out.image_id},
            REGISTERED: {
                "distance": float(near.min()),
                "nearest": judged.ground.held_out_set.ids[near.argmin()],
            },
        },
    }


def _registered(queries: Queries, ground: Ground, on_progress: OnProgress) -> tuple[Floats, Floats]:
    """Registered distances of all samples to all images, in blocks that survive a break."""
    sides = ground.train_set, ground.held_out_set
    memo = file_memo(digest_json(["registered", *queries.digests, *(side.digest for side in sides)]))
    columns, parts = [len(side) for side in sides], []
    for start in range(0, len(queries), BLOCK):
        low = queries.lowres[start : start + BLOCK]
        work = partial(_distances, low, ground)
        parts.append(memo.block(f"{start}", (len(low), sum(columns)), work))
        on_progress("Comparing with every film", start + len(low), len(queries))
    whole = np.concatenate(parts)
    return whole[:, : columns[0]], whole[:, columns[0] :]


def _distances(lowres: NDArray[np.float32], ground: Ground) -> Floats:
    sides = ground.train_set, ground.held_out_set
    return np.concatenate([side.registered.distances(lowres)[0] for side in sides], axis=1)


def _given(
    samples: SampleArrays, ground: Ground, near: NDArray[np.bool_], control: NDArray[np.bool_]
) -> MetricInput:
    def features(images: Any) -> NDArray[np.float32]:
        return ground.store.matrix(ground.extractor, images.digests())

    return MetricInput(
        real=features(ground.train),
        real_patients=ground.train.patients(),
        synthetic=features(samples),
        held_out=features(ground.held_out),
        held_out_patients=ground.held_out.patients(),
        real_labels=np.asarray(ground.train.labels()),
        held_out_labels=np.asarray(ground.held_out.labels()),
        near_copy=near,
        control_near_copy=control,
        real_digests=tuple(ground.train.digests()),
        held_out_digests=tuple(ground.held_out.digests()),
        extractor=ground.extractor.id,
    )


def _label(report: NeighbourReport) -> str:
    return "" if report.verdict is None else report.verdict.label


def _p(report: NeighbourReport) -> float:
    return 1.0 if report.verdict is None else report.verdict.p
