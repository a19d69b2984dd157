"""The feature-space map: training images, held-out images and samples, by shape and by colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from lab.charts import theme
from lab.charts.theme import Side

if TYPE_CHECKING:
    import plotly.graph_objects as go

OFF_MAP = "Off the map: position means nothing"
OTHER = "other labels"
_SIZES: dict[Side, float] = {"train": 5.5, "held-out": 6, "sample": 12}
_OPACITY: dict[Side, float] = {"train": 0.65, "held-out": 0.65, "sample": 1.0}


@dataclass(frozen=True, eq=False)
class Layer:
    """One side of the map.

    Args:
        side: "train", "held-out" or "sample".
        position: (n, 2) coordinates.
        rows: (n,) integer row numbers that selections give back; unique over all layers.
        labels: (n,) label of each point, for colouring and hover.
        off_map: (n,) True for points too far from every training image to be placed; drawn hollow.
        hover: (n,) further words, one a point.
    """

    side: Side
    position: NDArray[np.floating]
    rows: NDArray[np.integer]
    labels: Sequence[str] | None = None
    off_map: NDArray[np.bool_] | None = None
    hover: Sequence[str] | None = None


def map_figure(
    layers: Sequence[Layer],
    colour_by: Literal["side", "label"] = "side",
    links: NDArray[np.floating] | None = None,
    marked: Sequence[int] = (),
    height: int = 640,
) -> go.Figure:
    """Draw layers as WebGL marks, training images below, samples on top.

    Args:
        layers: what to draw; empty ones are left out.
        colour_by: the side of a point or its label; the shape always tells the side.
        links: (k, 4) x0, y0, x1, y1: lines from a sample to its true nearest images.
        marked: row numbers to ring.

    Returns:
        A figure; point customdata is (row number,), dragging makes a lasso, zoom survives a redraw.
    """
    import plotly.graph_objects as go

    order: tuple[Side, ...] = ("train", "held-out", "sample")
    drawn = [layer for side in order for layer in layers if layer.side == side and len(layer.rows)]
    if not drawn:
        return theme.empty("The map is empty: choose a dataset with features.", height)
    colours = _label_colours(drawn) if colour_by == "label" else {}
    figure = go.Figure()
    if links is not None and len(links):
        figure.add_trace(_links(links))
    for layer in drawn:
        for trace in _marks(layer, colours):
            figure.add_trace(trace)
    for name, colour in colours.items():
        figure.add_trace(_legend_only(name, colour))
    if len(marked):
        _ring(figure, drawn, set(marked))
    theme.apply(figure, height)
    _frame(figure, np.concatenate([layer.position for layer in drawn]))
    return figure


def _marks(layer: Layer, colours: dict[str, str]) -> list[go.Scattergl]:
    off = (
        np.zeros(len(layer.rows), dtype=bool)
        if layer.off_map is None
        else np.asarray(layer.off_map, dtype=bool)
    )
    mark = theme.MARKS[layer.side]
    traces = []
    for chosen, words, symbol in ((~off, mark.name, mark.symbol), (off, OFF_MAP, f"{mark.symbol}-open")):
        at = np.flatnonzero(chosen)
        if len(at):
            traces += _trace(layer, at, colours, f"{words} ({len(at)})", symbol)
    return traces


def _trace(
    layer: Layer, at: NDArray[np.integer], colours: dict[str, str], name: str, symbol: str
) -> list[go.Scattergl]:
    """The points, and a colourless legend entry where colour already tells the label."""
    import plotly.graph_objects as go

    mark, hollow, by_label = theme.MARKS[layer.side], symbol.endswith("-open"), bool(colours)
    colour: str | list[str] = mark.colour
    if by_label and layer.labels is not None:
        colour = [colours.get(str(layer.labels[row]), colours.get(OTHER, theme.MUTED)) for row in at]
    edge = theme.TEXT if by_label and layer.side == "sample" else theme.BACKGROUND
    outline = {"width": 1.8} if hollow else {"color": edge, "width": 1.2 if layer.side == "sample" else 0.4}
    points = go.Scattergl(
        x=layer.position[at, 0],
        y=layer.position[at, 1],
        mode="markers",
        name=name,
        legendgroup=name,
        showlegend=not by_label,
        customdata=layer.rows[at][:, None],
        text=_hover(layer, at, hollow),
        hovertemplate="%{text}<extra></extra>",
        marker={
            "symbol": symbol,
            "size": _SIZES[layer.side],
            "color": colour,
            "line": outline,
            "opacity": _OPACITY[layer.side],
        },
        selected={"marker": {"opacity": 1.0}},
        unselected={"marker": {"opacity": 0.18}},
    )
    if not by_label:
        return [points]
    shape = {"symbol": symbol, "size": 10, "color": theme.MUTED}
    entry = go.Scattergl(x=[None], y=[None], mode="markers", name=name, legendgroup=name, marker=shape)
    return [points, entry]


def _hover(layer: Layer, at: NDArray[np.integer], off: bool) -> list[str]:
    words = []
    for row in at:
        lines = [f"<b>{theme.MARKS[layer.side].name[:-1]}</b>"]
        if layer.labels is not None:
            lines.append(theme.safe(layer.labels[row]))
        if layer.hover is not None:
            lines.append(theme.safe(layer.hover[row]))
        words.append("<br>".join([*lines, *([OFF_MAP] if off else [])]))
    return words


def _label_colours(layers: Sequence[Layer]) -> dict[str, str]:
    names = np.asarray(
        [str(name) for layer in layers for name in (layer.labels if layer.labels is not None else ())]
    )
    found, counts = np.unique(names, return_counts=True)
    ranked = [str(name) for name in found[np.argsort(-counts, kind="stable")]]
    most = len(theme.LABELS) - 1
    shown = dict(zip(ranked[:most], theme.LABELS, strict=False))
    return {**shown, OTHER: theme.LABELS[-1]} if len(ranked) > most else shown


def _legend_only(name: str, colour: str) -> go.Scattergl:
    import plotly.graph_objects as go

    return go.Scattergl(
        x=[None],
        y=[None],
        mode="markers",
        name=theme.safe(name or "no label"),
        hoverinfo="skip",
        legend="legend2",
        marker={"symbol": "square", "size": 10, "color": colour},
    )


def _links(links: NDArray[np.floating]) -> go.Scattergl:
    import plotly.graph_objects as go

    gap = np.full(len(links), np.nan)
    return go.Scattergl(
        x=np.stack([links[:, 0], links[:, 2], gap], axis=1).ravel(),
        y=np.stack([links[:, 1], links[:, 3], gap], axis=1).ravel(),
        mode="lines",
        name="To its true nearest images",
        hoverinfo="skip",
        line={"color": theme.tint(theme.TEXT, 0.35), "width": 1},
    )


def _ring(figure: go.Figure, layers: Sequence[Layer], marked: set[int]) -> None:
    import plotly.graph_objects as go

    found = [
        layer.position[at] for layer in layers for at, row in enumerate(layer.rows) if int(row) in marked
    ]
    if found:
        places = np.asarray(found)
        figure.add_trace(
            go.Scattergl(
                x=places[:, 0],
                y=places[:, 1],
                mode="markers",
                name="Chosen",
                hoverinfo="skip",
                marker={"symbol": "circle-open", "size": 22, "color": theme.TEXT, "line": {"width": 2}},
            )
        )


def _frame(figure: go.Figure, positions: NDArray[np.floating]) -> None:
    low, high = positions.min(axis=0), positions.max(axis=0)
    room = 0.04 * np.maximum(high - low, 1e-6)
    bare = {
        "showgrid": False,
        "showticklabels": False,
        "ticks": "",
        "title_text": "",
        "linecolor": theme.GRID,
        "mirror": True,
    }
    figure.update_xaxes(**bare, range=(low[0] - room[0], high[0] + room[0]))
    figure.update_yaxes(**bare, range=(low[1] - room[1], high[1] + room[1]), scaleanchor="x", scaleratio=1)
    figure.update_layout(
        dragmode="lasso",
        uirevision="map",
        clickmode="event+select",
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        newselection={"line": {"color": theme.TEXT, "width": 1.5, "dash": "dot"}},
        legend2={
            "orientation": "v",
            "x": 0.995,
            "xanchor": "right",
            "y": 0.99,
            "yanchor": "top",
            "bgcolor": theme.tint(theme.BACKGROUND, 0.8),
            "font": {"color": theme.TEXT, "size": 12},
            "itemclick": False,
        },
    )
