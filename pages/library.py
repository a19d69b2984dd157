"""Library: what is in stock, and how to add to it."""

from __future__ import annotations

import streamlit as st

from lab.ui import arms_view, extractor_list, generator_list, import_form, import_result, library_lists
from lab.ui.frame import head, sentences
from lab.ui.state import LibraryKey as Key

TABS = (library_lists.TAB, "Add a dataset", "Generators", "Feature extractors", "SkinGenBench arms")


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
            if not import_result.result():
                import_form.form()
                import_result.progress()
    if generators.open:
        with generators:
            generator_list.generators()
    if extractors.open:
        with extractors:
            extractor_list.extractors()
    if arms.open:
        with arms:
            arms_view.arms_view()
