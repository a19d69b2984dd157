"""The loss attack (Yeom et al. 2018; for diffusion Carlini et al. 2023): the denoiser errs less on films it learnt."""

from __future__ import annotations

from typing import Any

from lab.leakage.attacks.denoiser import Denoiser, Floats, as_measures, fixed_noises, per_film

TIMES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)
NOISES = 3
CALLS = len(TIMES) * NOISES


def measure(denoiser: Denoiser, clean: Any, words: Any) -> Floats:
    """(n, 6) mean squared error of the predicted noise at each of six times, over three noises; lower for members.

    In flow matching the error is that of the velocity.

    Args:
        clean: (n, c, h, w) encoded films.
        words: their captions as the network takes them.
    """
    noises = fixed_noises(clean, NOISES)
    columns = []
    for share in TIMES:
        errors = 0.0
        for noise in noises:
            told, target = denoiser.error(clean, noise, denoiser.at(share), words)
            errors = errors + per_film((told - target) ** 2) / NOISES
        columns.append(errors)
    return as_measures(columns)
