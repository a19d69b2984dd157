"""How the metrics move together over the compared sets: rank correlations with n and interval, weak ones greyed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lab.analysis.correlations import FEWEST, Correlation, Values, correlations, scatter
from lab.analysis.goals import values_of
from lab.charts.related import Cell, related_figure
from lab.charts.scatter import scatter_figure
from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.ui.metric_detail import SAVE
from lab.ui.metric_runs import ALL, by_question, done_results, listed, set_name, specs
from lab.ui.state import MetricsKey as Key

PICKED, EVERY = "The selected runs", "All runs of this real set"
PAST = 100
FEW = 16


def related(runs: Sequence[Run], names: Sequence[str], results: Sequence[list[MetricResult]]) -> None:
    """The fold with the heat map and the table behind it."""
    box = st.expander("How the metrics move together", icon=":material/grid_on:", key=f"{Key.OPEN}.related",
                      on_change="rerun")  # fmt: skip
    if not box.open:
        return
    with box:
        first = PICKED if len(runs) >= FEWEST else EVERY
        scope = st.segmented_control("Over", [PICKED, EVERY], default=first, key=Key.RELATED, required=True,
                                     label_visibility="collapsed")  # fmt: skip
        groups = dict(zip(names, results, strict=True)) if scope == PICKED else _every(runs[0])
        values = values_of(groups)
        order = [name for listed in by_question(values).values() for name in listed if len(values[name]) > 1]
        if len(order) < 2:
            st.caption("Two metrics measured on the same sets are needed.")
            return
        if len(order) > FEW and not st.toggle(
            f"All {len(order)} metrics",
            key=f"{Key.RELATED}.all",
            help="Else the first three of each question.",
        ):
            order = [name for part in by_question(order).values() for name in part[:3]]
        found = _correlated({name: values[name] for name in order})
        titles = {name: specs()[name].title for name in order}
        _draw(order, titles, found, len(groups))
        _pair(values)


@st.cache_data(max_entries=16, show_spinner="Correlating")
def _correlated(values: dict[str, dict[str, float]]) -> list[Correlation]:
    """Each pair is resampled and permuted; equal values give equal answers."""
    return correlations(values)


def _draw(order: list[str], titles: dict[str, str], found: list[Correlation], sets: int) -> None:
    few = sum(one.few for one in found)
    words = (
        f"Spearman's rank correlation over {sets} sets, of the numbers as measured: +1 where two rise together, "
        "−1 where one falls as the other rises, as a distance (↓) does when it agrees with a share (↑)."
    )
    if few == len(found):
        words += (
            f" All pairs share fewer than {FEWEST} sets: grey, their numbers say little. Measure more sets."
        )
    elif few:
        words += (
            f" {few} of {len(found)} pairs share fewer than {FEWEST} sets: grey, their number says little."
        )
    st.caption(words)
    cells = [Cell(titles[one.first], titles[one.second], one.rho, one.low, one.high, one.n) for one in found]
    st.plotly_chart(
        related_figure([titles[name] for name in order], cells), key="metrics.related.chart", theme=None, config=SAVE,
        alt="Rank correlation of each pair of metrics",
    )  # fmt: skip
    rows = [
        {
            "First": titles[one.first], "Second": titles[one.second], "ρ": one.rho, "Low": one.low, "High": one.high,
            "p": one.p, "n sets": one.n, "In words": one.sentence,
        }
        for one in found
    ]  # fmt: skip
    number = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="metrics.related.table", height=260, placeholder="–",
                 column_config={"In words": st.column_config.TextColumn(width="large"),
                                "ρ": number, "Low": number, "High": number,
                                "p": st.column_config.NumberColumn(format="%.3f")})  # fmt: skip


def _pair(values: Values) -> None:
    """One metric against another over the sets; a utility metric first on the upright axis, where there is one."""
    known = [name for listed in by_question(values).values() for name in listed if len(values[name]) > 1]
    useful = [name for name in known if specs()[name].axis == "utility"]
    left, right = st.columns(2)
    across = str(
        left.selectbox("Across", known, format_func=lambda one: specs()[one].title, key=f"{Key.RELATED}.x")
    )
    others = [*useful, *(name for name in known if name not in useful and name != across)]
    up = str(
        right.selectbox("Up", others, format_func=lambda one: specs()[one].title, key=f"{Key.RELATED}.y")
    )
    points = [
        (str(one["set"]), float(one[across]), float(one[up]))
        for one in scatter(values, across, up)
        if across != up
    ]
    st.plotly_chart(
        scatter_figure(points, specs()[across], specs()[up]), key="metrics.related.pair", theme=None, config=SAVE,
        alt=f"{specs()[across].title} against {specs()[up].title}",
    )  # fmt: skip


class _Names:
    """A name for each set; two sets of one name are numbered."""

    def __init__(self) -> None:
        self._by_digest: dict[str, str] = {}

    def of(self, name: str, digest: str) -> str:
        """The name of the set with that digest, the same whenever it is asked for."""
        if digest not in self._by_digest:
            like = sum(one == name or one.startswith(f"{name} (") for one in self._by_digest.values())
            self._by_digest[digest] = f"{name} ({like + 1})" if like else name
        return self._by_digest[digest]


def _every(like: Run) -> dict[str, list[MetricResult]]:
    """The newest results of every set measured against the same real set by the same extractor."""
    wanted = (like.spec.inputs.get("real"), like.spec.settings["extractor"])
    found: dict[str, list[MetricResult]] = {}
    names = _Names()
    for run in listed(("done",), PAST):
        if (run.spec.inputs.get("real"), run.spec.settings["extractor"]) == wanted:
            key = names.of(set_name(run), str(run.spec.inputs.get("synthetic")))
            known = {item.metric for item in found.get(key, [])}
            more = [item for item in done_results(run.id) if item.group == ALL and item.metric not in known]
            found[key] = [*found.get(key, []), *more]
    return found
