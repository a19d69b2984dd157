"""How an image becomes the square that a network sees: each published way by name, exactly as published.

The same film resized in two of these ways gives features that differ by more than many effects one wants to
measure (Parmar et al., "On aliased resizing", CVPR 2022), so a record names its way and nothing is assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

RESAMPLINGS = {
    "torch-bicubic-antialias": "bicubic, antialiased",
    "torch-bilinear-antialias": "bilinear, antialiased, in floating point",
    "torch-bilinear": "bilinear between pixel centres, not antialiased",
    "tensorflow-bilinear": "bilinear from the upper left corner as TensorFlow 1 does, not antialiased",
    "pillow-bicubic": "bicubic, antialiased, rounded to 8 bits as Pillow does",
    "pillow-bilinear": "bilinear, antialiased, rounded to 8 bits as Pillow does",
    "scikit-linear": "linear after a Gaussian blur against aliasing, as scikit-image does",
}
FITS = {
    "square": "whole image to a square",
    "crop": "shorter side to {before} pixels, then the middle {size} x {size}",
    "middle": "the middle square of the image to {size} x {size}",
}
RESAMPLING = "bicubic, antialiased, whole image to a square, clipped to 0..255"
Planes = NDArray[np.float32]


def to_square(
    images: Sequence[Planes], size: int, device: str, way: str = "torch-bicubic-antialias",
    fit: str = "square", before: int = 0,
) -> torch.Tensor:  # fmt: skip
    """Resize float images (H, W) or (H, W, C) of grey levels 0..255 to (n, C, size, size) on `device`.

    Images of equal shape are resized together.

    Args:
        way: one of `RESAMPLINGS`.
        fit: one of `FITS`.
        before: shorter side before the crop; 0 means `size`.
    """
    import torch

    shapes: dict[tuple[int, ...], list[int]] = {}
    for position, image in enumerate(images):
        shapes.setdefault(image.shape, []).append(position)
    out: list[Any] = [None] * len(images)
    for shape, positions in shapes.items():
        stack = np.stack([images[position] for position in positions])
        planes = stack[:, None] if len(shape) == 2 else stack.transpose(0, 3, 1, 2)
        if fit == "middle":
            planes = _middle(planes)
        target = _target(planes.shape[2:], size, fit, before)
        resized = _resize(planes, target, way, device)
        if fit == "crop":
            top, left = (round((side - size) / 2.0) for side in target)
            resized = resized[:, :, top : top + size, left : left + size]
        if len(shapes) == 1:
            return resized.contiguous()
        for row, position in enumerate(positions):
            out[position] = resized[row]
    return torch.stack(out)


def _target(sides: Sequence[int], size: int, fit: str, before: int) -> tuple[int, int]:
    """Height and width after resizing; the longer side is cut to a whole pixel, as torchvision does."""
    if fit != "crop":
        return size, size
    height, width = sides
    short = before or size
    longer = int(short * max(sides) / min(sides))
    return (short, longer) if height <= width else (longer, short)


def _middle(planes: Planes) -> Planes:
    height, width = planes.shape[2:]
    side = min(height, width)
    top, left = height // 2 - side // 2, width // 2 - side // 2
    return planes[:, :, top : top + side, left : left + side]


def _resize(planes: Planes, target: tuple[int, int], way: str, device: str) -> torch.Tensor:
    """Planes (n, C, H, W) to (n, C, *target)."""
    import torch

    if way.startswith("pillow"):
        return torch.from_numpy(_pillow(planes, target, way)).to(device)
    if way == "scikit-linear":
        return torch.from_numpy(_scikit(planes, target)).to(device)
    tensor = torch.from_numpy(np.ascontiguousarray(planes)).to(device)
    if planes.shape[2:] == target:
        return tensor
    if way == "tensorflow-bilinear":
        return _from_corner(_from_corner(tensor, target[0], 2), target[1], 3)
    mode = "bicubic" if "bicubic" in way else "bilinear"
    resized = torch.nn.functional.interpolate(tensor, target, mode=mode, antialias=way.endswith("antialias"))
    return resized.clamp_(0.0, 255.0) if mode == "bicubic" else resized


def _from_corner(tensor: torch.Tensor, wanted: int, axis: int) -> torch.Tensor:
    """Linear along one axis; output pixel i lies at i * (old / new), without half a pixel's shift."""
    import torch

    given = tensor.shape[axis]
    place = torch.arange(wanted, dtype=torch.float32, device=tensor.device) * (given / wanted)
    low = place.floor().long()
    share = (place - low).view([-1 if one == axis else 1 for one in range(4)])
    first = tensor.index_select(axis, low)
    return first + (tensor.index_select(axis, (low + 1).clamp_(max=given - 1)) - first) * share


def _pillow(planes: Planes, target: tuple[int, int], way: str) -> Planes:
    from PIL import Image

    kind = Image.Resampling.BICUBIC if way == "pillow-bicubic" else Image.Resampling.BILINEAR
    levels = np.rint(planes).clip(0, 255).astype(np.uint8)
    out = np.empty((*planes.shape[:2], *target), dtype=np.float32)
    for row, image in enumerate(levels):
        whole = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))
        resized = np.asarray(whole.resize((target[1], target[0]), kind), dtype=np.float32)
        out[row] = resized[None] if resized.ndim == 2 else resized.transpose(2, 0, 1)
    return out


def _scikit(planes: Planes, target: tuple[int, int]) -> Planes:
    """As `skimage.transform.resize(..., order=1, mode="constant")`: blur where it shrinks, then linear."""
    from scipy import ndimage

    factors = [given / wanted for given, wanted in zip(planes.shape[2:], target, strict=True)]
    sigma = [max(0.0, (factor - 1.0) / 2.0) for factor in factors]
    if planes.shape[2:] == target:
        return np.ascontiguousarray(planes)
    out = np.empty((*planes.shape[:2], *target), dtype=np.float32)
    for row in np.ndindex(planes.shape[:2]):
        plane = planes[row].astype(np.float64)
        if any(sigma):
            plane = ndimage.gaussian_filter(plane, sigma, cval=0, mode="constant")
        zoomed = ndimage.zoom(
            plane, [1.0 / factor for factor in factors], order=1, mode="grid-constant", cval=0, grid_mode=True
        )
        out[row] = zoomed.clip(planes[row].min(), planes[row].max())
    return out
