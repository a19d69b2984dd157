"""Closer to training: the share of samples nearer to training images than to as many held-out images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.blocks import products, rows_per_block
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.patients import FEW_ON_ONE_SIDE, Z95, index_patients, jackknife_error
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Block = tuple[int, Floats, Floats]
DRAWS = 20
FEW_FILMS = 10
_TIE = 1e-11


@metric(
    MetricSpec(
        name="closer-to-training",
        title="Closer to training",
        symbol="CT",
        axis="privacy",
        direction="null",
        low=0.0,
        high=1.0,
        null="0.5: a sample that owes nothing to single training images is as often closer to one side as"
        " to the other",
        null_line=0.5,
        needs=("features", "held-out"),
        minimum_n=10,
        bias="none from blur or from sample size; with more training than held-out patients a draw holds"
        " only some of the training images, which pulls copies towards 0.5 (the note gives the ceiling)",
        cost="all distances from samples to training and held-out images, and 20 draws: about 5 s for"
        " 5,000 samples",
        reference="Platzer and Reutterer 2021, Holdout-based empirical assessment of mixed-type synthetic"
        " data",
        definition="The share of samples whose nearest training image is closer than their nearest image"
        " among as many held-out images of as many patients.",
    )
)
def closer_to_training(comparison: Comparison) -> Measurement:
    """Mean over samples and 20 matched draws of 1 (training closer), 0.5 (tie) or 0 (held-out closer).

    A draw takes as many training as held-out patients and as many images of each pair of patients, label by
    label where both sets have labels: a set with more films of a label is nearer to samples of it. The
    interval is value +- 1.96 standard errors of a jackknife that leaves a patient group out of all three
    sets: it covers the choice of reference films as well as the choice of samples. It stays, though it is 1.6
    times too wide, because the null of 0.5 holds only over both choices: with the films as they are the share
    of an honest generator is some other number, and the more samples there are the surer the interval of a
    share would exclude 0.5 (tests).

    The control scores held-out images: their patients are halved at random in each draw, the films of one
    half are scored against the other half and as many training images, then the halves change places. Its
    null is 0.5 too.
    """
    held_out = comparison.held_out
    if held_out is None:
        raise NotComputable(
            "The share closer to training needs held-out images that no generator saw; choose a set with some."
        )
    real, samples = comparison.real, comparison.synthetic
    rng = comparison.rng("closer-to-training")
    main_draws = [Draw(np.arange(samples.n), *matched_films(real, held_out, rng)) for _ in range(DRAWS)]
    main = score(samples, real, held_out, main_draws)
    control = score(held_out, real, held_out, list(_halved(real, held_out, rng)))
    low, high = main.interval()
    control_low, control_high = control.interval()
    share = len(main_draws[0].training) / real.n
    return Measurement(
        value=main.value,
        low=low,
        high=high,
        control=control.value,
        control_low=control_low,
        control_high=control_high,
        floor=control.value,
        floor_low=control_low,
        floor_high=control_high,
        floor_n=held_out.n,
        note=_note(share, low is None, main.films),
        per_image=samples.in_given_order(main.scores),
    )


@dataclass(frozen=True, eq=False)
class Draw:
    """Rows of one matched comparison: which images are scored, against which training and held-out images."""

    scored: IntArray
    training: IntArray
    held_out: IntArray


@dataclass(eq=False)
class Scores:
    """Sums over draws. `left_sum` and `left_count` are (g,), with one patient group left out.

    `films` is the effective number of real images that are nearest to an image: the inverse of the chance that two
    images share theirs.
    """

    totals: Floats
    times: IntArray
    left_sum: Floats
    left_count: Floats
    patients: int
    value: float = field(default=float("nan"))
    films: float = field(default=float("inf"))

    @property
    def scores(self) -> Floats:
        """(m,) mean score of each image over its draws."""
        return self.totals / np.maximum(self.times, 1)

    def interval(self) -> tuple[float | None, float | None]:
        """95 % jackknife interval; the exact binomial bound where every image scores alike."""
        if len(self.left_sum) == 0:
            return None, None
        bound = 1.0 - 0.025 ** (1.0 / self.patients)
        if self.value in (0.0, 1.0):
            return (0.0, bound) if self.value == 0.0 else (1.0 - bound, 1.0)
        reach = Z95 * jackknife_error(self.left_sum / self.left_count)
        return self.value - reach, self.value + reach


def matched_films(
    real: Points, held_out: Points, rng: np.random.Generator, held_out_rows: IntArray | None = None
) -> tuple[IntArray, IntArray]:
    """Training and held-out rows of one draw: as many patients, as many images of each pair, label by label.

    Args:
        held_out_rows: the held-out images to choose from; all by default.
    """
    theirs = np.arange(held_out.n) if held_out_rows is None else held_out_rows
    chosen = [
        _matched_stratum(real, held_out, ours, others, rng)
        for ours, others in _strata(real, held_out, theirs)
    ]
    return np.concatenate([one for one, _ in chosen]), np.concatenate([two for _, two in chosen])


def _strata(real: Points, held_out: Points, theirs: IntArray) -> list[tuple[IntArray, IntArray]]:
    """Rows of both sides, a label at a time.

    Where one side has more of a label, samples of that label would be nearer to it without any copying; so labels
    are matched where both sides have them, and labels of one side only are left out.
    """
    ours = np.arange(real.n)
    if real.labels is not None and held_out.labels is not None:
        common = np.intersect1d(real.labels, held_out.labels[theirs])
        if len(common):
            return [(ours[real.labels == one], theirs[held_out.labels[theirs] == one]) for one in common]
    return [(ours, theirs)]


def _matched_stratum(
    real: Points, held_out: Points, ours: IntArray, theirs: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    training = _films_by_patient(real.patients, ours, rng)
    control = _films_by_patient(held_out.patients, theirs, rng)
    count = min(len(training), len(control))
    training, control = (sorted(side[:count], key=len) for side in (training, control))
    pairs = [(one, two, min(len(one), len(two))) for one, two in zip(training, control, strict=True)]
    return (
        np.concatenate([one[:films] for one, _, films in pairs]),
        np.concatenate([two[:films] for _, two, films in pairs]),
    )


def score(images: Points, real: Points, held_out: Points, draws: list[Draw]) -> Scores:
    """Score images against the images of each draw by their features, all distances computed once."""
    return score_distances(images, real, held_out, draws, _by_features(images, real, held_out))


def score_distances(
    images: Points, real: Points, held_out: Points, draws: list[Draw], blocks: Iterable[Block]
) -> Scores:
    """Score images against the images of each draw by distances of any kind.

    Args:
        blocks: first row, then distances (c, n) to `real` and (c, h) to `held_out` of the c images from that row on;
            all images once, in their order.
    """
    groups = min(images.group_count, real.group_count, held_out.group_count)
    sums = Scores(
        np.zeros(images.n), np.zeros(images.n, dtype=np.int64), np.zeros(groups), np.zeros(groups),
        index_patients(images.patients)[1],
    )  # fmt: skip
    shared = np.zeros(real.n + held_out.n)
    for start, to_real, to_held_out in blocks:
        nearest = np.concatenate([to_real, to_held_out], axis=1).argmin(axis=1)
        shared += np.bincount(nearest, minlength=len(shared))
        for draw in draws:
            inside = draw.scored[(draw.scored >= start) & (draw.scored < start + len(to_real))]
            training = _nearest(to_real[inside - start], draw.training, real.groups, groups)
            control = _nearest(to_held_out[inside - start], draw.held_out, held_out.groups, groups)
            _add(sums, images, inside, _closer(training, control, images.norms[inside]))
    sums.value = float(sums.totals.sum() / sums.times.sum())
    sums.films = float(shared.sum() ** 2 / (shared**2).sum())
    return sums


def _by_features(images: Points, real: Points, held_out: Points) -> Iterator[Block]:
    """Squared Euclidean distances in blocks."""
    step = rows_per_block(real.n + held_out.n)
    to_both = (products(images.features, side.features, step) for side in (real, held_out))
    for (start, to_real), (_, to_held_out) in zip(*to_both, strict=True):
        norms = images.norms[start : start + len(to_real), None]
        yield (
            start,
            norms + real.norms[None, :] - 2.0 * to_real,
            norms + held_out.norms[None, :] - 2.0 * to_held_out,
        )


def _films_by_patient(patients: NDArray[np.str_], rows: IntArray, rng: np.random.Generator) -> list[IntArray]:
    codes, total = index_patients(patients[rows])
    shuffled = rng.permutation(len(rows))
    by_patient = shuffled[np.argsort(codes[shuffled], kind="stable")]
    films = np.split(rows[by_patient], np.cumsum(np.bincount(codes, minlength=total))[:-1])
    return [films[patient] for patient in rng.permutation(total)]


def _halved(real: Points, held_out: Points, rng: np.random.Generator) -> Iterator[Draw]:
    codes, total = index_patients(held_out.patients)
    if total < 2:
        raise NotComputable(
            "The control of the share closer to training needs two held-out patients; add held-out images."
        )
    for _ in range(DRAWS):
        first = np.isin(codes, rng.permutation(total)[: total // 2])
        for scored in (np.flatnonzero(first), np.flatnonzero(~first)):
            others = np.setdiff1d(np.arange(held_out.n), scored)
            yield Draw(scored, *matched_films(real, held_out, rng, others))


def _nearest(block: Floats, films: IntArray, groups: IntArray | None, count: int) -> Floats:
    """(c, 1 + g) squared distance to the nearest of some films, then with each patient group left out."""
    if not count or groups is None:
        return block[:, films].min(axis=1, keepdims=True)
    ordered = films[np.argsort(groups[films], kind="stable")]
    present, starts = np.unique(groups[ordered], return_index=True)
    minima = np.full((len(block), count), np.inf)
    minima[:, present] = np.minimum.reduceat(block[:, ordered], starts, axis=1)
    rows, closest = np.arange(len(block)), minima.argmin(axis=1)
    nearest = minima[rows, closest]
    minima[rows, closest] = np.inf
    left = np.repeat(nearest[:, None], 1 + count, axis=1)
    left[rows, 1 + closest] = minima.min(axis=1)
    return left


def _closer(training: Floats, control: Floats, norms: Floats) -> Floats:
    edge = _TIE * (1.0 + norms[:, None])
    gap = control - training
    return np.where(gap > edge, 1.0, np.where(gap < -edge, 0.0, 0.5))


def _add(sums: Scores, images: Points, rows: IntArray, scores: Floats) -> None:
    sums.totals[rows] += scores[:, 0]
    sums.times[rows] += 1
    if len(sums.left_sum) and images.groups is not None:
        stays = images.groups[rows][:, None] != np.arange(len(sums.left_sum))[None, :]
        sums.left_sum += (scores[:, 1:] * stays).sum(axis=0)
        sums.left_count += stays.sum(axis=0)


def _note(share: float, without_interval: bool, films: float) -> str:
    sentences = [FEW_ON_ONE_SIDE] if without_interval else []
    if films < FEW_FILMS:
        sentences.append(
            f"All samples together have about {films:.0f} different nearest images: the number rests on few images,"
            " as it does for a collapsed set or for one outside the cloud of real images."
        )
    if share < 0.95:
        sentences.append(
            f"Each draw holds {share:.0%} of the training images, so a set of nothing but copies would"
            f" score about"
            f" {0.5 + 0.5 * share:.2f}."
        )
    return " ".join(sentences)
