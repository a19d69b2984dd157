"""Colour frames: RGB as decoded, palettes looked up; deeper palettes are cut to 8 bits by their upper byte."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.dicom.refusal import refused


def palette_film(raw: NDArray[Any], header: Any) -> tuple[NDArray[np.uint8], str]:
    """RGB (H, W, 3) of a palette image, and a note where bits were cut.

    Raises:
        ImageError: when the palette is missing or malformed.
    """
    from pydicom.pixels import apply_color_lut

    try:
        colours = apply_color_lut(np.ascontiguousarray(raw, raw.dtype.newbyteorder("=")), header)
    except MemoryError:
        raise
    except Exception as error:
        raise refused("The palette of the DICOM file is missing or malformed") from error
    if colours.dtype == np.uint8:
        return colours, ""
    if int(colours.max(initial=0)) < 256:
        return colours.astype(np.uint8), "The palette says 16 bits and fills 8."
    return (colours >> 8).astype(np.uint8), "The palette's 16 bits were cut to the upper 8."
