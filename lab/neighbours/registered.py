"""Detector (a), registered correlation: is this film, moved a little or mirrored, one of the training films?

The local contrast of a sample's low-resolution image is mirrored or not, scaled, rotated and shifted in small steps;
each variant's central window is correlated with the same window of every training film, and the largest
correlation counts. The distance is 1 - correlation. Pixels, unlike learned features, survive blur, noise
and an autoencoder's round trip; local contrast, unlike grey levels, survives another window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lab.device import CPU, pick
from lab.neighbours.contrast import local_contrast
from lab.neighbours.lowres import SIDE, normalised

if TYPE_CHECKING:
    import torch

SCALES = (0.92, 1.0, 1.08)
ANGLES = (-3.0, 0.0, 3.0)
SHIFTS = (-2, -1, 0, 1, 2)
WINDOW = 36
QUERY_BLOCK = 4
FLAT_NORM = 1e-3


@dataclass(frozen=True)
class Variant:
    """How a sample was turned to match: mirrored, scaled, rotated (degrees), shifted (48ths of the image)."""

    flipped: bool
    scale: float
    angle: float
    shift: tuple[int, int]

    def words(self) -> str:
        """For example "flipped, scale 1.08, 3 degrees, shift 1 0"; "as is" when nothing was done."""
        parts = ["flipped"] if self.flipped else []
        parts += [f"scale {self.scale:g}"] if self.scale != 1.0 else []
        parts += [f"{self.angle:g} degrees"] if self.angle else []
        parts += [f"shift {self.shift[0]} {self.shift[1]}"] if any(self.shift) else []
        return ", ".join(parts) or "as is"


@lru_cache(maxsize=1)
def variants() -> tuple[Variant, ...]:
    """All variants, in the order in which they are searched: 2 flips x 3 scales x 3 angles x 25 shifts."""
    poses = product((False, True), SCALES, ANGLES, product(SHIFTS, SHIFTS))
    return tuple(Variant(flip, scale, angle, (dx, dy)) for flip, scale, angle, (dy, dx) in poses)


@lru_cache(maxsize=1)
def _table() -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Bilinear sampling of every pose: source pixels (poses x points, 4) and their weights."""
    reach = max(SHIFTS)
    side = WINDOW + 2 * reach
    axis = np.arange(side) - (side - 1) / 2
    v, u = np.meshgrid(axis, axis, indexing="ij")
    indices, weights = [], []
    for flip, scale, angle in product((False, True), SCALES, ANGLES):
        turn = np.deg2rad(angle)
        x = (u * np.cos(turn) + v * np.sin(turn)) / scale
        y = (v * np.cos(turn) - u * np.sin(turn)) / scale
        x = np.clip((-x if flip else x) + (SIDE - 1) / 2, 0, SIDE - 1).ravel()
        y = np.clip(y + (SIDE - 1) / 2, 0, SIDE - 1).ravel()
        left, top = (
            np.minimum(np.floor(x), SIDE - 2).astype(int),
            np.minimum(np.floor(y), SIDE - 2).astype(int),
        )
        fx, fy = x - left, y - top
        corner = top * SIDE + left
        indices.append(np.stack([corner, corner + 1, corner + SIDE, corner + SIDE + 1], 1))
        weights.append(np.stack([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy], 1))
    return np.concatenate(indices), np.concatenate(weights).astype(np.float32)


def windows(lowres: NDArray[np.float32]) -> NDArray[np.float32]:
    """The reference side: central windows (n, 1296) of local contrasts (n, 2304), zero mean, unit norm."""
    edge = (SIDE - WINDOW) // 2
    cut = lowres.reshape(-1, SIDE, SIDE)[:, edge : SIDE - edge, edge : SIDE - edge]
    return normalised(cut.reshape(len(lowres), -1), FLAT_NORM)


def query_windows(lowres: torch.Tensor) -> torch.Tensor:
    """All variants of local contrasts (q, 2304), zero mean and unit norm: (q x variants, 1296)."""
    import torch

    index, weight = (torch.from_numpy(part).to(lowres.device) for part in _table())
    side = WINDOW + 2 * max(SHIFTS)
    warped = (lowres[:, index] * weight).sum(-1).reshape(-1, side, side)
    rows = warped.unfold(1, WINDOW, 1).unfold(2, WINDOW, 1).reshape(-1, WINDOW * WINDOW)
    rows = rows - rows.mean(1, keepdim=True)
    norm = rows.norm(dim=1, keepdim=True)
    return torch.where(norm > FLAT_NORM, rows / norm.clamp_min(1e-12), 0.0)


class RegisteredIndex:
    """Registered correlation against a fixed set of films.

    Args:
        reference: their low-resolution images (n, 2304), in memory or memory-mapped. Where a search names its
            candidates, only their windows are cut; a search of all films keeps all windows on the device.
    """

    def __init__(self, reference: NDArray[np.float32]) -> None:
        self._device = pick()
        self._reference = reference

    def __len__(self) -> int:
        return len(self._reference)

    @cached_property
    def _whole(self) -> torch.Tensor:
        return self._cut(self._reference)

    def _cut(self, lowres: NDArray[np.float32]) -> torch.Tensor:
        import torch

        return torch.from_numpy(windows(local_contrast(lowres))).to(self._device)

    def distances(
        self, lowres: NDArray[np.float32], rows: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Distance 1 - correlation of each sample to each reference film, over the best variant.

        Args:
            lowres: low-resolution images (q, 2304).
            rows: reference rows to compare with, for all samples alike; None takes all.

        Returns:
            Distances (q, n), 0..2, and the index into `variants()` of the best variant (q, n). A flat
            image, which has no pattern, is at distance 1 from everything.
        """
        import torch

        reference = self._whole if rows is None else self._cut(self._reference[rows])
        out, best = [], []
        with torch.inference_mode():
            for start in range(0, len(lowres), QUERY_BLOCK):
                block = torch.from_numpy(local_contrast(lowres[start : start + QUERY_BLOCK])).to(self._device)
                correlation = query_windows(block) @ reference.T
                value, variant = correlation.reshape(len(block), -1, len(reference)).max(1)
                out.append(value.to(CPU).numpy())
                best.append(variant.to(CPU).numpy())
        if not out:
            return np.empty((0, len(reference))), np.empty((0, len(reference)), dtype=np.int64)
        return np.maximum(1.0 - np.concatenate(out).astype(np.float64), 0.0), np.concatenate(best).astype(
            np.int64
        )
