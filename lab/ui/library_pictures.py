"""The contact sheet of a dataset: a page of films at a time, by split and label."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from lab.data.card import DatasetCard
from lab.data.splits import SPLITS
from lab.data.store import open_dataset
from lab.ui.films import dataset_film
from lab.ui.state import LibraryKey as Key
from lab.ui.viewer import viewer

A_PAGE = 12
ALL = "All"
LARGE = 1_500_000


def pictures(card: DatasetCard) -> None:
    """Draw the filters and one page of films."""
    table = open_dataset(card.id).rows()
    left, middle, right = st.columns([0.4, 0.35, 0.25], vertical_alignment="bottom")
    with left:
        known = [ALL, *(split for split in SPLITS if card.splits.get(split))]
        split = st.segmented_control("Split", known, default=ALL, key=Key.SPLIT, required=True)
    with middle:
        labels = [ALL, *table["label"].value_counts().index.astype(str)]
        label = st.selectbox("Label", labels, key=Key.LABEL, format_func=lambda name: name or "(no label)")
    rows = _chosen(table, str(split), str(label))
    pages = max(1, math.ceil(len(rows) / A_PAGE))
    with right:
        page = int(
            st.number_input(
                f"Page (of {pages:,})", 1, pages, 1, key=f"{Key.PAGE}.{split}.{label}.{card.digest[:8]}"
            )
        )
    shown = rows.iloc[(page - 1) * A_PAGE : page * A_PAGE]
    if shown.empty:
        st.caption("No image of that split and label.")
        return
    films = [
        dataset_film(
            card.id, str(row["image_id"]), _words(row), small=int(row["width"]) * int(row["height"]) > LARGE
        )
        for _, row in shown.iterrows()
    ]
    st.caption(f"{len(rows):,} images, in no particular order.")
    viewer(films, key=f"library.sheet.{card.id}", columns=4)


def _chosen(table: pd.DataFrame, split: str, label: str) -> pd.DataFrame:
    if split != ALL:
        table = table[table["split"] == split]
    return table if label == ALL else table[table["label"] == label]


def _words(row: pd.Series) -> str:
    parts = [str(row["label"]), str(row["view"]), str(row["vendor"])]
    return " · ".join(part for part in parts if part)
