"""A picture and its filtered versions: Laplacian of Gaussian at four scales, one level of an undecimated wavelet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIGMAS = (1.0, 1.5, 2.0, 2.5)
"""In pixels: the published 2 to 5 mm on pixels of 2 mm."""
# Low-pass analysis filter of the first coiflet (Daubechies 1992).
_LOW = np.array([
    -0.015655728135464540, -0.072732619512853897, 0.384864846864202860,
    0.852572020212255420, 0.337897662457809220, -0.072732619512853897,
])  # fmt: skip
_HIGH = _LOW[::-1] * np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0])


def filtered(picture: Floats) -> dict[str, Floats]:
    """Nine pictures of one size: "original", "log-SIGMA", "wavelet-LL", "-LH", "-HL", "-HH"."""
    from scipy.ndimage import gaussian_laplace

    found = {"original": picture}
    for sigma in SIGMAS:
        found[f"log-{sigma:g}"] = np.asarray(sigma**2 * gaussian_laplace(picture, sigma, mode="nearest"))
    for name, part in wavelet(picture).items():
        found[f"wavelet-{name}"] = part
    return found


def wavelet(picture: Floats) -> dict[str, Floats]:
    """Coiflet of order 1, undecimated, one level, borders wrapped round; as PyWavelets' `swt2` to 1e-12.

    The first letter is the filter down the rows, the second along them.
    """
    down = {"L": _wrapped(picture, _LOW, 0), "H": _wrapped(picture, _HIGH, 0)}
    return {
        first + second: _wrapped(part, taps, 1)
        for first, part in down.items()
        for second, taps in (("L", _LOW), ("H", _HIGH))
    }


def _wrapped(values: Floats, taps: Floats, axis: int) -> Floats:
    out = np.zeros_like(values)
    for at, tap in enumerate(taps):
        out += tap * np.roll(values, at - len(taps) // 2, axis=axis)
    return out
