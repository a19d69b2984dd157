"""Differential privacy: a training's ledger, its epsilon recomputed, and what it promises about any attack.

(epsilon, delta)-differential privacy: P[M(D) in S] <= e^epsilon P[M(D') in S] + delta for neighbouring D, D'. DP-SGD
clips each gradient to C and adds Gaussian noise of sigma C, on batches drawn with rate q, for a number of steps. Its
epsilon is recomputed here with Renyi differential privacy of the sampled Gaussian mechanism (Mironov, Talwar and Zhang
2019), straight from the definition by numerical integration, and turned into (epsilon, delta) after Canonne, Kamath and
Steinke (2020). That is an upper bound; `dp_prv` follows the privacy loss itself and gives less, nearly exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isfinite, log

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError
from lab.leakage.dp_prv import ERROR, prv_epsilon

Floats = NDArray[np.float64]
UNITS = ("image", "patient")
ACCOUNTANTS = ("RDP", "PRV", "other")
TOLERANCE = 0.01
ORDERS = np.concatenate([np.arange(1.05, 11.0, 0.05), np.arange(11.0, 64.0, 0.5), 2.0 ** np.arange(6, 11)])
_REACH = 12.0
_STEP = 1 / 40


@dataclass(frozen=True)
class Ledger:
    """What a training with differential privacy must tell.

    Attributes:
        epsilon, delta: as stated; epsilon above 0, delta above 0 and below 1.
        clip: norm C to which each gradient is cut; it scales the noise and does not change epsilon.
        noise: multiplier sigma, in units of C.
        rate: chance q of each unit to be in a batch, above 0 and at most 1.
        steps: number of noisy steps.
        accountant: how epsilon was computed: "RDP", "PRV" or "other".
        unit: what is protected: one "image", or all images of a "patient".
    """

    epsilon: float
    delta: float
    clip: float
    noise: float
    rate: float
    steps: int
    accountant: str = "RDP"
    unit: str = "image"

    def checked(self) -> Ledger:
        """The same ledger.

        Raises:
            InputError: for the first value outside its range.
        """
        ranges = (
            (isfinite(self.epsilon) and self.epsilon > 0, "Epsilon must be above 0"),
            (0 < self.delta < 1, "Delta must lie between 0 and 1"),
            (isfinite(self.clip) and self.clip > 0, "The clipping norm must be above 0"),
            (isfinite(self.noise) and 0.1 <= self.noise <= 1000, "The noise multiplier must be 0.1 to 1,000"),
            (0 < self.rate <= 1, "The sampling rate must be above 0 and at most 1"),
            (1 <= self.steps <= 100_000_000, "The number of steps must be 1 to 100,000,000"),
            (self.unit in UNITS, "The unit must be image or patient"),
            (self.accountant in ACCOUNTANTS, f"The accountant must be one of {', '.join(ACCOUNTANTS)}"),
        )
        for good, words in ranges:
            if not good:
                raise InputError(f"{words}; no bound was drawn; correct the ledger.")
        return self


@dataclass(frozen=True)
class Checked:
    """A ledger and the epsilon that its own entries give.

    Attributes:
        recomputed: epsilon by the Renyi accountant.
        exact: epsilon by the accountant of privacy loss variables; None where it cannot be computed at once.
        order: the Renyi order that gives it.
        remarks: sentences a reader must know, such as a delta above one in n.
    """

    ledger: Ledger
    recomputed: float
    order: float
    exact: float | None = None
    remarks: tuple[str, ...] = ()


def check_ledger(ledger: Ledger, members: int = 0) -> Checked:
    """Recompute epsilon and refuse a ledger that contradicts itself.

    Args:
        members: how many units were trained on, 0 where unknown; delta should be below one in that many.

    Raises:
        InputError: when a value is out of range; when the stated epsilon differs by more than 1 % from the one that its
            own accountant gives; when by another accountant it is above the RDP bound or below the exact one.
    """
    ledger = ledger.checked()
    found, order = epsilon_of(ledger.noise, ledger.rate, ledger.steps, ledger.delta)
    exact = prv_epsilon(ledger.noise, ledger.rate, ledger.steps, ledger.delta, found)
    low, high = _allowed(ledger.accountant, found, exact)
    if not low <= ledger.epsilon <= high:
        told = "" if exact is None else f" and {exact:.4g} by the PRV accountant"
        raise InputError(
            f"The ledger contradicts itself: it states epsilon {ledger.epsilon:.4g}, and its noise, rate, steps and "
            f"delta give {found:.4g} by the RDP accountant{told}; no bound was drawn; correct the entry that is "
            "wrong."
        )
    return Checked(ledger, found, order, exact, _remarks(ledger, found, exact, members))


def _allowed(accountant: str, found: float, exact: float | None) -> tuple[float, float]:
    """The smallest and the largest epsilon that may be stated."""
    # An exact epsilon may be told with or without the margin of its numerical error.
    least = 0.0 if exact is None else (exact - ERROR) * (1.0 - TOLERANCE)
    if accountant == "RDP":
        return found * (1.0 - TOLERANCE), found * (1.0 + TOLERANCE)
    if accountant == "PRV" and exact is not None:
        return least, exact * (1.0 + TOLERANCE)
    return least, found * (1.0 + TOLERANCE)


def _remarks(ledger: Ledger, found: float, exact: float | None, members: int) -> tuple[str, ...]:
    remarks = []
    if exact is None and ledger.epsilon < found * (1.0 - TOLERANCE):
        remarks.append(
            f"The stated epsilon is below the RDP bound of {found:.4g}. An exact accountant gives less than "
            "that bound, "
            "but how much less is not verified here: so many steps are too large a computation."
        )
    if members and ledger.delta > 1.0 / members:
        remarks.append(
            f"Delta is above one in {members:,}: a mechanism that publishes one of them whole would pass."
        )
    if ledger.unit == "image":
        remarks.append("The unit is one image: a patient with several images is protected less.")
    return tuple(remarks)


def epsilon_of(noise: float, rate: float, steps: int, delta: float) -> tuple[float, float]:
    """Epsilon of DP-SGD and the Renyi order that gives it.

    Args:
        noise: multiplier sigma.
        rate: sampling rate q, Poisson.
        steps: number of steps.
        delta: the delta wanted.
    """
    renyi = steps * np.array([renyi_divergence(noise, rate, float(order)) for order in ORDERS])
    epsilons = renyi - (log(delta) + np.log(ORDERS)) / (ORDERS - 1.0) + np.log1p(-1.0 / ORDERS)
    best = int(np.nanargmin(epsilons))
    return max(0.0, float(epsilons[best])), float(ORDERS[best])


def renyi_divergence(noise: float, rate: float, order: float) -> float:
    """Renyi divergence of one step: log E[(mu / mu0)^order] / (order - 1), the expectation over mu0.

    mu0 is N(0, sigma^2) and mu is (1 - q) mu0 + q N(1, sigma^2): the direction that bounds both (Mironov et al. 2019).
    """
    if rate == 1.0:
        return order / (2.0 * noise * noise)
    # The integrand is a smooth mixture of bells between 0 and the order: the trapezoid rule is exact for such.
    z = np.arange(-_REACH * noise, order + _REACH * noise, noise * _STEP)
    ratio = np.logaddexp(np.log1p(-rate), log(rate) + (2.0 * z - 1.0) / (2.0 * noise * noise))
    exponent = order * ratio - z * z / (2.0 * noise * noise)
    top = float(exponent.max())
    total = top + log(float(np.exp(exponent - top).sum()) * _STEP) - 0.5 * log(2.0 * np.pi)
    return max(0.0, total) / (order - 1.0)


def bound(epsilon: float, delta: float, fpr: Floats) -> Floats:
    """The largest true-positive rate that any attack can have at each false-positive rate.

    The smaller of e^epsilon FPR + delta and 1 - e^-epsilon (1 - delta - FPR): the promise read in both directions
    (Kairouz, Oh and Viswanath 2015).

    Args:
        fpr: (k,) false-positive rates, 0..1.
    """
    low = np.exp(np.minimum(epsilon, 700.0)) * fpr + delta
    high = 1.0 - exp(-min(epsilon, 700.0)) * (1.0 - delta - fpr)
    return np.clip(np.minimum(low, high), 0.0, 1.0)
