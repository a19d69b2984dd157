"""The window a film opens with: the first of the file, a VOI lookup table, or percentiles (PS3.3 C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.dicom.functional import frame_value, number
from lab.data.dicom.modality import Levels, lookup_table

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True)
class Window:
    """A window in the modality's values.

    Attributes:
        centre, width: a value v is shown as (v - centre) / width + 0.5, clipped to 0 and 1.
        curve: "linear", or "sigmoid", then as 1 / (1 + exp(-4 (v - centre) / width)).
        origin: where it comes from, in words.
        note: what was wrong with the file's own, else "".
    """

    centre: float
    width: float
    curve: str
    origin: str
    note: str = ""


def file_window(header: Any, frame: int) -> tuple[Window | None, str]:
    """The file's first window, or None and the reason why it is not used ("" where it has none)."""
    centre, width = (number(frame_value(header, name, frame)) for name in ("WindowCenter", "WindowWidth"))
    if frame_value(header, "WindowCenter", frame) in (None, ""):
        return None, ""
    given = str(frame_value(header, "VOILUTFunction", frame) or "LINEAR").strip().upper()
    function = given if given in FUNCTIONS else "LINEAR"
    if centre is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
        return None, "The file's window has no valid width and was replaced by percentiles."
    if function == "LINEAR":
        # PS3.3 C.11.2.1.2.1: the first value shown white is centre - 0.5 + (width - 1) / 2.
        return Window(centre - 0.5, max(width - 1, 1e-3), "linear", "file, linear"), ""
    if function == "LINEAR_EXACT":
        return Window(centre, width, "linear", "file, linear exact"), ""
    return Window(centre, width, "sigmoid", "file, sigmoid"), ""


def percentile_window(levels: Levels, padding: tuple[int, int] | None, note: str) -> Window:
    """0.5th to 99.5th percentile of the values; pixels of padding do not count where others are left."""
    found = levels.numbers
    if padding is not None:
        inside = found[(found < padding[0]) | (found > padding[1])]
        found = inside if inside.size else found
    low, high = sorted(levels.slope * np.percentile(found, PERCENTILES) + levels.intercept)
    span = float(max(high - low, abs(levels.slope)))
    origin = "percentiles 0.5 to 99.5"
    return Window(float(low + high) / 2, span, "linear", origin, note)


def with_voi_table(levels: Levels, header: Any) -> Levels | None:
    """Levels after the file's VOI lookup table, or None where it has none. Values become presentation values.

    Raises:
        ImageError: when the table is malformed.
    """
    if not header.get("VOILUTSequence", None):
        return None
    signed = levels.slope * levels.low + levels.intercept < 0
    table, first, bits = lookup_table(header.VOILUTSequence[0], signed)
    values = np.rint(levels.slope * levels.numbers + levels.intercept).astype(np.int64)
    shown: NDArray[Any] = table[np.clip(values - first, 0, len(table) - 1)]
    return Levels(shown, 0, bits, kind="presentation", notes=levels.notes)
