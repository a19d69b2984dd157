"""Frequency-calibrated reconstruction error (arXiv 2506.14919), in two forms.

The paper's idea: only the middle band of frequencies tells members from others, as the lowest are learnt for every film
and the highest for none. The reconstruction of a noised film and the film are compared in that band by structural
similarity. The trained form takes, at the same times, the squared error of the prediction in that band and one minus
the similarity of prediction and target; a logistic regression on other patients weighs them.
"""

from __future__ import annotations

from typing import Any

from lab.leakage.attacks.denoiser import Denoiser, Floats, as_measures, fixed_noises, per_film
from lab.leakage.attacks.frequency import middle_band, similarity

# The middles of six equal parts of 0.3 T to 0.6 T, where times are drawn uniformly.
TIMES = (0.325, 0.375, 0.425, 0.475, 0.525, 0.575)
CALLS = len(TIMES)


def measure(denoiser: Denoiser, clean: Any, words: Any) -> Floats:
    """(n, 6) one minus the similarity of film and reconstruction in the middle band; lower for members."""
    columns = []
    film = middle_band(clean)
    for share, noise in zip(TIMES, fixed_noises(clean, len(TIMES)), strict=True):
        t = denoiser.at(share)
        noisy = denoiser.noised(clean, noise, t)
        again = denoiser.clean(noisy, denoiser.noise(noisy, t, words), t)
        columns.append(1.0 - similarity(middle_band(again), film))
    return as_measures(columns)


def features(denoiser: Denoiser, clean: Any, words: Any) -> Floats:
    """(n, 2) mean squared error in the middle band, and one minus the similarity of prediction and target.

    Both are means over the six times; of the noise in diffusion, of the velocity in flow matching.
    """
    band = unlike = 0.0
    for share, noise in zip(TIMES, fixed_noises(clean, len(TIMES)), strict=True):
        told, target = denoiser.error(clean, noise, denoiser.at(share), words)
        band = band + per_film(middle_band(told - target) ** 2) / len(TIMES)
        unlike = unlike + (1.0 - similarity(told, target)) / len(TIMES)
    return as_measures([band, unlike])
