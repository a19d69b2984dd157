"""The map on the page: what to show, the map itself, and how far to believe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lab.data.store import open_dataset
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.map_component import draw, packet
from lab.ui.map_points import SIDES, neighbours_of, sweeps
from lab.ui.map_routes import FilmRow, film_tables, plotly_path
from lab.ui.map_scene import NAMES, WORDS, Choices, colourings, scene, view_name, visible_rows
from lab.ui.map_selection import MODES, combined, picked_rows, rows_of
from lab.ui.sample_card import percent
from lab.ui.state import MapKey as Key

PLACING = (
    "The fitted map moves a new point until its neighbours fit, as it did for the training images. The mean of its 15 "
    "nearest training images is there at once, and pulls a point that lies between two groups towards the middle. "
    "Below, Measure places the samples by the fitted map."
)
EXTRAS = {"contours": "Density lines", "torn": "Torn points", "sweeps": "Join sweeps"}


@dataclass(frozen=True)
class PointFilms:
    """The films of a table's rows, for the pointer: a `FilmRow` by row number."""

    table: pd.DataFrame
    dataset: str
    digest: str
    tag: str

    def row(self, number: int) -> FilmRow | None:
        """The film of a row; None where there is no such row."""
        if not 0 <= number < len(self.table):
            return None
        point = self.table.iloc[number]
        far = ("off the map: position means nothing",) if point["off_map"] else ()
        if point["side"] == "sample":
            words = (point["generator"], f"seed {point['seed']}", str(point["verdict"]), *far)
            return FilmRow(self.dataset, str(point["artifact"]), "", "SYNTHETIC", tuple(filter(None, words)))
        words = (NAMES[point["side"]][:-1], str(point["label"]), *far)
        return FilmRow(
            self.dataset, self.digest, str(point["image_id"]), self.tag, tuple(filter(None, words))
        )


def controls(table: pd.DataFrame) -> Choices:
    """The row of choices above the map."""
    with st.container(horizontal=True, gap="medium"):
        sides = st.pills(
            "Show", SIDES, selection_mode="multi", default=SIDES, format_func=NAMES.__getitem__, key=Key.SHOWN
        )
        offered = [name for name in EXTRAS if name != "sweeps" or sweeps(table)]
        extras = st.pills(
            "Add", offered, selection_mode="multi", format_func=EXTRAS.__getitem__, key=Key.EXTRAS,
            help="Density lines hold 25, 50 and 75 % of a layer. Torn points lie far on the map from half or more of "
            "their true neighbours. A sweep joins samples of one seed in the order of the one setting that varies.",
        )  # fmt: skip
    first, second, third, fourth = st.columns([0.22, 0.22, 0.28, 0.28], vertical_alignment="bottom")
    with first:
        by = colourings(table)
        if st.session_state.get(Key.COLOUR) not in by:
            st.session_state[Key.COLOUR] = by[0]
        colour = st.selectbox("Colour by", by, format_func=WORDS.__getitem__, key=Key.COLOUR)
    with second:
        layers = st.selectbox("Samples by", ("generator", "run"), format_func=str.capitalize, key=Key.LAYERS)
    with third:
        known = sorted(set(table.loc[table["side"] != "sample", "label"].unique()) - {""})
        labels = st.multiselect("Only labels", known, key=Key.LABELS, placeholder="All labels")
    with fourth:
        kinds = [name for name in ("near-copy", "close", "ordinary") if (table["verdict"] == name).any()]
        verdicts = st.multiselect("Only verdicts", kinds, key=Key.VERDICTS, placeholder="All samples")
    return Choices(
        tuple(sides or ()),
        tuple(labels),
        tuple(verdicts),
        str(colour),
        str(layers or "generator"),
        tuple(extras or ()),
    )


def chart(
    table: pd.DataFrame, fitted: Run, runs: Sequence[Run], chosen: Choices, words: Mapping[str, str]
) -> NDArray[np.int64]:
    """Draw the map; returns the selected rows, in the order of picking, hidden ones too."""
    selected: tuple[str, ...] = tuple(st.session_state.get(Key.SELECTED, ()))
    rows = rows_of(selected, table)
    visible = visible_rows(table, chosen)
    view = view_name(table, visible)
    focus = int(rows[0]) if len(rows) == 1 and visible[rows[0]] else None
    near = neighbours_of(table, focus, fitted, runs)["row"].astype(int).tolist() if focus is not None else []
    linear = (fitted.result or {})["method"]["name"] == "pca"
    drawn = scene(table, chosen, selected, dict(words), near, focus, _token(table, fitted), square=linear)
    draw(
        packet(drawn, plotly_path(), view, str(fitted.id)),
        f"{Key.CHART}.{fitted.id}",
        lambda: receive(f"{Key.CHART}.{fitted.id}", table, visible, view),
    )
    if st.session_state.pop(Key.STALE, False):
        st.caption(
            "The map had changed while you were drawing, so that selection was not taken. Draw it again."
        )
    return rows


def receive(key: str, table: pd.DataFrame, visible: NDArray[np.bool_], view: str) -> None:
    """Take what a person drew into the selection; anything malformed, or drawn on another view, changes nothing."""
    event = (st.session_state.get(key) or {}).get("event")
    apply_event(st.session_state, event, table, visible, view)


def apply_event(state: Any, event: Any, table: pd.DataFrame, visible: NDArray[np.bool_], view: str) -> None:
    """The same for any mapping that holds the selection under `MapKey.SELECTED`."""
    if not isinstance(event, dict):
        return
    if event.get("view") != view and event.get("kind") != "clear":
        state[Key.STALE] = True
        return
    found = picked_rows(event, table, visible)
    mode = event.get("mode", "replace")
    if found is None or mode not in MODES:
        return
    keys = table["key"].to_numpy()[found]
    state[Key.SELECTED] = combined(state.get(Key.SELECTED, ()), keys.tolist(), mode)
    state[Key.GALLERY_PAGE] = 1


def _token(table: pd.DataFrame, fitted: Run) -> str:
    card = open_dataset(str(fitted.spec.settings["dataset"])).card
    films = PointFilms(table, card.id, card.digest, card.tag)
    token = film_tables().keep(st.session_state.get(f"{Key.FILMS}.{fitted.id}.{len(table)}"), films)
    st.session_state[f"{Key.FILMS}.{fitted.id}.{len(table)}"] = token
    return token


def honesty(fitted: Run, table: pd.DataFrame) -> None:
    """How far to believe the map, right under it."""
    result = fitted.result or {}
    name = str(result["method"]["name"]).upper().replace("TSNE", "t-SNE")
    with st.container(horizontal=True, gap="large"):
        st.metric(
            "Trustworthiness", f"{result['trustworthiness']:.3f}",
            help="1 when no image is shown beside one that is far from it in feature space; 0.5 is chance.",
        )  # fmt: skip
        st.metric(
            "Neighbours kept", percent(result["neighbour_preservation"], 0),
            help="The share of the nearest images in feature space that are also nearest on the map.",
        )  # fmt: skip
        torn = int(table["torn"].sum())
        st.metric(
            "Torn points", f"{torn:,}",
            help="Points that the map puts far from half or more of their true neighbours: at least half the distance "
            "between two images drawn at random. Switch them on with Torn points.",
        )  # fmt: skip
    st.caption(
        f"{name}, seed {result['seed']}, k = {result['k']}, n = {result['n']:,} training images. Fitted on training "
        f"images only; the others were placed by {result.get('placed_by', 'their nearest training images')}. "
        "Distances on a map mislead: judge likeness by the true neighbours. Hollow marks are off the map: their "
        "position means nothing. Equal seeds need not give equal maps on another machine."
    )
    if told := placed_words(table):
        st.caption(told, help=PLACING)


def placed_words(table: pd.DataFrame) -> str:
    """How the samples came to their places, in one sentence; "" without samples."""
    counts = table.loc[table["side"] == "sample", "placed by"].value_counts()
    parts = [f"{int(count):,} by {plain(str(by))}" for by, count in counts.items()]
    return f"Samples placed: {', '.join(parts)}." if parts else ""
