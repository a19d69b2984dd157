"""The last four slides: how often, why, what would help, and the truth set against what was found."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import streamlit as st

from lab.charts.distances import distance_figure
from lab.charts.leakage_demo import Dose, dose_figure, larger
from lab.leakage.demo_counts import Matrix, given_back, matrix_of, near_copies
from lab.leakage.demo_plan import DATASET, HELD_OUT, MEMORISED_SET, ONCE, PLANTED
from lab.leakage.demo_remedies import DoseOfFilms, Remedy, doses, remedies
from lab.leakage.population import detectors_of, distance_column
from lab.neighbours.intervals import Share, wilson
from lab.ui.leakage_demo_films import sample_of, thumb, training_film
from lab.ui.leakage_demo_ready import distances_of, limit_of
from lab.ui.leakage_demo_slides import Talk
from lab.ui.leakage_demo_words import control_of, counted, interval, number, percent, say
from lab.ui.sample_card import DETECTORS
from lab.ui.state import LeakageKey as Key

LEVELS = {"case": "The case", "population": "The population", "cause": "The cause"}


def how_often(talk: Talk) -> str:
    """Three numbers with their controls, and the three distributions of each detector."""
    found = talk.audits
    told, matrix = found.memorised, matrix_of(found.memorised, talk.truth)
    alarms = found.false_alarms
    honest = (
        Share(alarms["hits"], alarms["n"], alarms["low"], alarms["high"], alarms["n"]) if alarms else None
    )
    share, other = near_copies(told), near_copies(found.well_trained)
    people = len(matrix.found) + len(matrix.exposed)
    exposed = wilson(people, len(talk.truth.planted) + len(talk.truth.once))
    numbers = (
        number(percent(share.value), "of the samples are near-copies", f"{interval(share)}. "
               + control_of(other, "a well-trained generator")),
        number(f"{people}", f"of {exposed.n} training patients exposed", f"{interval(exposed)}. Control: "
               f"{len(matrix.alarms)} samples point at a patient it never saw."),
        number(percent(honest.value) if honest else "–", "false alarms", f"{counted(honest)} held-out films, whom "
               "nobody trained on" if honest else "no held-out films"),
    )  # fmt: skip
    st.html(f'<div class="slide-numbers">{"".join(numbers)}</div>')
    _distributions(talk)
    by_group = "; ".join(
        f"{words} {counted(near_copies(told, group))}"
        for group, words in (
            (PLANTED, "repeated films' captions"),
            (ONCE, "once-seen"),
            (HELD_OUT, "held-out"),
        )
    )
    return (
        "Two different numbers: the share of samples that are copies, and the number of patients given away.\n"
        f"Near-copies by whose caption was asked: {by_group}.\nWith many samples and many films some closeness is "
        "certain: that is why the held-out films stand beside them at the same threshold."
    )


def _distributions(talk: Talk) -> None:
    """Samples, held-out and training images by each detector, the one that sees most copies first."""
    panels = []
    for name in detectors_of(talk.audits.memorised):
        sides = {side: distances_of(digest) for side, digest in talk.audits.distances[name].items()}
        values = talk.audits.memorised[distance_column(name)].to_numpy(dtype=np.float64)
        limit = limit_of(sides["train"], len(talk.audits.distances))
        words = DETECTORS.get(name, name)
        figure = distance_figure(values, sides["held-out"], sides["train"], limit, words.lower(), height=450)
        panels.append((int(np.sum(values <= limit)), name, _slide_size(figure)))
    panels.sort(key=lambda panel: -panel[0])
    for column, (_, name, figure) in zip(st.columns(max(1, len(panels)), gap="medium"), panels, strict=False):
        with column:
            st.plotly_chart(figure, key=f"{Key.DEMO_VIEWER}.often.{name}", config={"displayModeBar": False})


def _slide_size(figure: Any) -> Any:
    """A chart of distances in the type of a slide; the word at the threshold moves off the axis."""
    larger(figure).update_layout(margin={"t": 92, "b": 50, "l": 60, "r": 10}, legend={"font": {"size": 13}})
    figure.for_each_annotation(lambda one: one.update(xanchor="left", font={"size": 16}))
    return figure


def why(talk: Talk) -> str:
    """Repeated films against once-seen ones, for fewer and more training films."""
    found = doses()
    if not found:
        st.html(say("No over-trained generator with a stored measurement is installed here."))
        return "The command line measures one: python -m lab gates run planted."
    places = [f"{one.films} films" for one in found]
    figure = dose_figure(
        places,
        "Trained on",
        [
            Dose("Repeated in training", "sample", [one.planted for one in found]),
            Dose("Seen once", "train", [one.once for one in found]),
            Dose("Held-out (control)", "held-out", [one.control for one in found]),
        ],
        height=530,
    )
    st.html(say(_why(found)))
    st.plotly_chart(figure, key=f"{Key.DEMO_VIEWER}.why", config={"displayModeBar": False})
    own = {name: given_back(talk.audits.memorised, talk.truth, name) for name in (PLANTED, ONCE)}
    return (
        "Each dot: films given back when asked by their own caption, ten samples each; whiskers are 95 % intervals.\n"
        f"In this very set, with fewer samples: repeated {counted(own[PLANTED])}, seen once {counted(own[ONCE])}.\n"
        "Repeating a film is what gives it away here. Where whiskers overlap, twenty films cannot tell a difference."
    )


def _why(found: Sequence[DoseOfFilms]) -> str:
    """What the dots say, from the fewest films to the most."""
    often = [f"{one.planted.hits} of {one.planted.n}" for one in found if one.planted]
    once = [f"{one.once.hits} of {one.once.n} among {one.films}" for one in found if one.once]
    return f"Repeated films given back: {', '.join(often)}. Seen once: {', '.join(once)}."


def what_helps(talk: Talk) -> str:
    """Remedies with what still leaks, its control, and the price."""
    found = remedies(talk.audits.memorised, talk.truth, talk.audits.false_alarms)
    head = "<tr><th>What is done</th><th>Still leaks</th><th>Control</th><th>Price</th></tr>"
    st.html(f'<table class="slide-table">{head}{"".join(map(_remedy, found))}</table>')
    return (
        "None of these is free, and none of these numbers says private: they say what these detectors found.\n"
        "Discarding copies protects the set that is handed on, not the generator: whoever has it can ask again.\n"
        "Intervals are 95 %. Levels The population and The cause show the curves behind these numbers."
    )


def _remedy(one: Remedy) -> str:
    leak = f"<b>{percent(one.leak.value)}</b> {_small(counted(one.leak))}" if one.leak else "<b>–</b>"
    control = (
        f"{percent(one.control.value)} {_small(counted(one.control))}" if one.control else "not measured"
    )
    cells = (
        html.escape(one.title),
        f"{leak}{_small(one.what)}",
        f"{control}{_small(one.control_what)}",
        html.escape(one.price),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _small(words: str) -> str:
    return f"<small>{html.escape(words)}</small>"


def revealed(talk: Talk) -> str:
    """The planted truth against the verdicts, as a matrix of films and dots; then the way into the levels."""
    matrix = matrix_of(talk.audits.memorised, talk.truth)
    well = near_copies(talk.audits.well_trained)
    st.html(f'<div class="slide-matrix" data-matrix="{_code(matrix)}">{_planted(matrix)}{_once(matrix)}'
            f"{_never(matrix, talk)}</div>" + say(_well(well)))  # fmt: skip
    _levels()
    return (
        f"Found {counted(matrix.planted)}; exposed though seen once {counted(matrix.once)}; false alarms "
        f"{counted(matrix.false)} samples.\nThe truth is the list that training wrote; the verdicts never saw it.\n"
        f"The well-trained generator was asked the same held-out captions: {counted(well)}. That is no promise: with "
        f"{well.n} samples up to {percent(well.high)} could be near-copies."
    )


def _well(well: Share) -> str:
    if well.hits:
        return f"The well-trained generator: {counted(well)} samples are near-copies."
    return (
        f"The well-trained generator, {well.n} samples: none found by these detectors at this sensitivity "
        f"(up to {percent(well.high)} would fit)."
    )


def _code(matrix: Matrix) -> str:
    return "-".join(
        str(len(part)) for part in (matrix.found, matrix.missed, matrix.exposed, matrix.spared, matrix.alarms)
    )


def _planted(matrix: Matrix) -> str:
    heads = ("What is true", "Found by the audit", "Not found")
    head = "".join(f'<span class="head">{words}</span>' for words in heads)
    found = _cell(
        "bad", len(matrix.found), f"found, {counted(matrix.planted)}", _thumbs(matrix.found, "found")
    )
    missed = _cell("fine", len(matrix.missed), "missed", _thumbs(matrix.missed, "missed"))
    return head + _row("Planted", f"{matrix.planted.n} patients, repeated in training") + found + missed


def _once(matrix: Matrix) -> str:
    exposed = _cell(
        "bad", len(matrix.exposed), f"exposed, {counted(matrix.once)}", _dots(len(matrix.exposed), True)
    )
    spared = _cell("fine", len(matrix.spared), "not given back here", _dots(len(matrix.spared), False))
    return _row("Seen once", f"{matrix.once.n} patients, not repeated") + exposed + spared


def _never(matrix: Matrix, talk: Talk) -> str:
    pictures = "".join(
        thumb(sample_of(MEMORISED_SET, name, DATASET), "sample that points at a patient never seen")
        for name in matrix.alarms[:12]
    )
    alarms = _cell("bad", len(matrix.alarms), f"false alarms, {counted(matrix.false)} samples",
                   f'<div class="slide-thumbs">{pictures}</div>')  # fmt: skip
    rest = matrix.samples - int(talk.audits.memorised["copy"].sum())
    quiet = _cell("fine", rest, "samples without an alarm", "")
    return _row("Never seen", "patients of the dataset whom this generator did not see") + alarms + quiet


def _row(words: str, further: str) -> str:
    return f'<div class="row">{html.escape(words)}<small>{html.escape(further)}</small></div>'


def _cell(kind: str, count: int, words: str, pictures: str) -> str:
    kind = kind if count else "none"
    told = f'<b>{count}</b><span class="told">{html.escape(words)}</span>'
    return f'<div class="cell {kind}">{told}{pictures}</div>'


def _thumbs(names: Sequence[str], kind: str) -> str:
    pictures = "".join(
        thumb(training_film(DATASET, name), f"planted training image, {kind}") for name in names
    )
    return f'<div class="slide-thumbs {kind}">{pictures}</div>'


def _dots(count: int, hit: bool) -> str:
    return f'<div class="slide-dots">{("<i class=hit></i>" if hit else "<i></i>") * count}</div>'


def _levels() -> None:
    """Buttons into the three levels, with the set of this demonstration chosen where a level takes one."""
    here = [name for name in LEVELS if find_spec(f"lab.ui.leakage_{name}")]
    if not here:
        return
    with st.container(horizontal=True, gap="small"):
        for name in here:
            st.button(LEVELS[name], key=f"{Key.DEMO_LEVEL}.{name}", on_click=_open, args=(name,),
                      icon=":material/arrow_forward:")  # fmt: skip


def _open(name: str) -> None:
    st.session_state[Key.LEVEL] = LEVELS[name]
    if name == "case":
        st.session_state[Key.CASE_SET] = MEMORISED_SET
