"""What is in stock: datasets and generators, each with licence and what was measured."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lab.data.card import DatasetCard
from lab.data.store import list_datasets, open_dataset
from lab.errors import LabError
from lab.generators.cards import broken_cards, list_cards
from lab.ui.films import dataset_film
from lab.ui.first_steps import readiness
from lab.ui.frame import facts, missing, plain
from lab.ui.viewer import viewer


def datasets() -> None:
    """One card a dataset, with a few films and its readiness."""
    cards = list_datasets()
    if not cards:
        missing(
            "There is no dataset yet.",
            "Add a folder of images below. The phantom set appears by itself when it is rendered.",
        )
    for card in cards:
        with st.container(border=True):
            _dataset(card)


def _dataset(card: DatasetCard) -> None:
    words, films = st.columns([0.42, 0.58], gap="medium")
    with words:
        st.markdown(f"**{plain(card.title)}** :gray-badge[{plain(card.id)}]")
        facts(
            {
                "Images, patients": f"{card.images:,} of {card.patients:,}",
                "Splits": ", ".join(f"{name} {count:,}" for name, count in card.splits.items()),
                "Modality": card.modality,
                "Origin": "procedural phantom, no patient data" if card.origin == "phantom" else "real films",
                "Licence": card.licence,
                "In public": "may be shown" if card.public else "may not be shown",
                "Digest": card.digest[:12],
            }
        )
    with films:
        try:
            rows = open_dataset(card.id).rows("train").head(4)
            shown = [
                dataset_film(card.id, str(row["image_id"]), str(row["label"])) for _, row in rows.iterrows()
            ]
            if shown:
                viewer(shown, key=f"library.films.{card.id}", columns=4)
        except LabError as error:
            st.error(plain(str(error)))
    if readiness(card.id):
        st.caption(":material/check_circle: Ready: features, calibration and map are there.")
    for note in card.notes[:4]:
        st.caption(f":material/info: {plain(note)}")


def generators() -> None:
    """One card a generator; cards that were left out follow with the reason."""
    for card in list_cards():
        with st.container(border=True):
            st.markdown(f"**{plain(card.title)}** :gray-badge[{plain(card.id)}]")
            facts(
                {
                    "Kind": f"{card.family}, conditioned on {card.conditioning}",
                    "Modality": card.modality,
                    "Size, steps, guidance": f"{card.size} px, {card.steps}, {card.guidance:g}",
                    "Trained on": card.training_dataset or "not stated",
                    "Licence": card.licence or "not stated",
                    **{
                        str(name).replace("_", " ").capitalize(): _value(value)
                        for name, value in card.measured.items()
                    },
                }
            )
            if card.notes:
                st.caption(plain(card.notes))
    for name, reason in broken_cards():
        st.warning(f"{plain(name)}: {plain(reason)}")


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value(item)}" for key, item in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
