"""How pictures are changed while a network learns: moved a little, mirrored only where that means nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNMIRRORED = ("radiograph", "x-ray", "mri", "ct", "tomography")
"""Modalities, by words in their names, whose images have a left and a right."""


@dataclass(frozen=True)
class Changes:
    """Widest changes of a picture.

    Args:
        degrees: of rotation.
        scale, shift, gain: as shares.
        flips: whether to mirror half of the pictures.
    """

    degrees: float
    scale: float = 0.0
    shift: float = 0.0
    gain: float = 0.0
    flips: bool = False


PATIENT = Changes(degrees=5.0, scale=0.06, shift=0.04, gain=0.1)
"""Measured on the chest phantoms at 1,200 to 1,300 steps: twice as wide, with parts hidden, was worse by 0.01."""
COPY = Changes(degrees=5.0)


def may_mirror(modality: str) -> bool:
    """Whether a mirrored image of this modality is as good as the image: not where it has a left and a right."""
    return not any(word in modality.lower() for word in UNMIRRORED)


def turned(films: NDArray[np.uint8], flips: bool, seed: int = 0) -> NDArray[np.uint8]:
    """Copies of (n, S, S) uint8 films as the copy embedding learns them: turned up to 5 degrees, perhaps mirrored."""
    import torch

    pixels = torch.from_numpy(np.ascontiguousarray(films)).float()[:, None] / 127.5 - 1
    ways = replace(COPY, flips=flips)
    moved = changed(pixels, ways, torch.Generator().manual_seed(seed))
    levels = ((moved[:, 0] + 1) * 127.5).round().clamp(0, 255)
    return np.asarray(levels.numpy(), dtype=np.uint8)


def changed(images: Any, changes: Changes, generator: Any) -> Any:
    """Changed copies of (n, 1, S, S) float images in -1..1; the film goes on as its mirror image at the border."""
    import torch
    from torch.nn import functional

    n = len(images)
    angle = _drawn(n, math.radians(changes.degrees), generator)
    scale = 1 + _drawn(n, changes.scale, generator)
    across, down = (_drawn(n, 2 * changes.shift, generator) for _ in range(2))
    side = torch.ones(n)
    if changes.flips:
        side = 1 - 2 * (torch.rand(n, generator=generator) < 0.5).float()
    cos, sin = angle.cos() / scale, angle.sin() / scale
    rows = [torch.stack([side * cos, -sin, across], 1), torch.stack([side * sin, cos, down], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    moved = functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    if changes.gain:
        gain, offset = 1 + _drawn(n, changes.gain, generator), _drawn(n, changes.gain, generator)
        moved = (moved * gain.view(-1, 1, 1, 1) + offset.view(-1, 1, 1, 1)).clamp(-1, 1)
    return moved


def _drawn(count: int, width: float, generator: Any) -> Any:
    import torch

    return (torch.rand(count, generator=generator) * 2 - 1) * width
