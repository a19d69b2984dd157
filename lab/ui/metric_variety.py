"""Variety by file size, made relative to the compared sets: another set changes it for all, never the bytes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lab.metrics.mean_image import renormalised
from lab.metrics.result import MetricResult
from lab.ui.metric_runs import specs
from lab.ui.metric_words import in_digits

BYTES = "mean-image-size"


def varieties(names: Sequence[str], results: Sequence[list[MetricResult]]) -> None:
    """A table of raw bytes and relative variety; nothing where fewer than two sets have the bytes."""
    rows = relative(names, results)
    if len(rows) < 2:
        return
    with st.expander("Variety relative to these sets", icon=":material/compress:"):
        st.caption(
            f"{specs()[BYTES].definition} Variety is 1 for the smallest file among the compared sets and 0 for the "
            "largest, so it changes when a set is added; the bytes do not."
        )
        st.dataframe(
            in_digits(pd.DataFrame(rows), ("Bytes", "Variety")), hide_index=True, key="metrics.varieties",
            height="content", width="content",
        )  # fmt: skip


def relative(names: Sequence[str], results: Sequence[list[MetricResult]]) -> list[dict[str, object]]:
    """A row a set that has the bytes: its name, the bytes, the variety among these sets."""
    sizes = {
        name: item.value
        for name, one in zip(names, results, strict=True)
        for item in one
        if item.metric == BYTES and item.value is not None
    }
    varied = renormalised(sizes)
    return [{"Set": name, "Bytes": sizes[name], "Variety": varied[name]} for name in sizes]
