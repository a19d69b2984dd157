"""The output filter on an audited set: what is dropped, and how private and faithful the rest is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from lab.config import settings
from lab.leakage.filtering import MEASURED, filtered
from lab.metrics.registry import get_metric
from lab.metrics.result import MetricResult
from lab.runs.leakage_requests import filter_run
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.films import may_be_public
from lab.ui.frame import missing
from lab.ui.leakage_cause_ask import followed
from lab.ui.neighbour_set import table_of
from lab.ui.sample_card import percent
from lab.ui.sets import synthetic_choices
from lab.ui.state import LeakageKey as Key


def output_filter() -> None:
    """Choose an audited set, see what a filter drops, and measure what is left."""
    st.markdown(
        "**Output filter**",
        help="Samples that the detectors call near-copies are not passed on. It needs no training, but it sees only "
        "what its detectors see.",
    )
    runs = audited()
    if not runs:
        missing(
            "No set is audited yet.",
            "A filter goes by an audit's verdicts.",
            "neighbours",
            "Audit a whole set",
        )
        return
    words = {choice.reference: choice.words for choice in synthetic_choices()}
    names = {run.id: words.get(run.spec.settings["samples"], run.spec.settings["samples"]) for run in runs}
    chosen = st.selectbox("Audited set", list(names), format_func=names.__getitem__, key=Key.CAUSE_AUDIT)
    run = next(run for run in runs if run.id == chosen)
    left = filtered(table_of(run))
    share = left.dropped
    images = "training image" if left.exposed == 1 else "different training images"
    st.markdown(
        f"The filter drops **{share.hits} of {share.n} samples** ({percent(share.value, 0)}, {percent(share.low, 0)} "
        f"to {percent(share.high, 0)}), which would have exposed {left.exposed} {images}. "
        f"{share.n - share.hits} pass."
    )
    if not share.hits:
        st.caption("None found by these detectors at this sensitivity, so a filter changes nothing here.")
        return
    done = followed(filter_run(run), "Measure what is left", share.n)
    if done is not None:
        _compared(done.result or {})


def audited() -> list[Run]:
    """Finished audits of sample sets, the newest of each set; in public those whose films may be shown."""
    found: dict[tuple[str, str], Run] = {}
    for run in RunStore.open().list(states=("done",), kinds=("audit",), limit=200):
        asked = run.spec.settings
        hidden = settings().public and not may_be_public(asked["dataset"])
        if not hidden and ":" not in asked["samples"]:
            found.setdefault((asked["samples"], asked["dataset"]), run)
    return list(found.values())


def _compared(result: Mapping[str, Any]) -> None:
    """Each number before and after, beside its held-out control; in words where too few samples pass."""
    before, after = (
        {one["metric"]: MetricResult.from_json(one) for one in result["results"][side]}
        for side in ("all", "kept")
    )
    measured = [name for name in MEASURED if before[name].value is not None or after[name].value is not None]
    if measured:
        st.dataframe(
            pd.DataFrame([_row(result, before[name], after[name]) for name in measured]), hide_index=True
        )
    notes = list(dict.fromkeys(filter(None, (after[name].note for name in MEASURED))))
    if notes:
        st.caption(f"Of what passes: {' '.join(notes)}")


def _row(result: Mapping[str, Any], before: MetricResult, after: MetricResult) -> dict[str, str]:
    spec = get_metric(before.metric).spec
    control = after if after.control is not None else before
    return {
        "Number": spec.title,
        f"All {result['n']} samples": _told(before.value, before.low, before.high),
        f"The {result['kept']} that pass": _told(after.value, after.low, after.high),
        "Held-out films (control)": _told(control.control, control.control_low, control.control_high),
        "Honest data scores": "as held-out films" if spec.null_line is None else f"{spec.null_line:g}",
    }


def _told(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "cannot be measured"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"
