"""The map on the page: the chart, how far to believe it, and the images behind a selection."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from lab.charts.map import map_figure
from lab.data.store import open_dataset
from lab.runs.records import Run
from lab.ui.films import artifact_pixels, dataset_pixels, origin_note, thumbnail
from lab.ui.frame import facts, link_with
from lab.ui.map_points import SIDES, layers, selected_rows
from lab.ui.sample_card import percent
from lab.ui.state import MapKey as Key
from lab.ui.state import QueryKey
from lab.ui.viewer import Film, viewer

CONFIG = {"displaylogo": False, "scrollZoom": True, "modeBarButtonsToRemove": ["toImage", "autoScale2d"]}
NAMES = {"train": "Training images", "held-out": "Held-out images", "sample": "Samples"}
PAGE = 20
FULL_SIZE = 4


def chart(table: pd.DataFrame, fitted: Run, asked: str | None) -> list[int]:
    """Draw the map; returns the row numbers that are selected on it."""
    left, middle, right = st.columns([0.4, 0.25, 0.35], vertical_alignment="bottom")
    with left:
        sides = st.pills(
            "Show", SIDES, selection_mode="multi", default=SIDES, format_func=NAMES.__getitem__, key=Key.SHOWN
        )
    with middle:
        colour = st.segmented_control(
            "Colour by",
            ("side", "label"),
            default="side",
            key=Key.COLOUR,
            required=True,
            format_func=str.capitalize,
        )
    with right:
        known = sorted(set(table.loc[table["side"] != "sample", "label"]) - {""})
        labels = st.multiselect("Only labels", known, key=Key.LABELS, placeholder="All labels")
    marked = table.index[table["image_id"] == asked].tolist() if asked else []
    figure = map_figure(
        layers(table, sides or (), labels), "label" if colour == "label" else "side", marked=marked
    )
    figure.update_layout(modebar_orientation="v")
    event = st.plotly_chart(
        figure,
        key=f"{Key.CHART}.{fitted.id}.{len(table)}",
        on_select="rerun",
        theme=None,
        config=CONFIG,
        alt="Feature-space map of training images, held-out images and samples",
    )
    return selected_rows(event["selection"], table)


def honesty(fitted: Run) -> None:
    """How far to believe the map, printed under it."""
    result = fitted.result or {}
    numbers = (
        f"**Trustworthiness {result['trustworthiness']:.3f}**, "
        f"neighbours kept {result['neighbour_preservation']:.3f} (k = {result['k']}, n = {result['n']}, "
        f"{result['method']['name'].upper()}, seed {result['seed']})."
    )
    st.caption(
        f"{numbers} Fitted on training images only; the others are placed among their nearest. Distances on a map "
        "mislead: judge likeness on the Neighbours page. Hollow marks are off the map: their position means "
        "nothing. Equal seeds need not give equal maps on another machine.",
        help="Trustworthiness: 1 when no image is shown beside one that is far from it in feature space. "
        "Neighbours kept: the share of the nearest images in feature space that are also nearest on the map.",
    )


def selection(table: pd.DataFrame, rows: list[int], dataset: str) -> None:
    """What is selected: one card, or a gallery with exactly these images."""
    if not rows:
        st.caption("Click a point for its image, or draw a lasso around several for a gallery.")
        return
    chosen = table.loc[rows]
    if len(chosen) == 1:
        _card(chosen.iloc[0], dataset)
        return
    counts = chosen["side"].value_counts()
    words = ", ".join(f"{int(counts[side])} {NAMES[side].lower()}" for side in SIDES if side in counts)
    st.markdown(f"**{len(chosen)} selected:** {words}")
    pages = -(-len(chosen) // PAGE)
    page = st.pagination(pages, key=Key.GALLERY_PAGE) if pages > 1 else 1
    part = chosen.iloc[(page - 1) * PAGE : page * PAGE]
    with st.spinner("Reading films"):
        films = [film_of(row, dataset, small=len(part) > FULL_SIZE) for _, row in part.iterrows()]
    viewer(films, key=Key.GALLERY, columns=min(5, len(films)))


def film_of(row: Any, dataset: str, small: bool = False) -> Film:
    """The film behind a point of the map."""
    card = open_dataset(dataset).card
    if row["side"] == "sample":
        pixels, tag, note = artifact_pixels(row["artifact"]), "SYNTHETIC", origin_note(dataset)
        words = f"seed {row['seed']}"
    else:
        pixels, tag, note = dataset_pixels(dataset, card.digest, row["image_id"]), card.tag, ""
        words = f"{NAMES[row['side']][:-1]} {row['image_id']}\n{row['label']}"
    return Film(thumbnail(pixels, 256) if small else pixels, tag, words, note)


def _card(row: Any, dataset: str) -> None:
    picture, words = st.columns([0.42, 0.58], gap="large")
    with picture:
        viewer([film_of(row, dataset)], key=Key.GALLERY, columns=1)
    with words:
        st.markdown(f"**{NAMES[row['side']][:-1]}**")
        shown: dict[str, object] = {"Image": row["image_id"], "Label": row["label"] or "none"}
        if row["side"] == "sample":
            shown |= {
                "Seed": row["seed"],
                "On the map": "no: its position means nothing" if row["off_map"] else "yes",
            }
            facts(shown)
            asked = {QueryKey.SET: row["run"], QueryKey.SAMPLE: row["image_id"]}
            link_with("neighbours", "See its nearest training images", asked, ":material/compare:")
        else:
            whole = open_dataset(dataset).rows()
            found = whole[whole["image_id"] == row["image_id"]].iloc[0]
            shown |= {"Patient": found["patient_id"], "Split": found["split"]}
            shown["Caption"] = found["caption"] or "none"
            if row["side"] == "train":
                shown["Neighbours kept"] = f"{percent(row['kept'], 0)} of its nearest are near on the map"
            facts(shown)
