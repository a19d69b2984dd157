"""Past generation runs and grids: found again by words, seed, star or tag, opened, and recalled in one click."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.prompts.past import asked_of, numbers_of, words_of
from lab.runs.comparisons import KIND as COMPARE
from lab.runs.comparisons import LATEST
from lab.runs.grid_requests import KIND as GRID_KIND
from lab.runs.marks import Mark, marks_of
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.films import artifact_pixels, thumbnail
from lab.ui.frame import plain
from lab.ui.grid_past import title_of
from lab.ui.history_filter import VERDICTS, Filter, matching, worst_of
from lab.ui.history_marks import note_editor, person, star
from lab.ui.prompt_address import OPENED, open_past
from lab.ui.prompt_recipe import drop_zone
from lab.ui.recall import PARTS, recall
from lab.ui.run_panel import duration, find, state_word
from lab.ui.sample_card import VERDICT_WORDS
from lab.ui.sample_grid import samples_of
from lab.ui.state import PromptKey as Key

ROWS = 8
MOST = 500
SIDE = 64
STATES = ("done", "running", "queued", "failed", "cancelled", "interrupted")


def history() -> None:
    """The list with search, filters and pages, and the place to drop a PNG."""
    runs = RunStore.open().list(kinds=OPENED, limit=MOST, results=False)
    search, drop = st.columns([0.62, 0.38], gap="large")
    with drop:
        drop_zone()
    if not runs:
        with search:
            st.caption(
                "Nothing has been generated yet. What you generate is kept here with its whole recipe."
            )
        return
    marks = marks_of(RunStore.open(), person())
    with search:
        asked = _filter(runs, marks)
    compared = len(RunStore.open().list(states=("done",), kinds=(COMPARE,), limit=LATEST, results=False))
    shown = matching(runs, marks, asked, lambda run: _seen(run.id, run.state, compared)[0])
    pages = max(1, -(-len(shown) // ROWS))
    st.caption(
        f"{len(shown)} of {len(runs)} runs" + (" · the newest 500 are searched" if len(runs) == MOST else "")
    )
    slot = st.container(gap="xsmall")
    page = st.pagination(pages, key=Key.HISTORY_PAGE) if pages > 1 else 1
    with slot:
        for run in shown[(page - 1) * ROWS : page * ROWS]:
            _row(run, marks.get(run.id, Mark(run.id)), compared)


def _filter(runs: list[Run], marks: dict[str, Mark]) -> Filter:
    words = st.text_input(
        "Find in history",
        key=Key.SEARCH,
        placeholder="effusion, a generator, a tag or a seed",
        type="search",
        help="All words must be found in the prompt, generator, note or tags. A number finds the runs of that seed.",
    )
    generators = sorted({str(asked_of(run.spec.settings)["generator"]) for run in runs})
    tags = sorted({tag for mark in marks.values() for tag in mark.tags})
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        starred = st.toggle("Starred", key=Key.STARRED)
        with st.popover("Filter", icon=":material/filter_list:"):
            by = st.multiselect("Generator", generators, key=Key.BY_GENERATOR) if len(generators) > 1 else []
            states = [state for state in STATES if any(run.state == state for run in runs)]
            held = st.pills(
                "State", states, selection_mode="multi", key=Key.BY_STATE, format_func=str.capitalize
            )
            verdict = st.pills(
                "Worst verdict of its samples", VERDICTS, key=Key.BY_VERDICT, format_func=str.capitalize
            )
            tagged = st.pills("Tags", tags, selection_mode="multi", key=Key.BY_TAG) if tags else []
    return Filter(
        words or "", tuple(by), tuple(held or ()), tuple(tagged or ()), str(verdict or ""), bool(starred)
    )


def _row(run: Run, mark: Mark, compared: int) -> None:
    worst, pictures = _seen(run.id, run.state, compared)
    with st.container(border=True):
        strip, words, actions = st.columns([0.26, 0.44, 0.3], vertical_alignment="center")
        with strip:
            _thumbnails(pictures)
        with words, st.container(gap="xsmall"):
            text = title_of(run) if run.kind == GRID_KIND else words_of(run.spec.settings)
            st.text(text if len(text) <= 160 else text[:160] + "…")
            st.caption(_facts(run))
            _marks_line(worst, mark)
        with actions, st.container(horizontal=True, gap="xsmall", horizontal_alignment="right"):
            star(mark)
            note_editor(mark)
            st.button("Open", key=f"open.{run.id}", on_click=open_past, args=(run,))
            st.button(
                "Recall",
                key=f"recall.{run.id}",
                on_click=recall,
                args=(run, PARTS[0]),
                help="Puts what all its cells share back into the composer."
                if run.kind == GRID_KIND
                else "Puts the whole recipe back: prompt, conditions, seeds, settings, generator.",
            )
            st.menu_button("Part", PARTS[1:], key=f"part.{run.id}", on_click=_recall_part, args=(run,))


def _facts(run: Run) -> str:
    past = asked_of(run.spec.settings)
    took = f" in {duration(run.duration_s)}" if run.duration_s else ""
    when = time.strftime("%d %b %H:%M", time.localtime(run.created))
    grid = "grid of " if run.kind == GRID_KIND else ""
    return plain(f"{past['generator']} · {grid}{numbers_of(past)} · {state_word(run).lower()}{took} · {when}")


def _marks_line(worst: str, mark: Mark) -> None:
    badges = [VERDICT_WORDS[worst]] if worst else []
    badges += [f":blue-badge[{plain(tag)}]" for tag in mark.tags]
    if badges:
        st.markdown(" ".join(badges))
    if mark.note:
        st.caption(f":material/sticky_note_2: {plain(mark.note)}")


def _recall_part(run: Run) -> None:
    part = st.session_state.get(f"part.{run.id}")
    if part in PARTS:
        recall(run, part)


@st.cache_data(max_entries=2000, show_spinner=False)
def _seen(run_id: str, state: str, compared: int) -> tuple[str, tuple[str, ...]]:
    """Worst verdict and the first four pictures of a run; a comparison may add the verdict, nothing else changes."""
    run = find(run_id)
    if state != "done" or run is None:
        return "", ()
    samples = samples_of(run)
    labels = [str((sample.get("verdict") or {}).get("label", "")) for sample in samples]
    return worst_of(labels), tuple(str(sample["artifact"]) for sample in samples[:4])


@st.cache_data(max_entries=500, show_spinner=False)
def _strip(artifacts: tuple[str, ...]) -> NDArray[np.uint8]:
    """Small pictures side by side, (64, n * 68 - 4) or with three colours, uint8; keyed by their digests."""
    small = [thumbnail(artifact_pixels(digest), SIDE) for digest in artifacts]
    coloured = any(one.ndim == 3 for one in small)
    shape = (SIDE, (SIDE + 4) * len(small) - 4) + ((3,) if coloured else ())
    strip = np.full(shape, 12, dtype=np.uint8)
    for place, one in enumerate(small):
        pixels = np.repeat(one[..., None], 3, axis=2) if coloured and one.ndim == 2 else one
        left = place * (SIDE + 4)
        strip[: pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return strip


def _thumbnails(pictures: tuple[str, ...]) -> None:
    if not pictures:
        st.caption("No image")
        return
    st.image(_strip(pictures), output_format="PNG", alt=f"{len(pictures)} synthetic samples")
    st.caption("SYNTHETIC")
