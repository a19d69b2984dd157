"""The samples of a generation run: the linked grid, and the card of the one that is picked."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from lab.prompts.past import settings_of, words_of
from lab.runs.finished_parts import finished_samples
from lab.runs.records import Run
from lab.ui.films import artifact_pixels, sample_film
from lab.ui.frame import plain
from lab.ui.mask_overlay import dice_line, outlined, structures_of, toggle
from lab.ui.recall import listed_seeds
from lab.ui.review_panel import quick_review
from lab.ui.sample_card import detector_table, next_looks, prompt_fit, recipe_facts, verdict_line
from lab.ui.sample_checks import check_badges, film_mark
from lab.ui.sample_origin import is_public, note_of, shown_here
from lab.ui.state import PromptKey as Key
from lab.ui.viewer import Film, viewer

PAGE = 12


def samples_of(run: Run) -> list[dict[str, Any]]:
    """The samples of a finished generation run."""
    return list((run.result or {}).get("samples", []))


def asked(run: Run) -> None:
    """What the run shown was asked for: the prompt as plain text, its seeds and settings."""
    past = run.spec.settings
    st.text(words_of(past))
    st.caption(plain(" · ".join([listed_seeds(past["seeds"]), *settings_of(past), past["generator"]])))


def preview(run: Run) -> None:
    """The newest samples that are finished, and the picture the run shows of those it is at."""
    past = run.spec.settings
    note, public = note_of(past["generator"]), is_public(past["generator"], past["dataset"])
    done = finished_samples(run)
    films = [] if len(done) == len(past["seeds"]) else _unfinished(run, note)
    room = PAGE - len(films)
    films = [
        sample_film(sample, note, f"{number}. seed {sample['seed']}", public=public)
        for number, sample in list(enumerate(done, 1))[-room:]
    ] + films
    if films:
        viewer(films, key=f"preview.{run.id}", columns=2 if len(films) in (2, 4) else min(4, len(films)))


def _unfinished(run: Run, note: str) -> list[Film]:
    """The micro-batch that is being made, as it looks by now."""
    past, progress = run.spec.settings, run.progress
    if progress is None or progress.preview is None or not shown_here(past["generator"], past["dataset"]):
        return []
    strip = artifact_pixels(progress.preview)
    side = strip.shape[0]
    count = max(1, min(4, strip.shape[1] // max(1, side)))
    return [
        Film(strip[:, at * side : (at + 1) * side], "SYNTHETIC", "not finished yet", note)
        for at in range(count)
    ]


def grid(run: Run) -> dict[str, Any] | None:
    """Draw all samples as linked films; returns the one that is picked."""
    samples = samples_of(run)
    if not samples:
        st.warning("This run holds no samples; start another.")
        return None
    _announce(run.result or {})
    pages = -(-len(samples) // PAGE)
    first = (st.pagination(pages, key=Key.GRID_PAGE) - 1) * PAGE if pages > 1 else 0
    part = samples[first : first + PAGE]
    wanted = int(st.session_state.get(Key.PICKED) or 0) - first
    picked = wanted if 0 <= wanted < len(part) else 0
    generator = run.spec.settings["generator"]
    note, public = note_of(generator), is_public(generator, run.spec.settings["dataset"])
    films = [
        sample_film(sample, note, _numbered(number, sample), public=public)
        for number, sample in enumerate(part, first + 1)
    ]
    if mask := toggle(run):
        films = [outlined(film, mask, structures_of(run)) for film in films]
    viewer(
        films,
        masks=bool(mask),
        key=Key.GRID,
        columns=2 if len(films) in (2, 4) else min(4, len(films)),
        selected=picked,
        on_picked=partial(_pick, first),
    )
    return part[picked]


def details(run: Run, sample: dict[str, Any]) -> None:
    """The card of the picked sample: verdict and recipe, review, and where to look next."""
    left, middle, right = st.columns([0.36, 0.38, 0.26], gap="medium")
    with left:
        prompt_fit(run, sample)
        check_badges(run, sample)
        dice_line(sample)
        verdict_line(sample.get("verdict"))
        detector_table(sample.get("verdict"))
        recipe_facts(run, sample)
    with middle:
        quick_review(sample["digest"], run.id, f"seed {sample['seed']}")
    with right:
        next_looks(run, sample)


def _numbered(number: int, sample: dict[str, Any]) -> str:
    mark = film_mark(sample)
    return f"{number}. seed {sample['seed']}{f' · {mark}' if mark else ''}"


def _pick(first: int) -> None:
    chosen = st.session_state.get(Key.GRID, {}).get("picked")
    if isinstance(chosen, int):
        st.session_state[Key.PICKED] = first + chosen


def _announce(result: dict[str, Any]) -> None:
    dropped, unknown = result.get("truncated") or [], result.get("unknown") or []
    if dropped:
        st.warning(
            "The prompt is longer than the text encoder reads. These words had no effect: "
            f"{plain(' '.join(dropped))}",
            icon=":material/content_cut:",
        )
    if unknown:
        st.warning(f"This generator has never seen these words: {plain(', '.join(map(str, unknown)))}")
    if result.get("note"):
        st.caption(plain(str(result["note"])))
