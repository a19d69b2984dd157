"""One dataset, opened: its pictures, its labels and splits, duplicates, preprocessing, terms."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lab.data.card import DatasetCard
from lab.data.splits import SPLITS
from lab.data.store import list_datasets
from lab.ui import (
    library_duplicates,
    library_pictures,
    library_preprocess,
    library_splits,
    library_terms,
    library_text,
)
from lab.ui.frame import facts, plain
from lab.ui.state import LibraryKey as Key

PARTS: dict[str, Callable[[DatasetCard], None]] = {
    "Pictures": library_pictures.pictures,
    "Labels and splits": library_splits.labels_and_splits,
    "Duplicates": library_duplicates.duplicates,
    "Preprocessing": library_preprocess.preprocessing,
    "Terms and removal": library_terms.terms,
}

TEXT = "Burned-in text"


def opened() -> DatasetCard | None:
    """The dataset that is open in this session, or None."""
    name = st.session_state.get(Key.SHOWN)
    return next((card for card in list_datasets() if card.id == name), None)


def open_dataset_page(id: str | None) -> None:
    """Open a dataset, or with None go back to the list."""
    st.session_state[Key.SHOWN] = id
    for key in (Key.SPLIT, Key.LABEL, Key.PAGE, Key.SURE):
        st.session_state.pop(key, None)


def detail(card: DatasetCard) -> None:
    """Heading, facts, and one part at a time."""
    st.button(
        "All datasets",
        icon=":material/arrow_back:",
        on_click=open_dataset_page,
        args=(None,),
        key="library.back",
    )
    st.subheader(f"{plain(card.title)} {tag(card)}", anchor=False)
    pairs = list(known(card).items())
    for column, part in zip(st.columns(2), (pairs[:4], pairs[4:]), strict=True):
        with column:
            facts(dict(part))
    if card.notes:
        with st.expander(f"What the import had to decide ({len(card.notes)})"):
            for note in card.notes:
                st.caption(plain(note))
    parts = {**PARTS, **({TEXT: library_text.text_review} if library_text.has_states(card) else {})}
    if st.session_state.get(Key.PART) not in parts:
        st.session_state.pop(Key.PART, None)
    chosen = st.segmented_control(
        "Part", list(parts), default="Pictures", key=Key.PART, required=True, label_visibility="collapsed"
    )
    parts[str(chosen)](card)


def heading(card: DatasetCard) -> str:
    """Title, what its images are, and its id where that says more, as Markdown."""
    named = f" :gray-badge[{plain(card.id)}]" if card.id != card.title else ""
    return f"**{plain(card.title)}** {tag(card)}{named}"


def tag(card: DatasetCard) -> str:
    """What a dataset's images are, in the badge that they carry everywhere."""
    return ":violet-badge[PHANTOM]" if card.origin == "phantom" else ":blue-badge[REAL]"


def known(card: DatasetCard) -> dict[str, str]:
    """What a card says, in words."""
    made = {"Made of": f"{card.parent}, {_recipe(card)}"} if card.parent else {}
    return {
        "Id": card.id,
        "Images": f"{card.images:,} of {card.patients:,} {'patient' if card.patients == 1 else 'patients'}",
        "Splits": ", ".join(f"{name} {card.splits.get(name, 0):,}" for name in SPLITS),
        "Modality": card.modality,
        "Origin": "procedural phantom, no patient data" if card.origin == "phantom" else "real images",
        "Licence": card.licence,
        "In public": "may be shown" if card.public else "may not be shown",
        "Digest": card.digest[:12],
        **made,
    }


def _recipe(card: DatasetCard) -> str:
    told = dict(card.recipe).get("recipe") or {}
    return f"by the recipe “{told['title']}”" if told.get("title") else "by a recipe of its own"
