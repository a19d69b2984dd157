"""The quick review of one image, and the table of all reviews with filter and download."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lab.errors import LabError
from lab.ui import reviews
from lab.ui.frame import plain
from lab.ui.reviews import FLAGS, MAX_NOTE, Review
from lab.ui.state import ReviewKey


def quick_review(image: str, run: str, name: str) -> None:
    """Quality, flags and note of one image; each change is stored at once.

    Args:
        image: digest of the image file.
        run: id of the run that made it.
        name: what the person knows the image by; until another one is drawn, the stars are still those of the last.
    """
    kept = reviews.load(image)
    quality, flags, note = (f"{key}{image}" for key in (ReviewKey.QUALITY, ReviewKey.FLAGS, ReviewKey.NOTE))
    st.session_state.setdefault(quality, None if kept.quality is None else kept.quality - 1)
    st.session_state.setdefault(flags, list(kept.flags))
    st.session_state.setdefault(note, kept.note)
    st.markdown(
        f"**Quick review, {plain(name)}**",
        help="One review an image. It is stored as you click and stays after a restart.",
    )
    st.feedback("stars", key=quality, on_change=_store, args=(image, run))
    st.pills(
        "Flags", FLAGS, selection_mode="multi", key=flags, on_change=_store, args=(image, run), wrap=True
    )
    st.text_input(
        "Note",
        key=note,
        max_chars=MAX_NOTE,
        placeholder="What catches the eye",
        on_change=_store,
        args=(image, run),
    )
    if kept.updated:
        st.caption(f":material/check: Stored, quality {kept.quality or 'not rated'}")


def _store(image: str, run: str) -> None:
    stars = st.session_state.get(f"{ReviewKey.QUALITY}{image}")
    flags = tuple(flag for flag in st.session_state.get(f"{ReviewKey.FLAGS}{image}") or [] if flag in FLAGS)
    note = str(st.session_state.get(f"{ReviewKey.NOTE}{image}") or "")
    given = Review(image, None if stars is None else int(stars) + 1, flags, note, run)
    kept = reviews.load(image)
    # Streamlit also calls this where nothing was said, when the stars of one image take the place of another's.
    if (given.quality, given.flags, given.note) == (kept.quality, kept.flags, kept.note):
        return
    try:
        reviews.save(given)
    except LabError as error:
        st.toast(plain(str(error)))


def review_table() -> None:
    """All reviews with a filter by quality and flags, and the CSV of what is shown."""
    everything = reviews.every()
    if not everything:
        st.caption("No review yet. Choose a sample and rate it.")
        return
    left, right = st.columns([0.3, 0.7], vertical_alignment="bottom")
    with left:
        lowest = st.select_slider("Quality from", options=range(6), key=ReviewKey.FILTER_QUALITY)
    with right:
        flags = st.pills("With flags", FLAGS, selection_mode="multi", key=ReviewKey.FILTER_FLAGS)
    rows = [reviews.row(review) for review in reviews.matching(everything, int(lowest or 0), flags or [])]
    st.caption(f"{len(rows)} of {len(everything)} reviews")
    if rows:
        st.dataframe(pd.DataFrame(rows), hide_index=True, height=min(320, 72 + 35 * len(rows)))
        st.download_button(
            "Download CSV", reviews.as_csv(rows), "reviews.csv", "text/csv", icon=":material/download:"
        )
