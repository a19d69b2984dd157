"""Feature likelihood divergence: does a density around the samples explain held-out images as well as real ones do?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.divergence import Likelihoods, likelihoods
from lab.metrics.judged import Judged, histogram, interval, mean
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

NAME = "fld"
RANKED = 50
Floats = NDArray[np.float64]


@metric(
    MetricSpec(
        name=NAME,
        title="Feature likelihood divergence",
        symbol="FLD",
        axis="privacy",
        direction="lower",
        low=float("-inf"),
        high=float("inf"),
        null="the held-out line, near 0: other real images explain held-out ones as well as training images do",
        null_line=None,
        needs=("features", "held-out"),
        minimum_n=40,
        bias="low fidelity, low variety and copying all raise it, so it does not tell which; few samples raise it too",
        cost="widths of a mixture fitted in 50 steps, four times: about 60 s for 1,000 x 1,000 images of 1,280"
        " features on"
        " one core",
        reference="Jiralerspong et al. 2023, Feature likelihood divergence; Adam with rate 0.5, 50 epochs",
        definition="How much worse a density around the samples, fitted to training images, explains held-out"
        " images than a"
        " density around half of the training images; in hundredths of a unit per feature.",
    )
)  # fmt: skip
def fld(comparison: Comparison) -> Measurement:
    """100 x (negative log likelihood of held-out images per dimension - baseline).

    The details rank samples by how much density their own Gaussian gives one training image (sample memorisation).
    Interval by bootstrap over held-out patients with both mixtures fixed: it does not cover the choice of samples.
    """
    main, control = likelihoods(comparison)
    ends = []
    for one, purpose in ((main, NAME), (control, f"{NAME} control")):
        scores = 100.0 * (one.to_films - one.baseline)
        ends.append(
            (float(scores.mean()), *interval(Judged(one.tried, scores), mean, comparison.rng(purpose)))
        )
    (value, low, high), (control_value, control_low, control_high) = ends
    return Measurement(
        value=value, low=low, high=high, control=control_value, control_low=control_low,
        control_high=control_high, floor=control_value, floor_low=control_low, floor_high=control_high,
        floor_n=control.tried.n, details=_ranked(comparison, main, control),
        note="" if low is not None else "No interval: fewer than 20 held-out patients.",
    )  # fmt: skip


def _ranked(comparison: Comparison, main: Likelihoods, control: Likelihoods) -> dict[str, object]:
    """The samples whose own Gaussian gives a training image most density."""
    log, nearest = main.mixture.memorisation(main.training)
    top = np.argsort(-log, kind="stable")[:RANKED]
    order, real = comparison.synthetic.order[main.centres], comparison.real.order
    return {
        "baseline": main.baseline,
        "histogram": histogram(
            log,
            control.mixture.memorisation(control.training)[0],
            "Log density at a training image, per feature",
        ),
        "flagged": [
            {"sample": int(order[row]), "training": int(real[nearest[row]]), "score": float(log[row])}
            for row in top
        ],
    }
