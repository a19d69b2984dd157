"""How a dataset's labels are divided: a bar a label, its parts by split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.charts import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

SPLIT_COLOURS = {
    "train": theme.MARKS["train"].colour,
    "held-out": theme.MARKS["held-out"].colour,
    "test": "#c9a2f2",
}
MOST = 20


@dataclass(frozen=True)
class LabelCount:
    """Images of one label.

    Attributes:
        label: its name; "" where images have none.
        share: of all images, in percent.
        splits: split to number of images.
    """

    label: str
    share: float
    splits: dict[str, int]

    @property
    def images(self) -> int:
        """Images of this label in all splits."""
        return sum(self.splits.values())


def label_figure(counts: Sequence[LabelCount]) -> go.Figure:
    """Horizontal bars, most frequent label first; beyond twenty labels the rest is one bar."""
    import plotly.graph_objects as go

    if not counts:
        return theme.empty("This dataset holds no image.")
    shown = list(counts[:MOST])
    if len(counts) > MOST:
        shown.append(_rest(counts[MOST:]))
    figure, names = go.Figure(), [theme.safe(one.label or "no label") for one in shown]
    for split, colour in SPLIT_COLOURS.items():
        numbers = [one.splits.get(split, 0) for one in shown]
        figure.add_trace(
            go.Bar(
                x=numbers, y=list(range(len(shown))), orientation="h", name=split.capitalize(),
                marker={"color": colour, "line": {"width": 0}},
                customdata=[[name, one.images] for name, one in zip(names, shown, strict=True)],
                hovertemplate=f"%{{customdata[0]}}: %{{x:,}} of %{{customdata[1]:,}} in {split}<extra></extra>",
            )
        )  # fmt: skip
    for place, one in enumerate(shown):
        figure.add_annotation(
            x=one.images, y=place, text=f"{one.images:,} · {one.share:.1f} %", showarrow=False, xanchor="left",
            xshift=6, font={"color": theme.MUTED, "size": 12},
        )  # fmt: skip
    theme.apply(figure, 96 + 26 * len(shown))
    figure.update_layout(barmode="stack", bargap=0.28)
    most = max(one.images for one in shown)
    figure.update_xaxes(title_text="Images", range=(0, most * 1.18))
    figure.update_yaxes(tickvals=list(range(len(shown))), ticktext=names, autorange="reversed")
    return figure


def _rest(counts: Sequence[LabelCount]) -> LabelCount:
    splits = {name: sum(one.splits.get(name, 0) for one in counts) for name in SPLIT_COLOURS}
    return LabelCount(f"{len(counts)} further labels", sum(one.share for one in counts), splits)
