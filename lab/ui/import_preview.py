"""What an import would do, for the person to look at: columns, counts, labels, notes, and what is left out."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd
import streamlit as st

from lab.data.sources.contract import ImportPlan
from lab.data.tabular.columns import FIELDS
from lab.provenance import digest_json
from lab.ui.frame import plain
from lab.ui.state import LibraryKey as Key

NONE = "(none)"
_SHOWN = ("image", "patient_id", "label", "caption", "split", "view", "sex", "age", "licence")
_HELP = {
    "image": "The column that names the image file.",
    "patient_id": "Splits are by patient, so that no patient stands in two of them.",
    "label": "The finding, for colours on the map and for label agreement.",
    "caption": "Report text, for generators that read words.",
    "split": "train, validation (used as held-out) and test; leave it out to split by patient.",
}


def columns_of(plan: ImportPlan) -> dict[str, str]:
    """Field to column: as guessed, with what the person corrects."""
    if not plan.columns:
        return dict(plan.mapping)
    chosen = dict(plan.mapping)
    with st.expander("Columns"):
        st.caption("Guessed from the header. Correct what is wrong.")
        options = [NONE, *plan.columns]
        for column, group in zip(st.columns(3), (_SHOWN[0::3], _SHOWN[1::3], _SHOWN[2::3]), strict=True):
            for name in group:
                guess = plan.mapping.get(name, NONE)
                picked = column.selectbox(
                    name.replace("_", " ").capitalize(),
                    options,
                    index=options.index(guess) if guess in options else 0,
                    key=f"{Key.COLUMN}{name}.{digest_json(plan.columns)[:8]}",
                    help=_HELP.get(name),
                )
                if picked != guess:
                    chosen[name] = "" if picked == NONE else str(picked)
    return {name: column for name, column in chosen.items() if name in FIELDS}


def preview(plan: ImportPlan) -> None:
    """Counts, labels, decisions and problems of a plan."""
    patients = {image.fields.get("patient_id", "") for image in plan.images} - {""}
    labels = Counter(image.fields.get("label", "") or "(no label)" for image in plan.images)
    a, b, c, d, e = st.columns(5)
    a.metric("Images", len(plan.images))
    b.metric("Patients", len(patients) or "not given")
    c.metric("Labels", len(set(labels) - {"(no label)"}))
    d.metric("Masks", sum(image.mask is not None for image in plan.images))
    e.metric("Left out", len(plan.left_out))
    if plan.images:
        st.caption("Labels: " + ", ".join(f"{plain(name)} {count}" for name, count in labels.most_common(8)))
    for note in plan.notes:
        st.caption(f":material/info: {plain(note)}")
    problems(plan.left_out)
    if plan.problem:
        st.error(plain(plan.problem))


def problems(left_out: Any) -> None:
    """Files that were or would be left out, each with its reason."""
    listed = [{"File": str(name), "Reason": str(reason)} for name, reason in left_out]
    if listed:
        with st.expander(f"{len(listed)} files are left out"):
            st.dataframe(pd.DataFrame(listed), hide_index=True, height=min(280, 72 + 35 * len(listed)))
