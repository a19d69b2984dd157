"""The class map of an import: each label as the table gives it, how many images it has, and what it is stored as."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lab.data.sources.contract import ImportPlan
from lab.data.tabular.class_map import counted_shares, rounded_shares
from lab.provenance import digest_json
from lab.ui.state import LibraryKey as Key

LABEL, STORED, COUNT, SHARE = "Label", "Stored as", "Images", "Share of what is kept"
MOST = 60


def class_map(plan: ImportPlan) -> dict[str, str]:
    """Draw the table; returns the labels a person has renamed or, with an empty cell, left out."""
    if not 1 < len(plan.classes) <= MOST:
        return {}
    counts: dict[str, int] = {}
    for stored, number in plan.classes.values():
        if stored:
            counts[stored] = counts.get(stored, 0) + number
    found = counted_shares(counts)
    share = {one.label: percent for one, percent in zip(found, rounded_shares(found), strict=True)}
    frame = pd.DataFrame(
        [
            {
                LABEL: label,
                COUNT: number,
                STORED: stored,
                SHARE: f"{share.get(stored, 0):.1f} %" if stored else "left out",
            }
            for label, (stored, number) in plan.classes.items()
        ]
    )
    with st.expander(f"Classes: {len(plan.classes)} labels, {len(counts)} stored"):
        st.caption("Give two labels one name to merge them. Empty a name to leave its images out.")
        edited = st.data_editor(
            frame,
            hide_index=True,
            disabled=[LABEL, COUNT, SHARE],
            key=f"{Key.CLASSES}{digest_json(sorted(plan.classes))[:12]}",
            column_config={
                SHARE: st.column_config.TextColumn(help="Computed here; together they are 100 %.")
            },
        )
    changed: dict[str, str] = {}
    for _, row in edited.iterrows():
        label, stored = str(row[LABEL]), str(row[STORED] or "").strip()
        if stored != plan.classes[label][0]:
            changed[label] = stored
    return changed


def _words(share: dict[str, float], stored: str) -> str:
    return f"{share.get(stored, 0):.1f} %" if stored else "left out"
