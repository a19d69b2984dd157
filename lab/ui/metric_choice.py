"""Which metrics: a ready choice first, then every metric by question, with what it means and why it cannot be had."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from lab.metrics.presets import PRESETS, chosen_by, get_preset
from lab.metrics.spec import MetricSpec
from lab.ui.frame import plain
from lab.ui.metric_runs import QUESTIONS, by_question, specs
from lab.ui.metric_words import explained
from lab.ui.state import MetricsKey as Key

_COLUMNS = 3


def preset_choice(impossible: Mapping[str, str]) -> list[str]:
    """Draw the ready choices and give the metrics chosen: those of the choice, or what was changed by hand since.

    Args:
        impossible: metrics that these sets do not allow, with the reason.
    """
    state = st.session_state
    state.setdefault(Key.PRESET, PRESETS[0].name)
    st.pills(
        "Ready choices",
        [one.name for one in PRESETS],
        format_func=lambda name: get_preset(name).title,
        key=Key.PRESET,
        on_change=_forget,
        required=True,
        persist_state="session",
        help="Each choice is what one publication measures; every metric can be added or left out below.",
    )
    preset = get_preset(str(state[Key.PRESET]))
    found = specs()
    listed = chosen_by(preset, list(found), impossible)
    changed = state.get(Key.CHOSEN)
    chosen = listed if changed is None else [name for name in found if name in changed]
    words = plain(preset.sentence)
    if set(chosen) != set(listed):
        added, taken = len(set(chosen) - set(listed)), len(set(listed) - set(chosen))
        words += f" Changed by hand: {added} added, {taken} left out."
    st.caption(words)
    return chosen


def _forget() -> None:
    """A new ready choice replaces what was changed by hand."""
    st.session_state[Key.CHOSEN] = None
    st.session_state[Key.BY] = None


def by_hand(chosen: list[str], impossible: Mapping[str, str]) -> None:
    """The expander with every metric; its boxes change the choice of the next run of the page."""
    found = specs()
    # Its words stay as they are, or it would be another one and fold itself after each tick.
    box = st.expander(
        "Choose metrics",
        icon=":material/checklist:",
        key=f"{Key.OPEN}.choice",
        on_change="rerun",
    )
    if not box.open:
        return
    with box:
        search, clear = st.columns([0.75, 0.25], vertical_alignment="bottom")
        asked = search.text_input(
            "Search",
            key=Key.SEARCH,
            placeholder="A name, or a word of its definition",
            icon=":material/search:",
        )
        clear.button("Leave all out", on_click=_none, width="stretch")
        if asked and asked.strip():
            _matching(asked.strip().lower(), chosen, impossible)
            return
        groups = by_question(found)
        # The words of a tab stay as they are: other words would make other tabs and jump back to the first.
        tabs = st.tabs([QUESTIONS[axis][0] for axis in groups])
        for tab, (axis, names) in zip(tabs, groups.items(), strict=True):
            with tab:
                st.caption(
                    f"{QUESTIONS[axis][1]} {len(set(names) & set(chosen))} of {len(names)} are chosen."
                )
                _boxes(names, chosen, impossible)


def _none() -> None:
    st.session_state[Key.CHOSEN] = []


def _matching(asked: str, chosen: list[str], impossible: Mapping[str, str]) -> None:
    names = [name for name, spec in specs().items() if asked in _text(spec)]
    if names:
        _boxes(names, chosen, impossible)
    else:
        st.caption("No metric is called or described so.")


def _text(spec: MetricSpec) -> str:
    return " ".join((spec.name, spec.title, spec.symbol, spec.definition, spec.reference)).lower()


def _boxes(names: list[str], chosen: list[str], impossible: Mapping[str, str]) -> None:
    """Those that can be computed in columns, then the others in grey, each with its reason."""
    found = specs()
    possible = [name for name in names if name not in impossible]
    columns = st.columns(_COLUMNS, gap="medium")
    for place, name in enumerate(possible):
        key = f"{Key.BOX}.{name}"
        st.session_state[key] = name in chosen
        columns[place * _COLUMNS // max(1, len(possible))].checkbox(
            plain(found[name].title),
            key=key,
            help=explained(found[name]),
            on_change=_ticked,
            args=(name, chosen),
        )
    others = [name for name in names if name in impossible]
    if others:
        st.caption("These cannot be computed from the two sets chosen:")
    for name in others:
        st.checkbox(
            f"{plain(found[name].title)}  \n:gray[:small[{plain(_reason(found[name], impossible[name]))}]]",
            value=False,
            disabled=True,
            key=f"{Key.BOX}.not.{name}",
            help=explained(found[name]),
        )


def _reason(spec: MetricSpec, sentence: str) -> str:
    """The finding without the metric's name in front, which stands on the line above."""
    short = sentence.removeprefix(f"{spec.title}: ").removeprefix(f"{spec.title} ")
    return short[:1].upper() + short[1:]


def _ticked(name: str, chosen: list[str]) -> None:
    state = st.session_state
    now = set(chosen)
    (now.add if state[f"{Key.BOX}.{name}"] else now.discard)(name)
    state[Key.CHOSEN] = sorted(now)
