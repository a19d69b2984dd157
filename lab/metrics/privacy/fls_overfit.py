"""Over-fit samples: those whose own Gaussian is denser around training images than around as many held-out ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.blocks import products
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.divergence import Likelihoods, likelihoods
from lab.metrics.judged import Judged, interval, mean
from lab.metrics.likelihood import Mixture
from lab.metrics.patients import FEW, balanced_draw
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

NAME = "fls-overfit"
Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@metric(
    MetricSpec(
        name=NAME,
        title="Over-fit samples",
        symbol="FLS-POG",
        axis="privacy",
        direction="lower",
        low=-50.0,
        high=50.0,
        null="the held-out line, somewhat above 0: the widths are fitted to the training images",
        null_line=None,
        needs=("features", "held-out"),
        minimum_n=40,
        bias="collapsed and far-off sets, whose samples all favour the same image, score high without copying;"
        " train and"
        " held-out of different sources move it too",
        cost="as the feature likelihood divergence, whose mixtures it shares",
        reference="Jiralerspong et al. 2023 and dgm-eval (Stein et al. 2023): percentage of over-fit Gaussians",
        definition="The percentage of samples whose Gaussian gives training images more likelihood than as many"
        " held-out"
        " images, minus 50.",
    )
)  # fmt: skip
def fls_overfit(comparison: Comparison) -> Measurement:
    """Percent of samples with sum over T of N(x; g, sigma_g^2) above the sum over as many of V, minus 50.

    Training and held-out images are drawn to one number, evenly over patients. Interval by bootstrap over the patients
    of the samples with mixture and real images fixed.
    """
    main, control = likelihoods(comparison)
    ends = []
    played = comparison.synthetic if comparison.held_out is None else comparison.held_out
    for one, centres, purpose in ((main, comparison.synthetic, NAME), (control, played, f"{NAME} control")):
        rng = comparison.rng(purpose)
        scores = 100.0 * _overfit(one, comparison.real, rng) - 50.0
        ends.append((float(scores.mean()), *_interval(centres.take(one.centres), scores, rng)))
    (value, low, high), (control_value, control_low, control_high) = ends
    return Measurement(
        value=value, low=low, high=high, control=control_value, control_low=control_low, control_high=control_high,
        floor=control_value, floor_low=control_low, floor_high=control_high, floor_n=control.tried.n,
        note="" if low is not None else FEW,
    )  # fmt: skip


def _interval(points: Points, scores: Floats, rng: np.random.Generator) -> tuple[float | None, float | None]:
    low, high = interval(Judged(points, (scores + 50.0) / 100.0), mean, rng)
    return (None, None) if low is None or high is None else (100.0 * low - 50.0, 100.0 * high - 50.0)


def _overfit(found: Likelihoods, real: Points, rng: np.random.Generator) -> Floats:
    """(m,) 1 where a sample favours training images, 0 where held-out ones, 0.5 for a tie."""
    count = min(real.n, found.tried.n)
    ours = found.training[balanced_draw(real.patients, count, rng)]
    theirs = found.films[balanced_draw(found.tried.patients, count, rng)]
    gap = _summed(found.mixture, ours) - _summed(found.mixture, theirs)
    return np.where(gap > 0, 1.0, np.where(gap < 0, 0.0, 0.5))


def _summed(mixture: Mixture, images: Floats) -> Floats:
    """(m,) logarithm of the likelihood that each sample's Gaussian gives all images together."""
    norms, own = (
        np.einsum("nd,nd->n", images, images),
        np.einsum("md,md->m", mixture.centres, mixture.centres),
    )
    found = np.empty(len(own))
    for start, product in products(mixture.centres, images):
        rows = slice(start, start + len(product))
        squared = np.maximum(own[rows, None] + norms[None] - 2.0 * product, 0.0)
        each = -0.5 * squared * np.exp(-mixture.log_variances[rows, None])
        top = each.max(axis=1)
        found[rows] = top + np.log(np.exp(each - top[:, None]).sum(axis=1))
    return found
