"""Level 1, the case: is this the same patient? A verdict is asked before any score is shown.

Other levels open a case here by three state keys: `CASE_SET` (id of the sample set), `CASE_SAMPLE` (image id of the
sample) and `LEVEL` ("The case").
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from lab.leakage import verdicts
from lab.leakage.verdicts import CaseVerdict
from lab.ui.first_steps import readiness
from lab.ui.leakage_case_access import who_looked
from lab.ui.leakage_case_card import answer
from lab.ui.leakage_case_reader import reader as current_reader
from lab.ui.leakage_case_reader import reader_menu
from lab.ui.leakage_case_reading import reading
from lab.ui.leakage_case_set import Cases, choose, laid_out, reference
from lab.ui.leakage_case_summary import summary
from lab.ui.run_panel import stand_in
from lab.ui.state import LeakageKey as Key

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

# A key that is held down must not run through the answer to the next case.
PAUSE_S = 0.8


def case() -> None:
    """Choose a set, judge its cases one after the other, see the answer after each."""
    reader = current_reader()
    left, middle, *steps = st.columns([0.53, 0.19, 0.14, 0.14], vertical_alignment="bottom")
    with left:
        card = choose()
    with middle:
        reader_menu(reader)
    if card is not None and readiness(card.parent, "calibrate"):
        cases = laid_out(card)
        if cases is not None:
            cases, row = _asked_for(cases, card)
            _one(cases, row, reader, steps)
            summary(cases, reader)
            if not cases.run.is_over:
                st.caption("Further cases are being laid out; this one is not affected.")
                stand_in(cases.run)
    who_looked()


def _asked_for(cases: Cases, card: Any) -> tuple[Cases, dict[str, Any]]:
    """The cases, and the one on screen: that of the sample another level asked for, else the one that was open."""
    state = st.session_state
    wanted = state.pop(Key.CASE_SAMPLE, None)
    if wanted is not None:
        row = next((row for row in cases.rows if row["image_id"] == wanted), None)
        state[Key.CASE_AT] = str(wanted) if row is None else row["code"]
    at = state.get(Key.CASE_AT)
    row = cases.row(at)
    if row is None and isinstance(at, str) and len(at) == 16:  # a sample that is none of the chosen ones
        single = laid_out(card, only=at) if cases.run.is_over else None
        if single is not None:
            return Cases(
                cases.samples,
                cases.dataset,
                [*single.rows, *cases.rows],
                cases.n_train,
                cases.n_control,
                cases.run,
            ), single.rows[0]
    if row is None:
        row = cases.rows[0]
        state.setdefault(Key.CASE_AT, row["code"])
    return cases, row


def _one(cases: Cases, row: dict[str, Any], reader: str, steps: Sequence[DeltaGenerator]) -> None:
    own = verdicts.load(str(row["code"]), reader)
    judged = {one.case for one in verdicts.of_set(cases.samples) if one.reader == reader}
    at = [one["code"] for one in cases.rows].index(row["code"])
    _pager(cases.rows, at, own is not None, steps)
    done = sum(one["code"] in judged for one in cases.rows)
    words = f"Case **{at + 1} of {cases.count}** · {done} judged by you"
    reference(cases.dataset)  # what the measures are read against is asked for before somebody needs it
    if own is None:
        reading(cases, row, reader, words)
        return
    answer(cases, row, own, words)
    _next_button(cases.rows, at, judged, own)


def _pager(rows: Sequence[dict[str, Any]], at: int, judged: bool, places: Sequence[DeltaGenerator]) -> None:
    """The steps to the case before and after."""
    for place, label, step, icon in zip(
        places,
        ("Previous", "Following" if judged else "Skip"),
        (-1, 1),
        (":material/chevron_left:", ":material/chevron_right:"),
        strict=True,
    ):
        place.button(
            label,
            key=f"{Key.CASE_GO}.step.{step}",
            icon=icon,
            disabled=not 0 <= at + step < len(rows),
            on_click=_open,
            args=(rows[min(max(at + step, 0), len(rows) - 1)]["code"],),
            width="stretch",
        )


def _next_button(rows: Sequence[dict[str, Any]], at: int, judged: set[str], own: CaseVerdict) -> None:
    """To the next case that this reader has not judged, in the order of the cases."""
    left = [one["code"] for one in (*rows[at + 1 :], *rows[:at]) if one["code"] not in judged]
    if not left:
        st.caption("You have judged every case of this set.")
        return
    st.button(
        "Next case",
        key=f"{Key.CASE_GO}.next.{own.case}",
        type="primary",
        icon=":material/arrow_forward:",
        shortcut="Enter",
        on_click=_next,
        args=(left[0],),
    )


def _next(code: str) -> None:
    since = float((st.session_state.get(Key.CASE_REVEALED) or {}).get("since", 0.0))
    if time.time() - since >= PAUSE_S:
        _open(code)


def _open(code: str) -> None:
    st.session_state[Key.CASE_AT] = code
