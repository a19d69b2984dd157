"""Which points of the map are selected: images by their keys, never positions in a filtered table.

The browser only says what was drawn (a click, a lasso, a box) and on which view; the points inside are found here,
among those that view showed. So a selection is right after any sequence of filters, colours and layers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MODES = ("replace", "add", "subtract")
CORNERS = 5000
BLOCK = 2_000_000


def inside(x: NDArray[Any], y: NDArray[Any], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points (n,) lie in a polygon (c, 2), by the even-odd rule; the polygon closes itself."""
    found = np.zeros(len(x), dtype=bool)
    if len(corners) < 3:
        return found
    low, high = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
    ends = np.roll(corners, -1, axis=0)
    step = max(1, BLOCK // len(corners))
    for start in range(0, len(near), step):
        part = near[start : start + step]
        px, py = x[part, None].astype(np.float64), y[part, None].astype(np.float64)
        spans = (corners[None, :, 1] > py) != (ends[None, :, 1] > py)
        rise = np.where(ends[:, 1] == corners[:, 1], 1.0, ends[:, 1] - corners[:, 1])
        at = corners[None, :, 0] + (py - corners[None, :, 1]) * ((ends[:, 0] - corners[:, 0]) / rise)[None]
        found[part] = (spans & (px < at)).sum(axis=1) % 2 == 1
    return found


def picked_rows(event: Any, table: pd.DataFrame, visible: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """Row numbers that a drawn event means, in the order of the table; None for anything malformed.

    Args:
        event: {"kind": "click", "row"}, {"kind": "lasso" or "box", "x", "y"} or {"kind": "clear"}.
        table: all points, with columns x and y; its index is the row number.
        visible: (n,) which of them were drawn.
    """
    if not isinstance(event, dict):
        return None
    kind = event.get("kind")
    if kind == "clear":
        return np.empty(0, dtype=np.int64)
    if kind == "click":
        row = event.get("row")
        good = isinstance(row, int) and not isinstance(row, bool) and 0 <= row < len(table) and visible[row]
        return np.asarray([row], dtype=np.int64) if good else None
    corners = _corners(event.get("x"), event.get("y"), str(kind))
    if corners is None:
        return None
    x, y = table["x"].to_numpy(np.float32), table["y"].to_numpy(np.float32)
    return np.flatnonzero(inside(x, y, corners) & visible)


def _corners(x: Any, y: Any, kind: str) -> NDArray[np.float64] | None:
    fits = isinstance(x, list) and isinstance(y, list) and len(x) == len(y) and 2 <= len(x) <= CORNERS
    if kind not in ("lasso", "box") or not fits:
        return None
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in [*x, *y]):
        return None
    corners = np.asarray([x, y], dtype=np.float64).T
    if not np.isfinite(corners).all():
        return None
    if kind == "box":
        (left, low), (right, high) = corners.min(axis=0), corners.max(axis=0)
        corners = np.asarray([(left, low), (right, low), (right, high), (left, high)])
    return corners


def combined(selected: Iterable[str], found: Iterable[str], mode: str) -> tuple[str, ...]:
    """A selection after another lasso: replaced, added to or taken from, in the order of picking, once each."""
    before, new = dict.fromkeys(selected), dict.fromkeys(found)
    if mode == "add":
        return tuple({**before, **new})
    if mode == "subtract":
        return tuple(key for key in before if key not in new)
    return tuple(new)


def rows_of(keys: Iterable[str], table: pd.DataFrame) -> NDArray[np.int64]:
    """Row numbers of the keys that the table holds, in the order of the keys."""
    wanted = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    if not wanted:
        return np.empty(0, dtype=np.int64)
    # Looking the few up among the many, not the many among the few: a selection is small, a table may not be.
    found = np.flatnonzero(table["key"].isin(list(wanted)).to_numpy())
    order = [wanted[key] for key in table["key"].iloc[found]]
    return found[np.argsort(order, kind="stable")].astype(np.int64)
