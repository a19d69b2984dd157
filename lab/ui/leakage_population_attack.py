"""Membership inference on the page: run the attacks with their control, and read the curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from lab.charts.roc import Curve, roc_figure
from lab.data.merged import MOST, merged_reference
from lab.data.samples import list_sample_sets
from lab.generators.card import GeneratorCard
from lab.generators.cards import list_cards
from lab.leakage.membership import read_members
from lab.runs.leakage_requests import MOST_FILMS, membership_run
from lab.runs.records import Run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from lab.ui.frame import plain
from lab.ui.leakage_population_choice import Chosen
from lab.ui.leakage_population_ledger import ledger
from lab.ui.leakage_population_numbers import latest
from lab.ui.run_panel import duration, expected, stand_in, submit
from lab.ui.sample_card import DETECTORS
from lab.ui.state import LeakageKey as Key

WHITE = "white-box loss"
HELP = (
    "Membership inference: a score says for each film whether the generator was trained on it. The "
    "curve shows how many "
    "members are recognised at each rate of false alarms on films it never saw. An area of 0.5 is "
    "chance, 1 is certainty."
)


def attacks(chosen: Chosen) -> None:
    """The attacks on the chosen generator, its control beside it."""
    card = chosen.card
    if card is None or card.training_dataset != chosen.dataset:
        st.caption(
            "An attack needs a generator and the dataset it was trained on: choose both above. "
            "Honest new images have no "
            "generator to attack."
        )
        return
    main = membership_run(card.id, chosen.dataset, chosen.reference)
    beside = control_card(card)
    specs = [main]
    if beside is not None:
        specs.append(membership_run(beside.id, chosen.dataset, _samples_of(beside.id), card.id))
    done = [RunStore.open().find_done(spec.digest) for spec in specs]
    if done[0] is None or any(run is None for run in done):
        _start(specs, done, beside)
    if done[0] is not None:
        _shown(done[0], done[1] if len(done) > 1 else None, beside)


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
    cost = expected(
        "membership", MOST_FILMS * done.count(None), lambda run: float(run.spec.settings["films"])
    )
    told = (
        "a few minutes" if cost is None else f"about {duration(cost[0])}, judging by {cost[1]} past attacks"
    )
    control = f" The same films are tried on {plain(beside.title)} as the control." if beside else ""
    right.caption(
        "Black box: is a training film nearer to the samples than a film of others is? White box: "
        f"does the denoiser err less on it?{control} It takes {told}."
    )


def _shown(run: Run, control: Run | None, beside: GeneratorCard | None) -> None:
    told = {one["name"]: one for one in (run.result or {})["attacks"]}
    honest = {one["name"]: one for one in ((control.result if control else None) or {}).get("attacks", [])}
    if not told:
        st.caption(plain((run.result or {}).get("closed", "")) or "No attack was possible on this generator.")
        return
    names = list(told)
    picked = st.segmented_control(
        "Attack",
        names,
        format_func=attack_words,
        key=Key.POPULATION_ATTACK,
        default=names[-1],
        required=True,
        persist_state="session",
        help=HELP,
    )
    name = str(picked) if picked in told else names[-1]
    left, right = st.columns([0.62, 0.38], gap="medium")
    with right:
        log = st.toggle("Logarithmic axes", key=Key.POPULATION_LOG, persist_state="session",
                        help="For privacy the left end matters: few false alarms.")  # fmt: skip
        _sentences(told[name], honest.get(name), run, beside)
        bound = ledger(told[name], int((run.result or {}).get("trained", 0)))
    with left:
        curves = [_curve(told[name], attack_words(name), False)]
        if name in honest:
            curves.append(_curve(honest[name], f"Control: {beside.title if beside else ''}", True))
        st.plotly_chart(
            roc_figure(curves, bound, log), config={"displayModeBar": False}, theme=None, key="leakage.population.roc",
            alt=f"ROC curve, area {told[name]['area']:.2f}",
        )  # fmt: skip
    _table(told, honest)
    if reason := (run.result or {}).get("closed"):
        st.caption(plain(reason))


def attack_words(name: str) -> str:
    """An attack in words."""
    if name == WHITE:
        return "White box: denoising loss"
    detector = name.removeprefix("black-box ")
    return f"Black box: {DETECTORS.get(detector, detector).lower()}"


def _curve(told: dict[str, Any], name: str, control: bool) -> Curve:
    return Curve(
        name, np.array(told["fpr"]), np.array(told["tpr"]), told["area"], told["low"], told["high"], control
    )


def _sentences(
    told: dict[str, Any], honest: dict[str, Any] | None, run: Run, beside: GeneratorCard | None
) -> None:
    result = run.result or {}
    st.markdown(
        f"**Area {told['area']:.2f}** ({told['low']:.2f} to {told['high']:.2f}); 0.5 is chance. "
        f"{told['members']:,} films it saw, of {told['member_patients']:,} patients, against "
        f"{told['others']:,} it never saw, of "
        f"{told['other_patients']:,}."
    )
    if honest is not None and beside is not None:
        st.markdown(
            f"Control, the same films on {plain(beside.title)}: **{honest['area']:.2f}** "
            f"({honest['low']:.2f} to {honest['high']:.2f})."
        )
    rate = _at_one_percent(told)
    if rate is None:
        st.caption("With fewer than 100 films it never saw, a rate at 1 % false alarms cannot be told.")
    else:
        st.markdown(
            f"At 1 % false alarms it recognises {100 * rate['hits'] / rate['n']:.0f} % of members "
            f"({rate['hits']} of {rate['n']}, {100 * rate['low']:.0f} to {100 * rate['high']:.0f} %)."
        )
    if not result.get("listed"):
        st.caption(
            "Members: all training images of the dataset, as no list of its training films lies beside its card."
        )


def _table(told: dict[str, Any], honest: dict[str, Any]) -> None:
    rows: list[dict[str, str]] = []
    for name, one in told.items():
        rate, control = _at_one_percent(one), honest.get(name)
        lower = one["lower_epsilon"].get("1e-05")
        rows.append(
            {
                "Attack": attack_words(name),
                "Area": _within(one, "area", "low", "high"),
                "Control": _within(control, "area", "low", "high") if control else "–",
                "Balanced accuracy": _within(one, "accuracy", "accuracy_low", "accuracy_high"),
                "Recognised at 1 %": "–" if rate is None else f"{rate['hits']} of {rate['n']}",
                "Epsilon at least": "–" if lower is None else f"{lower:.2f}",
            }
        )
    told_of = {
        "Area": "Area under the curve with its 95 % interval by patient; 0.5 is chance.",
        "Control": "The same films against a generator that was not over-trained.",
        "Balanced accuracy": "How often it is right of members and of others, with a threshold chosen on one half of "
        "the patients and tried on the other; 0.5 is chance.",
        "Recognised at 1 %": "Members recognised where 1 % of the films it never saw raise a false alarm.",
        "Epsilon at least": "The smallest epsilon of differential privacy, at delta 0.00001, that this attack leaves "
        "possible with 95 % confidence; a dash: it shows none.",
    }
    columns = {name: st.column_config.TextColumn(help=words) for name, words in told_of.items()}
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", column_config=columns)


def _at_one_percent(told: dict[str, Any]) -> dict[str, Any] | None:
    """The rate at 1 % false alarms; None where too few non-members stand behind it."""
    return next((one for one in told["rates"] if one["fpr"] == 0.01), None)


def _within(told: dict[str, Any], value: str, low: str, high: str) -> str:
    return f"{told[value]:.2f} ({told[low]:.2f} to {told[high]:.2f})"
