"""Arrays of pixels: to 8-bit grey, to another size, to PNG. Depth is never cut without a window."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from lab.errors import InputError

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_LUMA = np.array([299, 587, 114], dtype=np.uint32)


def to_grey8(array: NDArray[Any]) -> NDArray[np.uint8]:
    """An 8-bit grey copy for thumbnails and features: luma (Rec. 601) for RGB, the window is the whole dtype.

    Args:
        array: uint8 or uint16, (H, W) or (H, W, 3).

    Returns:
        uint8 (H, W); 16-bit values are divided by 257 and rounded, never wrapped.

    Raises:
        InputError: for another shape or dtype.
    """
    if (
        array.dtype not in (np.uint8, np.uint16)
        or array.ndim not in (2, 3)
        or (array.ndim == 3 and array.shape[2] != 3)
    ):
        raise InputError("The image is not 8 or 16-bit grey or RGB; nothing was shown; convert it first.")
    grey = array
    if array.ndim == 3:
        grey = ((array.astype(np.uint32) @ _LUMA + 500) // 1000).astype(array.dtype)
    if grey.dtype == np.uint8:
        return np.ascontiguousarray(grey)
    return ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)


def resize(array: NDArray[Any], size: int | tuple[int, int], resampling: str = "bicubic") -> NDArray[Any]:
    """Resize with anti-aliasing (Pillow's support-scaled kernels), dtype and channels kept.

    Args:
        array: uint8 or uint16, (H, W) or (H, W, 3).
        size: height and width, or one number for a square.
        resampling: nearest, box, bilinear, bicubic or lanczos.

    Raises:
        InputError: for an unknown resampling or a size below 1.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if resampling not in _RESAMPLING or height < 1 or width < 1:
        raise InputError(
            f"The size or resampling is not valid; nothing was resized; use one of {', '.join(_RESAMPLING)}."
        )
    filter_ = _RESAMPLING[resampling]
    if array.shape[:2] == (height, width):
        return array
    if array.dtype == np.uint8:
        return np.asarray(Image.fromarray(array).resize((width, height), filter_))
    planes = array[..., None] if array.ndim == 2 else array
    # 16-bit planes go through 32-bit floats: Pillow's 16-bit resize rounds each pass and has no colour.
    done = [
        np.asarray(Image.fromarray(planes[..., c].astype(np.float32)).resize((width, height), filter_))
        for c in range(planes.shape[2])
    ]
    stacked = np.clip(np.rint(np.stack(done, axis=-1)), 0, 65535).astype(np.uint16)
    return stacked[..., 0] if array.ndim == 2 else stacked


def encode_png(array: NDArray[Any], text: dict[str, str] | None = None) -> bytes:
    """A PNG of uint8 (H, W) or (H, W, 3), or of uint16 (H, W); `text` goes into UTF-8 text chunks.

    Raises:
        InputError: for another shape or dtype.
    """
    shaped = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8)
    if array.dtype not in (np.uint8, np.uint16) or not shaped or 0 in array.shape:
        raise InputError(
            "The image is not 8-bit grey or RGB or 16-bit grey; nothing was written; convert it first."
        )
    info = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        info.add_itxt(key, value)
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(out, format="PNG", pnginfo=info)
    return out.getvalue()
