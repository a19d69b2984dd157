"""Choosing what to measure: both sides, a ready choice, checks and cost, and the launch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from lab.data.dataset import parse_reference
from lab.data.imageset import ImageSet
from lab.errors import LabError
from lab.metrics.guards import Finding, InputSizes, check
from lab.runs.metric_chain import in_order
from lab.runs.requests import EXTRACTOR, evaluate_run
from lab.runs.spec import RunSpec
from lab.ui.frame import link, plain
from lab.ui.metric_address import KIND
from lab.ui.metric_choice import by_hand, preset_choice
from lab.ui.metric_cost import Pace, estimate, images_of, in_words, past_paces
from lab.ui.metric_ready import parts, seconds, told
from lab.ui.metric_runs import specs
from lab.ui.metric_second import Second, choose, measured_sets, missing_of
from lab.ui.metric_settings import Settings, breakdown, further
from lab.ui.run_panel import find, submit
from lab.ui.sets import (
    Choice,
    of_another,
    open_set,
    real_choices,
    real_films,
    sizes,
    stands_in,
    synthetic_choices,
)
from lab.ui.state import MetricsKey as Key

MANY = 2
ENOUGH = 20
FOLDER = "A folder on this machine…"
_ICONS = {"stop": ":material/block:", "warn": ":material/warning:", "note": ":material/info:"}
_COLOURS = {"stop": "red", "warn": "orange", "note": "gray"}


@dataclass(frozen=True)
class Sides:
    """Both sides of a comparison, opened and counted."""

    real: str
    synthetic: str
    images: ImageSet
    counted: InputSizes
    measured: list[ImageSet]


def form() -> None:
    """Draw the form; the launch puts a run's id into the session."""
    real, synthetic = _chosen_sets()
    sides = _opened(real, synthetic) if synthetic else None
    impossible: dict[str, str] = {}
    if sides is not None:
        stops = [one for one in check(specs().values(), sides.counted) if one.level == "stop"]
        impossible = {one.metric: one.sentence for one in reversed(stops) if one.metric}
    chosen = preset_choice(impossible)
    usable = [name for name in chosen if name not in impossible]
    past, more = past_paces(), list[Second]()
    left, middle, right = st.columns([0.28, 0.54, 0.18], vertical_alignment="bottom")
    with left:
        by, groups = breakdown(real)
    with right:
        settings = replace(further(real, chosen), by=by, groups=groups)
    with middle:
        if sides is not None:
            more = choose(real, sides.measured, usable, past)
    by_hand(chosen, impossible)
    if not synthetic:
        st.caption("Name the folder to see the checks.")
    if sides is None:
        return
    _launch(sides, chosen, settings, more, past)


def _chosen_sets() -> tuple[str, str]:
    left, right = st.columns(2, gap="large")
    opened = find(st.session_state.get(Key.RUN))
    asked = opened.spec.settings if opened is not None and opened.kind == "evaluate" else {}
    with left:
        real = _choose(
            "Real set",
            real_choices(),
            Key.REAL,
            str(asked.get("real", "")),
            "The training split of a dataset: what a generator has seen.",
        )
    with right:
        synthetic = _choose(
            "Synthetic set",
            [*synthetic_choices(real), Choice(FOLDER, FOLDER)],
            Key.SYNTHETIC,
            str(asked.get("synthetic", "")),
            "A sample set, a folder, or a split of real films as an honest stand-in.",
        )
        if synthetic == FOLDER:
            synthetic = (
                st.text_input("Folder", key=Key.FOLDER, placeholder="/home/me/samples") or ""
            ).strip()
    return real, synthetic


def _choose(label: str, choices: Sequence[Choice], key: str, opened: str, help_text: str) -> str:
    """One list; what was never chosen here is what the run on the page was asked with, else the first of some size."""
    words = {choice.reference: choice.words for choice in choices}
    if st.session_state.get(key) not in words:
        first = max(choices, key=lambda choice: choice.images >= ENOUGH).reference
        st.session_state[key] = opened if opened in words else first
    picked = st.selectbox(
        label, list(words), format_func=words.__getitem__, key=key, help=help_text, persist_state="session"
    )
    return str(picked)


def _opened(real: str, synthetic: str) -> Sides | None:
    try:
        images = open_set(synthetic)
        needs = sorted({need for spec in specs().values() for need in spec.needs})
        return Sides(
            real, synthetic, images, sizes(real, images, EXTRACTOR, needs), measured_sets(real, images)
        )
    except LabError as error:
        st.error(plain(str(error)))
        return None


def _launch(
    sides: Sides, chosen: list[str], settings: Settings, more: list[Second], past: Sequence[Pace]
) -> None:
    found, counted = specs(), sides.counted
    findings = real_films(sides.images) + of_another(sides.real, sides.synthetic, sides.images)
    findings += stands_in(parse_reference(sides.real)[0], sides.images)
    findings += check([found[name] for name in chosen], counted)
    blocked = {finding.metric for finding in findings if finding.level == "stop"}
    usable = [name for name in chosen if name not in blocked]
    _say(findings)
    images = images_of(sides.measured)
    needed = parts(sides.real, images, missing_of(EXTRACTOR, sides.measured), usable)
    told(needed)
    button, cost = st.columns([0.2, 0.8], vertical_alignment="center")
    button.button(
        "Launch",
        type="primary",
        key=Key.SUBMIT,
        on_click=_start,
        args=(sides.real, sides.synthetic, usable, settings, more),
        disabled=not usable or "" in blocked,
        icon=":material/play_arrow:",
        width="stretch",
    )
    with cost:
        st.caption(_cost(sides, usable, len(chosen), settings, more, past, seconds(needed)))
    if st.session_state.get(Key.REFUSAL):
        st.error(plain(st.session_state[Key.REFUSAL]))


def _cost(
    sides: Sides,
    usable: list[str],
    chosen: int,
    settings: Settings,
    more: list[Second],
    past: Sequence[Pace],
    first: float | None,
) -> str:
    """What is measured on what, and how long it takes; `first` are the seconds of what has to be done before."""
    counted = sides.counted
    own = [pace for pace in past if pace.extractor == EXTRACTOR]
    cost = estimate(usable, images_of(sides.measured), own, settings.groups)
    metrics = f"{len(usable)}" if len(usable) == chosen else f"{len(usable)} of {chosen}"
    words = (
        f"{metrics} metrics on {counted.n_real:,} training, {counted.n_synthetic:,} synthetic and "
        f"{counted.n_held_out:,} held-out images by {EXTRACTOR}. "
        f"{in_words(cost, specs(), first)}"
    )
    return plain(" ".join([words, *(one.cost for one in more)]))


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
        if any(" samples: it needs" in finding.sentence for finding in stops):
            link("prompt", "Make a larger set on the Prompt page: up to 64 samples at once")


def _line(finding: Finding) -> None:
    st.markdown(f":{_COLOURS[finding.level]}[{_ICONS[finding.level]}] {plain(finding.sentence)}")


def _start(real: str, synthetic: str, names: list[str], settings: Settings, more: list[Second]) -> None:
    state = st.session_state
    state[Key.REFUSAL] = None
    try:
        asked = asked_runs(real, synthetic, names, settings, more)
        runs = [submit(spec) for spec in in_order(asked)]
        state[Key.RUN] = next(run.id for run in runs if run.kind == KIND)
        state[Key.FORM] = False
    except LabError as error:
        state[Key.REFUSAL] = str(error)


def asked_runs(
    real: str, synthetic: str, names: Sequence[str], settings: Settings, more: Sequence[Second]
) -> list[RunSpec]:
    """The run of the first extractor, then one for each further extractor."""
    wanted = [(EXTRACTOR, list(names)), *((one.name, list(one.metrics)) for one in more)]
    return [
        evaluate_run(
            real,
            synthetic,
            metrics,
            extractor,
            settings.seed,
            by=settings.by,  # type: ignore[arg-type]
            options={
                name: value for name, value in settings.options.items() if name.partition(".")[0] in metrics
            },
            second_task=settings.second_task,
        )
        for extractor, metrics in wanted
        if metrics
    ]
