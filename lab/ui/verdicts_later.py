"""Samples that are there while their verdicts are not: what they wait for, how far it is, and the start of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from lab.errors import LabError
from lab.runs.comparisons import KIND, READY, steps_to_verdict, unjudged
from lab.runs.records import Run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from lab.ui.frame import plain, refuse
from lab.ui.run_panel import find, stand_in, start_worker
from lab.ui.state import PromptKey as Key

_WORDS = {
    "embed": "reading the training images",
    "calibrate": "calibrating the near-copy detectors",
    KIND: "comparing the samples",
}
_LATEST = 50


def verdicts_later(run: Run) -> None:
    """Say that samples were not compared yet and follow what they wait for; nothing where each has its verdict.

    What a person has just made is compared without being asked. For a run of before, minutes of work are offered, not
    begun by looking at it.
    """
    if not (waiting := unjudged(run)):
        return
    try:
        specs = steps_to_verdict(run)
        known = _known(specs)
        asked = f"{Key.VERDICTS}{run.id}"
        if any(one is not None and not one.is_over for one in known):
            st.session_state[asked] = True
        if st.session_state.get(asked) and None in known:
            store = RunStore.open()
            known = [one or store.submit(spec) for one, spec in zip(known, specs, strict=True)]
            start_worker()
    except LabError as error:
        refuse(error)
        return
    now = next((at for at, one in enumerate(known) if one is None or one.state != "done"), None)
    if now is None:
        _seen_by_now(run)
        return
    with st.container(border=True, gap="xsmall"):
        _told(waiting, specs)
        step = known[now]
        if step is None:
            st.button(
                "Compare them", key=f"verdicts.{run.id}", on_click=_ask, args=(asked,), icon=":material/compare:",
                help="Reads the training images, calibrates on them and compares, as runs you can leave alone.",
            )  # fmt: skip
            return
        total = len(READY) * len(waiting) + sum(spec.kind == KIND for spec in specs)
        place = total - len(known) + now + 1
        st.caption(
            f"Step {place} of {total}: {_WORDS[step.kind]}. It goes on when you leave this page; "
            "what you ask for meanwhile goes first."
        )
        stand_in(step)


def _told(waiting: Mapping[str, Sequence[object]], specs: Sequence[RunSpec]) -> None:
    """How many samples wait, and for what."""
    count, names = sum(map(len, waiting.values())), plain(", ".join(waiting))
    are = "samples are" if count > 1 else "sample is"
    said = f":material/hourglass_top: **{count} {are} not compared with the training images yet**"
    if any(spec.kind != KIND for spec in specs):
        said += f", because the near-copy detectors are not calibrated on {names}"
    st.markdown(f"{said}.")


def _ask(asked: str) -> None:
    st.session_state[asked] = True


def _known(specs: list[RunSpec]) -> list[Run | None]:
    """The newest run of each spec, however it ended; None where nobody has asked for it."""
    listed = RunStore.open().list(kinds=tuple({spec.kind for spec in specs}), limit=_LATEST, results=False)
    by_digest: dict[str, Run] = {}
    for run in listed:
        by_digest.setdefault(run.digest, run)
    return [by_digest.get(spec.digest) for spec in specs]


def _seen_by_now(run: Run) -> None:
    """Every step is done: either the verdicts came since this run was read, or there are none to be had."""
    again = find(run.id)
    if again is not None and not unjudged(again):
        st.rerun()
    st.caption(
        ":material/info: The samples were compared, but the near-copy detectors give no verdict on this dataset."
    )
