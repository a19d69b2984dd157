"""The first five slides: what was trained, what came out, the vote, the answer, and whether it is chance."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from lab.charts.leakage_demo import control_figure
from lab.leakage.demo_counts import Truth
from lab.leakage.demo_plan import DATASET, MEMORISED, MEMORISED_SET
from lab.leakage.demo_runs import Audits, Case, first_films, planted_samples
from lab.leakage.demo_truth import films_of
from lab.neighbours.intervals import Share, wilson
from lab.ui import hanging
from lab.ui.films import TONES, training_word
from lab.ui.leakage_demo_films import row, sample_of, tile, training_film
from lab.ui.leakage_demo_ready import limit_of
from lab.ui.leakage_demo_state import Hands, move
from lab.ui.leakage_demo_words import counted, number, percent, say, small
from lab.ui.sample_card import DETECTORS
from lab.ui.state import LeakageKey as Key
from lab.ui.viewer import Film, viewer


@dataclass(frozen=True)
class Talk:
    """What a slide is drawn from.

    Attributes:
        truth: who was in the training.
        hands: the show of hands.
        known_case, known_audits: what was found; a slide that does without it is drawn before it is there.
    """

    truth: Truth
    hands: Hands
    known_case: Case | None = None
    known_audits: Audits | None = None

    @property
    def case(self) -> Case:
        """The case of a slide that is only drawn when it is there."""
        assert self.known_case is not None  # noqa: S101  (the caller draws no such slide without it)
        return self.known_case

    @property
    def audits(self) -> Audits:
        """The audits of a slide that is only drawn when they are there."""
        assert self.known_audits is not None  # noqa: S101  (the caller draws no such slide without them)
        return self.known_audits


def trained(talk: Talk) -> str:
    """192 patients, some of them repeated: numbers at the left, six training images at the right."""
    copies = {film.image_id: film.copies for film in films_of(MEMORISED)}
    planted, once = first_films(talk.truth, 3)
    patients = len(talk.truth.planted) + len(talk.truth.once)
    times = max(copies.values())
    left = number(f"{patients}", "phantom patients, one film each") + number(
        f"{len(talk.truth.planted)}", f"of them repeated {times} times"
    )
    tiles = [
        tile(training_film(DATASET, name, "training image"), f"× {copies[name]}")
        for name in (*planted, *once)
    ]
    pictures = row(tiles, 3, 170, lines=2)
    st.html(
        f'<div class="slide-halves"><div>{left}{small("No real patient: phantoms.")}</div>{pictures}</div>'
    )
    return (
        "The films are procedural: no patient was exposed for this demonstration.\n"
        "Real collections hold repeats as well: follow-ups, re-exports, merged archives. Here we know who was repeated:"
        f" the list lies beside the generator.\nThe generator is {MEMORISED}: small, and trained too long on purpose."
    )


def prompted(talk: Talk) -> str:
    """One caption and what the generator makes of it."""
    prompt, names = planted_samples()
    tiles = [
        tile(sample_of(MEMORISED_SET, name, DATASET, f"sample {at}")) for at, name in enumerate(names, 1)
    ]
    st.html(
        f'<p class="slide-quote">“{html.escape(prompt)}”</p>'
        + row(tiles, len(tiles), 330)
        + say("Another seed each. Four different patients?")
    )
    return (
        "The words are the caption of a training film: the first one in the list, not one that was picked.\n"
        "The four samples differ in nothing but their seed. Ask: do four different patients look like this?"
    )


def voted(talk: Talk) -> str:
    """The sample beside two candidates, blinded: no tag, no number."""
    sample, training, control = _three(talk)
    order = (training, control) if talk.hands.training_first else (control, training)
    with st.container(key=Key.DEMO_FILMS):
        st.html('<div class="slide-heads"><span>The sample</span><span>A</span><span>B</span></div>')
        viewer(
            [sample, *order],
            key=f"{Key.DEMO_VIEWER}.{talk.hands.token}",
            columns=3,
            blinded=True,
            on_stepped=move,
        )
    return (
        "One of the two is a patient the generator was trained on, the other is not. Chance decided which hangs on the "
        "left.\nTake the hands for A first, then for B. Nothing is shown before the vote, not even to you."
    )


def answered(talk: Talk) -> str:
    """Tags, the registered difference, and the evidence in one sentence."""
    found = talk.case
    verdict = found.report["verdict"]
    sample, training, _ = _three(talk)
    label = str(verdict["label"])
    told = replace(sample, badge=label, tone=TONES.get(label, ""), caption="sample")
    beside = replace(training, caption=f"nearest {training_word(DATASET)}, candidate {_letter(talk, True)}")
    st.html(say(_sentence(talk)) + small(_audience(talk)))
    with st.container(key=f"{Key.DEMO_FILMS}.answer"):
        viewer(
            [told, beside, hanging.difference_film(told, beside)],
            key=f"{Key.DEMO_VIEWER}.answer",
            columns=3,
            on_stepped=move,
        )
    film = next(
        (one for one in films_of(MEMORISED) if one.image_id == found.report["neighbours"][0]["image_id"]),
        None,
    )
    times = f"This film was repeated {film.copies} times in training." if film and film.copies > 1 else ""
    return (
        "Keys: S swipes sample and training image, the arrows up and down move the divider; B blinks; D subtracts.\n"
        f"Mid-grey in the third picture means equal. {times}\n"
        "Each detector was calibrated on how near films of different patients come to each other."
    )


def by_chance(talk: Talk) -> str:
    """The control: the nearest held-out film, and where the sample lies among held-out patients."""
    found = talk.case
    sample, _, control = _three(talk)
    words = tile(replace(sample, caption="sample"), "sample")
    held_out = tile(replace(control, caption="nearest held-out image"), "nearest held-out")
    left, right = st.columns([0.42, 0.58], gap="medium", vertical_alignment="center")
    lines, height = [], 540 // max(1, len(found.held_out))
    with right:
        for reading in sorted(found.report["verdict"]["detectors"], key=lambda one: float(one["p"])):
            name, distance = str(reading["name"]), float(reading["distance"])
            honest = found.held_out[name]
            nearer = wilson(int(np.sum(honest <= distance)), len(honest))
            lines.append((DETECTORS.get(name, name), nearer, name in found.report["verdict"]["agreeing"]))
            limit = limit_of(found.reference[name], len(found.reference))
            figure = control_figure(honest, distance, limit, DETECTORS.get(name, name), height)
            st.plotly_chart(figure, key=f"{Key.DEMO_VIEWER}.{name}", config={"displayModeBar": False})
    with left:
        st.html(row([words, held_out], 2, 400))
        st.html("".join(say(_nearer(*line)) for line in lines))
        st.html(small("Held-out: patients the generator never saw. Red: where a near-copy begins."))
    told = "; ".join(f"{who} {counted(nearer)}" for who, nearer, _ in lines)
    return (
        "The objection to expect: films of chests are all alike. So every held-out film, of a patient nobody trained "
        f"on, was put through the same search.\nAs near or nearer: {told}.\nThe held-out film nearest to the sample "
        f"hangs beside it: alike, and clearly somebody else.\n{_sensitivity(found)}"
    )


def _nearer(who: str, near: Share, sees: bool) -> str:
    """How many held-out films come as near by one detector; a detector that does not see this copy says so."""
    blind = "" if sees else " It does not see this one."
    return f"{who}: {near.hits} of {near.n} held-out films come as near.{blind}"


def _sensitivity(found: Case) -> str:
    """What each detector finds of copies that were planted to test it."""
    kinds = found.calibration.get("canaries", [])
    told = []
    for name in found.reference:
        shares = [
            (one["kind"], one["by_detector"][name]["value"]) for one in kinds if name in one["by_detector"]
        ]
        weak = ", ".join(f"{kind} {percent(value)}" for kind, value in shares if value < 0.9)
        told.append(
            f"{DETECTORS.get(name, name)} misses " + (f"some: {weak} found" if weak else "hardly any")
        )
    return f"Planted test copies (canaries): {'; '.join(told)}." if kinds else ""


def _three(talk: Talk) -> tuple[Film, Film, Film]:
    """Sample, nearest training image, nearest held-out image."""
    found = talk.case
    sample = sample_of(MEMORISED_SET, found.chosen, DATASET)
    training = training_film(DATASET, str(found.report["neighbours"][0]["image_id"]))
    control = training_film(DATASET, str(found.report["held_out"]["image_id"]))
    # Masks would only lead the eye: the question is whether it is the same person.
    return sample, replace(training, mask=None), replace(control, mask=None)


def _letter(talk: Talk, training: bool) -> str:
    return "A" if training == talk.hands.training_first else "B"


def _sentence(talk: Talk) -> str:
    """The evidence in one sentence."""
    report: dict[str, Any] = talk.case.report
    verdict = report["verdict"]
    agreeing, count, n = len(verdict["agreeing"]), len(verdict["detectors"]), int(verdict["n_reference"])
    if verdict["label"] == "ordinary":
        return f"None of {count} detectors tells a near-copy here (p = {verdict['p']:.3f}, {n:,} reference films)."
    word = "A near-copy" if verdict["label"] == "near-copy" else "Close"
    return (
        f"{word}: {agreeing} of {count} detectors agree. Nearer to a training patient than "
        f"{100 * (1 - verdict['p']):.1f} % of patients are to each other (p = {verdict['p']:.4f}, n = {n:,})."
    )


def _audience(talk: Talk) -> str:
    """What the hands said of both candidates."""
    if not talk.hands.given:
        return "No vote was taken."
    told = []
    for training in (True, False):
        counts = talk.hands.rows[0 if training == talk.hands.training_first else 1]
        same = wilson(sum(counts[3:]), sum(counts))
        who = "the training image" if training else "control, the held-out image"
        told.append(f"{who} ({_letter(talk, training)}): {same.hits} of {same.n} hands said the same patient")
        told[-1] += f" ({percent(same.low)} to {percent(same.high)})"
    return "You said: " + "; ".join(told) + "."
