"""The findings of each side of a comparison as yes and no, ready for a probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison
from lab.metrics.points import Points

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Strings = NDArray[np.str_]
FEWEST = 5
SEPARATOR = "|"


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images whose findings somebody named.

    Args:
        features: (n, d).
        positive: (n, f) whether an image has each finding of the task.
        patients: (n,).
        rows: (n,) their rows in the caller's arrays.
    """

    features: Floats
    positive: Flags
    patients: Strings
    rows: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.features)

    def take(self, rows: NDArray[np.int64]) -> Labelled:
        """Some of them."""
        return Labelled(self.features[rows], self.positive[rows], self.patients[rows], self.rows[rows])

    def only(self, columns: NDArray[np.int64]) -> Labelled:
        """The same images, some findings."""
        return Labelled(self.features, self.positive[:, columns], self.patients, self.rows)


@dataclass(frozen=True, eq=False)
class Task:
    """One classification task.

    Args:
        names: (f,) findings.
        real, synthetic, held_out: images of each side that have labels.
        left_out: findings that some side has too few images of.
    """

    names: tuple[str, ...]
    real: Labelled
    synthetic: Labelled
    held_out: Labelled
    left_out: tuple[str, ...] = ()


def findings_in(text: str) -> frozenset[str]:
    """The findings of one image, "A|B" for several; empty where nobody said."""
    return frozenset(part.strip() for part in text.split(SEPARATOR) if part.strip())


def first_task(comparison: Comparison, title: str, fit: Sequence[str], test: Sequence[str]) -> Task:
    """The task of the labels: several findings an image where the manifest gives them, else its one label.

    Args:
        title: of the metric, for sentences.
        fit: sides a probe is fitted on: a finding needs 5 images with and 5 without it there.
        test: sides that are read: a finding needs an image with and one without it.

    Raises:
        NotComputable: without labels on a side, or when no finding is left.
    """
    given = comparison.given
    texts = {
        side: _texts(getattr(given, f"{side}_findings"), getattr(given, f"{side}_labels"))
        for side in ("real", "synthetic", "held_out")
    }
    return task_of(comparison, texts, title, fit, test)


def task_of(
    comparison: Comparison,
    texts: dict[str, Strings | None],
    title: str,
    fit: Sequence[str],
    test: Sequence[str],
) -> Task:
    """A task from the label texts of each side, in the caller's order; arguments as in `first_task`."""
    points = {"real": comparison.real, "synthetic": comparison.synthetic, "held_out": comparison.held_out}
    words = {"real": "training images", "synthetic": "samples", "held_out": "held-out images"}
    for side in (*fit, *test):
        if points[side] is None or texts.get(side) is None:
            raise NotComputable(f"{title} needs labels of the {words[side]}; add them.")
    sets = {
        side: [findings_in(str(text)) for text in told] for side, told in texts.items() if told is not None
    }
    names = sorted({name for found in sets.values() for one in found for name in one})
    sides = {
        side: _labelled(points[side], sets.get(side), names, comparison.real.features.shape[1])
        for side in words
    }
    kept = np.asarray(
        [
            at
            for at in range(len(names))
            if all(_enough(sides[side], at, FEWEST) for side in fit)
            and all(_enough(sides[side], at, 1) for side in test)
        ],
        dtype=np.int64,
    )
    if not len(kept):
        raise NotComputable(
            f"{title} needs a finding that {FEWEST} images have and {FEWEST} have not, on each side it learns from; "
            f"here is none."
        )
    left = tuple(name for at, name in enumerate(names) if at not in kept)
    real, synthetic, held_out = (sides[side].only(kept) for side in words)
    return Task(tuple(names[at] for at in kept), real, synthetic, held_out, left)


def _texts(findings: Strings | None, labels: Strings | None) -> Strings | None:
    chosen = labels if findings is None else findings
    return None if chosen is None else np.asarray(chosen).astype(str)


def _labelled(
    points: Points | None, found: list[frozenset[str]] | None, names: list[str], dimension: int
) -> Labelled:
    if points is None or found is None:
        none = np.zeros(0, dtype=np.int64)
        empty = np.zeros((0, len(names)), bool)
        return Labelled(np.zeros((0, dimension)), empty, np.zeros(0, dtype=str), none)
    ordered = [found[row] for row in points.order]
    rows = np.asarray([at for at, one in enumerate(ordered) if one], dtype=np.int64)
    positive = np.asarray([[name in ordered[at] for name in names] for at in rows], dtype=bool)
    return Labelled(
        points.features[rows], positive.reshape(len(rows), len(names)), points.patients[rows],
        points.order[rows],
    )  # fmt: skip


def _enough(side: Labelled, column: int, fewest: int) -> bool:
    count = int(side.positive[:, column].sum())
    return fewest <= count <= side.n - fewest
