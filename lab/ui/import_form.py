"""Adding a dataset: a place, the layout recognised there, a plan to look at and correct, then one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from lab.data.containers.hub_location import is_hub_location
from lab.data.importing.locations import located
from lab.data.importing.plan import plan_import
from lab.data.importing.plan_limit import LIMIT
from lab.data.preprocess.presets import preset, presets
from lab.data.sources.contract import ImportPlan
from lab.data.sources.registry import get_source, recognised, sources
from lab.errors import LabError
from lab.provenance import digest_json
from lab.runs.dependencies import listing_digest
from lab.runs.import_requests import import_run, medmnist_run
from lab.ui.frame import plain, refuse
from lab.ui.import_classes import class_map
from lab.ui.import_place import Official, Place, place, propose
from lab.ui.import_preview import columns_of, preview
from lab.ui.run_panel import submit
from lab.ui.state import LibraryKey as Key

AS_IS = "as-is"


@dataclass(frozen=True)
class Asked:
    """What the person has said about the layout."""

    source: str | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)


def form() -> None:
    """Draw the form; a started import puts its run's id into the session."""
    chosen = place()
    if isinstance(chosen, Official):
        _start_official(chosen)
        return
    if chosen is None:
        return
    try:
        asked = _layout(chosen)
        plan = planned(chosen, asked)
        corrected = Asked(asked.source, asked.choices, columns_of(plan), {})
        if dict(corrected.mapping) != dict(plan.mapping):
            plan = planned(chosen, corrected)
        else:
            corrected = asked
        classes = class_map(plan)
        if classes:
            corrected = Asked(corrected.source, corrected.choices, corrected.mapping, classes)
            plan = planned(chosen, corrected)
    except LabError as error:
        refuse(error)
        return
    preview(plan)
    _start(plan, chosen, corrected)


def planned(chosen: Place, asked: Asked) -> ImportPlan:
    """The plan, kept while neither the place nor what was said changes.

    Raises:
        LabError: as `lab.data.importing.plan.plan_import`.
    """
    told = digest_json([dict(asked.choices), dict(asked.mapping), dict(asked.classes)])
    return _plan(chosen, _listing(chosen.folder), asked.source, told, asked)


@st.cache_resource(max_entries=6, show_spinner="Looking at the files…")
def _plan(chosen: Place, listing: str, source: str | None, told: str, _asked: Asked) -> ImportPlan:
    return plan_import(
        chosen.folder,
        chosen.table,
        dict(_asked.mapping) or None,
        source=source,
        classes=dict(_asked.classes) or None,
        choices=dict(_asked.choices) or None,
    )


def _listing(folder: str) -> str:
    if is_hub_location(folder):
        return folder
    path = Path(folder)
    return listing_digest(path) if path.is_dir() else digest_json([folder, *_stamp(path)])


def _stamp(path: Path) -> tuple[int, int]:
    told = path.stat()
    return told.st_mtime_ns, told.st_size


def _layout(chosen: Place) -> Asked:
    """The layout as recognised, which can be overridden, and its own settings."""
    found = _recognised(chosen.folder, _listing(chosen.folder))
    every = [source.id for source in sources()]
    order = [*(id for id, _ in found), *(id for id in every if id not in dict(found))]
    why = dict(found)
    left, right = st.columns([0.4, 0.6], vertical_alignment="bottom")
    id = str(
        left.selectbox(
            "Layout", order, key=f"{Key.LAYOUT}{digest_json(order)[:8]}",
            format_func=lambda one: get_source(one).title + (" (recognised)" if one in why else ""),
            help="Recognised from what the folder holds; choose another where that is wrong.",
        )
    )  # fmt: skip
    right.caption(f"{plain(get_source(id).describes)}" + (f" Here: {plain(why[id])}." if id in why else ""))
    overridden = None if chosen.table is not None or (found and id == found[0][0]) else id
    return Asked(overridden, _choices(id))


@st.cache_data(max_entries=32, show_spinner="Looking at the files…")
def _recognised(folder: str, listing: str) -> list[tuple[str, str]]:
    return [(source.id, answer.why) for source, answer in recognised(located(folder).files)]


def _choices(id: str) -> dict[str, str]:
    """Settings of the source that differ from their defaults, and how many images at most."""
    settings = (*get_source(id).choices, LIMIT)
    picked: dict[str, str] = {}
    with st.expander("Settings of this layout"):
        for choice, column in zip(
            settings, [c for _ in range(len(settings)) for c in st.columns(2)], strict=False
        ):
            key = f"{Key.CHOICE}{id}.{choice.name}"
            if choice.values:
                value = str(column.selectbox(choice.title, choice.values, key=key, help=choice.help))
                default = choice.values[0]
            else:
                value, default = (
                    (column.text_input(choice.title, key=key, help=choice.help) or "").strip(),
                    "",
                )
            if value != default:
                picked[choice.name] = value
    return picked


def _start(plan: ImportPlan, chosen: Place, asked: Asked) -> None:
    left, middle, right = st.columns(3)
    propose(chosen.folder)
    name = left.text_input(
        "Id",
        key=Key.ID,
        placeholder="chest-films",
        max_chars=64,
        help="The name of the dataset here: letters, digits, dashes.",
    )
    licence = middle.text_input(
        "Licence",
        key=Key.LICENCE,
        placeholder=plan.licence or "CC BY 4.0",
        help="Used for images whose row gives none. It decides what may be shown in public.",
    )
    recipe = _recipe(right, plan.modality)
    ready = bool(plan.images) and not plan.problem and bool((name or "").strip())
    if st.button(
        "Import", type="primary", disabled=not ready, icon=":material/download_done:", key="library.import"
    ):
        try:
            spec = import_run(
                chosen.folder,
                (name or "").strip(),
                chosen.table,
                dict(asked.mapping) or None,
                (licence or "").strip() or None,
                control=chosen.control or None,
                source=asked.source,
                classes=dict(asked.classes) or None,
                choices=dict(asked.choices) or None,
                recipe=None if recipe == AS_IS else preset(recipe).recipe,
            )
            st.session_state[Key.RUN] = submit(spec).id
        except LabError as error:
            refuse(error)
            return
        st.rerun()
    if not (name or "").strip():
        st.caption("Give it an id: then it can be imported.")


def _recipe(column: Any, modality: str) -> str:
    found = {one.recipe.id: one.recipe.title for one in presets(modality)}
    order = [AS_IS, *(id for id in found if id != AS_IS)]
    return str(
        column.selectbox(
            "Preprocessing",
            order,
            format_func=found.__getitem__,
            key=f"{Key.RECIPE}.import",
            help="Better left for later: open the dataset afterwards, see it before and after, and derive a second "
            "dataset from it.",
        )
    )


def _start_official(chosen: Official) -> None:
    propose(f"{chosen.flag}-{chosen.size}")
    name = st.text_input("Id", key=Key.ID, placeholder="chest-films", max_chars=64)
    if st.button(
        "Download and import", type="primary", disabled=not (name or "").strip(), key="library.import",
        icon=":material/cloud_download:",
    ):  # fmt: skip
        try:
            st.session_state[Key.RUN] = submit(
                medmnist_run(chosen.flag, chosen.size, (name or "").strip())
            ).id
        except LabError as error:
            refuse(error)
            return
        st.rerun()
