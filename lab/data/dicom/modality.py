"""From stored numbers to the modality's values: lookup table, or rescale slope and intercept (PS3.3 C.11.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.dicom.frames import Shape
from lab.data.dicom.functional import frame_value, number
from lab.data.dicom.refusal import refused


@dataclass(frozen=True, eq=False)
class Levels:
    """Grey levels as whole numbers, and what they mean.

    Attributes:
        numbers: (H, W), whole numbers from `low` to `low + 2^bits - 1`.
        low: smallest number the depth can hold.
        bits: depth, 1 to 16.
        slope, intercept: a number's value is slope * number + intercept; slope is not 0.
        kind: "values" of the modality, or "presentation" values after a VOI lookup table.
        notes: what had to be decided, one sentence each.
    """

    numbers: NDArray[Any]
    low: int
    bits: int
    slope: float = 1.0
    intercept: float = 0.0
    kind: str = "values"
    notes: tuple[str, ...] = ()


def modality_levels(raw: NDArray[Any], shape: Shape, header: Any, frame: int) -> Levels:
    """Apply the modality lookup table, or take slope and intercept along.

    Raises:
        ImageError: when the values do not fit 16 bits, or a lookup table is malformed.
    """
    raw = raw.astype(np.int64, copy=False)
    if header.get("ModalityLUTSequence", None):
        table, first, bits = lookup_table(header.ModalityLUTSequence[0], shape.signed)
        return Levels(table[np.clip(raw - first, 0, len(table) - 1)], 0, bits)
    levels = Levels(*_fitted(raw, shape))
    given = [frame_value(header, name, frame) for name in ("RescaleSlope", "RescaleIntercept")]
    slope, intercept = (number(value) for value in given)
    if slope == 0 or any(value not in (None, "") and number(value) is None for value in given):
        return replace(
            levels, notes=("The rescale slope or intercept is no valid number; neither was applied.",)
        )
    return replace(levels, slope=1.0 if slope is None else slope, intercept=intercept or 0.0)


def _fitted(raw: NDArray[Any], shape: Shape) -> tuple[NDArray[Any], int, int]:
    """Numbers, lowest number and depth; deeper files fit when their own range does."""
    if shape.stored <= 16:
        low = -(1 << (shape.stored - 1)) if shape.signed else 0
        # A decoder may give more bits than are declared; they are cut at the declared range.
        return np.clip(raw, low, low + (1 << shape.stored) - 1), low, shape.stored
    low = int(raw.min())
    if int(raw.max()) - low > 65535:
        raise refused(
            "The DICOM file has values that need more than 16 bits", "export it with at most 16 bits"
        )
    return raw, low, 16


def lookup_table(item: Any, signed: bool) -> tuple[NDArray[np.int64], int, int]:
    """Entries, first number mapped, and depth of a lookup table (LUT descriptor and data).

    Raises:
        ImageError: when descriptor and data do not fit together.
    """
    try:
        count, first, bits = (int(value) for value in item.LUTDescriptor)
        data = item["LUTData"].value
        count = count or 65536
        if isinstance(data, (bytes, bytearray)):
            entries = np.frombuffer(data, "<u2" if len(data) >= 2 * count else "u1").astype(np.int64)
        else:
            entries = np.asarray([data] if isinstance(data, int) else list(data), np.int64)
            if len(entries) * 2 == count:  # two 8-bit entries a word
                entries = np.stack([entries & 0xFF, entries >> 8], axis=1).reshape(-1)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise refused("A lookup table of the DICOM file is malformed") from error
    if signed and first > 32767:
        first -= 65536
    if not 8 <= bits <= 16 or len(entries) < count:
        raise refused("A lookup table of the DICOM file is malformed")
    # Writers exist that say 16 bits and fill fewer, or the reverse: entries never leave the depth.
    return np.clip(entries[:count], 0, (1 << bits) - 1), first, bits
