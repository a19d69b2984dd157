"""Choosing where copies are planted, how many, and which detectors look for them."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lab.data.store import open_dataset
from lab.metrics.registry import get_metric
from lab.metrics.sensitivity import DETECTORS
from lab.neighbours.canaries import kinds
from lab.runs.dependencies import EXTRACTOR
from lab.runs.kinds.providers import absent_needs
from lab.runs.privacy_requests import COPIES, FEWEST_COPIES, sensitivity_run
from lab.runs.records import Run
from lab.ui.first_steps import readiness
from lab.ui.frame import plain
from lab.ui.privacy_runs import datasets, launcher
from lab.ui.run_panel import duration, expected
from lab.ui.sets import open_set
from lab.ui.state import PrivacyKey as Key

KIND = "sensitivity"
COUNTS = (FEWEST_COPIES, 10, 20, COPIES, 100, 200, 500)
FEWEST_PATIENTS = 4
QUICK = ("nearest-distance", "nndr", "authpct", "ssim-nearest")


def form() -> None:
    """Draw the choices and the launch."""
    offered = datasets()
    left, middle, right = st.columns([0.44, 0.36, 0.2], gap="large")
    dataset = str(
        left.selectbox(
            "Plant copies of the training images of", list(offered), format_func=lambda name: offered[name].words,
            key=Key.PLANT_IN, persist_state="session",
            help="Half of the held-out patients stand among the copies as honest images; the other half set the "
            "thresholds of detectors that need some.",
        )
    )  # fmt: skip
    copies = int(
        middle.select_slider(
            "Copies of each kind", COUNTS, value=COPIES, key=Key.COPIES, persist_state="session",
            help="Training images that are copied, one a patient, once in each of "
            f"{len(kinds())} ways: {', '.join(kinds())}. With 10 copies a share of 50 % means 19 to 81 %; with 100, "
            "40 to 60 %.",
        )
    )  # fmt: skip
    seed = int(
        right.number_input(
            "Seed", 0, 2**32 - 1, 0, key=Key.PLANT_SEED, persist_state="session",
            help="Chooses the images that are copied and draws the noise.",
        )
    )  # fmt: skip
    names = _detectors(dataset)
    held_out = people(dataset, open_dataset(dataset).card.digest)
    barred = held_out < FEWEST_PATIENTS or not names
    if held_out < FEWEST_PATIENTS:
        st.warning(
            f"Only {held_out} patients of this dataset were held out; {FEWEST_PATIENTS} are needed, because honest "
            "images stand among the copies. Choose another dataset, or divide this one anew in the library."
        )
        return
    if not names:
        st.caption("Choose at least one detector.")
    if readiness(dataset, "embed"):
        launcher(
            KIND, "Plant and look", partial(sensitivity_run, dataset, metrics=names, copies=copies, seed=seed),
            cost(copies, held_out // 2, len(names)), barred,
        )  # fmt: skip


def _detectors(dataset: str) -> list[str]:
    """The chosen detectors; what one of them lacks is said."""
    picked = st.pills(
        "Detectors", DETECTORS, selection_mode="multi", default=list(DETECTORS), key=Key.DETECTORS,
        format_func=title, persist_state="session",
        help="Privacy metrics that flag single images. "
        + " ".join(f"**{title(name)}.** {get_metric(name).spec.definition}" for name in DETECTORS),
    )  # fmt: skip
    names = [name for name in DETECTORS if name in (picked or [])]
    for sentence in lacking(tuple(names), dataset, open_dataset(dataset).card.digest):
        st.caption(f":material/info: {plain(sentence)}")
    return names


@st.cache_data(max_entries=32, show_spinner=False, ttl=60)
def lacking(names: tuple[str, ...], dataset: str, digest: str) -> list[str]:
    """What chosen detectors need and this dataset has not; weights may arrive, so it is looked up again."""
    asked: dict[str, list[str]] = {}
    for name in names:
        for one in get_metric(name).spec.asks:
            asked.setdefault(one, []).append(name)
    told = absent_needs(sorted(asked), dataset, open_set(f"{dataset}:held-out"), EXTRACTOR)
    sentences = []
    for need, why in told.items():
        for name in asked[need]:
            without = "will have no number" if need in set(get_metric(name).spec.needs) else "does without"
            sentences.append(f"{title(name)} {without}: {why}")
    return sentences


def title(name: str) -> str:
    """A detector in words."""
    return get_metric(name).spec.title


@st.cache_data(max_entries=32, show_spinner=False)
def people(dataset: str, digest: str) -> int:
    """Held-out patients; the digest is part of the key."""
    return int(open_dataset(dataset).rows("held-out")["patient_id"].nunique())


def cost(copies: int, honest: int, detectors: int) -> str:
    """What is made, and how long it takes, as a sentence."""
    made = copies * len(kinds())
    words = (
        f"{made:,} copies in {len(kinds())} ways among about {honest:,} honest images, {detectors} detectors."
    )
    told = expected(KIND, float((made + honest) * max(1, detectors)), _work)
    if told is None:
        return (
            f"{words} Nothing like it was run here yet: a minute or two for 10 copies on two processor cores."
        )
    return f"{words} About {duration(told[0])}, as past runs took. It goes on when you leave the page."


def _work(run: Run) -> float:
    told = run.result or {}
    images = float(told.get("copies", 0) * len(kinds()) + told.get("honest", 0))
    return images * len(told.get("detectors", ()))
