"""What prevalence a printed classification result implies, and the smallest counts that can have given it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError

MOST_IMAGES = 20_000
_SLACK = 1e-9
Ends = tuple[float, float]


@dataclass(frozen=True)
class Reported:
    """A printed share: what it was rounded from lies between `low` and `high`."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ReportedRow:
    """One classifier's printed sensitivity, specificity and precision of a class, and F1 where given."""

    name: str
    sensitivity: Reported
    specificity: Reported
    precision: Reported
    f1: Reported | None = None

    @property
    def prevalence(self) -> Reported:
        """Share of the class in the test set: odds are precision / (1 - precision) x (1 - specificity) / sensitivity.

        Sensitivity, specificity and precision of one test set fix it; the ends follow from rounding.
        """
        told = (self.precision, self.specificity, self.sensitivity)
        middle = _implied(*(one.value for one in told))
        low = _implied(self.precision.low, self.specificity.high, self.sensitivity.high)
        high = _implied(self.precision.high, self.specificity.low, self.sensitivity.low)
        return Reported(middle, low, high)


@dataclass(frozen=True)
class Counts:
    """A confusion table of the class for each row: positives and negatives are shared, the rest is by row."""

    positives: int
    negatives: int
    true_positives: tuple[int, ...]
    false_positives: tuple[int, ...]


@dataclass(frozen=True)
class PrevalenceCheck:
    """What pasted rows imply.

    Args:
        rows: as read.
        low, high: prevalence that all rows allow; `low` above `high` where they contradict one another.
        stated: prevalence that the data are said to have, None where nobody said.
        counts: the smallest counts that give every printed digit, None where there are none up to 20,000 images.
        flagged: whether the stated prevalence is impossible, or the rows contradict one another.
        sentence: for the page.
    """

    rows: tuple[ReportedRow, ...]
    low: float
    high: float
    stated: float | None
    counts: Counts | None
    flagged: bool
    sentence: str


def check_prevalence(
    rows: Sequence[ReportedRow], stated: float | None = None, most: int = MOST_IMAGES
) -> PrevalenceCheck:
    """Compare the prevalence that rows imply with the one stated.

    Args:
        rows: of one test set.
        stated: share of the class in the data, 0 to 1.
        most: images up to which counts are searched.

    Raises:
        InputError: without rows.
    """
    if not rows:
        raise InputError("There is no row to check; nothing was computed; paste at least one.")
    low = max(row.prevalence.low for row in rows)
    high = min(row.prevalence.high for row in rows)
    counts = smallest_counts(rows, most)
    contradict = low > high + _SLACK
    off = stated is not None and not contradict and not low - _SLACK <= stated <= high + _SLACK
    return PrevalenceCheck(
        tuple(rows), low, high, stated, counts, contradict or off,
        _sentence(rows, (low, high), stated, counts, contradict, off),
    )  # fmt: skip


def smallest_counts(rows: Sequence[ReportedRow], most: int = MOST_IMAGES) -> Counts | None:
    """The fewest images whose whole counts give every printed digit of every row; exhaustive up to `most` images."""
    low = max(row.prevalence.low for row in rows)
    high = min(row.prevalence.high for row in rows)
    if not 0 < low <= high < 1:
        return None
    sizes = np.arange(1, most + 1)
    positives = sizes[np.all([_whole(row.sensitivity, sizes) for row in rows], axis=0)]
    fit = np.all([_whole(_flipped(row.specificity), sizes) for row in rows], axis=0)
    best: Counts | None = None
    for count in positives:
        fewest = math.ceil(count * (1 - high) / high - _SLACK)
        limit = min(most - count, math.floor(count * (1 - low) / low + _SLACK))
        if best is not None:
            limit = min(limit, best.positives + best.negatives - count - 1)
        if fewest > limit or count >= most:
            continue
        for negatives in range(max(1, fewest), limit + 1):
            if fit[negatives - 1] and (found := _tables(rows, int(count), negatives)):
                best = found
                break
    return best


def _implied(precision: float, specificity: float, sensitivity: float) -> float:
    if precision >= 1.0 or sensitivity <= 0.0:
        return 1.0
    odds = precision / (1 - precision) * (1 - specificity) / sensitivity
    return odds / (1 + odds)


def _flipped(share: Reported) -> Reported:
    return Reported(1 - share.value, 1 - share.high, 1 - share.low)


def _ends(share: Reported, n: NDArray[np.int64] | int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The smallest and largest whole number of n images that round to the share."""
    first = np.ceil(share.low * np.asarray(n) - _SLACK).astype(np.int64)
    last = np.floor(share.high * np.asarray(n) + _SLACK).astype(np.int64)
    return first, last


def _whole(share: Reported, sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
    first, last = _ends(share, sizes)
    return first <= last


def _tables(rows: Sequence[ReportedRow], positives: int, negatives: int) -> Counts | None:
    found = [_table(row, positives, negatives) for row in rows]
    known = [one for one in found if one is not None]
    if len(known) < len(rows):
        return None
    return Counts(
        positives, negatives, tuple(one[0] for one in known), tuple(one[1] for one in known)
    )  # fmt: skip


def _table(row: ReportedRow, positives: int, negatives: int) -> tuple[int, int] | None:
    """True and false positives that give the row's digits."""
    hits, alarms = _ends(row.sensitivity, positives), _ends(_flipped(row.specificity), negatives)
    for hit in range(int(hits[0]), int(hits[1]) + 1):
        for alarm in range(int(alarms[0]), int(alarms[1]) + 1):
            if hit + alarm == 0 or not _within(row.precision, hit / (hit + alarm)):
                continue
            if row.f1 is None or _within(row.f1, 2 * hit / (hit + alarm + positives)):
                return hit, alarm
    return None


def _within(share: Reported, value: float) -> bool:
    return share.low - _SLACK <= value <= share.high + _SLACK


def _sentence(
    rows: Sequence[ReportedRow],
    ends: Ends,
    stated: float | None,
    counts: Counts | None,
    contradict: bool,
    off: bool,
) -> str:
    if contradict:
        return (
            "The rows imply prevalences that exclude one another: they are not of one test set, or a number is "
            "misprinted."
        )
    many = "The row implies" if len(rows) == 1 else f"All {len(rows)} rows imply"
    told = f"{many} that {ends[0]:.1%} to {ends[1]:.1%} of the test images belong to the class"
    if stated is not None:
        told += (
            f", against {stated:.1%} in the data: the test set was composed otherwise, as it is when synthetic images "
            "of the class stand in it"
            if off
            else f", which agrees with the {stated:.1%} stated"
        )
    if counts is None:
        return f"{told}."
    total = counts.positives + counts.negatives
    return (
        f"{told}. The smallest test set that gives every digit has {counts.positives:,} images of the class and "
        f"{counts.negatives:,} others ({total:,})."
    )
