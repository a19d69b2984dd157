"""The quality gate on the prompt page: its form, and what came of it with every rejected sample in sight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from lab.features.text_image_fit import why_not
from lab.generators.card import GeneratorCard
from lab.prompts.names import readable
from lab.quality_gate.gate import MOST_RETRIES
from lab.quality_gate.predictors import EMBEDDED, offered
from lab.quality_gate.rules import PRESETS, Rule
from lab.quality_gate.wanted import wanted_by
from lab.runs.dependencies import dataset_digest
from lab.runs.records import Run
from lab.runs.requests import default_dataset
from lab.ui.films import artifact_pixels, thumbnail
from lab.ui.frame import plain
from lab.ui.sample_checks import outcome_words
from lab.ui.state import GateKey as Key
from lab.ui.state import PromptKey

ON_HELP = (
    "Each sample is read by small models, and one that breaks a rule is made again with another seed, known before. "
    "Rejected samples are kept and shown below the films."
)
PRESET_HELP = (
    "RoentGen-v2 checks age within 16 years, sex and race. What the prompt does not name is not checked, and neither "
    "is what no model here can read: the result says so."
)
READER_HELP = (
    "Probe: a classifier on features, fitted on the training images. Text-image model: how well the sample goes with "
    "the words of the prompt, as a share of wrong pairs it beats."
)
LEAST_HELP = "The least probability at which a finding counts as present."
RETRY_HELP = f"How often a sample that breaks a rule is made again, 0 to {MOST_RETRIES}. Each takes as long as another."
READERS = {EMBEDDED: "Probe on features", "text-image": "Text-image model"}
SHOWN = 12


def gate_form(card: GeneratorCard) -> None:
    """Draw the expander; what it holds is read by `gate_now`."""
    state = st.session_state
    for key, value in ((Key.ON, False), (Key.PRESET, next(iter(PRESETS))), (Key.RETRIES, 3), (Key.LEAST, 50)):
        state.setdefault(key, value)
    with st.expander("Quality gate", icon=":material/rule:"):
        st.toggle("Check samples, try again", key=Key.ON, help=ON_HELP, persist_state="session")
        if not state[Key.ON]:
            return
        st.selectbox("Rules", list(PRESETS), key=Key.PRESET, help=PRESET_HELP, persist_state="session")
        rules = PRESETS[state[Key.PRESET]]
        if any(rule.subject == "finding" for rule in rules):
            _finding_form(card)
        for rule in rules:
            _plug_in_form(rule)
        st.number_input(
            "Retries", 0, MOST_RETRIES, step=1, key=Key.RETRIES, help=RETRY_HELP, persist_state="session"
        )
        st.caption(plain(_asked_for(card, rules)))


def gate_now() -> dict[str, Any] | None:
    """The gate of the form, as `generate_run` takes it; None where it is off."""
    state = st.session_state
    if not state.get(Key.ON):
        return None
    rules, predictors = [], {}
    for rule in PRESETS[state[Key.PRESET]]:
        limit = int(state[Key.LEAST]) / 100 if rule.subject == "finding" else rule.limit
        rules.append({"subject": rule.subject, "way": rule.way, "limit": limit})
        chosen = state.get(Key.READER + rule.subject)
        if chosen and chosen != EMBEDDED:
            predictors[rule.subject] = chosen
    return {"rules": rules, "retries": int(state[Key.RETRIES]), "predictors": predictors}


def gate_back(gate: Mapping[str, Any] | None) -> None:
    """Put the gate of a past run back into the form; None switches it off."""
    state = st.session_state
    state[Key.ON] = bool(gate)
    if not gate:
        return
    subjects = [rule["subject"] for rule in gate["rules"]]
    for name, rules in PRESETS.items():
        if [rule.subject for rule in rules] == subjects:
            state[Key.PRESET] = name
    state[Key.RETRIES] = int(gate["retries"])
    for rule in gate["rules"]:
        if rule["subject"] == "finding":
            state[Key.LEAST] = round(100 * float(rule["limit"]))
    for subject in subjects:
        state[Key.READER + subject] = gate["predictors"].get(subject, EMBEDDED)


def gate_table(run: Run) -> None:
    """What the gate of a finished run did: rates, who read what, and the rejected samples."""
    told = (run.result or {}).get("gate")
    if not told:
        return
    with st.expander(
        f"Quality gate: {_in_words(told)}", icon=":material/rule:", expanded=bool(told["rejected"])
    ):
        st.dataframe(
            pd.DataFrame([
                {"Rule": one["rule"], "Read by": one["reader"], "How well": one["held_out"]} for one in told["readers"]
            ]),
            hide_index=True,
            column_config={"How well": st.column_config.TextColumn(width="large")},
        )  # fmt: skip
        rejected = [one for one in told["log"] if one["passed"] is False]
        if rejected:
            st.markdown("**Rejected samples**")
            _rejected(rejected)


def _finding_form(card: GeneratorCard) -> None:
    left, right = st.columns(2)
    # Samples are softer than films, which throws a probe off; the text-image model was made robust to that.
    names = sorted(READERS, reverse=not why_not(card.modality, card.phantom_trained))
    with left:
        st.selectbox(
            "Finding read by",
            names,
            format_func=READERS.__getitem__,
            key=Key.READER + "finding",
            help=READER_HELP,
            persist_state="session",
        )
    with right:
        st.slider("At least, %", 5, 95, step=5, key=Key.LEAST, help=LEAST_HELP, persist_state="session")


def _plug_in_form(rule: Rule) -> None:
    """Who reads a subject, where a plug-in offers another reader than the embedded one."""
    names = offered(rule.subject) if rule.subject != "finding" else []
    if names:
        st.selectbox(
            f"{rule.subject.capitalize()} read by",
            [*names, EMBEDDED],
            format_func=lambda name: READERS.get(name, name),
            key=Key.READER + rule.subject,
            persist_state="session",
        )


def _asked_for(card: GeneratorCard, rules: tuple[Rule, ...]) -> str:
    """What of the rules the prompt gives something to compare with."""
    dataset = default_dataset(card)
    labels = [] if dataset is None else labels_of(dataset, dataset_digest(dataset))
    wanted = wanted_by(str(st.session_state.get(PromptKey.TEXT) or ""), labels)
    named = [
        f"{rule.subject} {_plain_value(wanted[rule.subject])}" for rule in rules if rule.subject in wanted
    ]
    absent = [rule.subject for rule in rules if rule.subject not in wanted]
    told = (
        f"The prompt asks for {', '.join(named)}."
        if named
        else "The prompt names nothing that these rules check."
    )
    return f"{told} Not checked, because it is not named: {', '.join(absent)}." if named and absent else told


@st.cache_data(max_entries=16, show_spinner=False)
def labels_of(dataset: str, digest: str) -> list[str]:
    """Findings of a dataset's training images; the digest makes the answer follow its content."""
    from lab.data.resolve import resolve

    return sorted(set(filter(None, resolve(f"{dataset}:train").labels())))


def _plain_value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else readable(str(value)).lower()


def _in_words(told: dict[str, Any]) -> str:
    judged, places = told["passed"] + told["rejected"], len({one["place"] for one in told["log"]})
    if not judged:
        return "nothing could be judged"
    made = f"{told['made']} were made, {told['rejected']} rejected, pass rate {100 * told['passed'] / judged:.0f} %"
    return f"{places - told['unpassed']} of {places} samples pass; {made}"


def _rejected(rejected: list[dict[str, Any]]) -> None:
    columns = st.columns(4)
    for number, one in enumerate(rejected[:SHOWN]):
        with columns[number % 4]:
            small = thumbnail(artifact_pixels(one["artifact"]), 128)
            st.image(small, output_format="PNG", alt="Rejected synthetic sample")
            broken = [outcome_words(outcome) for outcome in one["outcomes"] if outcome["passed"] is False]
            turn = "first try" if one["attempt"] == 0 else f"try {one['attempt'] + 1}"
            st.caption(
                plain(
                    f"SYNTHETIC · sample {one['place'] + 1}, {turn}, seed {one['seed']}. {' '.join(broken)}"
                )
            )
    if len(rejected) > SHOWN:
        st.caption(f"and {len(rejected) - SHOWN} more; all are in the run's result.")
