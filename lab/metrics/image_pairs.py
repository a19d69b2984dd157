"""Pairs of pictures: of samples and what they were made from, and random pairs inside a set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.levels import Floats, at_size, colour, stretched
from lab.metrics.pictures import Image, Pictures
from lab.metrics.points import Points
from lab.metrics.score_means import Scored, histogram, measure_means

IntArray = NDArray[np.int64]
Score = Callable[[Image, Image], float]
Published = Callable[[Image, Image], float | None]
CONTROL_PAIRS = 500
FLOOR_PAIRS = 200


def paired_levels(source: Image, sample: Image) -> tuple[Floats, Floats]:
    """Both pictures in 0..1 at the source's size and with as many channels as the richer of the two."""
    a, b = stretched(source, source), stretched(sample, source)
    if a.ndim != b.ndim:
        a, b = colour(a), colour(b)
    return a, at_size(b, *a.shape[:2])


def compare_paired(
    comparison: Comparison, purpose: str, score: Score, x_title: str, published: Published | None = None
) -> Measurement:
    """Mean score of samples against the training image each was made from; unrelated real pairs as control.

    The control pairs held-out images with training images drawn at random (at most 500), the floor training images of
    different patients (at most 200). Intervals are by bootstrap over the patients of the source images.

    Args:
        comparison: the sets, with pictures and source rows.
        purpose: name for the draws.
        score: of (source, sample).
        x_title: of the histogram.
        published: the score of published code for a pair, None where it refuses one; its mean goes beside the value.

    Raises:
        NotComputable: for an unpaired set.
    """
    given = comparison.given
    sources, real, samples = given.synthetic_sources, given.real_pictures, given.synthetic_pictures
    if sources is None or not (sources >= 0).any():
        raise NotComputable(
            "These samples are not paired with training images, so there is nothing to compare each with; no number"
            " was computed; use it on reconstructions or on samples made from one image each."
        )
    if real is None or samples is None:
        raise NotComputable("The pictures of a side are missing; choose sets whose images lie here.")
    patients = np.asarray(given.real_patients).astype(str)
    rows = np.flatnonzero(sources >= 0)
    rows = rows[np.argsort(sources[rows], kind="stable")]
    read = _kept(real)
    per_image = np.full(len(sources), np.nan)
    resized, theirs = 0, []
    for row in rows:
        source, sample = read(int(sources[row])), _picture(samples, int(row))
        resized += source.shape[:2] != sample.shape[:2]
        per_image[row] = score(source, sample)
        theirs.append(published(source, sample) if published else None)
    order = comparison.synthetic.order
    rows = order[sources[order] >= 0]
    main = Scored(per_image[rows], patients[sources[rows]])
    control = _unrelated(comparison, score, f"{purpose} control")
    floor = _random_real(comparison, score, f"{purpose} floor")
    note = f"{len(sources) - len(rows)} samples have no source." if len(rows) < len(sources) else ""
    if resized:
        note += f" {resized} samples were brought to the size of their source."
    held_out = None if control is None else control.values
    details = {"histogram": histogram(main.values, held_out, x_title)}
    measured = measure_means(comparison, purpose, main, control, floor, per_image, note.strip(), details)
    told = [value for value in theirs if value is not None]
    return replace(measured, published=float(np.mean(told)) if told else None)


def _unrelated(comparison: Comparison, score: Score, purpose: str) -> Scored | None:
    given, held_out = comparison.given, comparison.held_out
    real, others = given.real_pictures, given.held_out_pictures
    if held_out is None or real is None or others is None:
        return None
    rng = comparison.rng(purpose)
    chosen = np.sort(rng.permutation(held_out.n)[:CONTROL_PAIRS])
    partners = comparison.real.order[rng.integers(0, comparison.real.n, len(chosen))]
    pairs = zip(held_out.order[chosen], partners, strict=True)
    values = [score(_picture(real, int(b)), _picture(others, int(a))) for a, b in pairs]
    return Scored(np.asarray(values), held_out.patients[chosen])


def _random_real(comparison: Comparison, score: Score, purpose: str) -> Scored | None:
    pictures = comparison.given.real_pictures
    if pictures is None:
        return None
    pairs = pairs_within(comparison.real, None, FLOOR_PAIRS, comparison.rng(purpose))
    if not len(pairs):
        return None
    return scored_pairs(comparison.real, pictures, pairs, score)


def scored_pairs(side: Points, pictures: Pictures, pairs: IntArray, score: Score) -> Scored:
    """Scores of pairs of one side.

    Args:
        side: the points, for patients and order.
        pictures: in the caller's order.
        pairs: (p, 2) rows of `side`.
        score: of two pictures.
    """
    read = _kept(pictures)
    values = [score(read(int(side.order[a])), read(int(side.order[b]))) for a, b in pairs]
    return Scored(np.asarray(values), side.patients[pairs[:, 0]], side.patients[pairs[:, 1]])


def pairs_within(
    side: Points, labels: NDArray[np.str_] | None, most: int, rng: np.random.Generator
) -> IntArray:
    """(p, 2) different pairs of rows with one label and different patients, drawn at random, sorted.

    Args:
        side: the points.
        labels: (n,) in the order of `side`; None puts all into one class.
        most: pairs wanted; fewer where there are not so many.
        rng: of the draw.
    """
    codes = (
        np.unique(labels, return_inverse=True)[1] if labels is not None else np.zeros(side.n, dtype=np.int64)
    )
    classes = [np.flatnonzero(codes == code) for code in range(int(codes.max(initial=-1)) + 1)]
    possible = np.asarray([len(rows) * (len(rows) - 1) // 2 for rows in classes], dtype=np.float64)
    if not possible.sum():
        return np.empty((0, 2), dtype=np.int64)
    if possible.sum() <= 4 * most:
        every = [(int(a), int(b)) for rows in classes for at, a in enumerate(rows) for b in rows[at + 1 :]]
        every = [(a, b) for a, b in every if side.patients[a] != side.patients[b]]
        kept = rng.permutation(len(every))[:most]
        return np.asarray(sorted(every[at] for at in kept), dtype=np.int64).reshape(-1, 2)
    found: set[tuple[int, int]] = set()
    chosen = rng.choice(len(classes), 6 * most, p=possible / possible.sum())
    for code in chosen:
        a, b = sorted(int(row) for row in rng.choice(classes[code], 2, replace=False))
        if side.patients[a] != side.patients[b]:
            found.add((a, b))
        if len(found) == most:
            break
    return np.asarray(sorted(found), dtype=np.int64).reshape(-1, 2)


def _kept(pictures: Pictures) -> Callable[[int], Image]:
    """Reading by row with the last 256 pictures kept: a picture is in several pairs."""
    return lru_cache(maxsize=256)(lambda row: _picture(pictures, row))


def _picture(pictures: Pictures, row: int) -> Image:
    found = pictures[row]
    if found is None:
        raise NotComputable(
            "A picture of these sets cannot be read; no number was computed; import the set again."
        )
    return found
