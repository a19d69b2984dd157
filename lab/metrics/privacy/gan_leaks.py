"""Black-box membership attack of GAN-Leaks: is a training image nearer to some sample than a held-out image is?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.attacks import Attack, area_of, attack_measurement
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.held_out_halves import parts_by_patient
from lab.metrics.nearest import nearest
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

NAME = "gan-leaks"
Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@metric(
    MetricSpec(
        name=NAME,
        title="Membership by nearest sample (GAN-Leaks)",
        symbol="B1",
        axis="privacy",
        direction="null",
        low=0.0,
        high=1.0,
        null="0.5: training images are no nearer to samples than held-out images are",
        null_line=0.5,
        needs=("features", "held-out"),
        minimum_n=20,
        bias="few samples weaken the attack: the paper takes about 20,000; train and held-out of different sources or"
        " vendors move it without any copying",
        cost="all distances from training and held-out images to samples, and a bootstrap by patient: about 2 s for"
        " 1,000 x 1,000 images",
        reference="Chen et al. 2020, GAN-Leaks, full black box; calibrated by real images here",
        definition="How often a training image lies nearer to its nearest sample than a held-out image does to"
        " its own.",
    )
)
def gan_leaks(comparison: Comparison) -> Measurement:
    """Area under the curve of -min_j |x - g_j| for training against held-out images; as the NumPy definition to 1e-12.

    The details hold the curve, balanced accuracy (threshold chosen on one half of the patients, tried on the other),
    the true-positive rate at 1 % false alarms from 100 held-out images on and at 0.1 % from 1,000 on, all with
    intervals over patients, and the calibrated attack: the distance to one half of the held-out images minus that to
    the samples, tried on the other half. The control lets half of the held-out images play the samples.
    """
    held_out = comparison.held_out
    if held_out is None:
        raise NotComputable(
            "A membership attack needs held-out images as non-members; choose a set with some."
        )
    real, samples = comparison.real, comparison.synthetic
    half, others = parts_by_patient(held_out.patients, 2, comparison.rng(NAME))
    reference, tried = held_out.take(half), held_out.take(others)
    members, films = _near(real, samples), _near(held_out, samples)
    plain = Attack(-members, -films, np.arange(held_out.n))
    to_reference = _near(real, reference), _near(tried, reference)
    calibrated = Attack(to_reference[0] - members, to_reference[1] - films[others], others)
    nobody = Attack(-to_reference[0], -to_reference[1], others)
    seed = comparison.seed
    return attack_measurement(
        area_of(plain, real, held_out, seed),
        area_of(nobody, real, held_out, seed),
        {"calibrated": area_of(calibrated, real, held_out, seed)},
    )


def _near(images: Points, samples: Points) -> Floats:
    return nearest(images, samples, k=1).first
