"""Where the name of each mark stands, so that names cover neither marks nor each other nor leave the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""Left, right, bottom, top in pixels."""

_LETTER, _LINE, _MARK = 6.6, 15.0, 9.0
_SIDES = ("top right", "bottom right", "top left", "bottom left", "top center", "bottom center")


@dataclass(frozen=True)
class Named:
    """A mark with a name.

    Args:
        name: its words; "" for a mark without any, which only keeps others away.
        x, y: in the units of the axes.
        across, up: the ends of its whiskers, both equal to the value where there are none.
    """

    name: str
    x: float
    y: float
    across: tuple[float, float]
    up: tuple[float, float]


def name_places(marks: Sequence[Named], width: float = 850.0, height: float = 380.0) -> list[str]:
    """Plotly text positions, one a mark, chosen one after the other where the name covers least.

    Args:
        marks: in the order of drawing.
        width, height: of the picture in pixels, about.
    """
    if not marks:
        return []
    to_x = _scale([end for one in marks for end in (*one.across, one.x)], width)
    to_y = _scale([end for one in marks for end in (*one.up, one.y)], height)
    places = [(to_x(one.x), to_y(one.y)) for one in marks]
    taken = [(x - _MARK, x + _MARK, y - _MARK, y + _MARK) for x, y in places]
    for one, (x, y) in zip(marks, places, strict=True):
        taken.append((to_x(one.across[0]), to_x(one.across[1]), y - 2, y + 2))
        taken.append((x - 2, x + 2, to_y(one.up[0]), to_y(one.up[1])))
    found = []
    for one, (x, y) in zip(marks, places, strict=True):
        boxes = {side: _box(side, x, y, one.name) for side in _SIDES}
        side = min(_SIDES, key=lambda name: _cost(boxes[name], taken, width, height))
        taken.append(boxes[side])
        found.append(side)
    return found


def _scale(values: Sequence[float], length: float) -> Callable[[float], float]:
    """Pixels of a value, with the room that Plotly leaves at both ends."""
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or 1.0
    return lambda value: length * (value - low + room) / (high - low + 2 * room)


def _box(side: str, x: float, y: float, name: str) -> Box:
    upright, level = side.split()
    wide = _LETTER * len(name)
    left = {"right": x + _MARK, "left": x - _MARK - wide, "center": x - wide / 2}[level]
    low = y + 4 if upright == "top" else y - 4 - _LINE
    if level == "center":
        low += 6 if upright == "top" else -6
    return left, left + wide, low, low + _LINE


def _cost(box: Box, taken: Sequence[Box], width: float, height: float) -> float:
    """Pixels covered; what leaves the picture counts more."""
    inside = _shared(box, (0.0, width, 0.0, height))
    whole = (box[1] - box[0]) * (box[3] - box[2])
    return sum(_shared(box, other) for other in taken) + 10 * (whole - inside)


def _shared(one: Box, other: Box) -> float:
    across = min(one[1], other[1]) - max(one[0], other[0])
    up = min(one[3], other[3]) - max(one[2], other[2])
    return max(0.0, across) * max(0.0, up)
