"""The feature likelihood divergence of a comparison and of its control, fitted once for all metrics that read it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison
from lab.metrics.held_out_halves import parts_by_patient
from lab.metrics.likelihood import MOST_CENTRES, Mixture, fit_mixture, standardised
from lab.metrics.patients import balanced_draw
from lab.metrics.points import Points

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Likelihoods:
    """What a mixture around samples, fitted to training images, says.

    Args:
        mixture: of the samples in `centres`.
        centres: rows of the samples that became centres.
        training: standardised features (n, d) of the training images.
        films: standardised features of the held-out images in `tried`.
        tried: (h,) held-out images the mixture is tried on.
        to_training, to_films: (n,), (h,) negative log likelihood per dimension.
        baseline: mean one of the held-out images under a mixture around half of the training images.
    """

    mixture: Mixture
    centres: IntArray
    training: Floats
    films: Floats
    tried: Points
    to_training: Floats
    to_films: Floats
    baseline: float


def likelihoods(comparison: Comparison) -> tuple[Likelihoods, Likelihoods]:
    """Of the samples, and of half of the held-out patients in their place tried on the other half.

    Raises:
        NotComputable: without held-out images.
    """
    found: tuple[Likelihoods, Likelihoods] = comparison.shared("divergence", lambda: _both(comparison))
    return found


def _both(comparison: Comparison) -> tuple[Likelihoods, Likelihoods]:
    held_out = comparison.held_out
    if held_out is None:
        raise NotComputable("This likelihood is tried on held-out images; choose a set with some.")
    rng = comparison.rng("divergence")
    played, others = parts_by_patient(held_out.patients, 2, comparison.rng("divergence halves"))
    samples = comparison.synthetic
    centres = balanced_draw(samples.patients, min(MOST_CENTRES, samples.n), rng)
    scale = held_out.features
    main = _fitted(comparison.real, samples.features[centres], held_out, scale, rng)
    again = comparison.rng("divergence control")
    control = _fitted(comparison.real, scale[played], held_out.take(others), scale, again)
    return replace(main, centres=centres), replace(control, centres=played)


def _fitted(
    real: Points, samples: Floats, tried: Points, scale: Floats, rng: np.random.Generator
) -> Likelihoods:
    training, made, films = standardised(scale, real.features, samples, tried.features)
    mixture = fit_mixture(made, training)
    first, second = parts_by_patient(real.patients, 2, rng)
    usual = fit_mixture(training[first], training[second])
    return Likelihoods(
        mixture,
        np.arange(len(samples)),
        training,
        films,
        tried,
        mixture.negative_log_likelihood(training),
        mixture.negative_log_likelihood(films),
        float(usual.negative_log_likelihood(films).mean()),
    )
