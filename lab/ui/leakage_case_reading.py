"""The verdict before the score: five steps for each candidate, by mouse or by 1 to 5 and Enter."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from lab.errors import LabError
from lab.leakage import verdicts
from lab.leakage.access_log import OPENED, VERDICT
from lab.leakage.case_order import training_first
from lab.leakage.verdicts import STEPS, CaseVerdict
from lab.ui.frame import plain
from lab.ui.leakage_case_access import record, record_once
from lab.ui.leakage_case_films import blinded, regions_of
from lab.ui.leakage_case_set import Cases
from lab.ui.state import LeakageKey as Key
from lab.ui.viewer import viewer

SIDES = ("A", "B")
HELP = (
    "The pills show the same place of every film, as a share of its height and width; turned and lateral films show "
    "something else there. Left and right are the viewer’s. Keys: 1 to 5 rate the candidate that is asked about, Enter "
    "goes on. Window presets are on Shift and digit, zoom on the wheel, the magnifier on M, swipe on S, blink on B."
)


def reading(cases: Cases, row: dict[str, Any], reader: str, words: str) -> None:
    """Sample and both candidates without a word about them, and the question.

    Args:
        words: the place of the case among the others.
    """
    code = str(row["code"])
    record_once(OPENED, cases.dataset, code)
    _begin(code)
    region = region_choice(cases.dataset, words)
    for column, name in zip(st.columns(3), ("Sample", "Candidate A", "Candidate B"), strict=True):
        column.markdown(f"**{name}**")
    with st.spinner("Reading films"):
        films = blinded(cases, row, training_first(code, reader), region)
    viewer(films, key=f"{Key.CASE_VIEWER}.blinded", layout="case", blinded=True)
    _question(cases, row, reader)


def region_choice(dataset: str, words: str) -> str:
    """Where to look: the whole film, or one of the places that give a patient away; `words` stand beside it."""
    left, right = st.columns([0.73, 0.27], vertical_alignment="center")
    right.markdown(words, help=HELP)
    names = regions_of(dataset)
    if len(names) == 1:
        return names[0]
    with left:
        chosen = st.pills(
            "Look at",
            names,
            key=Key.CASE_REGION,
            default=names[0],
            required=True,
            label_visibility="collapsed",
            persist_state="session",
            wrap=True,
        )
    return str(chosen or names[0])


def _begin(code: str) -> None:
    """The clock of a case starts when it is first shown to this reader; nothing is chosen yet."""
    state = st.session_state
    if (state.get(Key.CASE_SHOWN) or {}).get("code") != code:
        state[Key.CASE_SHOWN] = {"code": code, "since": time.time()}
        state[Key.CASE_STEPS] = {}
        state[Key.CASE_ACTIVE] = SIDES[0]


def _question(cases: Cases, row: dict[str, Any], reader: str) -> None:
    state = st.session_state
    code, steps, active = str(row["code"]), state[Key.CASE_STEPS], state[Key.CASE_ACTIVE]
    first, *columns = st.columns(3)
    for column, side in zip(columns, SIDES, strict=True):
        with column:
            for step, words in enumerate(STEPS, 1):
                st.button(
                    f"{step} · {words}",
                    key=_step_key(code, side, step, side == active),
                    type="primary" if steps.get(side) == step else "secondary",
                    shortcut=str(step) if side == active else None,
                    on_click=_choose,
                    args=(code, side, step, side == active),
                    width="stretch",
                )
    with first:
        st.markdown(f"**Is candidate {active} the same patient as the sample?**  \n{_given(steps)}")
        missing = [side for side in SIDES if side not in steps]
        st.button(
            "Store and show the answer" if not missing else f"Go on to candidate {_other(active)}",
            key=_on_key(code),
            type="primary",
            icon=":material/arrow_forward:",
            shortcut="Enter",
            disabled=active not in steps,
            on_click=_go_on,
            args=(cases, row, reader),
            width="stretch",
        )
        st.caption(
            "Scores stay closed until both answers are given. An answer can be changed before that, not after."
        )


def _step_key(code: str, side: str, step: int, asked: bool) -> str:
    """The key says whether the side is asked about: a button does not change its shortcut otherwise."""
    return f"{Key.CASE_GO}.{code}.{side}.{step}.{asked}"


def _on_key(code: str) -> str:
    return f"{Key.CASE_GO}.{code}.on"


def _given(steps: dict[str, int]) -> str:
    """What has been said of both so far."""
    return "  \n".join(
        f"{':material/check:' if side in steps else ':material/radio_button_unchecked:'} Candidate {side}: "
        + (STEPS[steps[side] - 1].lower() if side in steps else "not rated yet")
        for side in SIDES
    )


def _other(side: str) -> str:
    return SIDES[1] if side == SIDES[0] else SIDES[0]


def _choose(code: str, side: str, step: int, asked: bool) -> None:
    """Rate a candidate; it is the one asked about from now on.

    A key that was pressed before the page had caught up is dropped: it was meant for the other candidate.
    """
    state = st.session_state
    if state.get(_on_key(code)) or (asked and state.get(Key.CASE_ACTIVE) != side):
        return
    state[Key.CASE_STEPS] = {**(state.get(Key.CASE_STEPS) or {}), side: step}
    state[Key.CASE_ACTIVE] = side


def _go_on(cases: Cases, row: dict[str, Any], reader: str) -> None:
    """To the other candidate while it is not rated; then store."""
    state, code = st.session_state, str(row["code"])
    steps, active = state.get(Key.CASE_STEPS) or {}, str(state.get(Key.CASE_ACTIVE))
    if (state.get(Key.CASE_REVEALED) or {}).get("code") == code:
        return  # a second Enter before the page had caught up
    # A step and Enter that arrive together do not say which came first.
    if active not in steps or any(state.get(_step_key(code, active, step, True)) for step in range(1, 6)):
        return
    if any(side not in steps for side in SIDES):
        state[Key.CASE_ACTIVE] = _other(active)
        return
    left = training_first(code, reader)
    a, b = steps["A"], steps["B"]
    shown = state.get(Key.CASE_SHOWN) or {}
    try:
        record(VERDICT, cases.dataset, [code])
        verdicts.save(
            CaseVerdict(
                code,
                reader,
                cases.samples,
                str(row["source"]),
                training=a if left else b,
                control=b if left else a,
                first=verdicts.TRAINING if left else verdicts.CONTROL,
                seconds=round(max(0.0, time.time() - float(shown.get("since", time.time()))), 1),
            )
        )
    except LabError as error:
        st.toast(plain(str(error)))
        return
    state[Key.CASE_REVEALED] = {"code": code, "since": time.time()}
