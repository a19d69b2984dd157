"""Small changes of a film that leave its meaning: never a flip, because side is part of the caption."""

from __future__ import annotations

from typing import Any

DEGREES = 4.0
SCALE = 0.08
SHIFT = 0.03
GAIN = 0.08


def augmented(images: Any, masks: Any, generator: Any) -> tuple[Any, Any]:
    """Rotate within 4 degrees, scale within 8 %, shift within 3 %, and change gain and offset a little.

    Args:
        images: (n, 1, H, W) float tensor in -1..1.
        masks: (n, 1, H, W) float tensor in 0..1, moved alike.
        generator: torch generator that draws the changes.

    Returns:
        Changed images in -1..1 and masks.
    """
    import math

    import torch
    from torch.nn import functional

    n = len(images)
    angle, scale = _drawn(n, math.radians(DEGREES), generator), 1 + _drawn(n, SCALE, generator)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    across, down = _drawn(n, 2 * SHIFT, generator), _drawn(n, 2 * SHIFT, generator)
    rows = [torch.stack([cos, -sin, across], 1), torch.stack([sin, cos, down], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    # The film goes on as its mirror image at the border: a black wedge there would be learned and drawn again.
    # Cubic: a bilinear move keeps 0.6 of the energy of the finest band, and what is learned from it is blurred.
    moved = functional.grid_sample(
        images, grid, mode="bicubic", padding_mode="reflection", align_corners=False
    ).clamp(-1, 1)
    return regained(moved, generator), functional.grid_sample(
        masks, grid, padding_mode="zeros", align_corners=False
    )


def regained(images: Any, generator: Any) -> Any:
    """Change gain and offset of (n, 1, H, W) images in -1..1 within 8 %; black stays black."""
    n = len(images)
    gain, offset = 1 + _drawn(n, GAIN, generator), _drawn(n, GAIN, generator)
    bright = images + 1
    changed = bright * gain.view(-1, 1, 1, 1) + offset.view(-1, 1, 1, 1) * (bright > 0.02)
    return changed.clamp(0, 2) - 1


def _drawn(count: int, width: float, generator: Any) -> Any:
    import torch

    return (torch.rand(count, generator=generator) * 2 - 1) * width


def tensors_of(images: Any, rows: Any, *, signed: bool) -> Any:
    """Rows of a uint8 array as (n, 1, H, W) float: -1..1 when signed, else as they are."""
    import numpy as np
    import torch

    chosen = torch.from_numpy(np.ascontiguousarray(images[np.asarray(rows)])).float()[:, None]
    return chosen / 127.5 - 1 if signed else chosen
