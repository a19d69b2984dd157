"""Phantom sets that are not here yet: what each is, and the button that makes it."""

from __future__ import annotations

import streamlit as st

from lab.data.phantom_families import FAMILIES, PhantomFamily
from lab.data.phantom_pack import find_pack
from lab.errors import LabError
from lab.runs.records import Run
from lab.runs.requests import phantom_run
from lab.runs.store import RunStore
from lab.ui.frame import refuse
from lab.ui.run_panel import active, stand_in, submit
from lab.ui.state import LibraryKey as Key

ABOUT = {
    "phantom-cxr": "frontal and lateral films with findings, devices, captions and masks",
    "phantom-derm": "five classes as in SkinGenBench, with lesion masks; hair, rulers and vignettes are known layers",
    "phantom-cmr": "short-axis slices at end-diastole and end-systole, five disease groups, four vendors, masks",
}


def phantom_offers(here: set[str]) -> None:
    """A row for each phantom set that is not here, with its progress where it is being made."""
    for family in FAMILIES.values():
        if family.id not in here:
            with st.container(border=True):
                _offer(family)


def phantom_offer(id: str, here: set[str]) -> bool:
    """The offer of one set, where it is one of the phantoms' and not here; whether it was drawn."""
    if id not in FAMILIES or id in here:
        return False
    with st.container(border=True):
        _offer(FAMILIES[id], beside=False)
    return True


def _offer(family: PhantomFamily, beside: bool = True) -> None:
    """What the set is, and its button beside it or, in a narrow place, below."""
    if beside:
        words, button = st.columns([0.78, 0.22], vertical_alignment="center")
    else:
        words, button = st.container(gap="xsmall"), st.container()
    count = family.patients * family.films
    quick = find_pack(family.patients, family.films, 0, family) is not None
    with words:
        st.markdown(f"**{family.title}** :violet-badge[PHANTOM]")
        st.caption(
            f"{count:,} {family.noun} of {family.patients:,} phantom patients: {ABOUT[family.id]}. "
            + ("Ready in seconds." if quick else "Drawn on this machine: about a minute or two.")
        )
    run = _going_on(family.id)
    if run is None:
        button.button(
            "Add", key=f"library.phantom.{family.id}", icon=":material/add:", on_click=_add, args=(family,),
            width="stretch",
        )  # fmt: skip
    elif run.state != "done":
        stand_in(run)


def _going_on(id: str) -> Run | None:
    """The run that makes the set: one that goes on, or the one of this session that stopped."""
    for run in active(("phantom",)):
        if run.spec.settings["id"] == id:
            return run
    known = st.session_state.get(f"{Key.RUN}.phantom.{id}")
    return RunStore.open().get(known) if known else None


def _add(family: PhantomFamily) -> None:
    try:
        run = submit(phantom_run(family.patients, family.films, family.id, family))
        st.session_state[f"{Key.RUN}.phantom.{family.id}"] = run.id
    except LabError as error:
        refuse(error)
