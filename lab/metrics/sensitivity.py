"""How well each per-image privacy metric finds planted copies, and how often it accuses honest images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError
from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.result import MetricResult

Floats = NDArray[np.float64]
HONEST = "held-out"
LEVEL = 0.05
DETECTORS = (
    "nearest-distance", "nndr", "authpct", "m3-memorisation", "copy-detection", "memorisation-index",
    "extraction-ratio", "ssim-nearest",
)  # fmt: skip


@dataclass(frozen=True)
class FoundShare:
    """`hits` of `n` images with the exact 95 % interval (Clopper and Pearson 1934); one image a patient."""

    kind: str
    hits: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share, 0..1."""
        return self.hits / self.n

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "kind": self.kind,
            "value": self.value,
            "hits": self.hits,
            "n": self.n,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True)
class Sensitivity:
    """One detector against planted copies.

    Args:
        metric, title: of the metric.
        rule: {"below": t} or {"above": t}, the metric's own.
        found: by kind of copy, flagged by that rule.
        false_alarms: honest images flagged by it.
        matched: by kind, flagged by the strictest rule under which at most 5 % of the honest images are: detectors
            can be compared by it alone.
        matched_alarms: honest images that this rule flags.
        note: why there are no numbers; "" where there are.
    """

    metric: str
    title: str
    rule: Mapping[str, float]
    found: tuple[FoundShare, ...]
    false_alarms: FoundShare | None
    matched: tuple[FoundShare, ...]
    matched_alarms: FoundShare | None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        alarms = [None if one is None else one.to_json() for one in (self.false_alarms, self.matched_alarms)]
        return {
            "metric": self.metric, "title": self.title, "rule": dict(self.rule), "note": self.note,
            "found": [one.to_json() for one in self.found], "false_alarms": alarms[0],
            "matched": [one.to_json() for one in self.matched], "matched_alarms": alarms[1], "level": LEVEL,
        }  # fmt: skip


def sensitivity(
    detectors: Sequence[str], planted: MetricInput, kinds: NDArray[np.str_], seed: int = 0
) -> Iterator[Sensitivity]:
    """Try detectors on planted copies and on honest images, yielding each as it is done.

    Args:
        detectors: metric names; those without a rule for single images are told with a note.
        planted: training images, and on the synthetic side planted copies and honest images; its held-out images
            set thresholds and are none of the honest ones.
        kinds: (m,) kind of copy of each row of the synthetic side, `HONEST` for honest ones.
        seed: of the metrics.

    Raises:
        InputError: when kinds do not match the rows, or no honest image is among them.
    """
    if len(kinds) != planted.n_synthetic or not (kinds == HONEST).any() or (kinds == HONEST).all():
        raise InputError(
            "Detectors are tried on planted copies and on honest images; nothing was computed; give the kind of"
            " each row."
        )
    for result in evaluate(detectors, planted, seed):
        yield _judged(result, kinds)


def _judged(result: MetricResult, kinds: NDArray[np.str_]) -> Sensitivity:
    rule = {str(side): float(value) for side, value in dict(result.details.get("rule", {})).items()}
    if result.per_image is None or not rule:
        note = (result.note if result.value is None else "") or "It has no rule for single images."
        return Sensitivity(result.metric, result.title, rule, (), None, (), None, note)
    below = "below" in rule
    scores = -result.per_image if below else result.per_image
    limit = -rule["below"] if below else rule["above"]
    honest = scores[kinds == HONEST]
    # The lowest threshold that lets at most one honest image in twenty through.
    strict = np.sort(honest)[::-1][int(np.floor(LEVEL * len(honest) + 1e-9))]
    names = [kind for kind in dict.fromkeys(kinds.tolist()) if kind != HONEST]
    (own, alarms), (matched, matched_alarms) = (
        (tuple(_share(kind, scores[kinds == kind] > edge) for kind in names), _share(HONEST, honest > edge))
        for edge in (limit, strict)
    )
    return Sensitivity(result.metric, result.title, rule, own, alarms, matched, matched_alarms)


def _share(kind: str, flags: NDArray[np.bool_]) -> FoundShare:
    from lab.leakage.roc import clopper_pearson

    hits, n = int(flags.sum()), len(flags)
    return FoundShare(kind, hits, n, *clopper_pearson(hits, n))
