"""Licence, attribution and title of a dataset, and its removal with what depends on it."""

from __future__ import annotations

import streamlit as st

from lab.data.card import DatasetCard
from lab.data.editing import set_terms
from lab.data.licences import is_public
from lab.data.store import remove_dataset
from lab.errors import LabError
from lab.runs.dependents import dependents
from lab.ui.frame import plain, refuse
from lab.ui.state import LibraryKey as Key


def terms(card: DatasetCard) -> None:
    """Two forms: what is known about the dataset, and its removal."""
    left, right = st.columns(2, gap="large")
    with left:
        _edit(card)
    with right:
        _remove(card)


def _edit(card: DatasetCard) -> None:
    st.markdown("**Terms**")
    with st.form(f"library.terms.{card.id}", border=False):
        title = st.text_input("Title", card.title, key=f"{Key.TERMS}title.{card.id}")
        licence = st.text_input(
            "Licence", card.licence, key=f"{Key.TERMS}licence.{card.id}",
            help="It decides what may be shown in public. Changing it here sets it for every image.",
        )  # fmt: skip
        named = st.text_input(
            "Attribution", card.attribution, key=f"{Key.TERMS}attribution.{card.id}",
            help="Whom to name wherever an image is shown.",
        )  # fmt: skip
        public = st.toggle(
            "May be shown in public", card.public, key=f"{Key.TERMS}public.{card.id}",
            help="Withhold images whatever their licence says. It cannot be allowed against the licence.",
        )  # fmt: skip
        if not st.form_submit_button("Save", icon=":material/save:"):
            return
    changed = (licence or "").strip() != card.licence
    try:
        # A licence that was just corrected decides for itself, unless the person withholds the images.
        decided = None if changed and public == card.public and is_public(licence or "") else public
        set_terms(
            card.id,
            (licence or "") if changed else None,
            named,
            title,
            decided if decided != card.public else None,
        )
    except LabError as error:
        refuse(error)
        return
    st.rerun()


def _remove(card: DatasetCard) -> None:
    st.markdown("**Remove**")
    found = dependents(card.id)
    if found:
        st.markdown("These depend on it and stay, without their reference:")
        for one in found[:8]:
            st.caption(f":material/subdirectory_arrow_right: {plain(one.words)}")
        if len(found) > 8:
            st.caption(f"and {len(found) - 8} more.")
    else:
        st.caption("Nothing depends on it.")
    st.caption("The folder it was imported from is not touched.")
    sure = st.checkbox("Remove this dataset and its copied images", key=Key.SURE)
    if st.button("Remove", disabled=not sure, icon=":material/delete:", key="library.remove"):
        try:
            remove_dataset(card.id)
        except LabError as error:
            refuse(error)
            return
        st.session_state[Key.SHOWN] = None
        st.rerun()
