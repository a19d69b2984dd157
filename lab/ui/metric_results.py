"""A finished metric run: the verdict first, then charts a question at a time, what stands behind each number, files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from lab.charts.theme import MUTED
from lab.config import settings
from lab.metrics.result import MetricResult
from lab.runs.artifacts import Artifacts
from lab.runs.integrity import changed
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.metric_detail import badges, details
from lab.ui.metric_export import exports
from lab.ui.metric_groups import groups
from lab.ui.metric_opinions import agreement, charts, further
from lab.ui.metric_published import published
from lab.ui.metric_runs import QUESTIONS, by_question, origin_of, results_of, set_name, specs
from lab.ui.metric_second import companions
from lab.ui.metric_trace import told
from lab.ui.metric_verdict import strip
from lab.ui.metric_words import in_digits
from lab.ui.run_panel import duration
from lab.ui.state import MetricsKey as Key

HEADLINES = "headlines"
MANY = 12
COLUMNS = {
    "title": "Metric",
    "value": "Value",
    "low": "Low",
    "high": "High",
    "control": "Held-out control",
    "floor": "Real-to-real floor",
    "n_real": "n real",
    "n_synthetic": "n synthetic",
    "n_held_out": "n held-out",
    "dimension": "d",
}


def results(run: Run) -> None:
    """The finished run, headlines first and the rest folded."""
    measured = results_of(run)
    if not measured:
        st.warning("This run holds no number; choose other metrics and launch again.")
        return
    asked = run.spec.settings
    st.subheader(plain(f"{set_name(run)} against {asked['real']}"), anchor=False)
    others = companions(run)
    done = [other for other in others if other.state == "done"]
    st.caption(_footing(run, measured[0]))
    broken = changed(run, Artifacts(settings().artifacts))
    _warned([*broken, *(run.result or {}).get("warnings", [])])
    grey = bool(broken)
    strip(run, measured, grey)
    for item in {str(item.details.get("badges")): item for item in measured}.values():
        badges(item)
    agreement(run, done)
    further(run, [other for other in others if other.state != "done"], bool(done))
    shown = _question(run, measured)
    charts(run, done, shown, str(st.session_state.get(f"{Key.QUESTION}.{run.id}")), grey)
    details(run, [item for item in measured if item.metric in shown])
    published(run, measured)
    groups(run)
    _notes(measured)
    _table(run, results_of(run, None), grey)
    exports(run, done)


def _warned(sentences: Sequence[str]) -> None:
    """One box for all, so that the numbers stay in sight."""
    lines = [plain(sentence) for sentence in sentences]
    if lines:
        text = lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)
        st.warning(text, icon=":material/warning:")


def _footing(run: Run, one: MetricResult) -> str:
    """Which kind of images stands on either side, how many, and by what they were compared."""
    asked = run.spec.settings
    ours, theirs = origin_of(str(asked["synthetic"])), origin_of(str(asked["real"]))
    instead = " in place of samples" if ours != "synthetic" else ""
    words = (
        f"{one.n_synthetic:,} images{instead} against {one.n_real:,} training images; {asked['extractor']}, "
        f"seed {asked['seed']}, took {duration(run.duration_s or 0)}."
    )
    return f"**{ours.upper()}** against **{theirs.upper()}**. {plain(words)}"


def _question(run: Run, measured: Sequence[MetricResult]) -> list[str]:
    """The metrics looked at: the headlines of every question, or all of one."""
    names = [item.metric for item in measured if item.value is not None]
    parts = by_question(names)
    head = names if len(names) <= MANY else [name for listed in parts.values() for name in listed[:2]]
    words = {HEADLINES: "Everything" if len(names) <= MANY else "Headlines"}
    words |= {axis: f"{QUESTIONS[axis][0]} ({len(listed)})" for axis, listed in parts.items()}
    key = f"{Key.QUESTION}.{run.id}"
    if st.session_state.get(key) not in words:
        st.session_state[key] = HEADLINES
    picked = st.segmented_control(
        "Question",
        list(words),
        format_func=words.__getitem__,
        key=key,
        required=True,
        label_visibility="collapsed",
    )
    return head if picked == HEADLINES else parts[str(picked)]


def _notes(measured: Sequence[MetricResult]) -> None:
    noted = [item for item in measured if item.note]
    missing = [item for item in noted if item.value is None]
    if not noted:
        return
    title = f"Notes on {len(noted)} numbers" + (f", {len(missing)} of them not computed" if missing else "")
    with st.expander(title, icon=":material/notes:"):
        for item in [*missing, *(one for one in noted if one.value is not None)]:
            st.markdown(f"**{plain(item.title)}.** {plain(item.note)}")


def _table(run: Run, everything: Sequence[MetricResult], grey: bool) -> None:
    """Every number; a click on a row opens where it comes from."""
    known, several = specs(), len({item.group for item in everything}) > 1
    frame = pd.DataFrame([item.to_json() for item in everything])
    shown = frame[[name for name in COLUMNS if name in frame]].rename(columns=COLUMNS)
    arrows = [known[name].arrow.split(" ")[0] if name in known else "" for name in frame["metric"]]
    shown.insert(1, "Better", arrows)
    axes = [QUESTIONS[known[name].axis][0] if name in known else "" for name in frame["metric"]]
    shown.insert(0, "Question", axes)
    if several:
        shown.insert(1, "Group", frame["group"])
    digits = in_digits(shown, ("Value", "Low", "High", "Held-out control", "Real-to-real floor"))
    with st.expander(f"All {len(frame)} numbers", icon=":material/table:", expanded=len(frame) <= MANY):
        event = st.dataframe(
            digits.set_properties(color=MUTED) if grey else digits,
            hide_index=True,
            column_config=_columns(),
            key=f"{Key.NUMBERS}.{run.id}",
            on_select="rerun",
            selection_mode="single-row",
            placeholder="–",
            height="content" if len(frame) <= MANY else 480,
        )
        rows = [row for row in event.selection.rows if row < len(everything)]
        if rows:
            with st.container(border=True):
                told(run, everything[rows[0]])
        else:
            st.caption("Select a row to see the run, data, seed and versions behind its number.")


def _columns() -> dict[str, Any]:
    return {
        "Metric": st.column_config.TextColumn(width=190),
        "Low": st.column_config.NumberColumn(help="Lower end of the 95 % interval."),
        "High": st.column_config.NumberColumn(help="Upper end of the 95 % interval."),
        "Held-out control": st.column_config.NumberColumn(
            help="The same statistic for real films that no generator saw, in place of the samples."
        ),
        "Real-to-real floor": st.column_config.NumberColumn(
            help="What real films score against real ones at this size; of captions, what wrong captions score."
        ),
        "d": st.column_config.NumberColumn(help="Length of the feature vectors the number was computed on."),
        "Better": st.column_config.TextColumn(help="↓ lower, ↑ higher, → best at the null line."),
    }
