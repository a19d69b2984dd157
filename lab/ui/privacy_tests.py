"""The privacy tests of the metrics page: the published protocol, a network that knows patients, planted copies."""

from __future__ import annotations

import streamlit as st

from lab.ui.identity_panel import IDENTITY
from lab.ui.privacy_runs import arrive, leave
from lab.ui.protocol_panel import PROTOCOL
from lab.ui.sensitivity_panel import SENSITIVITY
from lab.ui.state import PrivacyKey as Key

__all__ = ["NAME", "arrive", "leave", "privacy_tests"]

NAME = "Privacy tests"
TESTS = {test.kind: test for test in (PROTOCOL, IDENTITY, SENSITIVITY)}


def privacy_tests() -> None:
    """Draw the chosen test; the address names its run, so that a reload and a colleague find it again."""
    picked = st.segmented_control(
        "Test", list(TESTS), format_func=lambda kind: TESTS[kind].name, key=Key.PANEL, default=PROTOCOL.kind,
        required=True, label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    TESTS[str(picked or PROTOCOL.kind)].draw()
