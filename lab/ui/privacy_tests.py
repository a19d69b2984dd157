"""The privacy tests of the metrics page: the published protocol, a network that knows patients, planted copies."""

from __future__ import annotations

import streamlit as st

from lab.ui.identity_panel import identity
from lab.ui.privacy_runs import arrive, leave
from lab.ui.protocol_panel import protocol
from lab.ui.sensitivity_panel import sensitivity
from lab.ui.state import PrivacyKey as Key

__all__ = ["NAME", "arrive", "leave", "privacy_tests"]

NAME = "Privacy tests"
PANELS = {
    "protocol": (
        "Ten seeds a prompt",
        "Ask a generator for its own training captions, ten times each: does it give the patients back?",
        protocol,
    ),
    "train_identity": (
        "A network that knows patients",
        "Train the judge of re-identification on this dataset's own patients, and see how far it can be believed.",
        identity,
    ),
    "sensitivity": (
        "Planted copies",
        "Hide altered copies of training images among honest ones: who finds which copy, and who accuses the honest?",
        sensitivity,
    ),
}


def privacy_tests() -> None:
    """Draw the chosen test; the address names its run, so that a reload and a colleague find it again."""
    picked = st.segmented_control(
        "Test", list(PANELS), format_func=lambda kind: PANELS[kind][0], key=Key.PANEL, default="protocol",
        required=True, label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    _, lead, draw = PANELS[str(picked or "protocol")]
    st.markdown(f"**{lead}**")
    draw()
