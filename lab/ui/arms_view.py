"""SkinGenBench's subsets and arms: what each holds, what is missing and how to make it."""

from __future__ import annotations

import html

import pandas as pd
import streamlit as st

from lab.data.arms.contents import ArmFacts, SubsetFacts, arms, checked, facts, proposed
from lab.data.arms.matrix import (
    PIPELINES,
    SOURCES,
    SUBSETS,
    Matrix,
    get_matrix,
    keep,
    list_matrices,
    new_matrix,
)
from lab.data.samples import list_sample_sets
from lab.data.store import list_datasets, open_dataset
from lab.errors import LabError
from lab.ui.frame import plain, sentences
from lab.ui.state import ArmsKey as Key

LEAD = (
    "SkinGenBench compares classifiers trained on eight arms: real images alone, or topped up in one class by a GAN, "
    "by diffusion or by ordinary augmentation, each without and with hair removal."
)


def arms_view() -> None:
    """The comparison that is chosen, or the form of the first one."""
    st.caption(LEAD)
    with sentences():
        known = [one.id for one in list_matrices()]
        if not known:
            _form()
            _refused()
            return
        if st.session_state.get(Key.SHOWN) not in known:
            st.session_state[Key.SHOWN] = known[0]
        choose, take, more = st.columns([0.5, 0.3, 0.2], vertical_alignment="bottom")
        chosen = str(choose.selectbox("Comparison", known, key=Key.SHOWN))
        matrix = get_matrix(chosen)
        found = proposed(matrix)
        take.button(
            f"Take in {len(found)} sets" if found else "Nothing more to take in", disabled=not found, width="stretch",
            on_click=_take, args=(chosen,), icon=":material/playlist_add_check:",
            help="Datasets derived with the recipes, and sample sets of generators trained on them.",
        )  # fmt: skip
        with more, st.popover("New", width="stretch"):
            _form()
        _matrix(matrix)
    _refused()


def _refused() -> None:
    if st.session_state.get(Key.REFUSAL):
        st.error(plain(st.session_state[Key.REFUSAL]))


def _matrix(matrix: Matrix) -> None:
    subsets = facts(matrix)
    st.html(_table(matrix, subsets))
    for one in subsets.values():
        for note in one.notes:
            st.caption(f":material/info: {one.name.replace('_', ' ')}: {plain(note)}")
    st.dataframe(
        _arms(arms(matrix, subsets)), hide_index=True, height="content",
        column_config={
            "Generated": st.column_config.NumberColumn(help="Images of the arm that a generator made."),
            "Sources": st.column_config.TextColumn(width="large"),
        },
    )  # fmt: skip
    missing = [one for one in subsets.values() if not one.reference]
    if missing:
        with st.expander(f"How to make the {len(missing)} missing", icon=":material/build:"):
            for one in missing:
                st.markdown(f"**{one.name.replace('_', ' ')}**, {one.title}")
                st.caption(plain(one.advice))
    with st.expander("Say which set a subset is", icon=":material/edit:"):
        _setting(matrix)


def _table(matrix: Matrix, subsets: dict[str, SubsetFacts]) -> str:
    head = "".join(
        f'<th style="{_HEAD}">{html.escape(f"{key}: {words}")}</th>' for key, words in SOURCES.items()
    )
    rows = "".join(
        f'<tr><th style="{_SIDE}">{pipeline}<div style="color:#97a3af;font-weight:400">{html.escape(words)}</div></th>'
        + "".join(
            f'<td style="{_CELL}">{_cell(subsets[f"{pipeline}_{source}"], matrix.target)}</td>'
            for source in SOURCES
        )
        + "</tr>"
        for pipeline, words in PIPELINES.items()
    )
    return f'<table style="border-collapse:collapse;width:100%;font-size:13px"><tr><th></th>{head}</tr>{rows}</table>'


_HEAD = "text-align:left;padding:6px 10px;color:#97a3af;font-weight:400"
_SIDE = "text-align:left;padding:8px 10px;width:16%;vertical-align:top"
_CELL = "padding:8px 10px;border:1px solid #20272e;width:21%;vertical-align:top"


def _cell(one: SubsetFacts, target: str) -> str:
    if not one.reference:
        return '<span style="color:#7f8b97">missing</span>'
    counts = ", ".join(
        f"{html.escape(label or 'unlabelled')} {count:,}" for label, count in one.counts.items()
    )
    total = sum(one.counts.values())
    aim = one.counts.get(target, 0)
    return (
        f'<div style="overflow-wrap:anywhere">{html.escape(one.reference)}</div>'
        f"<div><b>{total:,}</b> images, {html.escape(target)} <b>{aim:,}</b></div>"
        f'<div style="color:#97a3af;font-size:12px">{counts}</div>'
    )


def _arms(found: dict[str, ArmFacts]) -> pd.DataFrame:
    labels = sorted({label for one in found.values() for label in one.counts})
    return pd.DataFrame([
        {
            "Arm": one.name,
            "Sources": " + ".join(f"{subset} ({reference or 'missing'})" for subset, reference in one.sources),
            **{label: one.counts.get(label, 0) for label in labels},
            "Images": one.total,
            "Generated": one.synthetic,
            "State": "complete" if one.is_complete else f"lacks {', '.join(one.missing)}",
        }
        for one in found.values()
    ])  # fmt: skip


def _form() -> None:
    named = {card.id: card.title for card in list_datasets() if not card.recipe}
    if not named:
        st.caption("There is no dataset yet; import one or make the phantom set first.")
        return
    if st.session_state.get(Key.DATASET) not in named:
        skin = [card.id for card in list_datasets() if card.id in named and card.modality == "dermoscopy"]
        st.session_state[Key.DATASET] = (skin or list(named))[0]
    dataset = str(st.selectbox("Dataset", list(named), key=Key.DATASET, format_func=named.__getitem__))
    classes = sorted(set(open_dataset(dataset).rows("train")["label"].astype(str)) - {""})
    if st.session_state.get(Key.TARGET) not in classes:
        st.session_state[Key.TARGET] = "MEL" if "MEL" in classes else next(iter(classes), None)
    st.selectbox("Class that is topped up", classes, key=Key.TARGET)
    st.text_input("Name", key=Key.NAME, placeholder="skin", help="Lower-case letters, digits and dashes.")
    st.button("Begin the comparison", on_click=_begin, type="primary", disabled=not classes)


def _begin() -> None:
    state = st.session_state
    state[Key.REFUSAL] = None
    try:
        made = new_matrix(str(state.get(Key.NAME) or "skin"), str(state[Key.DATASET]), str(state[Key.TARGET]))
        keep(made)
    except LabError as error:
        state[Key.REFUSAL] = str(error)
        return
    _take(made.id)
    state[Key.SHOWN] = made.id


def _take(id: str) -> None:
    try:
        matrix = get_matrix(id)
        for subset, reference in proposed(matrix).items():
            matrix = checked(matrix, subset, reference)
        keep(matrix)
    except LabError as error:
        st.session_state[Key.REFUSAL] = str(error)


def _setting(matrix: Matrix) -> None:
    which, what, go = st.columns([0.25, 0.55, 0.2], vertical_alignment="bottom")
    subset = str(which.selectbox("Subset", SUBSETS, key=Key.SUBSET))
    real = subset.endswith(("_GT", "_GTA"))
    offered = [card.id for card in list_datasets()] if real else [made.id for made in list_sample_sets()]
    key = f"{Key.REFERENCE}.{'real' if real else 'made'}"
    about = "Dataset" if real else "Sample set"
    reference = what.selectbox(about, ["", *offered], key=key, format_func=lambda one: one or "none")
    go.button("Set", on_click=_set, args=(matrix.id, subset, str(reference or "")), width="stretch")


def _set(id: str, subset: str, reference: str) -> None:
    st.session_state[Key.REFUSAL] = None
    try:
        keep(checked(get_matrix(id), subset, reference))
    except LabError as error:
        st.session_state[Key.REFUSAL] = str(error)
