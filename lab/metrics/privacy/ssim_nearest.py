"""Structural similarity to the most similar training image: what practitioners look at, with its held-out line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.blocks import products
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.correlations import correlation_rows
from lab.metrics.judged import Judged, flagged_pairs, histogram, median, summarise
from lab.metrics.other_space import in_space, pixel_space
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec

NAME = "ssim-nearest"
CANDIDATES, SIDE = 50, 64
ALARMS = 99.0
SIGMA, TRUNCATE, EDGE = 1.5, 3.5, 5
C1, C2 = 0.01**2, 0.03**2
Floats = NDArray[np.float64]


@metric(
    MetricSpec(
        name=NAME,
        title="Nearest by structural similarity",
        symbol="SSIM↑",
        axis="privacy",
        direction="lower",
        low=-1.0,
        high=1.0,
        null="the held-out line: how similar the most similar training image is to an image that nobody copied",
        null_line=None,
        needs=("features", "pictures"),
        minimum_n=10,
        bias="pixels in place: a flipped, cropped or turned copy is missed; blurred samples and flat backgrounds"
        " raise it;"
        " only the 50 training images that correlate best are compared",
        cost="reading all images once and 50 comparisons of 64 x 64 thumbnails an image: about 30 s for 1,000 x 1,000"
        " images",
        reference="Wang et al. 2004 for the similarity; brute force over the training set as practitioners do",
        definition="The structural similarity of a sample to its most similar training image, in the middle of"
        " all samples.",
        options=(
            MetricOption("candidates", "Compared with", CANDIDATES, 1, 1000, "Training images that correlate best."),
        ),
    )
)  # fmt: skip
def ssim_nearest(comparison: Comparison) -> Measurement:
    """Median over samples of the largest SSIM with a training image, on grey thumbnails of 64 pixels.

    Gaussian window of sigma 1.5 in whole windows only; as scikit-image to 1e-6. Candidates are the 50 training images
    of highest pixel correlation. Flagged are samples above the 99th percentile of held-out images.
    """
    count = round(comparison.option(NAME, "candidates", CANDIDATES))
    pixels = in_space(comparison, pixel_space(comparison.given, SIDE))
    index = _Index(pixels.real)
    samples = index.nearest(pixels.synthetic, count)
    control = None if pixels.held_out is None else index.nearest(pixels.held_out, count)
    limit = 1.0 if control is None else float(np.percentile(control.scores, ALARMS))
    high = samples.scores > limit
    details = {
        "rule": {"above": limit},
        "bars": {"Samples above the held-out 99th percentile": float(high.mean())},
        "histogram": histogram(
            samples.scores, None if control is None else control.scores, "Largest structural similarity"
        ),
        "flagged": flagged_pairs(samples, pixels.real, high, high_first=True),
    }  # fmt: skip
    return summarise(pixels, samples, control, median, NAME, details)


class _Index:
    """Training thumbnails with their blurred means and variances, computed once."""

    def __init__(self, real: Points) -> None:
        self._rows = correlation_rows(real.features)
        self._images = real.features.reshape(-1, SIDE, SIDE).astype(np.float32)
        self._means = _blurred(self._images)
        self._variances = _blurred(self._images**2) - self._means**2

    def nearest(self, points: Points, count: int) -> Judged:
        """The largest similarity of each image to its `count` best correlated training images."""
        count = min(count, len(self._images))
        images = points.features.reshape(-1, SIDE, SIDE).astype(np.float32)
        means = _blurred(images)
        variances = _blurred(images**2) - means**2
        scores, where = np.empty(points.n), np.empty(points.n, dtype=np.int64)
        for start, product in products(correlation_rows(points.features), self._rows):
            for offset, row in enumerate(np.argpartition(-product, count - 1, axis=1)[:, :count]):
                at, near = start + offset, np.sort(row)
                values = self._similar((images[at], means[at], variances[at]), near)
                scores[at], where[at] = values.max(), near[values.argmax()]
        return Judged(points, scores, where)

    def _similar(self, image: tuple[NDArray[np.float32], ...], rows: NDArray[np.int64]) -> Floats:
        picture, mean, variance = image
        means, variances = self._means[rows], self._variances[rows]
        shared = _blurred(self._images[rows] * picture) - means * mean
        whole = ((2 * means * mean + C1) * (2 * shared + C2)) / (
            (means**2 + mean**2 + C1) * (variances + variance + C2)
        )
        return np.asarray(whole.mean(axis=(1, 2)), dtype=np.float64)


def _blurred(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gaussian means over whole windows: (n, H - 10, W - 10)."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(images, (0, SIGMA, SIGMA), truncate=TRUNCATE)
    return np.ascontiguousarray(smooth[:, EDGE:-EDGE, EDGE:-EDGE])
