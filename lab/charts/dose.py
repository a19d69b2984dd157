"""The dose: share of films found against the number of training films, repeated or seen once, and the control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

LINES = {
    "repeated": replace(theme.MARKS["sample"], name="Training films repeated 20 times"),
    "once": replace(theme.MARKS["train"], name="Training films seen once"),
    "held-out": replace(theme.MARKS["held-out"], name="Held-out films (control)"),
}
_SHIFT = {"repeated": 0.0, "once": 0.05, "held-out": -0.05}


@dataclass(frozen=True)
class Dose:
    """Share of films found for one group of one generator.

    Attributes:
        generator: words for the hover box.
        films: how many it was trained on.
        group: "repeated", "once" or "held-out".
        share, low, high: with its 95 % interval, 0..1.
        n: films that were asked for.
        live: measured just now, on fewer films, rather than by the stored report.
    """

    generator: str
    films: int
    group: str
    share: float
    low: float
    high: float
    n: int
    live: bool = False


def dose_figure(doses: Sequence[Dose], height: int = 420) -> go.Figure:
    """One line a group over the number of training films, with intervals; live measurements are hollow.

    Returns:
        A figure; point customdata is (position in `doses`,).
    """
    import plotly.graph_objects as go

    if not doses:
        return theme.empty("No generator has a report on planted films yet.")
    sizes = sorted({dose.films for dose in doses})
    figure = go.Figure()
    for live in (False, True):
        for group, mark in LINES.items():
            part = sorted(
                ((at, dose) for at, dose in enumerate(doses) if (dose.group, dose.live) == (group, live)),
                key=lambda pair: pair[1].films,
            )
            if part:
                figure.add_trace(_line(part, mark, sizes, _SHIFT[group] + 0.12 * live))
    theme.apply(figure, height)
    figure.update_xaxes(
        title_text="Films it was trained on",
        tickvals=list(range(len(sizes))),
        ticktext=[f"{size:,}" for size in sizes],
        range=(-0.4, len(sizes) - 0.55),
    )
    figure.update_yaxes(
        title_text="Films given back, of those asked for", tickformat=".0%", range=(-0.03, 1.05)
    )
    figure.update_layout(margin={"t": 84})
    return figure


def _line(
    part: Sequence[tuple[int, Dose]], mark: theme.Mark, sizes: Sequence[int], shift: float
) -> go.Scatter:
    import plotly.graph_objects as go

    doses = [dose for _, dose in part]
    live = doses[0].live
    name = f"{mark.name}, measured now" if live else mark.name
    return go.Scatter(
        x=[sizes.index(dose.films) + shift for dose in doses],
        y=[dose.share for dose in doses],
        mode="markers" if live else "lines+markers",
        name=name,
        customdata=[[at] for at, _ in part],
        line={"color": mark.colour, "dash": mark.dash, "width": 2.4},
        marker={"symbol": f"{mark.symbol}-open" if live else mark.symbol, "size": 12, "color": mark.colour},
        error_y={
            "type": "data", "symmetric": False, "color": theme.tint(mark.colour, 0.6), "thickness": 1.8, "width": 5,
            "array": [dose.high - dose.share for dose in doses],
            "arrayminus": [dose.share - dose.low for dose in doses],
        },
        text=[
            f"<b>{theme.safe(dose.generator)}</b><br>{name}<br>{dose.share:.0%} of {dose.n} "
            f"({dose.low:.0%} to {dose.high:.0%})"
            for dose in doses
        ],
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
    )  # fmt: skip
