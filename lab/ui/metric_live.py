"""A run while it works, or after it stopped early: stage, time left, and the numbers it has so far."""

from __future__ import annotations

import streamlit as st

from lab.charts.intervals import Series, interval_figure
from lab.errors import LabError
from lab.metrics.result import MetricResult
from lab.runs.metric_chain import step_now
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.metric_runs import finished_parts, set_name, side_word, specs
from lab.ui.run_panel import stand_in

_COLUMNS = 2


def unfinished(run: Run) -> None:
    """The panel of a run without a result, with what it has measured so far."""
    st.subheader(plain(f"{set_name(run)} against {run.spec.settings['real']}"), anchor=False)
    before = _before(run)
    if before is not None and before.state != "done":
        with st.container(border=True):
            st.markdown(
                f"**First: {plain(before.label)}**. The metrics follow by themselves, whoever watches."
            )
            stand_in(before)
    stand_in(run, so_far)
    if run.is_over:
        so_far(run)


def _before(run: Run) -> Run | None:
    """The step that the run waits for or failed for."""
    try:
        return step_now(run)
    except LabError:
        return None  # its data were removed: the run's own error says what there is to say


def so_far(run: Run) -> None:
    """Finished numbers, growing while the run goes on; they are kept when it stops and is resumed."""
    done = finished_parts(run)
    asked = run.spec.settings
    if not done:
        if not run.is_over:
            st.caption(
                "The first numbers appear here as soon as the images are read. "
                "This page may be closed and opened again."
            )
        return
    measured = [item for item in done if item.value is not None]
    words = f"{len(done)} of {len(asked['metrics'])} metrics so far"
    if asked.get("by"):
        words += f", then each group by {asked['by']}"
    st.caption(plain(f"{words}. By {asked['extractor']}, seed {asked['seed']}."))
    if measured:
        partial(run, measured)
    refused = [item for item in done if item.value is None]
    if refused:
        with st.expander(f"{len(refused)} could not be computed", icon=":material/block:"):
            for item in refused:
                st.markdown(f"**{plain(item.title)}.** {plain(item.note)}")


def partial(run: Run, measured: list[MetricResult]) -> None:
    """The chart of what is there."""
    st.plotly_chart(
        interval_figure([Series(side_word(run), measured)], specs(), _COLUMNS),
        key=f"metrics.live.{run.id}.{len(measured)}",
        theme=None,
        config={"displayModeBar": False},
        alt=f"{len(measured)} numbers measured so far",
    )
