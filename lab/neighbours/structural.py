"""Structural likeness: SSIM of two films after registration, on their low-resolution windows.

SSIM (Wang et al. 2004, DOI 10.1109/TIP.2003.819861) with a Gaussian window of sigma 1.5 and population covariances.
A film is compared in the pose that registered correlation chose, at 48 px, with mean and contrast set equal: what
is left is where structures lie, not how bright the film is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.device import CPU
from lab.neighbours.registered import WINDOW, query_windows, windows

if TYPE_CHECKING:
    import torch

    from lab.neighbours.reference import ReferenceSet

SIGMA, REACH, TRUNCATE = 1.5, 5, 3.5
K1, K2 = 0.01, 0.03
# A window of unit norm has this spread afterwards, in a grey range of 1.
SPREAD = 0.2
Floats = NDArray[np.float64]


def ssim(first: NDArray[Any], second: NDArray[Any], span: float = 1.0) -> Floats:
    """SSIM (n,) of pairs of grey images (n, H, W) whose values span `span`; 1 for equal ones, at least -1.

    Borders of 5 px, where the Gaussian window leaves the image, are left out of the mean.
    """
    from scipy.ndimage import gaussian_filter

    def blurred(values: Floats) -> Floats:
        return np.asarray(gaussian_filter(values, (0, SIGMA, SIGMA), truncate=TRUNCATE))

    a, b = (np.broadcast_to(part, np.broadcast_shapes(first.shape, second.shape)) for part in (first, second))
    a, b = a.astype(np.float64), b.astype(np.float64)
    mean_a, mean_b = blurred(a), blurred(b)
    variances = blurred(a * a) - mean_a**2 + blurred(b * b) - mean_b**2
    shared = blurred(a * b) - mean_a * mean_b
    c1, c2 = (K1 * span) ** 2, (K2 * span) ** 2
    whole = ((2 * mean_a * mean_b + c1) * (2 * shared + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (variances + c2)
    )
    return np.asarray(whole[:, REACH:-REACH, REACH:-REACH].mean(axis=(1, 2)))


def structural_distances(
    lowres: NDArray[np.float32],
    reference: ReferenceSet,
    rows: NDArray[np.int64],
    variants: NDArray[np.int64],
) -> Floats:
    """1 - SSIM (c,) of one low-resolution image (2304,) and the films `rows`, each in its own pose.

    Args:
        variants: (c,) indexes into `registered.variants()`, as the registered search gives them.
    """
    import torch

    poses: torch.Tensor = query_windows(torch.from_numpy(np.ascontiguousarray(lowres[None])))
    mine = _grey(poses[torch.from_numpy(variants)].to(CPU).numpy())
    return 1.0 - ssim(mine, _grey(windows(reference.lowres[rows])))


def _grey(unit_windows: NDArray[Any]) -> Floats:
    """Windows (n, 1296) of zero mean and unit norm as grey images (n, 36, 36) around 0.5."""
    scaled = unit_windows.astype(np.float64) * (WINDOW * SPREAD) + 0.5
    return np.asarray(scaled.reshape(-1, WINDOW, WINDOW))
