"""Xing et al. 2023: each sample is a copy, real, or non-real, by the neighbourhoods of the training images.

Whether a sample is a copy depends on that sample and on training images that stay as they are, so the scores are means
over samples and have the interval of a share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.codes import holds_codes
from lab.metrics.comparison import Comparison, Measurement, Share, compare_sets
from lab.metrics.left_out import Measure, distance_blocks, exact_distances, near_list, near_training
from lab.metrics.nearest_column import first_of_equals
from lab.metrics.points import Points, SetPair
from lab.metrics.spec import MetricOption

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
IntArray = NDArray[np.int64]
K = 5
GUARD = 0.05
REFERENCE = "Xing et al. 2023, You don't have to be perfect to be amazing (MICCAI); k = 5 as published"
COST = "all distances between and within the sets, once for the three shares: about 10 s for 5,000 x 5,000 images"
NEEDED = 20
OPTIONS = (
    MetricOption("k", "Neighbours", K, 1, 50, "The neighbour whose distance bounds the real set; published: 5."),
    MetricOption(
        "mode", "Distance", 0, 0, 2,
        "0 chooses: Hamming for whole-number codes, Euclidean for other features; 1 is Euclidean, 2 is Hamming.",
    ),
)  # fmt: skip
_EDGE = 1e-11
_PAIRS = 1 << 16
_LISTED = 500
BADGE = "collapse guard active"


@dataclass(frozen=True, eq=False)
class Classified:
    """The judged set of a pair, image by image.

    Args:
        copy: (m,) inside the first-neighbour ball of a training image.
        inside: (m,) inside the k-th-neighbour ball of one.
        offender: (m,) training row nearest among those of whose ball the image is a copy, -1 for none.
        distance: (m,) to that one, Euclidean or share of codes; infinite for none.
        guarded: whether the radius of copies was widened because the set has collapsed.
    """

    copy: Flags
    inside: Flags
    offender: IntArray
    distance: Floats
    guarded: bool

    @property
    def shares(self) -> dict[str, float]:
        """Copy, real and non-real; they sum to 1."""
        return {
            "copy": float(self.copy.mean()),
            "real": float(self.real.mean()),
            "non-real": float((~self.copy & ~self.real).mean()),
        }

    @property
    def real(self) -> Flags:
        """(m,) inside a k-th-neighbour ball and no copy."""
        return self.inside & ~self.copy


class Classifier:
    """Classifications of one comparison, each made once and shared by the three scores."""

    def __init__(self, comparison: Comparison, k: int, mode: int) -> None:
        self._comparison, self._k = comparison, k
        given = comparison.given
        codes = mode == 2 or (mode == 0 and holds_codes(given.real, given.synthetic))
        self.measure: Measure = "hamming" if codes else "euclidean"
        self._radii: dict[int, tuple[Points, Floats, Floats]] = {}
        self._found: dict[int, tuple[SetPair, Classified]] = {}

    def of(self, pair: SetPair) -> Classified:
        """The judged set of a pair against its training images."""
        if id(pair) not in self._found:
            self._found[id(pair)] = (pair, self._classify(pair))
        return self._found[id(pair)][1]

    def _classify(self, pair: SetPair) -> Classified:
        first, kth = self._balls(pair.real)
        guarded = bool(pair.synthetic.features.std(axis=0).mean() <= GUARD)
        if guarded:
            first = first + GUARD
        if self.measure == "euclidean":
            first, kth = first**2, kth**2
        copy, inside, offender = _inside(pair, first, kth, self.measure)
        distance = np.full(pair.synthetic.n, np.inf)
        rows = np.flatnonzero(offender >= 0)
        distance[rows] = exact_distances(pair.synthetic, rows, pair.real, offender[rows], self.measure)
        if self.measure == "euclidean":
            distance = np.sqrt(distance)
        return Classified(copy, inside, offender, distance, guarded)

    def _balls(self, real: Points) -> tuple[Floats, Floats]:
        """(n,) distances, not squared, to the first and to the k-th other training image."""
        if id(real) not in self._radii:
            if real is self._comparison.real:
                found = near_training(self._comparison, self._k, self.measure)
            else:
                found = near_list(real, real, self._k, self.measure)
            tables = [found.kth(k).distances[:, 0] for k in (1, self._k)]
            first, kth = (np.sqrt(table) if self.measure == "euclidean" else table for table in tables)
            self._radii[id(real)] = (real, first, kth)
        return self._radii[id(real)][1:]


def _inside(pair: SetPair, first: Floats, kth: Floats, measure: Measure) -> tuple[Flags, Flags, IntArray]:
    """Which images lie strictly inside which kind of ball, and the nearest training image they copy."""
    samples, real = pair.synthetic, pair.real
    copy, inside = np.zeros(samples.n, bool), np.zeros(samples.n, bool)
    offender, closest = np.full(samples.n, -1, dtype=np.int64), np.full(samples.n, np.inf)
    largest = np.maximum(first, kth)
    for start, block in distance_blocks(samples, real, measure):
        norms = samples.norms[start : start + len(block), None] + real.norms[None, :]
        edge = _EDGE * norms if measure == "euclidean" else np.zeros_like(block)
        for row, ball in _batches(*np.nonzero(block <= largest[None, :] + edge)):
            distance, unsure = block[row, ball], edge[row, ball]
            near = np.abs(distance - first[ball]) <= unsure
            near |= np.abs(distance - kth[ball]) <= unsure
            doubt = np.flatnonzero(near)
            distance[doubt] = exact_distances(samples, start + row[doubt], real, ball[doubt], measure)
            inside[start + row[distance < kth[ball]]] = True
            pairs = np.flatnonzero(distance < first[ball])
            copy[start + row[pairs]] = True
            pairs = pairs[first_of_equals(row[pairs], ball[pairs], distance[pairs])]
            nearer = pairs[distance[pairs] < closest[start + row[pairs]]]
            closest[start + row[nearer]], offender[start + row[nearer]] = distance[nearer], ball[nearer]
    return copy, inside, offender


def _batches(row: IntArray, ball: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    for start in range(0, len(row), _PAIRS):
        yield row[start : start + _PAIRS], ball[start : start + _PAIRS]


def classifier(comparison: Comparison, metric: str) -> Classifier:
    """The classification that a metric's options ask for; equal options share it."""
    k, mode = round(comparison.option(metric, "k", K)), round(comparison.option(metric, "mode", 0))
    return comparison.shared(f"xing:{k}:{mode}", lambda: Classifier(comparison, k, mode))


def measured(comparison: Comparison, metric: str, score: str) -> Measurement:
    """One of the scores with control, floor, interval, shares and flagged pairs.

    Args:
        metric: name of the metric, for its options.
        score: "fidelity", "real share" or "privacy".
    """
    sets = classifier(comparison, metric)
    found = compare_sets(
        comparison, lambda pair: Share(_flags(sets.of(pair), score), pair.synthetic.patients)
    )
    main = sets.of(comparison.main)
    per_image = _flags(main, score).astype(np.float64)
    notes = [found.note] if found.note else []
    if main.guarded:
        notes.insert(0, f"Collapse guard active: the samples vary by no more than {GUARD} on average, so the"
                        f" radius of copies is {GUARD} wider.")  # fmt: skip
    if sets.measure == "hamming":
        notes.append("Distances are Hamming: the share of codes that differ.")
    return replace(
        found,
        note=" ".join(notes),
        per_image=comparison.synthetic.in_given_order(per_image),
        details=_details(comparison, sets, main),
    )


def _flags(found: Classified, score: str) -> Flags:
    if score == "fidelity":
        return found.copy | found.inside
    return found.real if score == "real share" else ~found.copy


def _details(comparison: Comparison, sets: Classifier, main: Classified) -> dict[str, Any]:
    order, real = comparison.synthetic.order, comparison.real.order
    letters = np.where(main.copy, "c", np.where(main.real, "r", "n"))
    given = np.empty_like(letters)
    given[order] = letters
    copies = np.flatnonzero(main.copy)
    copies = copies[np.lexsort([order[copies], main.distance[copies]])]
    told: dict[str, Any] = {
        "bars": main.shares,
        "shares": main.shares,
        "set_of_each_sample": "".join(given),
        "distance": sets.measure,
        "badges": [BADGE] if main.guarded else [],
        "flagged": [
            {
                "sample": int(order[row]),
                "training": int(real[main.offender[row]]),
                "score": float(main.distance[row]),
            }
            for row in copies[:_LISTED]
        ],
        "flagged_count": len(copies),
    }
    if comparison.control is not None:
        told["held_out_shares"] = sets.of(comparison.control).shares
    return told
