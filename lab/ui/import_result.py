"""What became of the import that was started in this session: its progress, its result, and where to go next."""

from __future__ import annotations

import streamlit as st

from lab.data.importing.concealed import revealed
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.import_preview import problems
from lab.ui.library_detail import open_dataset_page
from lab.ui.library_lists import TAB, get_ready
from lab.ui.run_panel import find, stand_in
from lab.ui.state import LibraryKey as Key

# What a next import starts without.
_FORGOTTEN = (Key.RUN, Key.FOLDER, Key.METADATA, Key.CONTROL, Key.UPLOAD, Key.ID, Key.LICENCE, Key.HUB)


def result() -> bool:
    """Draw the finished import and the ways on from it; False where none is finished, so that the form is due."""
    run = find(st.session_state.get(Key.RUN))
    if run is None or run.state != "done":
        return False
    told = run.result or {}
    dataset = str(told["dataset"])
    st.success(
        f"{told['images']:,} images were imported as {plain(dataset)}.", icon=":material/check_circle:"
    )
    _ways_on(dataset)
    _notes(run)
    return True


def progress() -> None:
    """Under the form: an import that goes on, or why it stopped."""
    run = find(st.session_state.get(Key.RUN))
    if run is not None and run.state != "done":
        stand_in(run)


def _ways_on(dataset: str) -> None:
    with st.container(horizontal=True):
        st.button(
            "Get ready for neighbours, map and metrics", type="primary", icon=":material/play_arrow:",
            key="library.imported.ready", on_click=_go, args=(dataset, True),
            help="Extracts features, calibrates the near-copy detectors and fits the map, as runs you can leave alone.",
        )  # fmt: skip
        st.button(
            "Open",
            icon=":material/folder_open:",
            key="library.imported.open",
            on_click=_go,
            args=(dataset, False),
        )
        st.button("Add another dataset", icon=":material/add:", key="library.imported.more", on_click=_again)


def _notes(run: Run) -> None:
    told, chosen = run.result or {}, run.spec.settings
    left_out = revealed(told.get("left_out", []), chosen["folder"], chosen["metadata"])
    problems([(item["file"], item["reason"]) for item in left_out])
    for note in told.get("notes", []):
        st.caption(f":material/info: {plain(str(note))}")


def _go(dataset: str, ready: bool) -> None:
    if ready:
        get_ready(dataset)
    open_dataset_page(None if ready else dataset)
    st.session_state[Key.TAB] = TAB
    _again()


def _again() -> None:
    for key in _FORGOTTEN:
        st.session_state.pop(key, None)
