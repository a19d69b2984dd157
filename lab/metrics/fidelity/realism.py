"""Realism: how deep inside the neighbourhoods of training images each sample lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.judged import Judged, histogram, median, summarise
from lab.metrics.left_out import distance_blocks, exact_distances, near_training
from lab.metrics.points import Points, SetPair
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec

Floats = NDArray[np.float64]
K = 5
LARGEST = 1000.0


@metric(
    MetricSpec(
        name="realism",
        title="Realism score, median",
        symbol="Re",
        axis="fidelity",
        direction="higher",
        low=0.0,
        high=float("inf"),
        null="the held-out line: near 1 for real images of the same population, above 1 inside a neighbourhood",
        null_line=None,
        needs=("features",),
        minimum_n=20,
        bias="a copy scores without limit (held at 1,000 here), so a high value warns as much as it praises; copies of"
        " training images with wide neighbourhoods are not seen; falls in many dimensions",
        cost="all distances between and within the sets: about 5 s for 5,000 x 5,000 images",
        reference="Kynkäänniemi et al. 2019, Improved precision and recall metric, section 5; k = 5 as in dgm-eval,"
        " 3 in the paper",
        definition="For each sample the largest ratio of a training image's neighbourhood radius to its distance from"
        " the sample, over the half of the training images with the smaller radii.",
        options=(MetricOption("k", "Neighbours", K, 1, 50, "The neighbour whose distance is the radius."),),
    )
)
def realism(comparison: Comparison) -> Measurement:
    """Median over samples of max r_k(x) / |x - g|, held at 1,000; a direct computation to 1e-9.

    The median, because one exact copy has no finite ratio; the mean and the share above 1 are in `details`. The
    interval covers the choice of samples, not that of training images; for both it was a quarter too narrow on toy
    clouds.
    """
    k = round(comparison.option("realism", "k", K))
    radii = np.sqrt(near_training(comparison, k).kth(k).distances[:, 0])
    ours = realism_scores(comparison.main, radii)
    control = None if comparison.control is None else realism_scores(comparison.control, radii)
    details = {
        "mean": float(ours.mean()),
        "share_above_1": float((ours >= 1.0).mean()),
        "at_the_limit": int((ours >= LARGEST).sum()),
        "histogram": histogram(ours, control, "Realism score"),
    }
    held_out = (
        None if control is None or comparison.held_out is None else Judged(comparison.held_out, control)
    )
    samples = Judged(comparison.synthetic, ours)
    return summarise(comparison, samples, held_out, median, "realism", details)


def realism_scores(pair: SetPair, radii: Floats) -> Floats:
    """(m,) the score of each judged image, at most 1,000.

    Args:
        pair: the sets.
        radii: (n,) distance of each training image to its k-th other one.
    """
    small = np.flatnonzero(radii < np.median(radii))
    if not len(small):  # all radii are equal
        small = np.arange(len(radii))
    balls, sizes = pair.real.take(small), radii[small]
    best = np.empty(pair.synthetic.n)
    for start, block in distance_blocks(pair.synthetic, balls, "euclidean"):
        rows = np.arange(start, start + len(block))
        ratio = sizes[None, :] ** 2 / np.maximum(block, 1e-300)
        best[rows] = _largest(pair.synthetic, rows, balls, sizes, ratio)
    return best


def _largest(samples: Points, rows: NDArray[np.int64], balls: Points, sizes: Floats, ratio: Floats) -> Floats:
    """The largest ratios, the best candidates computed anew by direct difference: products blur small distances."""
    kept = min(8, ratio.shape[1])
    near = np.argpartition(-ratio, kept - 1, axis=1)[:, :kept]
    exact = exact_distances(samples, np.repeat(rows, kept), balls, near.reshape(-1), "euclidean")
    distance = np.sqrt(exact).reshape(-1, kept)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(distance > 0, sizes[near] / distance, LARGEST)
    return np.minimum(found, LARGEST).max(axis=1)
