"""Resizing to a square, one way for all extractors: antialiased bicubic, the whole image, nothing cropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

RESAMPLING = "bicubic, antialiased, whole image to a square, clipped to 0..255"


def to_square(images: Sequence[NDArray[np.float32]], size: int, device: str) -> torch.Tensor:
    """Resize float images (H, W) or (H, W, C) of grey levels 0..255 to (n, C, size, size) on `device`.

    Images of equal shape are resized together; the aspect ratio is not kept.
    """
    import torch

    shapes: dict[tuple[int, ...], list[int]] = {}
    for position, image in enumerate(images):
        shapes.setdefault(image.shape, []).append(position)
    out: list[Any] = [None] * len(images)
    for shape, positions in shapes.items():
        stack = np.stack([images[position] for position in positions])
        planes = stack[:, None] if len(shape) == 2 else stack.transpose(0, 3, 1, 2)
        tensor = torch.from_numpy(np.ascontiguousarray(planes)).to(device)
        if shape[:2] != (size, size):
            resized = torch.nn.functional.interpolate(tensor, (size, size), mode="bicubic", antialias=True)
            tensor = resized.clamp_(0.0, 255.0)
        for row, position in enumerate(positions):
            out[position] = tensor[row]
    return torch.stack(out)
