"""Dot and whisker: every metric on its own scale, beside its held-out control, floor and null line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.charts import theme
from lab.metrics.result import MetricResult
from lab.metrics.spec import REAL_TO_REAL, MetricSpec

if TYPE_CHECKING:
    import plotly.graph_objects as go

CONTROL = "Held-out images (control)"
FLOOR = f"{REAL_TO_REAL} (floor)"
NULL = "Honest data (null line)"
_ROW, _HEAD = 34, 78
_FITS = {1: 64, 2: 46, 3: 32}
"""Characters of a title that fit above a panel, by panels side by side."""
_LEGEND, _MARK, _LINE = 120, 7, 21
"""Characters of a line of the legend on a page of 1280 px, those that a mark takes, and the height of a line in px."""


@dataclass(frozen=True)
class Series:
    """The results of one run or one set.

    Args:
        name: its words in the legend and on the axis.
        results: one result a metric; those without a value are left out.
    """

    name: str
    results: Sequence[MetricResult]


def interval_figure(series: Sequence[Series], specs: Mapping[str, MetricSpec], columns: int = 2) -> go.Figure:
    """One panel a metric, in the order of `specs`.

    Args:
        series: one to four sets, compared row by row in each panel.
        specs: spec of each metric by name.
        columns: panels side by side.

    Returns:
        A figure; point customdata is (number of the series,). Titles carry the direction of better values.
    """
    from plotly.subplots import make_subplots

    names = [name for name in specs if any(_found(one, name) for one in series)]
    if not names:
        return theme.empty("None of the chosen metrics could be computed; the notes say what would suffice.")
    columns = min(columns, len(names))
    rows = math.ceil(len(names) / columns)
    height = rows * (_ROW * (len(series) + 1) + _HEAD) + 90
    figure: go.Figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[_title(specs[name], series, _FITS[min(columns, 3)]) for name in names],
        vertical_spacing=min(0.9 / max(1, rows - 1), _HEAD / (height - 90)) if rows > 1 else 0,
        horizontal_spacing=0.14 if len(series) == 1 else 0.18,
    )
    heads = list(figure.layout.annotations)
    for place, name in enumerate(names):
        _draw(figure, (place // columns + 1, place % columns + 1), specs[name], series, first=place == 0)
    above = 84 + _legend_room(figure) + (_LINE if any("<br>" in one.text for one in heads[:columns]) else 0)
    theme.apply(figure, height + above - 84)
    figure.update_layout(
        margin={"l": 20, "r": 24, "t": above, "b": 36},
        legend={"y": 1.0, "yref": "container", "yanchor": "top", "traceorder": "normal"},
    )
    figure.update_annotations(font={"color": theme.TEXT, "size": 14}, xanchor="left", align="left", yshift=4)
    for place, annotation in enumerate(figure.layout.annotations):
        annotation.x = figure.layout[f"xaxis{place + 1 if place else ''}"].domain[0]
    return figure


def _legend_room(figure: go.Figure) -> int:
    """Height in px of the lines that the legend takes beyond its first, where the page is narrow."""
    words = sum(len(trace.name) + _MARK for trace in figure.data if trace.showlegend)
    return _LINE * (math.ceil(words / _LEGEND) - 1)


def _found(series: Series, name: str) -> MetricResult | None:
    return next((item for item in series.results if item.metric == name and item.value is not None), None)


def _title(spec: MetricSpec, series: Sequence[Series], fits: int) -> str:
    """Title and direction, on two lines where they are longer than `fits` characters together.

    Sets that were measured in different ways, as by other numbers of components, keep both names.
    """
    title = " / ".join(sorted({item.title for item in (_found(one, spec.name) for one in series) if item}))
    between = "  " if len(title) + len(spec.arrow) <= fits else "<br>"
    return f"<b>{theme.safe(title)}</b>{between}<span style='color:{theme.MUTED}'>{spec.arrow}</span>"


def _draw(
    figure: go.Figure, at: tuple[int, int], spec: MetricSpec, series: Sequence[Series], first: bool
) -> None:
    found = [(number, _found(one, spec.name)) for number, one in enumerate(series)]
    shown = [(number, item) for number, item in found if item is not None]
    reference = shown[0][1]
    rows = len(shown)
    span = _span(spec, [item for _, item in shown])
    _floor(figure, at, spec, reference, (-0.6, rows + 0.6))
    _null(figure, at, spec, (-0.6, rows + 0.6), first)
    for row, (number, item) in enumerate(shown):
        colour = theme.SERIES[number % len(theme.SERIES)]
        symbol = theme.SERIES_SYMBOLS[number % len(theme.SERIES_SYMBOLS)]
        _dot(
            figure,
            at,
            series[number].name,
            (item.value, item.low, item.high),
            rows - row,
            colour,
            symbol,
            _hover(spec, item, item.value or 0.0),
            number,
            first,
        )
    if reference.control is not None:
        control = (reference.control, reference.control_low, reference.control_high)
        mark = theme.MARKS["held-out"]
        words = f"{CONTROL}<br>{_said(*control)}<br>{reference.n_held_out} images"
        _dot(figure, at, CONTROL, control, 0, mark.colour, mark.symbol, words, -1, first)
    row, column = at
    figure.update_xaxes(range=span, row=row, col=column, nticks=6)
    controlled = reference.control is not None
    labels = [theme.safe(_short(series[number].name)) for number, _ in shown]
    figure.update_yaxes(
        row=row,
        col=column,
        range=(-0.7 if controlled else 0.2, rows + 0.7),
        tickvals=[*range(rows, 0, -1), *([0] if controlled else [])],
        ticktext=[*labels, *(["Held-out"] if controlled else [])],
        showgrid=False,
        ticks="",
    )


def _dot(
    figure: go.Figure,
    at: tuple[int, int],
    name: str,
    ends: tuple[Any, Any, Any],
    height: int,
    colour: str,
    symbol: str,
    words: str,
    number: int,
    first: bool,
) -> None:
    import plotly.graph_objects as go

    figure.add_trace(
        go.Scatter(
            x=[ends[0]],
            y=[height],
            mode="markers+text",
            name=theme.safe(name),
            legendgroup=theme.safe(name),
            showlegend=first,
            error_x=theme.whisker(*ends, colour),
            text=[theme.number(ends[0])],
            textposition="top center",
            cliponaxis=False,
            textfont={"color": theme.TEXT, "size": 12},
            customdata=[[number]],
            marker={
                "symbol": symbol,
                "size": 14 if symbol.startswith("triangle") else 12,
                "color": colour,
                "line": {"color": theme.BACKGROUND, "width": 1.5},
            },
            hovertemplate=words + "<extra></extra>",
        ),
        row=at[0],
        col=at[1],
    )


def _floor(
    figure: go.Figure, at: tuple[int, int], spec: MetricSpec, result: MetricResult, ends: tuple[float, float]
) -> None:
    """A band; a floor that is not real against real is grey and stands in the legend by its own words."""
    import plotly.graph_objects as go

    if result.floor is None:
        return
    low = result.floor if result.floor_low is None else result.floor_low
    high = result.floor if result.floor_high is None else result.floor_high
    name = f"{spec.floor} (floor)"
    colour = theme.MARKS["held-out"].colour if name == FLOOR else theme.MUTED
    figure.add_trace(
        go.Scatter(
            x=[low, low, high, high, low],
            y=[ends[0], ends[1], ends[1], ends[0], ends[0]],
            fill="toself",
            mode="lines",
            fillcolor=theme.tint(colour, 0.14),
            line={"color": theme.tint(colour, 0.55), "width": 1.2},
            name=name,
            legendgroup=name,
            showlegend=all(trace.name != name for trace in figure.data),
            hoveron="fills",
            text=f"{name}: {theme.number(result.floor)} with {result.floor_n} images",
            hoverinfo="text",
        ),
        row=at[0],
        col=at[1],
    )


def _null(
    figure: go.Figure, at: tuple[int, int], spec: MetricSpec, ends: tuple[float, float], first: bool
) -> None:
    import plotly.graph_objects as go

    if spec.null_line is None and not first:
        return
    x = [spec.null_line, spec.null_line] if spec.null_line is not None else [None, None]
    figure.add_trace(
        go.Scatter(
            x=x,
            y=list(ends),
            mode="lines",
            name=NULL,
            legendgroup=NULL,
            showlegend=first,
            line={"color": theme.MUTED, "width": 1.5, "dash": "5px,4px"},
            hoverinfo="skip",
        ),
        row=at[0],
        col=at[1],
    )


def _span(spec: MetricSpec, results: Sequence[MetricResult]) -> tuple[float, float]:
    """What the panel shows: the whole range of a share, else all that is drawn, with room for the numbers."""
    drawn: list[float | None] = [spec.null_line]
    for item in results:
        drawn += [item.value, item.low, item.high, item.floor_low, item.floor_high, item.floor]
        drawn += [item.control, item.control_low, item.control_high]
    known = [value for value in drawn if value is not None]
    low, high = min(known), max(known)
    if (spec.low, spec.high) == (0.0, 1.0) and (high > 0.25 or spec.direction == "null"):
        return -0.04, 1.04
    room = 0.08 * (high - low) or 0.1 * max(abs(high), 0.1)
    return low - room, high + room


def _said(value: float, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"{theme.number(value)} (no interval)"
    return f"{theme.number(value)}, 95 % interval {theme.number(low)} to {theme.number(high)}"


def _hover(spec: MetricSpec, item: MetricResult, value: float) -> str:
    lines = [
        f"<b>{theme.safe(item.title)}</b>  {_said(value, item.low, item.high)}",
        f"{item.n_synthetic} samples against {item.n_real} training images, {item.dimension} features",
        *_wrapped(spec.definition),
    ]
    return "<br>".join([lines[0], *(theme.safe(line) for line in lines[1:])])


def _wrapped(text: str, width: int = 60) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
