"""Where the published code of a metric gives another number than its definition: both, and one sentence why."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.ui.metric_runs import specs
from lab.ui.metric_words import in_digits


def published(run: Run, measured: Sequence[MetricResult]) -> None:
    """A table of both; nothing where no metric differs."""
    both = [item for item in measured if item.published is not None and item.value is not None]
    if not both:
        return
    known = specs()
    rows = [
        {
            "Metric": item.title,
            "Corrected": item.value,
            "As published": item.published,
            "Why they differ": item.published_note,
            "Source": known[item.metric].reference if item.metric in known else "",
        }
        for item in both
    ]
    count = "one metric" if len(both) == 1 else f"{len(both)} metrics"
    with st.expander(f"Corrected beside published: {count}", icon=":material/difference:"):
        st.caption(
            "The left number follows the definition and is the one used everywhere here. The right one is what the "
            "published code gives, for comparison with its tables."
        )
        st.dataframe(
            in_digits(pd.DataFrame(rows), ("Corrected", "As published")), hide_index=True,
            key=f"metrics.published.{run.id}", height="content",
            column_config={"Why they differ": st.column_config.TextColumn(width="large")},
        )  # fmt: skip
