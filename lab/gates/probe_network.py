"""The probe's network: where each finding is, from that whether it is there, on which side and how large."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTHS = (20, 40, 72)
STRIDE = 8
ROTATION, ZOOM, SHIFT = 0.07, 0.06, 0.08
GREYS, GAMMA, NOISE = 0.15, 0.25, 0.08


def network(labels: int, sided: int, sized: int, seed: int) -> Any:
    """A module from films (n, 1, S, S) to presence, side and size scores and maps (n, labels, S / 8, S / 8)."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _network_class()(labels, sided, sized)


def _network_class() -> Any:
    import torch
    from torch import nn

    def conv(before: int, after: int, stride: int = 1, width: int = 3) -> Any:
        return nn.Sequential(
            nn.Conv2d(before, after, width, stride, width // 2, bias=False), nn.GroupNorm(4, after), nn.ReLU()
        )

    class Residual(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.first, self.second = conv(width, width), conv(width, width)

        def forward(self, x: Any) -> Any:
            return x + self.second(self.first(x))

    class Network(nn.Module):
        def __init__(self, labels: int, sided: int, sized: int) -> None:
            super().__init__()
            a, b, c = WIDTHS
            # With the place of each pixel beside its grey: what lies right cannot be told from left by texture alone.
            self.trunk = nn.Sequential(
                conv(3, a, 2, 5), conv(a, b, 2), Residual(b), conv(b, c, 2), Residual(c), Residual(c)
            )
            self.maps = nn.Conv2d(c, labels, 1)
            described = 4 * c + 4 * labels
            self.labels, self.sided = labels, sided
            self.present = nn.Linear(described, labels)
            self.rest = nn.Sequential(
                nn.Linear(described, 96), nn.ReLU(), nn.Dropout(0.2), nn.Linear(96, sided + sized)
            )
            self.drop = nn.Dropout(0.2)

        def forward(self, x: Any) -> tuple[Any, Any, Any, Any]:
            n, _, height, width = x.shape
            down, across = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
            place = torch.stack(torch.meshgrid(down, across, indexing="ij")).expand(n, -1, -1, -1)
            features = self.trunk(torch.cat([x, place], 1))
            maps = self.maps(features)
            # The image's left half shows the patient's right side.
            halves = [part for whole in (features, maps) for part in whole.chunk(2, 3)]
            areas = [(part.sigmoid().mean((2, 3)) + 1e-3).log() for part in halves[2:]]
            means = [part.mean((2, 3)) for part in halves[:2]]
            d = self.drop(torch.cat([part.amax((2, 3)) for part in halves] + means + areas, 1))
            rest = self.rest(d)
            return self.present(d), rest[:, : self.sided], rest[:, self.sided :], maps

    return Network


def standardised(images: NDArray[np.uint8]) -> Any:
    """(n, S, S) uint8 to (n, 1, S, S) float32, each film with mean 0 and deviation 1."""
    import torch

    pixels = torch.from_numpy(np.ascontiguousarray(images)).float()[:, None]
    pixels = pixels - pixels.mean((2, 3), keepdim=True)
    return pixels / (pixels.std((2, 3), keepdim=True) + 1e-6)


def augmented(pixels: Any, regions: Any, draw: Any) -> tuple[Any, Any]:
    """Films and their maps turned, zoomed and shifted alike; greys stretched, noise and blur on films. Never flipped.

    Args:
        pixels: (n, 1, S, S) standardised.
        regions: (n, labels, C, C).
        draw: torch generator.
    """
    import torch
    from torch.nn.functional import affine_grid, avg_pool2d, grid_sample

    n = len(pixels)

    def between(reach: float, *shape: int) -> Any:
        return (2 * torch.rand((n, *shape), generator=draw) - 1) * reach

    turn, zoom, shift = between(ROTATION), 1 + between(ZOOM), between(SHIFT, 2)
    rows = (
        [zoom * turn.cos(), -zoom * turn.sin(), shift[:, 0]],
        [zoom * turn.sin(), zoom * turn.cos(), shift[:, 1]],
    )
    matrix = torch.stack([torch.stack(row, 1) for row in rows], 1)
    size, cells = pixels.shape[-1], regions.shape[-1]
    grid = affine_grid(matrix, [n, 1, size, size], align_corners=False)
    moved = grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    coarse = affine_grid(matrix, [n, 1, cells, cells], align_corners=False)
    moved_regions = grid_sample(regions, coarse, padding_mode="border", align_corners=False)
    # Samples and round trips are smoother than films: neither sharpness nor noise may decide.
    blur = torch.rand((n, 1, 1, 1), generator=draw)
    moved = moved + blur * (avg_pool2d(moved, 3, 1, 1, count_include_pad=False) - moved)
    bent = moved.sign() * (moved.abs() + 1e-6) ** (1 + between(GAMMA, 1, 1, 1))
    noise = torch.randn(moved.shape, generator=draw) * torch.rand((n, 1, 1, 1), generator=draw) * NOISE
    return bent * (1 + between(GREYS, 1, 1, 1)) + noise, moved_regions
