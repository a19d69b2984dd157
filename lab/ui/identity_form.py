"""Choosing what a network that knows patients or copies learns from, how long, and at what cost."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lab.data.resolve import resolve
from lab.data.store import open_dataset
from lab.identification.card import list_cards
from lab.runs.identity_requests import STEPS, train_identity_run
from lab.runs.kinds.train_identity import MINIMUM_PATIENTS
from lab.runs.records import Run
from lab.ui.frame import plain
from lab.ui.identity_words import QUESTIONS, card_for, worth
from lab.ui.privacy_runs import datasets, launcher
from lab.ui.run_panel import duration, expected
from lab.ui.state import PrivacyKey as Key

KIND = "train_identity"
LENGTHS = (20, 50, 100, 200, 400, 800, 1200, 2400, 5000)
SIZES = (32, 64, 96, 128, 224)


def form() -> None:
    """Draw the choices and the launch."""
    offered = datasets()
    left, middle = st.columns([0.5, 0.5], gap="large")
    dataset = str(
        left.selectbox(
            "Learn from the training patients of", list(offered), format_func=lambda name: offered[name].words,
            key=Key.LEARN_FROM, persist_state="session",
            help="Patients teach who have two images or more. Held-out and test patients judge; they never teach.",
        )
    )  # fmt: skip
    question = str(
        middle.segmented_control(
            "What it shall recognise", list(QUESTIONS), format_func=QUESTIONS.__getitem__, default="patient",
            key=Key.QUESTION, required=True, persist_state="session",
            help="A Re-ID network says whether two images show one patient; the re-identification score needs it. A "
            "copy embedding says whether one image is an altered copy of another; the copy detection metric needs it.",
        )
        or "patient"
    )  # fmt: skip
    steps, size = _length(question)
    teach, films, judge = taught(dataset, open_dataset(dataset).card.digest)
    barred = question == "patient" and teach < MINIMUM_PATIENTS
    if barred:
        st.warning(
            plain(
                f"Only {teach} training patients of this dataset have two images or more; {MINIMUM_PATIENTS} are "
                "needed. Choose another dataset, or import it with its patient ids."
            )
        )
    if (now := card_for(dataset, question)) is not None:
        st.caption(
            plain(
                f"In use now: {now.origin}, {worth(now.verification)}. A new one takes its place for this dataset in "
                "this workspace; numbers measured before keep the network they were measured with."
            )
        )
    who = (
        f"{teach:,} patients with {films:,} images teach"
        if question == "patient"
        else "Training images teach"
    )
    launcher(
        KIND, "Train it", partial(train_identity_run, dataset, question, steps, size),
        f"{who}, {judge:,} other patients judge. {cost(question, steps, size)}", barred,
    )  # fmt: skip


def _length(question: str) -> tuple[int, int]:
    """Steps and side of the picture."""
    left, right = st.columns(2, gap="large")
    steps = left.select_slider(
        "Steps", LENGTHS, value=STEPS[question], key=f"{Key.LEARN_STEPS}{question}", persist_state="session",
        format_func=lambda count: f"{count:,}",
        help=f"Steps of the optimiser. {STEPS[question]:,} suffice for the phantoms; 50 show in a minute or two "
        "whether the dataset is fit for it, but give a weak network.",
    )  # fmt: skip
    size = right.select_slider(
        "Pixels a side", SIZES, value=64, key=Key.LEARN_SIZE, persist_state="session",
        help="The square that the network sees. Each doubling takes four times as long.",
    )  # fmt: skip
    return int(steps), int(size)


@st.cache_data(max_entries=32, show_spinner=False)
def taught(dataset: str, digest: str) -> tuple[int, int, int]:
    """Training patients with two images or more, their images, all other patients; the digest is part of the key."""
    frame = resolve(dataset, whole=True).frame()
    train = frame["split"].astype(str) == "train"
    films = frame.loc[train, "patient_id"].value_counts()
    several = films[films > 1]
    return len(several), int(several.sum()), int(frame.loc[~train, "patient_id"].nunique())


def cost(question: str, steps: int, size: int) -> str:
    """How long it takes, from past runs here, else from what the cards of networks say of their own training."""
    work = float(steps * size * size)
    told = expected(KIND, work, _work)
    if told is not None:
        return f"About {duration(told[0])}, as past trainings here took. It goes on when you leave the page."
    for _, card in list_cards():
        seconds, past = float(card.training.get("seconds", 0)), int(card.training.get("steps", 0))
        if card.question == question and seconds and past:
            guess = seconds / (past * card.size**2) * work
            return (
                f"About {duration(guess)}, if this machine is as fast as the one that trained the network in use. It "
                "goes on when you leave the page."
            )
    return "No past training to estimate from: 50 steps take a minute or two and will tell."


def _work(run: Run) -> float:
    asked = run.spec.settings
    return float(asked["steps"] * asked["size"] ** 2)
