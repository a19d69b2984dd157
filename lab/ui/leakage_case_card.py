"""After the verdict: what each film was, and the evidence with its control beside every number."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from numpy.typing import NDArray

from lab.errors import LabError
from lab.leakage import case_evidence, verdicts
from lab.leakage.access_log import REVEALED
from lab.leakage.case_evidence import DETECTOR, Reading
from lab.leakage.case_order import training_first
from lab.leakage.pair_measures import RMS, SSIM
from lab.leakage.verdicts import CONTROL, SAMPLE, STEPS, CaseVerdict
from lab.runs.prepare import calibration_run
from lab.ui.films import training_word
from lab.ui.leakage_case_access import record_once
from lab.ui.leakage_case_films import revealed
from lab.ui.leakage_case_reading import region_choice
from lab.ui.leakage_case_set import Cases, reference
from lab.ui.neighbour_view import detectors_quality
from lab.ui.run_panel import stand_in
from lab.ui.sample_card import DETECTORS
from lab.ui.state import LeakageKey as Key
from lab.ui.viewer import viewer

TITLES = {SSIM: "SSIM after registration", RMS: "Pixel RMS after registration"}
DOTS = {"near-copy": "●", "close": "◐", "ordinary": "○"}
HELP = (
    "Each number as a percentile within real-to-real distances: how a training image stands to the nearest one of "
    "another patient. ● near-copy: p ≤ 0.01, corrected for the number of detectors or measures; ◐ close: p ≤ 0.05; "
    "○ ordinary. The control is the nearest held-out image, found by the same search: the generator never saw it. "
    "SSIM and pixel RMS are taken at 128 px in the pose that registered correlation chose, with contrast set equal; "
    "they are its close kin, so the verdict does not count them."
)
_CELL = "padding:0.35rem 0.9rem 0.35rem 0;border-top:1px solid #20272e;vertical-align:top"
_MUTED = "color:#97a3af;font-size:0.86em"


def answer(cases: Cases, row: dict[str, Any], own: CaseVerdict, words: str) -> None:
    """Films with their tags, the registered difference, the sentence and the card.

    Args:
        words: the place of the case among the others.
    """
    code = str(row["code"])
    record_once(REVEALED, cases.dataset, code)
    left = training_first(code, own.reader)
    region = region_choice(cases.dataset, words)
    with st.spinner("Reading films"):
        films = revealed(cases, row, left, region)
    viewer(films, key=f"{Key.CASE_VIEWER}.revealed", layout="case-audit")
    said = verdicts.of_case(code)
    distances, run = reference(cases.dataset)
    near = case_evidence.readings(row["training"], distances)
    told = case_evidence.sentence(near, row["training"]["verdict"]["label"], verdicts.said_same(said))
    st.markdown(f"**{told}**")
    st.markdown(_which(cases, row, own, left))
    st.caption(control_sentence(row, said, distances))
    if truth := _truth(cases, row):
        st.markdown(truth)
    table, quality = st.columns([0.57, 0.43], gap="medium")
    with table:
        st.markdown("**Evidence**", help=HELP)
        st.html(card(near, case_evidence.readings(row["control"], distances), training_word(cases.dataset)))
        if run.result is None:
            st.caption("SSIM and pixel RMS get their percentiles when training films have been measured:")
            stand_in(run)
    with quality:
        detectors_quality(cases.dataset)
        calibration = calibration_run(cases.dataset)
        for words in missed_words((calibration.result or {}) if calibration else {}):
            st.caption(words)


def _which(cases: Cases, row: dict[str, Any], own: CaseVerdict, left: bool) -> str:
    """Which candidate was which, and what this reader said of them."""
    word = training_word(cases.dataset)
    training, control = ("A", "B") if left else ("B", "A")
    what = (
        ""
        if row["source"] == SAMPLE
        else "**No generator made this sample: it is a held-out image, asked to see how readers judge honest ones.** "
    )
    same = " It is this training image, byte for byte." if row["identical"] else ""
    return (
        f"{what}Candidate **{training}** was the nearest {word}: you said “{STEPS[own.training - 1].lower()}”. "
        f"Candidate **{control}** was the control, the nearest held-out image: you said "
        f"“{STEPS[own.control - 1].lower()}”.{same}"
    )


def control_sentence(
    row: Mapping[str, Any], said: Sequence[CaseVerdict], distances: Mapping[str, NDArray[Any]]
) -> str:
    """The same sentence of the control, for whoever reads the first one."""
    side = row["control"]
    told = case_evidence.sentence(
        case_evidence.readings(side, distances), side["verdict"]["label"], verdicts.said_same(said, CONTROL)
    )
    return f"Control, the held-out image: {told[0].lower()}{told[1:]}"


def _truth(cases: Cases, row: Mapping[str, Any]) -> str:
    """What the generator really saw, where its lists are here; "" elsewhere."""
    from lab.leakage.demo_truth import films_of, members_of
    from lab.ui.sets import open_set

    if row["source"] != SAMPLE:
        return ""
    origin = str(getattr(open_set(cases.samples), "origin", ""))
    name = str(row["training"]["image_id"])
    try:
        members, planted = members_of(origin), {film.image_id: film.copies for film in films_of(origin)}
    except LabError:
        return ""
    if name not in members:
        return (
            f":material/fact_check: The truth: the nearest training image was not among the {len(members):,} that this "
            "generator was trained on."
        )
    times = planted.get(name, 1)
    told = f"{times} times over" if times > 1 else "without repeating it"
    return (
        f":material/fact_check: The truth: the nearest training image was among the {len(members):,} that this "
        f"generator was trained on, {told}."
    )


def missed_words(calibration: Mapping[str, Any]) -> list[str]:
    """One sentence a detector on the planted copies that it mostly misses."""
    return [
        f"{DETECTORS.get(name, name)} misses most planted copies of these kinds: {', '.join(kinds)}."
        for name, kinds in case_evidence.missed(calibration.get("canaries", [])).items()
    ]


def card(near: Sequence[Reading], control: Sequence[Reading], word: str) -> str:
    """The evidence as an HTML table: one row a detector or measure, the training film beside the control.

    Args:
        near, control: readings on both pairs, in the same order.
        word: what a training image is called.
    """
    head = "".join(
        f'<th style="text-align:left;font-weight:600;padding-right:0.9rem;min-width:7.2rem">{html.escape(text)}</th>'
        for text in ("", f"Nearest {word}", "Control: nearest held-out image")
    )
    rows = "".join(
        f'<tr><td style="{_CELL}">{html.escape(_title(one))}<br><span style="{_MUTED}">{html.escape(_kind(one))}</span>'
        f"</td>{_cell(one, word)}{_cell(beside, word)}</tr>"
        for one, beside in zip(near, control, strict=True)
    )
    return (
        '<table class="evidence" style="border-collapse:collapse;width:100%;font-size:0.92rem">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f'<p style="{_MUTED};margin-top:0.5rem">{html.escape(case_evidence.agreement(near))} call it a near-copy; '
        f"of the control {html.escape(case_evidence.agreement(control))}.</p>"
    )


def _cell(one: Reading, word: str) -> str:
    dot = f"{DOTS[one.label]} {one.label}" if one.label else "– not compared yet"
    told = case_evidence.in_words(one, f"{word}s")
    elsewhere = "" if one.same_film else " · this detector’s nearest is another image"
    return (
        f'<td style="{_CELL}"><strong>{html.escape(dot)}</strong> · {html.escape(value_words(one))}<br>'
        f'<span style="{_MUTED}">{html.escape(told + elsewhere)}</span></td>'
    )


def value_words(one: Reading) -> str:
    """A reading's own number in its unit."""
    if one.kind == DETECTOR:
        return f"distance {one.value:.4f}"
    return f"{one.value:.3f} of 1" if one.name == SSIM else f"{one.value:.1f} of 256 grey levels"


def _title(one: Reading) -> str:
    return DETECTORS.get(one.name, TITLES.get(one.name, one.name.replace("-", " ").capitalize()))


def _kind(one: Reading) -> str:
    return "detector" if one.kind == DETECTOR else "further measure"
