"""Generators in stock and known: a table to filter, one opened, one added, one trained."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from lab.generators.cards import all_cards, broken_cards
from lab.generators.methods import ORIGINS, Method, conditions, methods, origin
from lab.metrics.registry import all_specs
from lab.runs.records import Run
from lab.ui import generator_form, generator_training
from lab.ui.frame import plain
from lab.ui.generator_detail import detail
from lab.ui.run_panel import active
from lab.ui.state import GeneratorKey as Key

CONDITIONS = ("text", "class", "mask", "vendor", "none")
DOWNLOADING = "Downloading"


def generators() -> None:
    """The part that was chosen."""
    parts: dict[str, Callable[[], None]] = {
        "All generators": listing,
        "Add a generator": generator_form.form,
        "Train a generator": generator_training.training,
    }
    chosen = st.segmented_control(
        "Generators", list(parts), default="All generators", key=Key.PART, required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    parts[str(chosen)]()


def listing() -> None:
    """The opened generator, or filters and table; cards that were left out follow with the reason."""
    # What is not drawn is forgotten unless it is said anew; a person comes back to the list as it was left.
    for key in (Key.QUERY, Key.FAMILY, Key.CONDITION, Key.DATA, Key.ORIGIN, Key.METRIC, Key.HERE):
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
    opened = next((card for card in all_cards() if card.id == st.session_state.get(Key.OPEN)), None)
    if opened is not None:
        detail(opened)
        return
    found = _filtered()
    downloads = {str(run.spec.settings["generator"]): run for run in active(("download",))}
    _table(found, downloads)
    for name, reason in broken_cards():
        st.warning(f"{plain(name)}: {plain(reason)}", icon=":material/error:")


def _filtered() -> list[Method]:
    cards = all_cards()
    words, family, condition, data = st.columns([0.31, 0.23, 0.23, 0.23], vertical_alignment="bottom")
    query = words.text_input(
        "Search", key=Key.QUERY, placeholder="flow matching + mask", icon=":material/search:",
        help="Every word must be found in the name, family, condition, images or training data.",
    )  # fmt: skip
    families = family.multiselect(
        "Family", sorted({card.family for card in cards}), key=Key.FAMILY, placeholder="Any",
        help="How the pictures come about: step by step out of noise (diffusion, flow matching), in one pass (GAN, "
        "VAE), or piece by piece (autoregressive).",
    )  # fmt: skip
    conditioned = condition.multiselect(
        "Conditioned on", CONDITIONS, key=Key.CONDITION, placeholder="Any",
        help="What decides the picture besides the seed: a text, a class, a mask of structures, a vendor, or nothing.",
    )  # fmt: skip
    known = sorted({name for card in cards for name in (card.modality, card.training_dataset) if name})
    images = data.multiselect("Images or training data", known, key=Key.DATA, placeholder="Any")
    where, measured, here = st.columns([0.46, 0.31, 0.23], vertical_alignment="bottom")
    origins = where.pills("Where from", list(ORIGINS.values()), selection_mode="multi", key=Key.ORIGIN)
    titles = {spec.name: spec.title for spec in all_specs()}
    metric = measured.selectbox(
        "Can be measured by", ["", *titles], key=Key.METRIC,
        format_func=lambda name: titles.get(name, "Any metric"),
        help="Some metrics need a prompt or a mask with each sample; only generators conditioned on one bring it.",
    )  # fmt: skip
    only = here.toggle("On this machine only", key=Key.HERE)
    found = methods(
        query, families=families, conditionings=conditioned, data=images, metric=metric or "", here=only
    )
    return [one for one in found if not origins or ORIGINS[one.origin] in origins]


def _table(found: list[Method], downloads: dict[str, Run]) -> None:
    if not found:
        st.info(
            "No generator meets all of these conditions. Take one away, or add a generator.",
            icon=":material/filter_alt_off:",
        )
        return
    st.caption(
        f"{len(found)} generators, {sum(one.state.code == 'ready' for one in found)} of them ready. "
        "Click a row to open its card."
    )
    table = pd.DataFrame([_row(one, one.card.id in downloads) for one in found])
    st.dataframe(
        table, hide_index=True, width="stretch", height=min(36 + 35 * len(found), 640),
        on_select=lambda: _open([one.card.id for one in found]), selection_mode="single-row",
        # Another choice of rows is another table: a selection kept by row number would open a stranger.
        key=f"{Key.TABLE}.{hash(tuple(one.card.id for one in found)) & 0xFFFFFFFF:x}",
        column_config={
            "Generator": st.column_config.TextColumn(width=290, pinned=True),
            "Conditioned on": st.column_config.TextColumn(help="What decides the picture besides the seed."),
            "May be asked for": st.column_config.TextColumn(width=270),
            "Metrics": st.column_config.NumberColumn(
                help="How many metrics can be computed on its samples, given a set of real images beside them."
            ),
            "Access": st.column_config.TextColumn(width="medium", help="Conditions of the weights, in words."),
        },
    )  # fmt: skip


def _row(one: Method, downloading: bool) -> dict[str, object]:
    card = one.card
    return {
        "Generator": card.title,
        "State": DOWNLOADING if downloading else one.state.word,
        "Where from": ORIGINS[origin(card)],
        "Family": card.family,
        "Conditioned on": ", ".join(conditions(card)),
        "Images": card.modality,
        "May be asked for": one.asked,
        "Sides, px": ", ".join(map(str, card.allowed_sizes)),
        "Trained on": card.training_dataset or "not stated",
        "Metrics": len(one.metrics),
        "Licence": card.licence or "not stated",
        "Access": card.gate or "open",
        "Id": card.id,
    }


def _open(ids: list[str]) -> None:
    """The row that was clicked; called before the page is drawn again."""
    for key, value in st.session_state.items():
        if str(key).startswith(f"{Key.TABLE}."):
            rows = value["selection"]["rows"] if value else []
            if rows and rows[0] < len(ids):
                st.session_state[Key.OPEN] = ids[rows[0]]
