"""The sidebar below the navigation: what is running now, and on which device."""

from __future__ import annotations

import streamlit as st

from lab.config import physical_cores, settings
from lab.device import TITLES
from lab.errors import LabError
from lab.runs.store import RunStore
from lab.ui.first_steps import carry_on
from lab.ui.frame import NOTICE, plain, sentences
from lab.ui.run_panel import active, in_words, share_done

AUTO = "auto"


def sidebar() -> None:
    """Draw it; the part that changes polls the store by itself."""
    with st.sidebar, sentences():
        _running()
        st.caption(f"Device: {plain(_named(settings().device))}")
        st.caption(NOTICE)


@st.fragment(run_every=2.0)
def _running() -> None:
    try:
        carry_on()
        runs = active()
    except LabError as error:
        st.caption(plain(str(error)))
        return
    if not runs:
        st.caption(":material/check_circle: Nothing is running")
        return
    st.caption(f":material/sync: {len(runs)} {'run' if len(runs) == 1 else 'runs'} in progress")
    for run in runs[:4]:
        st.progress(share_done(run), text=f":small[{plain(in_words(run))}]")


def device_words() -> str:
    """The device that computes: as set, and for an automatic choice what the last generation ran on."""
    wanted, cores = settings().device, physical_cores()
    used = ""
    if wanted == AUTO:
        last = RunStore.open().list(states=("done",), kinds=("generate",), limit=1)
        samples = (last[0].result or {}).get("samples", []) if last else []
        device = (samples[0].get("recipe") or {}).get("device") if samples else None
        used = f", last: {_named(device)}" if device else ""
    return f"{_named(wanted)}{used} · {cores} processor cores"


def _named(device: str) -> str:
    """A device in the words of every page."""
    return "automatic" if device == AUTO else TITLES.get(device, device)
