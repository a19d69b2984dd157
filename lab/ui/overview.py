"""The parts of the home page: first steps, stock, runs in progress and runs that ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from lab.config import settings
from lab.data.store import list_datasets
from lab.generators.card import GeneratorCard
from lab.generators.cards import list_cards
from lab.runs.records import Run
from lab.runs.states import RESUMABLE
from lab.runs.store import RunStore
from lab.ui.frame import facts, link, missing, place, plain
from lab.ui.library_detail import heading
from lab.ui.run_panel import active, duration, meter, resume, state_word
from lab.ui.sidebar import device_words

# The page, its name as in the navigation, its icon, and what it is for.
STEPS = (
    ("prompt", "Prompt", ":material/edit_note:", "Describe a film and get four samples with their verdicts."),
    (
        "neighbours",
        "Neighbours",
        ":material/compare:",
        "Put a sample beside its five nearest training images.",
    ),
    (
        "feature_space",
        "Feature space",
        ":material/scatter_plot:",
        "Find samples among training and held-out images.",
    ),
    (
        "metrics",
        "Metrics",
        ":material/straighten:",
        "Ask whether a whole set is faithful, varied and private.",
    ),
    (
        "leakage",
        "Leakage",
        ":material/fingerprint:",
        "Show an audience, in nine slides, what a memorised patient looks like.",
    ),
)
_ICONS = {"done": ":green[:material/check_circle:]", "failed": ":red[:material/error:]"}
_ICONS |= {"cancelled": ":gray[:material/cancel:]", "interrupted": ":orange[:material/pause_circle:]"}
_PAGES = {"generate": "prompt", "grid": "prompt", "evaluate": "metrics"}
_PAGES |= dict.fromkeys(("protocol", "train_identity", "sensitivity"), "metrics")


def first_steps() -> None:
    """A card for each step, in the order of the work."""
    columns = st.columns(len(STEPS), gap="small")
    for column, (page, title, icon, words) in zip(columns, STEPS, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.page_link(place(page), label=f"**{title}**", icon=icon)
            st.caption(words)


def stock() -> None:
    """Datasets, generators, extractor and device, in words."""
    cards = list_datasets()
    if not cards:
        missing(
            "No dataset yet.",
            "The phantom set is being rendered. You can add your own films meanwhile.",
            "library",
            "Library",
        )
    for card in cards:
        with st.container(border=True, gap="xsmall"):
            st.markdown(heading(card))
            st.caption(f"{card.images:,} images of {card.patients:,} patients · {plain(card.licence)}")
    generators = list_cards()
    if generators:
        with st.container(border=True, gap="xsmall"):
            count = f":gray-badge[{len(generators)}]"
            st.markdown(
                f"**Generators** {count}", help="Ready to be prompted. Every image they give is SYNTHETIC."
            )
            facts(_told(generators))
    facts(
        {
            "Feature extractor": "efficientnet-lite0 (ImageNet)",
            "Device": device_words(),
            "Workspace": shortened(settings().workspace),
        }
    )
    link("library", "Add datasets and generators", ":material/add:")


def _told(generators: Sequence[GeneratorCard]) -> dict[str, str]:
    """Size and family by title; two of one title are told apart by their ids."""
    titles = Counter(card.title for card in generators)
    return {
        card.title
        if titles[card.title] == 1
        else f"{card.title} ({card.id})": f"{card.size} px · {card.family}"
        for card in generators
    }


@st.fragment(run_every=1.0)
def running(apart: str = "") -> None:
    """Runs in progress with their pace and a way to stop them, save the one that is shown apart."""
    runs = [run for run in active() if run.id != apart]
    if not runs and not apart:
        st.caption("Nothing is running. Closing this window never stops a run.")
    for run in runs:
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{plain(run.label)}**")
            meter(run, "home")


def ended_runs(count: int = 6) -> None:
    """The newest runs that ended, with a way to go on where one was stopped."""
    shown: list[Run] = []
    finished: set[tuple[str, str]] = set()
    for run in RunStore.open().list(limit=100):
        if run.state == "done":
            finished.add((run.kind, run.label))
        elif not run.is_over or (run.kind, run.label) in finished:
            continue  # still going on, or done by a later run of the same name
        shown.append(run)
    for run in shown[:count]:
        _ended(run)


def _ended(run: Run) -> None:
    words, action = st.columns([0.74, 0.26], vertical_alignment="center")
    took = f" in {duration(run.duration_s)}" if run.duration_s else ""
    when = time.strftime("%H:%M", time.localtime(run.ended or run.created))
    words.markdown(
        f"{_ICONS[run.state]} {plain(run.label)}  \n:gray[:small[{state_word(run)}{took}, {when}]]",
        help=plain(run.error) if run.error else None,
    )
    with action:
        if run.state in RESUMABLE:
            st.button(
                "Resume",
                key=f"home.resume.{run.id}",
                on_click=resume,
                args=(run.id,),
                icon=":material/resume:",
            )
        elif run.kind in _PAGES:
            st.page_link(place(_PAGES[run.kind]), label="Open", query_params={"run": run.id})


def shortened(path: Path) -> str:
    """A folder in few letters: from the home folder on, or its last two parts."""
    if path.is_relative_to(Path.home()):
        return f"~/{path.relative_to(Path.home())}"
    return str(path) if len(path.parts) < 4 else f"…/{'/'.join(path.parts[-2:])}"
