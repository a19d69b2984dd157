"""The form of a sweep: which settings, which prompts, how many samples, measured how."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from lab.errors import InputError, LabError
from lab.generators.card import GeneratorCard
from lab.metrics.presets import get_preset
from lab.prompts.names import readable_all, vendor_name
from lab.runs.records import Run
from lab.runs.requests import default_dataset
from lab.runs.store import RunStore
from lab.runs.sweep_requests import Sweep, sweep
from lab.runs.sweeps import launch
from lab.ui.first_steps import readiness
from lab.ui.frame import plain
from lab.ui.grid_form import chips, in_family
from lab.ui.grid_state import base_now
from lab.ui.metric_runs import specs
from lab.ui.prompt_settings import has_guidance, has_steps
from lab.ui.run_panel import duration, expected, start_worker
from lab.ui.sets import real_choices
from lab.ui.state import GridKey as Key

START = ("kernel-distance", "closer-to-training")


@dataclass
class Choice:
    """What the form holds."""

    generators: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    guidances: list[str] = field(default_factory=list)
    numbers: dict[str, list[str]] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    vendors: list[str] = field(default_factory=list)


def sweep_form(card: GeneratorCard, cards: Sequence[GeneratorCard]) -> None:
    """Choose and launch; everything starts from the composer's generator and prompt."""
    left, right = st.columns(2, gap="medium")
    with left:
        chosen = _settings(card, cards)
    with right:
        prompts = _prompts(card)
        count, seed = st.columns(2)
        samples = count.number_input(
            "Samples of each prompt", 1, 4096, 16, key=Key.SWEEP_COUNT, persist_state="session",
            help="In each group. Below some hundred samples a group, intervals are wide: they are drawn.",
        )  # fmt: skip
        first = seed.number_input(
            "First seed", 0, 2**32 - 1, 0, key=Key.SWEEP_SEED, persist_state="session",
            help="Every group gets the same seeds, so that groups differ by their setting alone.",
        )  # fmt: skip
        real, metrics = _measured(card)
    _launch(card, chosen, prompts, int(samples), int(first), real, metrics)


def _settings(card: GeneratorCard, cards: Sequence[GeneratorCard]) -> Choice:
    alike = {one.id: one.title for one in in_family(card, cards)}
    place = f"sweep.{card.id}"
    found = Choice()
    found.generators = chips(
        f"{place}.generators", "Generators", list(alike), [card.id], alike, help="Checkpoints, or generators."
    )
    about = "Type others and press Enter. Empty: the generator's own value."
    if has_guidance(card):
        found.guidances = chips(
            f"{place}.guidance", "Guidance scales", _around(card.guidance), _around(card.guidance)[:3], new=True,
            help=about,
        )  # fmt: skip
    if has_steps(card):
        counts = [str(max(1, card.steps // 2)), str(card.steps), str(min(1000, 2 * card.steps))]
        found.steps = chips(f"{place}.steps", "Steps", counts, counts[:2], new=True, help=about)
    for knob in card.knobs:
        spread = [f"{knob.low + (knob.high - knob.low) * part / 4:.4g}" for part in range(5)]
        start = [] if has_steps(card) else spread
        found.numbers[knob.name] = chips(
            f"{place}.{knob.name}", knob.title, spread, start, new=True, help=f"{knob.help} {about}".strip()
        )
    if len(card.classes) > 1:
        found.classes = chips(
            f"{place}.classes", "Classes", list(card.classes), [], readable_all(card.classes)
        )
    if len(card.vendors) > 1:
        named = {one: vendor_name(one) for one in card.vendors}
        found.vendors = chips(f"{place}.vendors", "Vendors", list(card.vendors), [], named)
    return found


def _around(guidance: float) -> list[str]:
    return [
        f"{value:g}" for value in dict.fromkeys((1.0, guidance, 2 * guidance, 3 * guidance)) if value <= 30
    ]


def _prompts(card: GeneratorCard) -> list[str]:
    if card.conditioning != "text":
        return []
    key, state = f"{Key.SWEEP_PROMPTS}.{card.id}", st.session_state
    if not state.get(key):
        try:
            state[key] = base_now(card).prompt
        except InputError:
            state[key] = "\n".join(card.examples[:2])
    text = st.text_area(
        "Prompts, one a line", key=key, height=96, persist_state="session",
        help="The same for every group. Cover the findings you want to measure.",
    )  # fmt: skip
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def _measured(card: GeneratorCard) -> tuple[str, list[str]]:
    choices = {choice.reference: choice.words for choice in real_choices()}
    key = f"{Key.SWEEP_REAL}.{card.id}"
    own = default_dataset(card)
    if st.session_state.get(key) not in choices and choices:
        st.session_state[key] = own if own in choices else next(iter(choices))
    real = st.selectbox(
        "Against", list(choices), key=key, format_func=choices.__getitem__, persist_state="session",
        help="The images that each group is measured against.",
    )  # fmt: skip
    st.session_state.setdefault(Key.SWEEP_METRICS, list(START))
    known = specs()
    offered = [
        name for name in dict.fromkeys([*START, *get_preset("quick-look").metrics, *known]) if name in known
    ]
    metrics = st.multiselect(
        "Measured by", offered, key=Key.SWEEP_METRICS, format_func=lambda name: known[name].title,
        persist_state="session", help="A fidelity number and a privacy number give the trade-off.",
    )  # fmt: skip
    return str(real or ""), list(metrics)


def _launch(
    card: GeneratorCard,
    chosen: Choice,
    prompts: list[str],
    samples: int,
    seed: int,
    real: str,
    metrics: list[str],
) -> None:
    state = st.session_state
    if not real:
        st.caption("There is no dataset to measure against yet; make or import one in Library.")
        return
    needs = {need for name in metrics for need in specs()[name].needs}
    if not readiness(real, "calibrate" if "near-copy" in needs else "embed"):
        return
    try:
        asked = sweep(
            chosen.generators, prompts, samples, real, metrics, [_whole(one) for one in chosen.steps],
            _numbers(chosen.guidances), seed=seed, classes=chosen.classes, vendors=chosen.vendors,
            numbers={name: _numbers(values) for name, values in chosen.numbers.items()},
            mask=_mask(card),
        )  # fmt: skip
    except LabError as error:
        st.button("Measure each setting", key=Key.SWEEP_SUBMIT, disabled=True, icon=":material/query_stats:")
        st.caption(plain(str(error)))
        return
    groups, each = len(asked.settings), samples * len(asked.prompts)
    work = sum(setting.steps for setting in asked.settings) * each
    known = expected("generate", work, _pace)
    words, cost = st.columns([0.4, 0.6], vertical_alignment="center")
    words.button(
        f"Measure {groups} {'settings' if groups > 1 else 'setting'}", key=Key.SWEEP_SUBMIT, type="primary",
        width="stretch", icon=":material/query_stats:", on_click=_start, args=(asked,),
    )  # fmt: skip
    took = "" if known is None else f", about {duration(known[0])} to make"
    cost.caption(
        f"{groups} groups of {each:,} samples: {groups * each:,} samples{took}. Runs that exist are not made anew."
    )
    if state.get(Key.SWEEP_REFUSAL):
        st.error(plain(state[Key.SWEEP_REFUSAL]))


def _mask(card: GeneratorCard) -> str:
    """The composer's mask for a generator that needs one, in base64."""
    if card.conditioning != "mask":
        return ""
    return str(base_now(card).condition.to_json().get("mask", ""))


def _pace(run: Run) -> float:
    return float(len(run.spec.settings["seeds"]) * run.spec.settings["steps"])


def _whole(text: str) -> int:
    (value,) = _numbers([text])
    if value != int(value):
        raise InputError("Steps are whole numbers; nothing was started; correct them.")
    return int(value)


def _numbers(given: Sequence[str]) -> list[float]:
    try:
        values = [float(one) for one in given]
    except ValueError as error:
        raise InputError("A value is no number; nothing was started; correct it.") from error
    if not all(math.isfinite(value) for value in values):
        raise InputError("A value is no number; nothing was started; correct it.")
    return values


def _start(asked: Sweep) -> None:
    state = st.session_state
    state[Key.SWEEP_REFUSAL] = None
    try:
        launch(asked, RunStore.open())
        start_worker()
    except LabError as error:
        state[Key.SWEEP_REFUSAL] = str(error)
        return
    state[Key.SWEEP] = asked.id
