"""Epsilon by the accountant of privacy loss random variables (Gopi, Lee and Wutschitz 2021), nearly exact.

The privacy loss of one step is a random variable; over many steps it is a sum. Its distribution is laid on a grid whose
mean is kept, and the sum is computed by one fast Fourier transform. Both directions are followed, a unit taken away and
a unit added, and the larger epsilon is told.
"""

from __future__ import annotations

from math import ceil, log, log2, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ERROR, RELATIVE = 0.01, 0.001
MOST_POINTS = 1 << 22
FINER = 4


def prv_epsilon(noise: float, rate: float, steps: int, delta: float, ceiling: float) -> float | None:
    """Epsilon of DP-SGD, with a numerical error of at most about 0.01, or a thousandth where that is more.

    Args:
        noise: multiplier sigma, above 0.
        rate: sampling rate q, Poisson.
        steps: number of steps.
        delta: the delta wanted.
        ceiling: an upper bound of epsilon at `delta`, from another accountant; the grid reaches beyond it.

    Returns:
        The upper end of epsilon, as Opacus tells it; None where the grid would be too large to compute at once.
    """
    error = max(ERROR, ceiling * RELATIVE)
    mesh = error / sqrt(max(1.0, steps / 2.0) * log(12.0 / (delta * 1e-3)))
    reach = 1.5 * ceiling + 3.0
    # A power of two, for the transform.
    half = 1 << ceil(log2(reach / mesh))
    if 2 * half > MOST_POINTS:
        return None
    found = [_epsilon(_summed(*_laid(noise, rate, half, mesh, taken), steps), half, mesh, delta)
             for taken in (True, False)]  # fmt: skip
    return max(found) + error


def _laid(noise: float, rate: float, half: int, mesh: float, taken: bool) -> tuple[Floats, float]:
    """Chances (2 half,) of one step's loss at the points of the grid, and how much its mean is to be moved."""
    points = np.arange(-half, half) * mesh
    edges = np.append(points - mesh / 2, points[-1] + mesh / 2)
    cumulative = _loss_below(edges, noise, rate, taken)
    chances = np.diff(cumulative)
    chances /= chances.sum()
    # Rounding to the grid moves the mean; moved back, errors of many steps cancel instead of adding up.
    fine = np.linspace(edges[0], edges[-1], FINER * len(points) + 1)
    below = _loss_below(fine, noise, rate, taken)
    kept = np.diff(below)
    mean = float((kept * (fine[:-1] + fine[1:]) / 2).sum() / kept.sum())
    return chances, mean - float((chances * points).sum())


def _loss_below(values: Floats, noise: float, rate: float, taken: bool) -> Floats:
    """Chance that the privacy loss of one step is at most each value.

    Without the unit a step gives N(0, sigma^2), with it (1 - q) N(0, sigma^2) + q N(1, sigma^2); the log of their ratio
    rises with the step's outcome.
    """
    from scipy.special import ndtr

    def outcome(ratio: Floats) -> Floats:
        """Where the log ratio has that value; -inf where it is below what it can be."""
        with np.errstate(divide="ignore", invalid="ignore"):
            inner = np.expm1(np.minimum(ratio, 700.0)) / rate + 1.0
            return np.where(inner > 0, noise**2 * np.log(np.maximum(inner, 1e-300)) + 0.5, -np.inf)

    if taken:
        x = outcome(values)
        return np.asarray((1.0 - rate) * ndtr(x / noise) + rate * ndtr((x - 1.0) / noise), np.float64)
    return np.asarray(1.0 - ndtr(outcome(-values) / noise), np.float64)


def _summed(chances: Floats, move: float, steps: int) -> tuple[Floats, float]:
    """Chances of the sum of so many losses, on the same grid, and how far its points are to be moved."""
    shifted = np.fft.ifftshift(chances)
    # Far powers of small numbers vanish, as they should.
    with np.errstate(under="ignore"):
        total = np.fft.irfft(np.fft.rfft(shifted) ** steps, len(chances))
    return np.maximum(np.fft.fftshift(total), 0.0), move * steps


def _epsilon(summed: tuple[Floats, float], half: int, mesh: float, delta: float) -> float:
    """The smallest epsilon at which E[max(0, 1 - e^(epsilon - loss))] is at most delta."""
    chances, move = summed
    losses = np.arange(-half, half) * mesh + move

    def spent(epsilon: float) -> float:
        over = losses > epsilon
        return float((chances[over] * -np.expm1(epsilon - losses[over])).sum())

    low, high = 0.0, float(losses[-1])
    if spent(low) <= delta:
        return 0.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if spent(middle) > delta else (low, middle)
    return high
