"""The buttons that give a grid as files: one PNG with its labels burnt in, and one CSV with a row a cell."""

from __future__ import annotations

import streamlit as st

from lab.report.grid_files import picture_of, table_of
from lab.runs.records import Run
from lab.ui.frame import link
from lab.ui.state import GridKey as Key


def exports(run: Run, against: str, reference: int) -> None:
    """The two download buttons; the files are made when they are asked for."""
    name = f"grid-{run.digest[:12]}"
    sets = list((run.result or {}).get("sample_sets", {}).values())
    with st.container(horizontal=True):
        st.download_button(
            "Grid as PNG", lambda: picture_of(run), f"{name}.png", "image/png", icon=":material/image:",
            on_click="ignore", key=f"{Key.TABLE}.png.{run.id}",
            help="One picture with the labels burnt in, marked SYNTHETIC; the digest of its recipe is inside.",
        )  # fmt: skip
        if run.state == "done":
            st.download_button(
                "Table as CSV", lambda: table_of(run, against, reference).encode("utf-8-sig"), f"{name}.csv",
                "text/csv", icon=":material/table:", on_click="ignore", key=f"{Key.TABLE}.csv.{run.id}",
                help="One row a cell: axis values, seed, verdict, agreement, difference to its reference.",
            )  # fmt: skip
    if sets:
        st.caption(
            f"The samples are kept as {'a set' if len(sets) == 1 else 'sets'} of their own: {', '.join(sets)}."
        )
        link("metrics", "Measure it on the Metrics page", ":material/straighten:")
