"""Regions a person marked on films: read back from the browser, believed only where they make sense."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.ui.viewer_film import Film

MAX_REGIONS = 20


@dataclass(frozen=True)
class Region:
    """A rectangle in image coordinates: pixels from the upper left corner, on one frame of one film."""

    film: int
    frame: int
    x: float
    y: float
    width: float
    height: float


def read_regions(value: object, films: Sequence[Film], token: str) -> tuple[Region, ...]:
    """The regions of a component's state that belong to these films.

    Args:
        value: what the browser sent; anything.
        films: the films now shown.
        token: of these films; regions marked on others are left out.

    Returns:
        At most `MAX_REGIONS` rectangles, cut to their films; malformed ones are left out.
    """
    if not isinstance(value, Mapping) or value.get("token") != token:
        return ()
    marked = value.get("regions")
    if not isinstance(marked, Sequence) or isinstance(marked, str | bytes):
        return ()
    read = (_region(one, films) for one in list(marked[:MAX_REGIONS]))
    return tuple(region for region in read if region is not None)


def _region(one: object, films: Sequence[Film]) -> Region | None:
    if not isinstance(one, Mapping):
        return None
    film, frame = (_number(one.get(name)) for name in ("film", "frame"))
    x, y, width, height = (_number(one.get(name)) for name in ("x", "y", "width", "height"))
    if film is None or frame is None or x is None or y is None or width is None or height is None:
        return None
    if not 0 <= film < len(films) or not 0 <= frame < len(films[int(film)].stack):
        return None
    rows, columns = films[int(film)].samples.shape[:2]
    left, top = min(max(x, 0.0), columns), min(max(y, 0.0), rows)
    right, bottom = min(max(x + width, 0.0), columns), min(max(y + height, 0.0), rows)
    if right <= left or bottom <= top:
        return None
    return Region(int(film), int(frame), left, top, right - left, bottom - top)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
