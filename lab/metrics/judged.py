"""Scores of single images against the training images, summed up: interval, control, floor and charts.

The reference is fixed while patients are drawn with replacement: right for means, shares and medians of per-image
scores, wrong for distances between sets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.patients import FEW, MINIMUM_PATIENTS, REPLICATES, index_patients, share_interval
from lab.metrics.points import Points

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Summary = Callable[[Floats], float]
DRAWN, FLAGGED = 500, 50
_BLOCK = 2_000_000


@dataclass(frozen=True, eq=False)
class Judged:
    """Per-image scores of one side.

    Args:
        points: whose they are.
        scores: (m,) in the order of `points`.
        nearest: (m,) row of the training image each is closest to, in the order of the training points.
    """

    points: Points
    scores: Floats
    nearest: IntArray | None = None


def mean(scores: Floats) -> float:
    """The mean of scores."""
    return float(np.mean(scores))


def median(scores: Floats) -> float:
    """The median of scores."""
    return float(np.median(scores))


def summarise(
    comparison: Comparison,
    samples: Judged,
    control: Judged | None,
    summary: Summary,
    purpose: str,
    details: Mapping[str, Any] | None = None,
    note: str = "",
) -> Measurement:
    """The mean or median of scores beside that of held-out images.

    Args:
        comparison: where draws come from.
        samples: scores of the samples.
        control: scores of held-out images in place of the samples, None where there are none.
        summary: `mean` or `median`.
        purpose: name for the random draws.
        details: for charts.
        note: told with the number.
    """
    rng = comparison.rng(purpose)
    low, high = interval(samples, summary, rng)
    found: dict[str, Any] = {}
    if control is not None:
        n = min(len(samples.scores), len(control.scores))
        drawn = rng.integers(0, len(control.scores), (REPLICATES, n))
        floor = [summary(control.scores[rows]) for rows in drawn[:400]]
        ends = interval(control, summary, rng)
        value = summary(control.scores)
        found = {
            "control": value, "control_low": ends[0], "control_high": ends[1], "floor": value,
            "floor_low": float(np.percentile(floor, 2.5)), "floor_high": float(np.percentile(floor, 97.5)),
            "floor_n": n,
        }  # fmt: skip
    sentences = [note] if note else []
    if low is None:
        sentences.append(FEW)
    if control is None:
        sentences.append("There are no held-out images: read no single number without its control.")
    return Measurement(
        value=summary(samples.scores), low=low, high=high, note=" ".join(sentences), details=dict(details or {}),
        per_image=samples.points.in_given_order(samples.scores), **found,
    )  # fmt: skip


def interval(
    judged: Judged, summary: Summary, rng: np.random.Generator
) -> tuple[float, float] | tuple[None, None]:
    """95 % interval by patient: a bootstrap, or that of a share where every score is 0 or 1."""
    patients, total = index_patients(judged.points.patients)
    if total < MINIMUM_PATIENTS:
        return None, None
    scores = judged.scores
    if summary is mean and bool(np.isin(scores, (0.0, 1.0)).all()):
        return share_interval(scores > 0, judged.points.patients)
    order = np.argsort(scores, kind="stable")
    ranked, owners = scores[order], patients[order]
    found: list[Floats] = []
    step = max(1, _BLOCK // len(scores))
    for start in range(0, REPLICATES, step):
        weights = _drawn(total, min(step, REPLICATES - start), rng)[:, owners].astype(np.float64)
        found.append(_weighted(ranked, weights, summary is median))
    low, high = np.percentile(np.concatenate(found), (2.5, 97.5))
    return float(low), float(high)


def _drawn(people: int, count: int, rng: np.random.Generator) -> IntArray:
    """(count, people) how often each patient is drawn."""
    return np.asarray(rng.multinomial(people, np.full(people, 1.0 / people), count))


def _weighted(ranked: Floats, weights: Floats, middle: bool) -> Floats:
    """Means, or medians, of ascending scores under each row of weights."""
    if not middle:
        return np.asarray((weights @ ranked) / weights.sum(axis=1))
    cumulated = np.cumsum(weights, axis=1)
    half = cumulated[:, -1:] / 2.0
    lower = (cumulated < half).sum(axis=1)
    upper = np.minimum((cumulated <= half).sum(axis=1), len(ranked) - 1)
    return np.asarray((ranked[lower] + ranked[upper]) / 2.0)


@dataclass(frozen=True, eq=False)
class Limit:
    """A percentile of other images' scores, which is itself uncertain.

    Args:
        scale: images and scores whose percentile it is.
        percent: 0..100.
        below: whether scores below it are flagged, else those above.
    """

    scale: Judged
    percent: float
    below: bool

    @property
    def value(self) -> float:
        """The percentile."""
        return float(np.percentile(self.scale.scores, self.percent))

    def flags(self, scores: Floats) -> Floats:
        """1 where a score lies beyond the limit, else 0."""
        beyond = scores < self.value if self.below else scores > self.value
        return np.asarray(beyond, dtype=np.float64)


def limit_interval(
    judged: Judged, limit: Limit, rng: np.random.Generator
) -> tuple[float, float] | tuple[None, None]:
    """95 % interval of the share beyond a limit: patients of both the images and the scale are drawn.

    Holding the limit fixed would call every twentieth honest set a copying one too often.
    """
    if min(index_patients(side.points.patients)[1] for side in (judged, limit.scale)) < MINIMUM_PATIENTS:
        return None, None
    sides = []
    for side in (judged, limit.scale):
        codes, total = index_patients(side.points.patients)
        order = np.argsort(side.scores, kind="stable")
        sides.append((side.scores[order], codes[order], total))
    (scores, owners, people), (scale, scale_owners, scale_people) = sides
    parts: list[Floats] = []
    step = max(1, _BLOCK // (len(scores) + len(scale)))
    for start in range(0, REPLICATES, step):
        count = min(step, REPLICATES - start)
        times = np.cumsum(_drawn(people, count, rng)[:, owners], axis=1)
        weights = np.cumsum(_drawn(scale_people, count, rng)[:, scale_owners], axis=1)
        place = (weights < limit.percent / 100.0 * weights[:, -1:]).sum(axis=1)
        edges = scale[np.minimum(place, len(scale) - 1)]
        below = np.searchsorted(scores, edges, "left" if limit.below else "right")
        inside = np.where(below > 0, times[np.arange(count), np.maximum(below, 1) - 1], 0) / times[:, -1]
        parts.append(inside if limit.below else 1.0 - inside)
    found = np.concatenate(parts)
    low, high = np.percentile(found, (2.5, 97.5))
    flags = limit.flags(judged.scores) > 0
    if flags.all() or not flags.any():
        exact = share_interval(flags, judged.points.patients)
        return min(float(low), exact[0]), max(float(high), exact[1])
    return float(low), float(high)


def histogram(samples: Floats, control: Floats | None, title: str) -> dict[str, Any]:
    """Scores of both sides for a histogram, ascending: at most 500 order statistics a side, ends included.

    Returns:
        {"samples": [...], "held_out": [...], "x_title": title}; without "held_out" where there are none.
    """
    told: dict[str, Any] = {"samples": _thinned(samples), "x_title": title}
    return told | ({} if control is None else {"held_out": _thinned(control)})


def _thinned(scores: Floats) -> list[float]:
    ranked = np.sort(scores)
    if len(ranked) > DRAWN:
        ranked = ranked[np.linspace(0, len(ranked) - 1, DRAWN).round().astype(np.int64)]
    return [float(f"{score:.5g}") for score in ranked]


def flagged_pairs(
    judged: Judged, real: Points, flags: NDArray[np.bool_], high_first: bool = False
) -> list[dict[str, Any]]:
    """The flagged samples beside their training images, the plainest first, at most 50; rows as the caller gave."""
    if judged.nearest is None:
        return []
    rows = np.flatnonzero(flags)
    key = -judged.scores[rows] if high_first else judged.scores[rows]
    return [
        {
            "sample": int(judged.points.order[row]),
            "training": int(real.order[judged.nearest[row]]),
            "score": float(judged.scores[row]),
        }
        for row in rows[np.argsort(key, kind="stable")][:FLAGGED]
    ]
