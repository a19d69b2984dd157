"""The samples of a generation run: the linked grid, and the card of the one that is picked."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from lab.runs.records import Run
from lab.ui.films import artifact_pixels, origin_note, sample_film
from lab.ui.frame import plain
from lab.ui.review_panel import quick_review
from lab.ui.sample_card import detector_rows, next_looks, recipe_facts, verdict_line
from lab.ui.state import PromptKey as Key
from lab.ui.viewer import Film, viewer


def samples_of(run: Run) -> list[dict[str, Any]]:
    """The samples of a finished generation run."""
    return list((run.result or {}).get("samples", []))


def preview(run: Run) -> None:
    """The picture a running generation shows of itself, if there is one yet."""
    progress = run.progress
    if progress is None or progress.preview is None:
        return
    pixels = artifact_pixels(progress.preview)
    note = origin_note(run.spec.settings["dataset"])
    film = Film(pixels, "SYNTHETIC", f"Preview after {progress.done:g} of {progress.total:g}", note)
    with st.container(width=420):
        viewer([film], key=f"preview.{run.id}", columns=1)


def grid(run: Run) -> dict[str, Any] | None:
    """Draw all samples as linked films; returns the one that is picked."""
    samples = samples_of(run)
    if not samples:
        st.warning("This run holds no samples; start another.")
        return None
    _truncation((run.result or {}).get("truncated") or [])
    picked = min(max(0, int(st.session_state.get(Key.PICKED) or 0)), len(samples) - 1)
    note = origin_note(run.spec.settings["dataset"])
    films = [
        sample_film(sample, note, f"{number}. seed {sample['seed']}")
        for number, sample in enumerate(samples, 1)
    ]
    viewer(
        films,
        key=Key.GRID,
        columns=2 if len(films) in (2, 4) else min(4, len(films)),
        selected=picked,
        on_picked=_pick,
    )
    return samples[picked]


def details(run: Run, sample: dict[str, Any]) -> None:
    """The card of the picked sample: verdict and recipe, review, and where to look next."""
    left, middle, right = st.columns([0.36, 0.38, 0.26], gap="medium")
    with left:
        verdict_line(sample.get("verdict"))
        rows = detector_rows(sample.get("verdict") or {})
        if rows:
            st.dataframe(pd.DataFrame(rows), hide_index=True, height="content")
        recipe_facts(run, sample)
    with middle:
        quick_review(sample["digest"], run.id)
    with right:
        next_looks(run, sample)


def _pick() -> None:
    chosen = st.session_state.get(Key.GRID, {}).get("picked")
    if isinstance(chosen, int):
        st.session_state[Key.PICKED] = chosen


def _truncation(words: list[str]) -> None:
    if words:
        st.warning(
            f"The prompt is longer than the text encoder reads. These words had no effect: {plain(' '.join(words))}",
            icon=":material/content_cut:",
        )
