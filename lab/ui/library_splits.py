"""Labels and splits of a dataset: how they are, and how they would be if it were divided anew."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lab.charts.labels import LabelCount, label_figure
from lab.data.card import DatasetCard
from lab.data.editing import divide_anew
from lab.data.splits import DEFAULT_FRACTIONS, SPLITS
from lab.data.store import open_dataset
from lab.data.stratified import split_table
from lab.errors import LabError
from lab.runs.dataset_requests import latest_duplicates
from lab.runs.dependents import dependents
from lab.ui.frame import plain, refuse
from lab.ui.state import LibraryKey as Key


def labels_and_splits(card: DatasetCard) -> None:
    """The chart, the table, and the form that divides anew."""
    table = split_table(open_dataset(card.id).manifest)
    counts = [
        LabelCount(str(row["label"]), float(row["share"]), {split: int(row[split]) for split in SPLITS})
        for _, row in table.iterrows()
    ]
    st.plotly_chart(
        label_figure(counts), key=f"library.labels.{card.id}", theme=None, config={"displayModeBar": False},
        alt="Images of each label, by split",
    )  # fmt: skip
    with st.expander("As a table"):
        st.dataframe(_shown(table), hide_index=True)
    _divide(card)


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    named = table.rename(columns={name: name.capitalize() for name in table.columns})
    return named.assign(Share=named["Share"].map(lambda share: f"{share:.2f} %"))


def _divide(card: DatasetCard) -> None:
    with st.expander("Divide anew"):
        if card.origin == "phantom":
            st.caption(
                "The division of a phantom set is fixed: the generators shipped with it learned from its train."
            )
            return
        taught = [one for one in dependents(card.id) if one.kind == "generator"]
        if taught:
            names = ", ".join(plain(one.name) for one in taught)
            st.caption(
                f"The division is fixed: {names} learned from its train, so held-out must stay what it is."
            )
            return
        st.caption(
            "By patient always. Train is what a generator may learn from, held-out is the control of every privacy "
            "number, test is for classifiers. Features stay; calibration and map are made anew."
        )
        _form(card)


def _form(card: DatasetCard) -> None:
    left, middle, right = st.columns([0.5, 0.2, 0.3], vertical_alignment="bottom")
    first, second = DEFAULT_FRACTIONS[0], sum(DEFAULT_FRACTIONS[:2])
    low, high = left.slider(
        "Train ends, held-out ends (% of patients)", 0, 100, (round(100 * first), round(100 * second)), 5,
        key=Key.SHARES, help="What follows the second mark is test.",
    )  # fmt: skip
    seed = int(
        middle.number_input(
            "Seed", 0, 2**32 - 1, 0, key=Key.SEED, help="Another seed gives another division."
        )
    )
    stratify = right.toggle("Every label in its share", True, key=Key.STRATIFY, help="Stratified by label.")
    found = latest_duplicates(card.id)
    pairs = (
        [(pair["first"], pair["second"]) for pair in (found.result or {}).get("pairs", [])] if found else []
    )
    together = bool(pairs) and st.toggle(
        f"Keep the {len(pairs)} duplicate pairs together", True, key=Key.TOGETHER,
        help="Patients who share a picture go into one split.",
    )  # fmt: skip
    st.caption(f"Train {low} %, held-out {high - low} %, test {100 - high} % of patients.")
    if st.button("Divide anew", icon=":material/call_split:", key="library.divide"):
        shares = (low / 100, (high - low) / 100, (100 - high) / 100)
        try:
            divide_anew(card.id, shares, seed, stratify, pairs if together else ())
        except LabError as error:
            refuse(error)
            return
        st.rerun()
