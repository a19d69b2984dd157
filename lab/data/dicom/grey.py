"""Grey frames as they are stored here: bright means white, whole numbers from 0, an affine that undoes it.

A pixel is kept without loss: number - lowest number, moved to the top bits of 8 or 16, turned over where the file
says that its smallest value is white (MONOCHROME1) or its slope is negative. `value_slope` and `value_offset` give
the modality's value back: value = value_slope * pixel + value_offset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.dicom.frames import Shape
from lab.data.dicom.modality import Levels, modality_levels
from lab.data.dicom.window import Window, file_window, percentile_window, with_voi_table


@dataclass(frozen=True, eq=False)
class GreyFilm:
    """A grey frame, ready to be stored.

    Attributes:
        pixels: uint8 or uint16 (H, W), bright is white.
        window: (centre, width) in pixels' units.
        curve: "linear" or "sigmoid".
        extra: columns that say how it was made.
    """

    pixels: NDArray[Any]
    window: tuple[float, float]
    curve: str
    extra: Mapping[str, str]

    def shown(self) -> NDArray[np.uint8]:
        """8 bits through the window, (H, W)."""
        centre, width = self.window
        x = (self.pixels.astype(np.float64) - centre) / width
        grey = (
            1 / (1 + np.exp(-np.clip(4 * x, -50, 50))) if self.curve == "sigmoid" else np.clip(x + 0.5, 0, 1)
        )
        return np.rint(grey * 255).astype(np.uint8)


def grey_film(raw: NDArray[Any], shape: Shape, header: Any, frame: int) -> GreyFilm:
    """Stored numbers of one frame to a film.

    Raises:
        ImageError: when the values do not fit 16 bits or a lookup table is malformed.
    """
    levels = modality_levels(raw, shape, header, frame)
    window, problem = file_window(header, frame)
    if window is None and (through := with_voi_table(levels, header)) is not None:
        levels = through
        window = Window(
            (2.0**levels.bits - 1) / 2, 2.0**levels.bits - 1, "linear", "VOI lookup table, applied"
        )
    elif window is None:
        window = percentile_window(levels, _padding(header), problem)
    pixels, slope, offset, turned = _stored(levels, shape.photometric == "MONOCHROME1")
    extra = {
        "value_slope": f"{slope:.9g}", "value_offset": f"{offset:.9g}", "value_kind": levels.kind,
        "inverted": "yes" if turned else "no", "window_from": window.origin,
        "dicom_notes": " ".join(filter(None, (*levels.notes, window.note))),
    }  # fmt: skip
    return GreyFilm(
        pixels, ((window.centre - offset) / slope, window.width / abs(slope)), window.curve, extra
    )


def _stored(levels: Levels, white_is_low: bool) -> tuple[NDArray[Any], float, float, bool]:
    """Pixels, and slope and offset that give their values back."""
    depth = 8 if levels.bits <= 8 else 16
    step = 1 << (depth - levels.bits)
    top = ((1 << levels.bits) - 1) * step
    turned = white_is_low != (levels.slope < 0)
    up = (levels.numbers - levels.low) * step
    pixels = (top - up if turned else up).astype(np.uint8 if depth == 8 else np.uint16)
    slope, start = levels.slope / step, levels.slope * levels.low + levels.intercept
    return (pixels, -slope, slope * top + start, True) if turned else (pixels, slope, start, False)


def _padding(header: Any) -> tuple[int, int] | None:
    """Numbers that stand for "no image here"."""
    first = header.get("PixelPaddingValue", None)
    last = header.get("PixelPaddingRangeLimit", None)
    try:
        one = int(first)
        other = one if last is None else int(last)
    except (TypeError, ValueError):
        return None
    return min(one, other), max(one, other)
