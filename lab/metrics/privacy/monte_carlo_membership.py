"""Monte-Carlo membership attack: how many samples lie close around a training image?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.attacks import Attack, area_of, attack_measurement
from lab.metrics.blocks import products
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.copying_test import principal
from lab.metrics.held_out_halves import parts_by_patient
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec

NAME = "monte-carlo-membership"
COMPONENTS = 40
Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@metric(
    MetricSpec(
        name=NAME,
        title="Membership by samples close by (Monte Carlo)",
        symbol="B3",
        axis="privacy",
        direction="null",
        low=0.0,
        high=1.0,
        null="0.5: as many samples lie close to training images as to held-out ones",
        null_line=0.5,
        needs=("features", "held-out"),
        minimum_n=20,
        bias="counts of a small set are small whole numbers with many ties, which pull the area towards 0.5; train and"
        " held-out of different sources move it without any copying",
        cost="all distances from training and held-out images to samples, twice, on 40 principal components:"
        " about 2 s for"
        " 1,000 x 1,000 images",
        reference="Hilprecht et al. 2019, Monte Carlo and reconstruction membership inference attacks; median"
        " heuristic",
        definition="How often more samples lie within the usual nearest distance of a training image than of a held-out"
        " one.",
        options=(
            MetricOption(
                "components", "Principal components", COMPONENTS, 1, 256, "Dimension of the distances."
            ),
        ),
    )
)
def monte_carlo_membership(comparison: Comparison) -> Measurement:
    """Area under the curve of the share of samples within epsilon, the median over all images of the nearest distance.

    Distances on principal components of the samples. The control lets half of the held-out patients play the
    samples and the other half the non-members.
    """
    held_out = comparison.held_out
    if held_out is None:
        raise NotComputable(
            "A membership attack needs held-out images as non-members; choose a set with some."
        )
    components = round(comparison.option(NAME, "components", COMPONENTS))
    real, samples = comparison.real, comparison.synthetic
    # Axes of the samples: those of the training images would fit them better than held-out ones.
    made, train, films = principal(samples.features, real.features, held_out.features, components=components)
    main = _attack(train, films, made, np.arange(held_out.n))
    played, others = parts_by_patient(held_out.patients, 2, comparison.rng(NAME))
    role, ours, theirs = principal(
        held_out.features[played], real.features, held_out.features[others], components=components
    )
    nobody = _attack(ours, theirs, role, others)
    seed = comparison.seed
    return attack_measurement(area_of(main, real, held_out, seed), area_of(nobody, real, held_out, seed))


def _attack(train: Floats, films: Floats, samples: Floats, rows: IntArray) -> Attack:
    images = np.concatenate([train, films])
    epsilon = float(np.median(np.concatenate([block.min(axis=1) for block in _squared(images, samples)])))
    counts = np.concatenate([(block <= epsilon).mean(axis=1) for block in _squared(images, samples)])
    return Attack(counts[: len(train)], counts[len(train) :], rows)


def _squared(images: Floats, samples: Floats) -> Iterator[Floats]:
    """Blocks (b, m) of squared distances, one after the other."""
    own, norms = np.einsum("nd,nd->n", images, images), np.einsum("nd,nd->n", samples, samples)
    for start, product in products(images, samples):
        yield own[start : start + len(product), None] + norms[None, :] - 2.0 * product
