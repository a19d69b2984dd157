"""Membership inference on the page: choose attacks, see their cost, run them with their controls."""

from __future__ import annotations

import streamlit as st

from lab.data.merged import MOST, merged_reference
from lab.data.samples import list_sample_sets
from lab.generators.card import GeneratorCard
from lab.generators.cards import list_cards
from lab.leakage.attacks.catalogue import ATTACKS, BLACK_BOX, EVERY, calls_per_film
from lab.leakage.membership import read_members
from lab.runs.leakage_requests import FILMS, membership_run
from lab.runs.records import Run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from lab.ui.frame import plain
from lab.ui.leakage_population_choice import Chosen
from lab.ui.leakage_population_curves import curves
from lab.ui.leakage_population_lira import small_models
from lab.ui.leakage_population_numbers import latest
from lab.ui.run_panel import duration, expected, stand_in, submit
from lab.ui.state import LeakageKey as Key

COUNTS = (48, 100, 300, 1000)
HELP = (
    "Membership inference: a score says for each film whether the generator was trained on it. The curve shows "
    "how many "
    "members are recognised at each rate of false alarms on films it never saw. An area of 0.5 is chance, 1 is "
    "certainty."
)
KINDS = (
    "Black box: only the samples are needed; is a training film nearer to them than films of others are? All "
    "others are "
    "white box: they ask the model itself.\n\n"
    + "\n\n".join(f"**{attack.title}.** {attack.words}" for attack in ATTACKS.values())
)


def attacks(chosen: Chosen) -> None:
    """The attacks on the chosen generator, its control beside it."""
    card = chosen.card
    if card is None or card.training_dataset != chosen.dataset:
        st.caption(
            "An attack needs a generator and the dataset it was trained on: choose both above. Honest new "
            "images have no "
            "generator to attack."
        )
        return
    picked, films = _choice()
    if not picked:
        st.caption("Choose at least one attack.")
        return
    beside = control_card(card)
    specs = [membership_run(card.id, chosen.dataset, chosen.reference, films=films, attacks=picked)]
    if beside is not None:
        sets = _samples_of(beside.id)
        specs.append(membership_run(beside.id, chosen.dataset, sets, card.id, films, attacks=picked))
    done = [RunStore.open().find_done(spec.digest) for spec in specs]
    if done[0] is None or any(run is None for run in done):
        _start(specs, done, beside)
    if done[0] is not None:
        curves(done[0], done[1] if len(done) > 1 else None, beside)
    small_models(chosen.dataset)


def _choice() -> tuple[list[str], int]:
    """Attacks and films a side."""
    left, right = st.columns([0.7, 0.3], vertical_alignment="top")
    picked = left.pills(
        "Attacks", EVERY, selection_mode="multi", default=list(EVERY), key=Key.POPULATION_ATTACKS,
        format_func=short_words, persist_state="session", help=KINDS,
    )  # fmt: skip
    films = right.select_slider(
        "Films on each side", COUNTS, value=FILMS, key=Key.POPULATION_FILMS, persist_state="session",
        format_func=lambda count: f"{count:,}",
        help="Films the generator saw and films it never saw, as many of each as there are, at most. A rate at "
        "1 % false "
        "alarms needs 100 films it never saw, one at 0.1 % needs 1,000.",
    )  # fmt: skip
    return [name for name in EVERY if name in (picked or [])], int(films)


def short_words(name: str) -> str:
    """An attack of the catalogue on a button."""
    return "Black box" if name == BLACK_BOX else ATTACKS[name].title


def control_card(card: GeneratorCard) -> GeneratorCard | None:
    """A generator of the same dataset, all of it, that was not over-trained and is here; None where there is none."""
    return next(
        (
            other
            for other in list_cards()
            if other.id != card.id and other.training_dataset == card.training_dataset and not other.over_trained
            and other.path is not None and other.path.is_dir() and read_members(other.root) is None
        ),
        None,
    )  # fmt: skip


def _samples_of(generator: str) -> str:
    """All sample sets of a generator as one reference; "" without any."""
    ids = [card.id for card in list_sample_sets() if card.origin == generator][:MOST]
    return merged_reference(ids)


def _start(specs: list[RunSpec], done: list[Run | None], beside: GeneratorCard | None) -> None:
    going = [latest(spec) for spec, run in zip(specs, done, strict=True) if run is None]
    waiting = next((run for run in going if run is not None), None)
    if waiting is not None:
        stand_in(waiting)
        return
    left, right = st.columns([0.25, 0.75], vertical_alignment="center")
    label = "Attack the generator" if done[0] is None else "Run the control"
    if left.button(label, icon=":material/target:", width="stretch", help=HELP):
        for spec, run in zip(specs, done, strict=True):
            if run is None:
                submit(spec)
        st.rerun()
    right.caption(_cost(specs[0], done.count(None), beside))


def _cost(spec: RunSpec, runs: int, beside: GeneratorCard | None) -> str:
    """What a launch will cost, in words: how often the model is asked, and how long that took before."""
    calls = calls_per_film(spec.settings["attacks"])
    size = 2 * spec.settings["films"] * max(1, calls)
    control = f" The same films are tried on {plain(beside.title)} as the control." if beside else ""
    cost = expected("membership", size * runs, _asked)
    told = (
        "a few minutes" if cost is None else f"about {duration(cost[0])}, judging by {cost[1]} past attacks"
    )
    asked = (
        f"The model is asked {calls:,} times for each of at most {2 * spec.settings['films']:,} films. "
        if calls
        else ""
    )
    return f"{asked}{control} It takes {told}, and goes on when you leave the page.".strip()


def _asked(run: Run) -> float:
    """How often a past run asked its model; its searches count as one question a film."""
    settings = run.spec.settings
    films = sum(((run.result or {}).get("attacks") or [{}])[0].get(side, 0) for side in ("members", "others"))
    return float(films * max(1, calls_per_film(settings.get("attacks", ()))))
