"""Library: what is in stock, and how to add to it."""

from __future__ import annotations

import streamlit as st

from lab.data.importing.concealed import revealed
from lab.ui import arms_view, extractor_list, generator_list, import_form, import_preview, library_lists
from lab.ui.frame import head, plain, sentences
from lab.ui.run_panel import find, stand_in
from lab.ui.state import LibraryKey as Key

TABS = ("Datasets", "Add a dataset", "Generators", "Feature extractors", "SkinGenBench arms")


def imported() -> None:
    """The import that was started in this session: its progress, or what came of it."""
    run = find(st.session_state.get(Key.RUN))
    if run is None:
        return
    if run.state != "done":
        stand_in(run)
        return
    result = run.result or {}
    st.success(f"{result['images']} images were imported as {plain(str(result['dataset']))}.")
    chosen = run.spec.settings
    left_out = revealed(result.get("left_out", []), chosen["folder"], chosen["metadata"])
    import_preview.problems([(item["file"], item["reason"]) for item in left_out])
    for note in result.get("notes", []):
        st.caption(f":material/info: {plain(str(note))}")


head(
    "Library",
    "Datasets, generators and feature extractors: what is here, where it comes from, what it may be used for.",
    films=True,
)
with sentences():
    stock, add, generators, extractors, arms = st.tabs(TABS, key=Key.TAB, on_change="rerun")
    if stock.open:
        with stock:
            library_lists.datasets()
    if add.open:
        with add:
            imported()
            import_form.form()
    if generators.open:
        with generators:
            generator_list.generators()
    if extractors.open:
        with extractors:
            extractor_list.extractors()
    if arms.open:
        with arms:
            arms_view.arms_view()
