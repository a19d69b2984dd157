"""Choosing what to measure: both sides, metrics by question, checks and cost, and the launch."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lab.errors import LabError
from lab.metrics.guards import Finding, check
from lab.metrics.registry import load_metrics
from lab.metrics.spec import MetricSpec
from lab.runs.records import Run
from lab.runs.requests import EXTRACTOR
from lab.ui.first_steps import readiness
from lab.ui.frame import link, plain
from lab.ui.metric_second import Second, choose, measured_sets, runs_of
from lab.ui.run_panel import duration, expected, submit
from lab.ui.sets import Choice, open_set, real_choices, real_films, sizes, synthetic_choices
from lab.ui.state import MetricsKey as Key

MANY = 2
ENOUGH = 20
FOLDER = "A folder on this machine…"
QUESTIONS = {
    "fidelity": ("Fidelity", "Does each sample look like a real film?"),
    "diversity": ("Diversity", "Does the set cover what real films show?"),
    "privacy": ("Privacy", "Does it keep away from single training films?"),
    "alignment": ("Alignment", "Does it show what was asked for?"),
}
_ICONS = {"stop": ":material/block:", "warn": ":material/warning:", "note": ":material/info:"}
_COLOURS = {"stop": "red", "warn": "orange", "note": "gray"}


def specs() -> dict[str, MetricSpec]:
    """Every registered metric's spec by name."""
    return {name: entry.spec for name, entry in load_metrics()}


def form() -> None:
    """Draw the form; the launch puts a run's id into the session."""
    reals, synthetics = real_choices(), synthetic_choices()
    left, right = st.columns(2, gap="large")
    with left:
        real = _choose(
            "Real set", reals, Key.REAL, "The training split of a dataset: what a generator has seen."
        )
    with right:
        listed = [*synthetics, Choice(FOLDER, FOLDER)]
        synthetic = _choose(
            "Synthetic set",
            listed,
            Key.SYNTHETIC,
            "A sample set, a folder, or a split of real films as an honest stand-in.",
        )
        if synthetic == FOLDER:
            synthetic = (
                st.text_input("Folder", key=Key.FOLDER, placeholder="/home/me/samples") or ""
            ).strip()
    chosen = _metrics()
    if not synthetic:
        st.caption("Name the folder to see the checks.")
        return
    needs = {need for name in chosen for need in specs()[name].needs}
    if not readiness(real, "calibrate" if "near-copy" in needs else "embed"):
        return
    _launch(real, synthetic, chosen)


def _choose(label: str, choices: Sequence[Choice], key: str, help_text: str) -> str:
    words = {choice.reference: choice.words for choice in choices}
    if st.session_state.get(key) not in words:
        st.session_state[key] = max(choices, key=lambda choice: choice.images >= ENOUGH).reference
    picked = st.selectbox(
        label, list(words), format_func=words.__getitem__, key=key, help=help_text, persist_state="session"
    )
    return str(picked)


def _metrics() -> list[str]:
    found = specs()
    chosen = []
    columns = st.columns(len(QUESTIONS), gap="medium")
    for column, (axis, (title, question)) in zip(columns, QUESTIONS.items(), strict=True):
        with column:
            st.markdown(f"**{title}**  \n:gray[:small[{question}]]")
            for name, spec in found.items():
                if spec.axis != axis:
                    continue
                key = f"{Key.CHOSEN}.{name}"
                st.session_state.setdefault(key, True)
                if st.checkbox(spec.title, key=key, help=explained(spec), persist_state="session"):
                    chosen.append(name)
    return chosen


def explained(spec: MetricSpec) -> str:
    """A metric in a tooltip: definition, direction, null, bias, fewest images, source."""
    return (
        f"{plain(spec.definition)}\n\n**{plain(spec.arrow)}.** Honest data: {plain(spec.null)}.\n\n"
        f"Bias: {plain(spec.bias)}. Needs {spec.minimum_n} images a side.\n\n{plain(spec.reference)}"
    )


def _launch(real: str, synthetic: str, chosen: list[str]) -> None:
    state = st.session_state
    try:
        images = open_set(synthetic)
        counted = sizes(real, images, EXTRACTOR)
    except LabError as error:
        st.error(plain(str(error)))
        return
    found = specs()
    findings = real_films(images) + check([found[name] for name in chosen], counted)
    blocked = {finding.metric for finding in findings if finding.level == "stop"}
    usable = [name for name in chosen if name not in blocked]
    st.caption(
        f"{counted.n_real} training, {counted.n_synthetic} synthetic and {counted.n_held_out} held-out images; "
        f"features of length {counted.dimension} from {EXTRACTOR}."
    )
    _say(findings)
    second = choose(real, measured_sets(real, images), usable)
    known = expected("evaluate", counted.n_synthetic + 1, _images)
    button, cost = st.columns([0.22, 0.78], vertical_alignment="center")
    with button:
        st.button(
            "Launch",
            type="primary",
            key=Key.SUBMIT,
            on_click=_start,
            args=(real, synthetic, usable, second),
            disabled=not usable or "" in blocked,
            icon=":material/play_arrow:",
            width="stretch",
        )
    with cost:
        words = (
            f"About {duration(known[0])}, from {known[1]} past runs"
            if known
            else "No past run to estimate from"
        )
        st.caption(f"{len(usable)} of {len(chosen)} chosen metrics can be computed. {words}. {second.cost}")
    if state.get(Key.REFUSAL):
        st.error(plain(state[Key.REFUSAL]))


def _say(findings: list[Finding]) -> None:
    stops = [finding for finding in findings if finding.level == "stop"]
    others = [finding for finding in findings if finding.level != "stop"]
    if not findings:
        return
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Checks before launch**")
        for finding in others:
            _line(finding)
        if len(stops) > MANY:
            with st.expander(f"{len(stops)} metrics are not computed", icon=_ICONS["stop"]):
                for finding in stops:
                    _line(finding)
        else:
            for finding in stops:
                _line(finding)
        if any(finding.metric for finding in stops):
            link("prompt", "Make a larger set on the Prompt page: up to 64 samples at once")


def _line(finding: Finding) -> None:
    st.markdown(f":{_COLOURS[finding.level]}[{_ICONS[finding.level]}] {plain(finding.sentence)}")


def _images(run: Run) -> float:
    results = (run.result or {}).get("results") or []
    ours = run.spec.settings["extractor"] == EXTRACTOR
    return float(results[0]["n_synthetic"] + 1) if results and ours else 0.0


def _start(real: str, synthetic: str, names: list[str], second: Second) -> None:
    state = st.session_state
    state[Key.REFUSAL] = None
    try:
        asked = runs_of(real, synthetic, names, second)
        runs = [submit(spec) for spec in asked]
        state[Key.RUN] = runs[0].id
    except LabError as error:
        state[Key.REFUSAL] = str(error)
