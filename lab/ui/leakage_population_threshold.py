"""The draggable threshold on the page: what the browser gets, and where the handle was left."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np
import streamlit as st

from lab.charts.threshold import packet
from lab.config import ASSETS
from lab.errors import NotComputable
from lab.leakage.population import Population
from lab.provenance import digest_json
from lab.ui.films import training_word
from lab.ui.leakage_population_numbers import Audited
from lab.ui.sample_card import DETECTORS
from lab.ui.state import LeakageKey as Key

SCRIPTS = ("packet.js", "counts.js", "plot.js", "threshold.js")


def threshold(told: Audited, of: Population) -> float:
    """Draw the distributions with the handle where it was left, at first on the calibrated threshold.

    Returns:
        The threshold that the gallery follows.
    """
    place = _place(told, of)
    start = of.limit if of.limit is not None else float(of.training[0])
    current = float(st.session_state.get(place, start))
    data = packet(
        of.samples, of.patients, of.held_out, of.training,
        seen=of.seen, held_out_patients=of.held_out_patients, limit=of.limit, threshold=current,
        detectors=len(told.result["distances"]), title=DETECTORS.get(of.detector, of.detector),
        training_word=training_word(told.chosen.dataset),
    )  # fmt: skip
    key = f"{place}.component"
    _component()(data=data, key=key, on_threshold_change=partial(_left, key, place))
    if of.limit is None:
        st.caption(
            f"With {len(of.training):,} training images no distance is rare enough for p ≤ 0.01, so "
            "there is no calibrated "
            "threshold; the handle starts at the smallest distance between two patients."
        )
    return current


def _place(told: Audited, of: Population) -> str:
    """The state key of this set's threshold by this detector."""
    name = digest_json([told.result["table"], of.detector])[:16]
    return f"{Key.POPULATION_THRESHOLD}.{name}"


def _left(key: str, place: str) -> None:
    """Keep where the handle was left, before the page is drawn anew."""
    sent = dict(st.session_state.get(key) or {}).get("threshold")
    value = sent.get("value") if isinstance(sent, dict) else None
    if isinstance(value, int | float) and np.isfinite(value):
        st.session_state[place] = float(value)


@lru_cache(maxsize=1)
def _sources() -> tuple[str, str]:
    folder = ASSETS / "leakage" / "threshold"
    try:
        script = "\n".join((folder / name).read_text("utf-8") for name in SCRIPTS)
        return script, (folder / "threshold.css").read_text("utf-8")
    except OSError as error:
        raise NotComputable(
            "The files of the threshold are missing; the audit is kept; restore assets/leakage/threshold."
        ) from error


def _component() -> Callable[..., Any]:
    script, style = _sources()
    mount: Callable[..., Any] = st.components.v2.component(
        "doppel_threshold", html='<div class="threshold"></div>', css=style, js=script
    )
    return mount
