"""After some cases: how often readers told the training film from the control, with interval, chance and control."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from lab.leakage import verdicts
from lab.leakage.verdicts import CATCH, SAMPLE, CaseVerdict, Told
from lab.runs.records import Run
from lab.ui.leakage_case_set import Cases, reference
from lab.ui.sample_card import DETECTORS, percent

ENOUGH = 5
HELP = (
    "Of the readings that rated one candidate more alike than the other, those that preferred the training image. "
    "Sides are drawn at random, so guessing gives 50 %. Held-out images that were asked as samples are the control: no "
    "generator made them, so whatever readers prefer there is no leak."
)


def summary(cases: Cases, reader: str) -> None:
    """A small table once this reader has judged five cases; until then how many are missing."""
    known = {str(row["code"]) for row in cases.rows}
    found = [one for one in verdicts.of_set(cases.samples) if one.case in known]
    own = [one for one in found if one.reader == reader]
    if len(own) < ENOUGH:
        if own:
            left = ENOUGH - len(own)
            st.caption(
                f"{len(own)} judged; a summary stands here after {left} more {'case' if left == 1 else 'cases'}."
            )
        return
    with st.container(border=True):
        st.markdown("**Did you tell training images from the control?**", help=HELP)
        for words in lines(own, "You"):
            st.markdown(words)
        readers = len({one.reader for one in found})
        if readers > 1:
            for words in lines(found, f"All {readers} readers"):
                st.markdown(words)
        st.caption(lean_words(reference(cases.dataset)[1], cases))


def lines(found: Sequence[CaseVerdict], who: str) -> list[str]:
    """One line on samples and one on held-out images asked as samples."""
    told = []
    for source, words in ((SAMPLE, "samples"), (CATCH, "held-out images asked as samples (control)")):
        part = [one for one in found if one.source == source]
        if part:
            told.append(f"{who}, {words}: {in_words(verdicts.told_apart(part))}")
    return told


def in_words(told: Told) -> str:
    """A share with its interval, n and chance."""
    undecided = f"; {told.undecided} of {told.readings} rated both alike" if told.undecided else ""
    share = told.share
    if share is None:
        return f"no reading preferred one of both{undecided}."
    return (
        f"**{share.hits} of {share.n}** preferred the training image ({percent(share.value, 0)}, 95 % interval "
        f"{percent(share.low, 0)} to {percent(share.high, 0)}; chance 50 %){undecided}."
    )


def lean_words(run: Run, cases: Cases) -> str:
    """How far honest films lean to training by distance alone: there are more training films to be near to."""
    start = (
        f"There are {cases.n_train:,} training images to be near to and {cases.n_control:,} controls, so even honest "
        "images lean to training"
    )
    lean: dict[str, Any] = (run.result or {}).get("lean") or {}
    if not lean:
        return f"{start}. How much is being measured."
    told = [
        f"{percent(one['value'], 0)} by {DETECTORS.get(name, name).lower()} ({percent(one['low'], 0)} to "
        f"{percent(one['high'], 0)}, n = {one['n']})"
        for name, one in lean.items()
    ]
    return f"{start}: of held-out images {' and '.join(told)} lie nearer to a training image."
