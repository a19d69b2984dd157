"""A page and its address: a link opens what it names, and what is shown stands in the address.

A page writes into the address what it shows and remembers what it wrote. So an address that is not the page's own is a
link, a bookmark or the way back, and whatever the session showed before gives way to it.
"""

from __future__ import annotations

import streamlit as st

from lab.ui.state import QueryKey


def come_by(seen: str, name: str = QueryKey.RUN) -> str | None:
    """What the address names where a person has just come by it; None where it is empty or the page's own.

    Args:
        seen: state key of what the page knows of its address; each page has its own.
        name: the parameter.
    """
    asked = st.query_params.get(name)
    if not asked or asked == st.session_state.get(seen):
        return None
    return asked


def hold(seen: str, shown: str, name: str = QueryKey.RUN) -> None:
    """Let the address name what is shown, so that a reload or a copied link shows it again."""
    st.session_state[seen] = shown
    if st.query_params.get(name) != shown:
        st.query_params[name] = shown


def let_go(seen: str, name: str = QueryKey.RUN) -> None:
    """Take out of the address what the page wrote there, where it shows something else."""
    held = st.session_state.pop(seen, None)
    if held is not None and st.query_params.get(name) == held:
        st.query_params.pop(name, None)
