"""A loss on texture: how much fine detail lies where, and which way it runs, not where each grain falls.

An L1 loss alone draws the mean of all films that fit a latent, and that mean is smooth. The energy of each band
in small windows is what the mean loses; asking for it back sharpens edges and restores grain (after Portilla and
Simoncelli 2000, who describe texture by such local statistics; here Haar bands, without their cross-correlations).
"""

from __future__ import annotations

from typing import Any

LEVELS = 2
WINDOW = 4
WEIGHT = 100.0
EPS = 1e-6


def texture_loss(wanted: Any, given: Any) -> Any:
    """Mean absolute difference of band energies (root mean square) of (n, 1, H, W) images: in windows, and of all.

    In a window the best guess of an energy that a latent does not tell is its median, which is too little; the
    energy of the whole film makes up for it.
    """
    total = 0.0
    for one, two in zip(_bands(wanted), _bands(given), strict=True):
        local = (_energy(one) - _energy(two)).abs().mean()
        whole = (_film_energy(one) - _film_energy(two)).abs().mean()
        total = total + local / 2 + whole
    return total / LEVELS


def _bands(image: Any) -> list[Any]:
    """Haar details of each level, (n, 3, h, w): across, down and diagonal; overlapping, so that no grid is favoured."""
    import torch

    found = []
    for _ in range(LEVELS):
        a, b = image[..., :-1, :-1], image[..., :-1, 1:]
        c, d = image[..., 1:, :-1], image[..., 1:, 1:]
        details = [(a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2]
        found.append(torch.cat(details, 1))
        image = torch.nn.functional.avg_pool2d(image, 2)
    return found


def _energy(bands: Any) -> Any:
    from torch.nn.functional import avg_pool2d

    return (avg_pool2d(bands**2, WINDOW, WINDOW // 2) + EPS).sqrt()


def _film_energy(bands: Any) -> Any:
    return ((bands**2).mean((2, 3)) + EPS).sqrt()
