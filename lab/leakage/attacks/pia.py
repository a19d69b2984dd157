"""PIA and PIAN (Kong et al. 2024): the noise the model sees in the clean film is put in, and seen again in a member."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from lab.leakage.attacks.denoiser import Denoiser, Floats, as_measures, published_level

# Of the published schedule of 1,000. The mean over a grid spares a choice of time that only an attacker who knows the
# answer could make.
TIMES = (50, 100, 150, 200, 250, 300)
CALLS = 1 + len(TIMES)
POWER = 4


def measure(
    denoiser: Denoiser, clean: Any, words: Any, normalised: bool = False, times: tuple[int, ...] = TIMES
) -> Floats:
    """(n, times) sums of |e0 - e(a x + b e0, t)|^4 with e0 = e(x, 0); lower for members.

    Args:
        normalised: PIAN: e0 is scaled to the mean absolute value of standard normal noise, the root of 2/pi.
        times: of the published schedule; elsewhere the times with as much noise.
    """
    first = denoiser.noise(clean, 0, words)
    if normalised:
        size = first.abs().flatten(1).mean(1).clamp_min(1e-12).view(-1, 1, 1, 1)
        first = first * (sqrt(2.0 / pi) / size)
    columns = []
    for time in times:
        t = denoiser.at_level(published_level(time))
        again = denoiser.noise(denoiser.noised(clean, first, t), t, words)
        columns.append(((first - again).abs() ** POWER).flatten(1).sum(1))
    return as_measures(columns)


def measure_normalised(denoiser: Denoiser, clean: Any, words: Any) -> Floats:
    """PIAN's sums; see `measure`."""
    return measure(denoiser, clean, words, normalised=True)
