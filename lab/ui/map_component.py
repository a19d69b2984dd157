"""The map's component: points as typed arrays, drawn by Plotly.js in the page; clicks, lassos and boxes come back.

A packet is `DMP1`, the length of a JSON header (uint32, little-endian), the header, and the arrays one after the
other. Nothing in it is markup; row numbers are the places in the arrays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.charts import theme
from lab.charts.map import SCALE, LayerLook, grid_corners
from lab.config import ASSETS
from lab.errors import InputError, NotComputable
from lab.provenance import digest_bytes

_MAGIC = b"DMP1"
VISIBLE, OFF_MAP, TORN, SELECTED, DENSE = 1, 2, 4, 8, 16
MOST = 100_000


@dataclass(frozen=True, eq=False)
class Scene:
    """What the map shows; the arrays are parallel, and a point's place in them is its row number.

    Args:
        x, y: (n,) coordinates.
        layer: (n,) uint8, places in `looks`.
        flags: (n,) uint8, the sum of VISIBLE, OFF_MAP, TORN, SELECTED and DENSE.
        looks: layers in drawing order.
        codes: (n,) uint8 into `names` and `colours` where categories colour the points, else None.
        names, colours: of the categories.
        values: (n,) float32 where a number colours the points, NaN for unknown, else None.
        title: what the colour tells.
        grids: (name, colour, (c, c) share of mass) of each layer with density lines.
        dense: (c, c) density of points too many to be drawn, or None.
        links: rows joined to `focus` by lines: its true neighbours.
        focus: the row whose card is open, or None.
        trajectories: (words, rows in order).
        torn: whether torn points are marked.
        film_token: the name under which `map_routes` knows the films of these rows.
        square: whether one step is equally long on both axes, as on a linear map; other maps have no scale to keep.
        height: in pixels.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    layer: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    looks: Sequence[LayerLook]
    codes: NDArray[np.uint8] | None = None
    names: Sequence[str] = ()
    colours: Sequence[str] = ()
    values: NDArray[np.float32] | None = None
    title: str = ""
    grids: Sequence[tuple[str, str, NDArray[np.float32]]] = ()
    dense: NDArray[np.float32] | None = None
    links: Sequence[int] = ()
    focus: int | None = None
    trajectories: Sequence[tuple[str, Sequence[int]]] = ()
    torn: bool = False
    film_token: str = ""
    square: bool = False
    height: int = 620


def packet(scene: Scene, library: str, view: str, frame: str) -> bytes:
    """The bytes the browser gets.

    Args:
        library: address of Plotly.js.
        view: names what is visible; the browser sends it back with each selection.
        frame: names the map; zoom is kept while it stays the same.

    Raises:
        InputError: when the arrays are not parallel, not finite, or nothing is in them.
    """
    count = len(scene.x)
    named: dict[str, NDArray[Any]] = {
        "x": np.asarray(scene.x, "<f4"), "y": np.asarray(scene.y, "<f4"),
        "layer": np.asarray(scene.layer, np.uint8), "flags": np.asarray(scene.flags, np.uint8),
    }  # fmt: skip
    if scene.codes is not None:
        named["codes"] = np.asarray(scene.codes, np.uint8)
    if scene.values is not None:
        named["values"] = np.asarray(scene.values, "<f4")
    parallel = all(array.shape == (count,) for array in named.values())
    if not count or not parallel or not np.isfinite(named["x"]).all() or not np.isfinite(named["y"]).all():
        raise InputError("The points of this map are not whole; nothing was drawn; fit the map again.")
    for number, (_, _, grid) in enumerate(scene.grids):
        named[f"grid{number}"] = np.asarray(grid, "<f4").ravel()
    if scene.dense is not None:
        named["dense"] = np.asarray(scene.dense, "<f4").ravel()
    described, bodies, offset = {}, [], 0
    for name, array in named.items():
        body = np.ascontiguousarray(array).tobytes()
        described[name] = {"offset": offset, "length": len(body), "type": array.dtype.str[1:]}
        bodies.append(body)
        offset += len(body)
    header = {**_header(scene), "arrays": described, "plotly": library, "view": view, "frame": frame}
    text = json.dumps(header).encode()
    samples = b"".join(bodies)
    digest = digest_bytes(digest_bytes(samples).encode() + text)
    text = json.dumps({**header, "digest": digest}).encode()
    return _MAGIC + len(text).to_bytes(4, "little") + text + samples


def _header(scene: Scene) -> dict[str, Any]:
    corners = grid_corners(np.stack([scene.x, scene.y], axis=1))
    low = [float(scene.x.min()), float(scene.y.min())]
    high = [float(scene.x.max()), float(scene.y.max())]
    finite = scene.values[np.isfinite(scene.values)] if scene.values is not None else np.empty(0)
    return {
        "count": len(scene.x), "low": low, "high": high, "looks": [asdict(look) for look in scene.looks],
        "names": list(scene.names), "colours": list(scene.colours), "title": scene.title, "scale": list(SCALE),
        "range": [float(finite.min()), float(finite.max())] if len(finite) else [0.0, 1.0],
        "grids": [{"name": name, "colour": colour, "side": len(grid)} for name, colour, grid in scene.grids],
        "dense": 0 if scene.dense is None else len(scene.dense), "focus": scene.focus,
        "links": [int(row) for row in scene.links], "torn": scene.torn, "films": scene.film_token,
        "trajectories": [{"words": words, "rows": [int(row) for row in rows]} for words, rows in scene.trajectories],
        "height": scene.height, "theme": {"panel": theme.PANEL, "grid": theme.GRID, "text": theme.TEXT,
                                          "muted": theme.MUTED, "danger": theme.DANGER, "font": theme.FONT},
        "square": scene.square,
        "gridLow": corners[0].tolist(),
        "gridHigh": corners[1].tolist(),
    }  # fmt: skip


def draw(data: bytes, key: str, on_event: Callable[[], None]) -> None:
    """Mount the map; `on_event` is called before the rerun when a person selects something."""
    _component()(data=data, key=key, on_event_change=on_event)


@lru_cache(maxsize=1)
def _sources() -> tuple[str, str]:
    folder = ASSETS / "map"
    try:
        names = ("packet.js", "masks.js", "crowd.js", "traces.js", "hover.js", "map.js")
        parts = [(folder / name).read_text("utf-8") for name in names]
        return "\n".join(parts), (folder / "map.css").read_text("utf-8")
    except OSError as error:
        raise NotComputable("The map's files are missing; the map is kept; restore assets/map.") from error


def _component() -> Callable[..., Any]:
    script, style = _sources()
    mount: Callable[..., Any] = st.components.v2.component(
        "doppel_map",
        html='<div class="doppel-map"></div>',
        css=style,
        js=script,
        isolate_styles=False,  # Plotly puts its own rules into the page, which a shadow root would not see
    )
    return mount
