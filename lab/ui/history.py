"""Past generation runs: found again by words, opened, and recalled in one click."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.films import artifact_pixels, thumbnail
from lab.ui.recall import PARTS, open_run, recall
from lab.ui.run_panel import duration, state_word
from lab.ui.sample_grid import samples_of
from lab.ui.state import PromptKey as Key

ROWS = 6


def history() -> None:
    """The list with search and pages."""
    runs = RunStore.open().list(kinds=("generate",), limit=500)
    if not runs:
        st.caption("Nothing has been generated yet.")
        return
    words = st.text_input("Find in prompts", key=Key.SEARCH, placeholder="effusion", type="search")
    shown = [run for run in runs if (words or "").lower() in run.spec.settings["prompt"].lower()]
    pages = max(1, -(-len(shown) // ROWS))
    st.caption(f"{len(shown)} of {len(runs)} runs")
    slot = st.container(gap="xsmall")
    page = st.pagination(pages, key=Key.HISTORY_PAGE) if pages > 1 else 1
    with slot:
        for run in shown[(page - 1) * ROWS : page * ROWS]:
            _row(run)


def _row(run: Run) -> None:
    with st.container(border=True):
        pictures, words, actions = st.columns([0.27, 0.37, 0.36], vertical_alignment="center")
        with pictures:
            _thumbnails(run)
        with words:
            past = run.spec.settings
            st.text(past["prompt"] if len(past["prompt"]) <= 160 else past["prompt"][:160] + "…")
            took = f" in {duration(run.duration_s)}" if run.duration_s else ""
            when = time.strftime("%d %b %H:%M", time.localtime(run.created))
            st.caption(
                f"{len(past['seeds'])} images · seed {past['seeds'][0]} · guidance {past['guidance']:g} · "
                f"{past['steps']} steps · {state_word(run).lower()}{took} · {when}"
            )
        with actions, st.container(horizontal=True):
            st.button("Open", key=f"open.{run.id}", on_click=open_run, args=(run.id,))
            st.button(
                "Recall",
                key=f"recall.{run.id}",
                on_click=recall,
                args=(run, PARTS[0]),
                help="Puts the whole recipe back: prompt, seeds, settings, generator.",
            )
            st.menu_button("Recall part", PARTS[1:], key=f"part.{run.id}", on_click=_recall_part, args=(run,))


def _recall_part(run: Run) -> None:
    part = st.session_state.get(f"part.{run.id}")
    if part in PARTS:
        recall(run, part)


def _thumbnails(run: Run) -> None:
    samples = samples_of(run)[:4]
    if not samples:
        st.caption("–")
        return
    side = 64
    strip = np.full((side, (side + 4) * len(samples) - 4), 12, dtype=np.uint8)
    for place, sample in enumerate(samples):
        small = thumbnail(artifact_pixels(sample["artifact"]), side)
        grey = small if small.ndim == 2 else small.mean(axis=2).astype(np.uint8)
        left = place * (side + 4)
        strip[: grey.shape[0], left : left + grey.shape[1]] = grey
    st.image(strip, output_format="PNG", alt=f"{len(samples)} synthetic samples")
    st.caption("SYNTHETIC")
