"""A printed result pasted in: which share of the class its own numbers imply, beside the share that was stated."""

from __future__ import annotations

import streamlit as st

from lab.analysis.pasted import parse_rows
from lab.analysis.prevalence import check_prevalence
from lab.errors import LabError
from lab.ui.frame import plain
from lab.ui.state import MetricsKey as Key

_EXAMPLE = "ResNet-50 | 0.8401 | 0.9758 | 0.8941"


def pasted() -> None:
    """The fold with the text, the stated share, and what follows."""
    box = st.expander(
        "Check a published table", icon=":material/fact_check:", key=f"{Key.OPEN}.pasted", on_change="rerun"
    )
    if not box.open:
        return
    with box:
        st.caption(
            "Sensitivity, specificity and precision of one class together fix how common that class was in the test "
            "set. A share that differs from the real data shows that the test set was not what it seems."
        )
        text = st.text_area(
            "Rows, one classifier each", key=f"{Key.BOARD}.pasted", placeholder=_EXAMPLE, height=120,
            help="Name, sensitivity, specificity, precision, and F1 where there is one; column names may come first.",
        )  # fmt: skip
        stated = st.number_input(
            "Share of the class in the data, percent", 0.0, 100.0, None, key=f"{Key.BOARD}.stated", format="%.2f",
            placeholder="not stated",
        )  # fmt: skip
        if not text or not text.strip():
            return
        try:
            found = check_prevalence(parse_rows(text), None if stated is None else stated / 100)
        except LabError as error:
            st.error(plain(str(error)))
            return
        (st.warning if found.flagged else st.info)(plain(found.sentence))
