"""Membership by density (DOMIAS): are samples denser around training images than real images would be?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.attacks import Attack, area_of, attack_measurement
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.held_out_halves import parts_by_patient
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec

NAME = "domias"
COMPONENTS = 8
Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@metric(
    MetricSpec(
        name=NAME,
        title="Membership by density (DOMIAS)",
        symbol="B5",
        axis="privacy",
        direction="null",
        low=0.0,
        high=1.0,
        null="0.5: samples are no denser around training images than around held-out ones",
        null_line=0.5,
        needs=("features", "held-out"),
        minimum_n=40,
        bias="the density is smooth, so single copies among many honest samples are missed; train and held-out"
        " of different"
        " sources move it without any copying",
        cost="two kernel densities on 8 principal components: about 2 s for 1,000 x 1,000 images",
        reference="van Breugel et al. 2023, Membership inference attacks against synthetic data through overfitting"
        " detection; kernel density with Scott's rule",
        definition="How often the density of samples over that of other real images is higher at a training"
        " image than at"
        " a held-out one.",
        options=(
            MetricOption("components", "Principal components", COMPONENTS, 1, 32, "Dimension of the densities."),
        ),
    )
)  # fmt: skip
def domias(comparison: Comparison) -> Measurement:
    """Area under the curve of log p_G(x) - log p_ref(x) for training against held-out images.

    Kernel densities (scipy, Scott's rule) on principal components of samples and reference together. The reference is
    one half of the held-out patients, the other half are the non-members. The control deals the held-out
    patients in thirds: reference, non-members, and images that play the samples.
    """
    held_out = comparison.held_out
    if held_out is None:
        raise NotComputable(
            "A membership attack needs held-out images as non-members; choose a set with some."
        )
    real, samples = comparison.real, comparison.synthetic
    components = round(comparison.option(NAME, "components", COMPONENTS))
    reference, played, others = parts_by_patient(held_out.patients, 3, comparison.rng(NAME))
    control = _attack(real, held_out, held_out.take(played).features, reference, others, components)
    halved, rest = parts_by_patient(held_out.patients, 2, comparison.rng(f"{NAME} halves"))
    main = _attack(real, held_out, samples.features, halved, rest, components)
    return attack_measurement(
        area_of(main, real, held_out, comparison.seed), area_of(control, real, held_out, comparison.seed)
    )


def _attack(
    real: Points, held_out: Points, samples: Floats, reference: IntArray, others: IntArray, components: int
) -> Attack:
    known = held_out.features[reference]
    if min(len(known), len(samples)) <= components + 1 or not len(others):
        raise NotComputable(
            f"Densities in {components} dimensions need more than {components + 1} images a part; add held-out"
            f" images or"
            " choose fewer components."
        )
    both = np.concatenate([samples, known])
    centre = both.mean(axis=0)
    axes = np.linalg.svd(both - centre, full_matrices=False)[2][: min(components, both.shape[1])].T
    placed = [(part - centre) @ axes for part in (samples, known, real.features, held_out.features[others])]
    return Attack(_ratio(placed[0], placed[1], placed[2]), _ratio(placed[0], placed[1], placed[3]), others)


def _ratio(samples: Floats, known: Floats, images: Floats) -> Floats:
    """Log density of samples minus log density of the reference at each image."""
    from scipy.stats import gaussian_kde

    try:
        made, real = (gaussian_kde(part.T).logpdf(images.T) for part in (samples, known))
    except np.linalg.LinAlgError as error:
        raise NotComputable(
            "The samples or the reference lie on fewer dimensions than the density has; choose fewer components."
        ) from error
    return np.maximum(made, -1e6) - np.maximum(real, -1e6)
