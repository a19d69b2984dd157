"""Who reads: a random code, kept in the address so that a reload goes on as the same reader; no name is asked."""

from __future__ import annotations

import streamlit as st

from lab.leakage.verdicts import is_reader, new_reader
from lab.ui.state import LeakageKey as Key
from lab.ui.state import QueryKey


def reader() -> str:
    """The reader of this session: chosen before, else named in the address, else new."""
    known = st.session_state.get(Key.CASE_READER)
    if not is_reader(known):
        asked = st.query_params.get(QueryKey.READER, "")
        known = asked if is_reader(asked) else new_reader()
        st.session_state[Key.CASE_READER] = known
    if st.query_params.get(QueryKey.READER) != known:
        st.query_params[QueryKey.READER] = str(known)
    return str(known)


def reader_menu(code: str) -> None:
    """Hand over to the next reader, or go on as an earlier one."""
    with st.popover(f"Reader {code}", icon=":material/person:", width="stretch"):
        st.caption(
            "A reader is a random code; no name is stored. Write it down to go on later, here or on another machine "
            "of this workspace."
        )
        st.button("Next reader", icon=":material/person_add:", on_click=_next, width="stretch")
        st.text_input(
            "Go on as",
            key=Key.CASE_OTHER_READER,
            max_chars=6,
            placeholder=code,
            on_change=_other,
        )


def _next() -> None:
    _become(new_reader())


def _other() -> None:
    asked = str(st.session_state.get(Key.CASE_OTHER_READER) or "").strip().lower()
    if is_reader(asked):
        _become(asked)
    elif asked:
        st.toast("That is no reader’s code; the reader stays the same; codes have six letters and digits.")
    st.session_state[Key.CASE_OTHER_READER] = ""


def _become(code: str) -> None:
    """Another reader starts blind: nothing that the last one chose or saw revealed stays on the page."""
    state = st.session_state
    state[Key.CASE_READER] = code
    for key in (Key.CASE_STEPS, Key.CASE_ACTIVE, Key.CASE_REVEALED, Key.CASE_SHOWN, Key.CASE_AT):
        state.pop(key, None)
