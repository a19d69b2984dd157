"""Level 2 of the leakage page, the population: how often does a generator copy, and how often would chance do so?"""

from __future__ import annotations

import streamlit as st

from lab.leakage.population import detectors_of
from lab.neighbours.verdict import NEAR_COPY
from lab.runs.leakage_requests import population_run
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.first_steps import readiness
from lab.ui.frame import plain
from lab.ui.leakage_population_attack import attacks
from lab.ui.leakage_population_beside import blind_spots, closer, comparisons, sensitivity
from lab.ui.leakage_population_choice import Chosen, choose
from lab.ui.leakage_population_gallery import gallery
from lab.ui.leakage_population_numbers import Audited, audited, latest, share_words
from lab.ui.leakage_population_threshold import threshold
from lab.ui.run_panel import duration, expected, stand_in, submit
from lab.ui.sample_card import DETECTORS
from lab.ui.state import LeakageKey as Key


def population() -> None:
    """Choose a generator's samples, audit them, and count."""
    chosen = choose()
    if chosen is None or not readiness(chosen.dataset, "calibrate"):
        return
    done = _audit(chosen)
    if done is None:
        return
    told = audited(done, chosen)
    _headline(told)
    _count(told)
    st.subheader("What these detectors find, and what they miss", anchor=False)
    sensitivity(chosen.dataset)
    st.subheader("Does the generator know which films it was trained on?", anchor=False)
    attacks(chosen)


def _audit(chosen: Chosen) -> Run | None:
    """The finished audit; else a button with its cost, or its progress."""
    spec = population_run(chosen.reference, chosen.dataset)
    done = RunStore.open().find_done(spec.digest)
    if done is not None:
        return done
    going = latest(spec)
    if going is not None:
        stand_in(going)
        return None
    left, right = st.columns([0.25, 0.75], vertical_alignment="center")
    if left.button("Audit these samples", icon=":material/policy:", type="primary", width="stretch"):
        submit(spec)
        st.rerun()
    cost = expected("audit", chosen.images, lambda run: float((run.result or {}).get("n", 0)))
    told = (
        "seconds to minutes"
        if cost is None
        else f"about {duration(cost[0])}, judging by {cost[1]} past audits"
    )
    right.caption(
        f"An audit puts each of the {chosen.images:,} samples beside its nearest training image, by every detector: "
        f"{told}. It goes on when you leave the page, and its result is kept."
    )
    return None


def _headline(told: Audited) -> None:
    """The verdict of all detectors together, with the control's."""
    near, alarms = told.near, told.alarms
    words = (
        f"{near.hits} of {near.n:,} samples are near-copies by the detectors together ({share_words(near)})."
    )
    if not near.hits:
        words = f"No near-copy among {near.n:,} samples: none found by these detectors at this sensitivity."
    if alarms is not None:
        words += f" Control: {alarms.hits} of {alarms.n:,} held-out images ({share_words(alarms)})."
    mark = ":red[:material/content_copy:]" if near.hits else ":gray[:material/search:]"
    st.markdown(
        f"{mark} **{plain(words)}**",
        help=f"A {NEAR_COPY} lies nearer to a training image than 99 % of training images lie to one of another "
        "patient (p ≤ 0.01, corrected for the number of detectors). The control are real images of patients "
        "no generator saw, "
        "judged in the same way.",
    )


def _count(told: Audited) -> None:
    """The draggable threshold with what stands beside it, and the gallery that follows."""
    names = detectors_of(told.table)
    if not names:
        st.warning(
            "This audit was made before the detectors were calibrated, so it holds no distances to count."
        )
        return
    detector = str(
        st.segmented_control(
            "Detector",
            names,
            format_func=lambda name: DETECTORS.get(name, name),
            key=Key.POPULATION_DETECTOR,
            default=names[0],
            required=True,
            persist_state="session",
            help="Each detector measures another kind of likeness, and has its own distances and its own threshold.",
        )
        or names[0]
    )
    if detector not in names:
        detector = names[0]
    of = told.population(detector)
    left, right = st.columns([0.68, 0.32], gap="medium")
    with left:
        limit = threshold(told, of)
        blind_spots(told.chosen.dataset, detector)
    with right:
        closer(told.chosen)
        comparisons(of)
    gallery(told, of, limit)
