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

    def drawn(width: float) -> Any:
        return (torch.rand(len(images), generator=generator) * 2 - 1) * width

    angle, scale = drawn(math.radians(DEGREES)), 1 + drawn(SCALE)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    rows = [torch.stack([cos, -sin, drawn(2 * SHIFT)], 1), torch.stack([sin, cos, drawn(2 * SHIFT)], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    # The film goes on as its mirror image at the border: a black wedge there would be learned and drawn again.
    moved = functional.grid_sample(images + 1, grid, padding_mode="reflection", align_corners=False)
    gain, offset = 1 + drawn(GAIN), drawn(GAIN)
    moved = (moved * gain.view(-1, 1, 1, 1) + offset.view(-1, 1, 1, 1) * (moved > 0.02)).clamp(0, 2) - 1
    return moved, functional.grid_sample(masks, grid, padding_mode="zeros", align_corners=False)


def tensors_of(images: Any, rows: Any, *, signed: bool) -> Any:
    """Rows of a uint8 array as (n, 1, H, W) float: -1..1 when signed, else as they are."""
    import numpy as np
    import torch

    chosen = torch.from_numpy(np.ascontiguousarray(images[np.asarray(rows)])).float()[:, None]
    return chosen / 127.5 - 1 if signed else chosen
