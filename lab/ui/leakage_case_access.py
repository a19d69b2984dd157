"""The list of who looked, as the leakage page writes and shows it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lab.leakage import access_log
from lab.leakage.access_log import LOCAL
from lab.ui.state import LeakageKey as Key


def signed_in() -> str:
    """Who is signed in to this session; "local" where nobody signs in."""
    about = dict(st.user) if st.user else {}
    if not about.get("is_logged_in"):
        return LOCAL
    return str(about.get("email") or about.get("sub") or "signed in")


def record(action: str, dataset: str, cases: Sequence[str]) -> None:
    """List an event under whoever is signed in.

    Args:
        action: one of `access_log.ACTIONS`.
        dataset: id of the dataset whose films are on screen.
        cases: opaque codes.

    Raises:
        StoreError: when it cannot be listed; nothing should be shown then.
    """
    access_log.record(action, dataset, cases, signed_in())


def record_once(action: str, dataset: str, case: str) -> None:
    """As `record`, once a session, case and action: a page runs again with every click."""
    listed = st.session_state.setdefault(Key.CASE_LISTED, set())
    if (action, dataset, case) not in listed:
        record(action, dataset, [case])
        listed.add((action, dataset, case))


def who_looked() -> None:
    """Everybody who opened, judged, revealed or exported a case, in a closed panel."""
    with st.expander("Who looked", icon=":material/visibility:"):
        rows = access_log.who_looked(access_log.entries())
        if not rows:
            st.caption("Nobody has opened a case in this workspace yet.")
            return
        shown = pd.DataFrame(
            [
                {
                    "User": row.user,
                    "Opened": row.opened,
                    "Verdicts": row.verdicts,
                    "Revealed": row.revealed,
                    "Exported": row.exported,
                    "Cases": row.cases,
                    "Last, UTC": row.last.replace("T", " ").rstrip("Z"),
                }
                for row in rows
            ]
        )
        st.dataframe(shown, hide_index=True, height="content")
        st.caption(
            "Every case that is opened, judged, revealed or exported is listed in the workspace, with an opaque code "
            "and no name. Without sign-in everybody is “local”."
        )
