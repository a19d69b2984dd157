"""The sidebar below the navigation: what is running now, and on which device."""

from __future__ import annotations

import streamlit as st

from lab.config import physical_cores, settings
from lab.device import TITLES
from lab.errors import LabError
from lab.runs.store import RunStore
from lab.ui.frame import NOTICE, plain, sentences
from lab.ui.run_panel import active, in_words


def sidebar() -> None:
    """Draw it; the part that changes polls the store by itself."""
    with st.sidebar, sentences():
        _running()
        wanted = settings().device
        st.caption(f"Device: {TITLES.get(wanted, plain(wanted))}")
        st.caption(NOTICE)


@st.fragment(run_every=2.0)
def _running() -> None:
    try:
        runs = active()
    except LabError as error:
        st.caption(plain(str(error)))
        return
    if not runs:
        st.caption(":material/check_circle: Nothing is running")
        return
    st.caption(f":material/sync: {len(runs)} {'run' if len(runs) == 1 else 'runs'} in progress")
    for run in runs[:4]:
        st.progress(run.progress.fraction if run.progress else 0.0, text=f":small[{plain(in_words(run))}]")


def device_words() -> str:
    """The device that computes: as set, and for an automatic choice what the last generation ran on."""
    wanted, cores = settings().device, physical_cores()
    if wanted == "auto":
        last = RunStore.open().list(states=("done",), kinds=("generate",), limit=1)
        samples = (last[0].result or {}).get("samples", []) if last else []
        used = (samples[0].get("recipe") or {}).get("device") if samples else None
        wanted = f"automatic, last {used}" if used else "automatic"
    return f"{wanted} ({cores} processor cores)"
