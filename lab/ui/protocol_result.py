"""The result of the published protocol: its table, the movable limit with its counts, the most suspicious pairs."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lab.errors import LabError
from lab.metrics.result import MetricResult
from lab.runs.artifacts import read_artifact
from lab.runs.kinds.providers.sources import sources_of
from lab.runs.records import Run
from lab.ui.films import case_code, is_phantom
from lab.ui.frame import plain
from lab.ui.identity_words import badge, judgement
from lab.ui.metric_runs import results_of
from lab.ui.protocol_limit import limit
from lab.ui.protocol_numbers import HIGH, Rows, Scores, scores_of, summary
from lab.ui.protocol_pairs import pairs
from lab.ui.protocol_verdict import verdict
from lab.ui.sets import open_set
from lab.ui.state import MetricsKey
from lab.ui.state import PrivacyKey as Key

_MEANINGS = {
    "Copies score": "Which end of the scale is near to a copy, hence suspicious.",
    "Mean": "Of each prompt the mean over its seeds, then the mean over prompts.",
    "95 % interval": "Of the mean, by bootstrap over patients; none with fewer than 20 of them.",
    "Highest": "Of each prompt the highest over its seeds, then the mean over prompts.",
    "Lowest": "Of each prompt the lowest over its seeds, then the mean over prompts.",
    "Most suspicious": "The one pair of all that comes nearest to a copy.",
    "Held-out control": "The mean for held-out images of other patients in the samples' place.",
    "Same patient": "What two real images of one patient score: as near as the same person's next image.",
}
_WORDS = ("Measure", "Copies score", "95 % interval")


def result(run: Run, measured: Run) -> None:
    """Draw it.

    Args:
        run: the finished protocol.
        measured: the finished measurement of its samples.
    """
    made = run.result or {}
    dataset, reference = str(made["dataset"]), str(made["sample_set"])
    real, samples = open_set(f"{dataset}:train"), open_set(reference)
    sources = sources_by_digest(dataset, real.digest, reference, samples.digest)
    results = results_of(measured)
    records = {item["metric"]: item for item in (measured.result or {}).get("results", [])}
    scores = {
        item.metric: found
        for item in results
        if (found := scores_of(item, _kept(records[item.metric]), sources)) is not None
    }
    if scores:
        verdict(scores)
    _network(results)
    _table(results, scores)
    for item in results:
        if item.value is None:
            st.caption(f":material/block: {plain(f'{item.title}: {item.note}')}")
    if not scores:
        return
    chosen = _chosen(scores)
    limit(measured, chosen, results)
    pairs(dataset, reference, chosen, measured)
    _prompts(dataset, chosen, real.ids(), real.frame())
    st.button(
        "Open as a metric run", icon=":material/open_in_new:", on_click=_open, args=(measured.id,),
        help="Its notes, files, trace and the benchmark's own table, as of any metric run.",
    )  # fmt: skip


def _network(results: list[MetricResult]) -> None:
    """What the network is worth, beside every score it gives."""
    told = next(
        (
            item.details.get("verification")
            for item in results
            if item.metric == HIGH and item.value is not None
        ),
        None,
    )
    if told is not None:
        badge(dict(told))
        st.caption(plain(judgement(dict(told))))


def _table(results: list[MetricResult], scores: dict[str, Scores]) -> None:
    frame = summary([item for item in results if item.value is not None], scores)
    if not len(frame):
        return
    columns: dict[str, Any] = {
        name: st.column_config.TextColumn(help=_MEANINGS.get(name))
        if name in _WORDS
        else st.column_config.NumberColumn(format="%.3f", help=_MEANINGS.get(name))
        for name in frame.columns
    }
    st.dataframe(frame, hide_index=True, height="content", column_config=columns)


def _chosen(scores: dict[str, Scores]) -> Scores:
    picked = st.segmented_control(
        "Measure", list(scores), format_func=lambda name: scores[name].title, key=Key.MEASURE,
        default=next(iter(scores)), required=True, persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    return scores.get(str(picked)) or next(iter(scores.values()))


def _prompts(dataset: str, scores: Scores, names: list[str], images: pd.DataFrame) -> None:
    """Every prompt, the most suspicious first; a table can be saved, so words of real patients stay out of it."""
    found = scores.by_prompt().sort_values("extreme", ascending=not scores.near_high, kind="stable")
    rows = found["own"].to_numpy()
    columns: dict[str, Any] = {"Case": [case_code(names[row]) for row in rows]}
    if is_phantom(dataset):
        columns["Prompt"] = images["caption"].astype(str).to_numpy()[rows]
    columns |= {"Mean": found["mean"], "Highest": found["highest"], "Lowest": found["lowest"]}
    frame = pd.DataFrame(columns)
    numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in ("Mean", "Highest", "Lowest")}
    with st.expander(f"All {len(frame):,} prompts", icon=":material/table:"):
        st.dataframe(
            frame, hide_index=True, column_config=numbers, height="content" if len(frame) < 12 else 400
        )


def _kept(record: dict[str, Any]) -> NDArray[np.float64] | None:
    """One score a sample; None where they were not kept or are gone."""
    digest = record.get("per_image")
    try:
        return per_sample(str(digest)) if digest else None
    except LabError:
        return None


@st.cache_data(max_entries=32, show_spinner=False)
def per_sample(digest: str) -> NDArray[np.float64]:
    """Scores of an artifact; the digest is the whole cache key."""
    return np.asarray(np.load(io.BytesIO(read_artifact(digest)), allow_pickle=False), dtype=np.float64)


@st.cache_data(max_entries=16, show_spinner=False)
def sources_by_digest(dataset: str, digest: str, reference: str, samples: str) -> Rows:
    """Row of the training image of each sample; both digests are part of the key."""
    return sources_of(open_set(f"{dataset}:train"), open_set(reference))


def _open(run_id: str) -> None:
    st.session_state[MetricsKey.RUN] = run_id
    st.session_state[MetricsKey.FORM] = False
    st.session_state[MetricsKey.VIEW] = "One set"
