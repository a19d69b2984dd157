"""The gate that a generator passes before its weights are shipped: do its samples copy training films?

Three conditions. The near-copy share of samples is not significantly above that of held-out films, judged by the same
calibration. The share of samples closer to training than to as many held-out images of as many patients includes 0.5
in its 95 % interval, by features and by registered correlation: copies that went through the autoencoder escape
features. The 20 closest pairs stand in the report as distances.
"""

from __future__ import annotations

import time

import numpy as np

from lab.gates.report import Figure, GateReport
from lab.gates.ship_excess import excess_p, first_failing, patient_shares
from lab.gates.ship_ground import Ground, open_ground
from lab.gates.ship_samples import OnProgress, SampleArrays, made, plan
from lab.gates.ship_verdicts import PAIRS, Judged, closest, comparison, judge
from lab.generators.card import GeneratorCard
from lab.metrics.privacy.closer_to_training import DRAWS, Draw, matched_films, score_distances
from lab.metrics.result import MetricResult
from lab.neighbours.calibration import Calibration
from lab.neighbours.verdict import COSINE, REGISTERED
from lab.provenance import code_digest

SAMPLES = 500
SEED = 0
LEVEL = 0.05
NULL = 0.5
EXCESS = "Near-copy share above held-out, one-sided p"
CODE = (
    "lab.auroc",
    "lab.neighbours",
    "lab.features",
    "lab.metrics",
    *(f"lab.gates.ship{part}" for part in ("", "_excess", "_ground", "_samples", "_verdicts")),
)


def measure(asset: str, on_progress: OnProgress, n: int = SAMPLES) -> GateReport:
    """Generate `n` samples, judge them and report.

    Args:
        asset: id of a generator whose card names its training dataset.
        on_progress: called with (stage, done, total).
        n: samples, 20 or more.

    Raises:
        NotFoundError: for an unknown generator.
        DatasetError: when its training dataset is not installed with held-out images.
        GeneratorError: when its weights are not here.
    """
    start = time.monotonic()
    card, samples, ground, digest = samples_and_ground(asset, on_progress, n)
    return report_of(card.id, judge(samples, ground, on_progress), {"generator": digest}, start, on_progress)


def samples_and_ground(
    asset: str, on_progress: OnProgress, n: int = SAMPLES
) -> tuple[GeneratorCard, SampleArrays, Ground, str]:
    """Card, samples, ground and digest of weights of one generator; what is there already is not made again."""
    from lab.device import limit_threads
    from lab.generators.cards import get_card
    from lab.generators.load import load, model_digest

    limit_threads()
    card = get_card(asset)
    digest = model_digest(card)
    ground = open_ground(card.training_dataset, on_progress)
    asked = plan(card, ground.train, ground.held_out, n)
    return card, made(card, digest, asked, lambda: load(card), on_progress), ground, digest


def report_of(
    asset: str, judged: Judged, inputs: dict[str, str], start: float, on_progress: OnProgress
) -> GateReport:
    """The report of judged samples.

    Args:
        inputs: digests of what the samples came from.
        start: `time.monotonic()` when the measurement began.
    """
    ground = judged.ground
    pairs = closest(judged)
    figures = [*near_copies(judged), *closer(judged, on_progress), *pair_figures(pairs)]
    figures += calibration_figures(ground.calibration)
    return GateReport(
        id="ship",
        subject=asset,
        title="Whether samples copy training films",
        command=f"python -m lab gates run ship --asset {asset} --write",
        inputs={
            **inputs, "train": ground.train.digest, "held-out": ground.held_out.digest,
            "samples": judged.samples.digest, "extractor": ground.extractor.digest,
            "calibration": ground.calibration.digest, "code": code_digest(CODE),
        },
        seconds=round(time.monotonic() - start, 1),
        figures=tuple(figures),
        details={"closest_pairs": pairs, "labels": _labels(judged.samples)},
    )  # fmt: skip


def near_copies(judged: Judged) -> list[Figure]:
    """The share of near-copies, its control, and whether the first is above the second."""
    from lab.metrics.evaluate import evaluate

    (found,) = evaluate(["near-copy-share"], judged.given, SEED)
    films, people = len(judged.control), patient_shares(judged.control, judged.ground.held_out.patients())
    p = excess_p(judged.near.astype(np.float64), people, SEED)
    failing = first_failing(len(judged.near), people, LEVEL, SEED)
    note = (
        f"permutation of samples and patients, Welch's t; from {failing} near-copies among {len(judged.near)} samples"
        f" on the gate would be missed"
    )
    control = f"{int(judged.control.sum())} of {films} films, {len(people)} patients"
    return [
        Figure("Near-copy share of samples", found.value, found.low, found.high, n=len(judged.near)),
        Figure(
            "Near-copy share of held-out films", found.control, found.control_low, found.control_high,
            n=films, note=control,
        ),
        Figure(EXCESS, p, limit=LEVEL, side=">=", n=len(judged.near) + len(people), note=note),
    ]  # fmt: skip


def closer(judged: Judged, on_progress: OnProgress) -> list[Figure]:
    """The share closer to training, by features and by registered correlation, and how far 0.5 lies outside."""
    from lab.metrics.evaluate import evaluate

    on_progress("Comparing training with held-out images", 0, 2)
    (found,) = evaluate(["closer-to-training"], judged.given, SEED)
    on_progress("Comparing training with held-out images", 1, 2)
    n, control = len(judged.near), _control(found)
    figures = _closer_figures(
        COSINE, found.value, found.low, found.high, n, f"{control} {found.note}".strip()
    )
    share, low, high = closer_by_registered(judged)
    figures += _closer_figures(REGISTERED, share, low, high, n, "")
    on_progress("Comparing training with held-out images", 2, 2)
    return figures


def closer_by_registered(judged: Judged) -> tuple[float, float | None, float | None]:
    """The share of samples closer to training by registered correlation, with its 95 % interval.

    Draws and interval are those of the metric "closer-to-training"; a distance is 1 - the largest correlation.
    """
    sets = comparison(judged, SEED)
    real, samples, held_out = sets.real, sets.synthetic, sets.held_out
    assert held_out is not None  # noqa: S101 - the ground has held-out images
    rng = sets.rng("closer-to-training")
    draws = [Draw(np.arange(samples.n), *matched_films(real, held_out, rng)) for _ in range(DRAWS)]
    to_real = judged.to_train[np.ix_(samples.order, real.order)]
    to_held_out = judged.to_held_out[np.ix_(samples.order, held_out.order)]
    scores = score_distances(samples, real, held_out, draws, [(0, to_real, to_held_out)])
    return (scores.value, *scores.interval())


def pair_figures(pairs: list[dict[str, object]]) -> list[Figure]:
    """How many closest pairs the report holds, and the smallest p among them."""
    smallest = min((float(str(pair["p"])) for pair in pairs), default=None)
    return [
        Figure("Closest pairs in the report", float(len(pairs)), limit=float(PAIRS), n=len(pairs),
               note="as distances, not films; `details.closest_pairs`"),
        Figure("Smallest corrected p of a sample", smallest),
    ]  # fmt: skip


def calibration_figures(calibration: Calibration) -> list[Figure]:
    """False alarms and canary detection: a verdict without sensitivity is no verdict."""
    figures = []
    if calibration.false_alarms is not None:
        share = calibration.false_alarms
        note = f"called near-copies among films of {share.clusters} patients that set no threshold"
        figures.append(
            Figure("False alarms on held-out films", share.value, share.low, share.high, n=share.n, note=note)
        )
    for rate in calibration.canaries:
        found = rate.found
        alone = ", ".join(f"{name} alone {one.value:.0%}" for name, one in rate.by_detector.items())
        figures.append(
            Figure(f"Canaries found, {rate.kind}", found.value, found.low, found.high, n=found.n, note=alone)
        )
    return figures


def _closer_figures(
    detector: str, value: float | None, low: float | None, high: float | None, n: int, note: str
) -> list[Figure]:
    outside = None if low is None or high is None else max(low - NULL, NULL - high, 0.0)
    return [
        Figure(f"Closer to training, {detector}", value, low, high, n=n, note=note),
        Figure(f"How far 0.5 lies outside that interval, {detector}", outside, limit=0.0, side="<=", n=n),
    ]


def _control(found: MetricResult) -> str:
    if found.control is None or found.control_low is None or found.control_high is None:
        return ""
    return f"held-out films {found.control:.3f} [{found.control_low:.3f}, {found.control_high:.3f}]."


def _labels(samples: SampleArrays) -> dict[str, int]:
    names, counts = np.unique(np.asarray(samples.labels(), dtype=str), return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}
