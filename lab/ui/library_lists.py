"""What is in stock: datasets, each with a few films, its licence and what it is ready for."""

from __future__ import annotations

import streamlit as st

from lab.data.card import DatasetCard
from lab.data.phantom_families import CXR
from lab.data.store import list_datasets, open_dataset
from lab.errors import LabError
from lab.runs.prepare import next_step
from lab.ui.films import dataset_film
from lab.ui.first_steps import readiness
from lab.ui.frame import facts, missing, plain
from lab.ui.library_detail import detail, heading, known, open_dataset_page, opened
from lab.ui.library_phantoms import phantom_offers
from lab.ui.run_panel import active
from lab.ui.state import LibraryKey as Key
from lab.ui.viewer import viewer

TAB = "Datasets"
READY = ":material/check_circle: Ready: features, calibration and map are there."


def datasets() -> None:
    """The opened dataset, or one card a dataset, with a few films and its readiness."""
    card = opened()
    if card is not None:
        detail(card)
        return
    cards = list_datasets()
    if not cards:
        missing(
            "There is no dataset yet.",
            "Bring your own under *Add a dataset*. The phantom set appears by itself when it is rendered.",
        )
    for card in cards:
        with st.container(border=True):
            _dataset(card)
    phantom_offers({card.id for card in cards})


def _dataset(card: DatasetCard) -> None:
    words, films = st.columns([0.42, 0.58], gap="medium")
    with words:
        st.markdown(heading(card))
        facts({name: value for name, value in known(card).items() if name not in ("Id", "Digest")})
        st.button(
            "Open", key=f"library.open.{card.id}", icon=":material/folder_open:", on_click=open_dataset_page,
            args=(card.id,), help="Pictures, labels and splits, duplicates, preprocessing, terms.",
        )  # fmt: skip
    with films:
        try:
            rows = open_dataset(card.id).rows("train").head(4)
            shown = [
                dataset_film(card.id, str(row["image_id"]), str(row["label"]), small=True)
                for _, row in rows.iterrows()
            ]
            if shown:
                viewer(shown, key=f"library.films.{card.id}", columns=4)
        except LabError as error:
            st.error(plain(str(error)))
    _ready(card)


def _ready(card: DatasetCard) -> None:
    """Whether features, calibration and map are there. Minutes of work are asked for, not begun by looking."""
    spec = next_step(card.id)
    if spec is None:
        st.caption(READY)
        return
    asked = card.id == CXR.id or st.session_state.get(f"{Key.SHOWN}.ready.{card.id}")
    if asked or any(run.digest == spec.digest for run in active()):
        if readiness(card.id):
            st.caption(READY)
        return
    st.button(
        "Get ready for neighbours, map and metrics", key=f"library.ready.{card.id}", on_click=get_ready,
        args=(card.id,), icon=":material/play_arrow:",
        help="Extracts features, calibrates the near-copy detectors and fits the map, as runs you can leave alone.",
    )  # fmt: skip


def get_ready(id: str) -> None:
    """Ask for the features, the calibration and the map of a dataset; its card on the list follows them."""
    st.session_state[f"{Key.SHOWN}.ready.{id}"] = True
