"""Values of one frame: enhanced multi-frame files keep them in groups by frame, others at the top."""

from __future__ import annotations

from typing import Any

_GROUPS = {
    "WindowCenter": "FrameVOILUTSequence", "WindowWidth": "FrameVOILUTSequence",
    "VOILUTFunction": "FrameVOILUTSequence",
    "RescaleIntercept": "PixelValueTransformationSequence", "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleType": "PixelValueTransformationSequence",
    "PixelSpacing": "PixelMeasuresSequence", "SliceThickness": "PixelMeasuresSequence",
}  # fmt: skip


def frame_value(header: Any, name: str, frame: int) -> Any:
    """The value of an element for a frame: of the frame's own group, of the shared one, of the top, or None."""
    group = _GROUPS.get(name)
    places = []
    if group is not None:
        per_frame = header.get("PerFrameFunctionalGroupsSequence", None) or []
        places += [per_frame[frame]] if frame < len(per_frame) else []
        places += list(header.get("SharedFunctionalGroupsSequence", None) or [])[:1]
    for place in places:
        items = place.get(group, None) or []
        if items and items[0].get(name, None) not in (None, ""):
            return items[0].get(name)
    return header.get(name, None)


def number(value: Any) -> float | None:
    """A number, the first of several; None where there is none or it is not finite."""
    import math

    several = not isinstance(value, (str, bytes)) and hasattr(value, "__iter__")
    try:
        found = float(next(iter(value)) if several else value)
    except (TypeError, ValueError, OverflowError, StopIteration):
        return None
    return found if math.isfinite(found) and abs(found) < 1e12 else None
