"""How it is measured: the breakdown, numbers of single metrics that a person may change, and the seed."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from lab.data.dataset import parse_reference
from lab.data.resolve import resolve
from lab.data.store import open_dataset
from lab.metrics.presets import get_preset
from lab.metrics.spec import MetricOption
from lab.runs.kinds.evaluate_groups import BREAKDOWNS, group_titles
from lab.ui.frame import plain
from lab.ui.metric_runs import specs
from lab.ui.state import MetricsKey as Key

NONE = ""
_WORDS = {
    NONE: "All images together",
    "label": "By label",
    "view": "By view",
    "vendor": "By vendor",
    "sex": "By sex",
}
MOST_GROUPS = 40
_TASKS = 40


@dataclass(frozen=True)
class Settings:
    """How the chosen metrics are computed.

    Attributes:
        by: column of the breakdown, "" for none.
        groups: how many groups that makes.
        seed: of patient groups and draws.
        options: numbers changed, "metric.option" to value.
        second_task: column with the labels of a second task, "" for none.
    """

    by: str = NONE
    groups: int = 0
    seed: int = 0
    options: dict[str, float] = field(default_factory=dict)
    second_task: str = NONE


def breakdown(real: str) -> tuple[str, int]:
    """Draw the choice of a breakdown among the columns this dataset has; the column and its number of groups."""
    counts = {NONE: 0} | {by: count for by in BREAKDOWNS if 2 <= (count := _groups(real, by)) <= MOST_GROUPS}
    state = st.session_state
    if state.get(Key.BY) not in counts:
        wanted = get_preset(str(state[Key.PRESET])).by
        state[Key.BY] = wanted if wanted in counts else NONE
    picked = st.selectbox(
        "Breakdown",
        list(counts),
        format_func=lambda by: _WORDS[by] + (f" ({counts[by]} groups)" if by else ""),
        key=Key.BY,
        persist_state="session",
        help="Also measure each group on its own, with its number of images. Small groups give wide intervals, and "
        "distances mostly rank their sizes: compare groups of like size.",
    )
    by = str(picked or NONE)
    return by, counts[by]


def further(real: str, chosen: list[str]) -> Settings:
    """The popover with the seed and the numbers of single metrics; `Settings` without the breakdown."""
    found = specs()
    changeable = [(name, option) for name in chosen for option in found[name].options]
    with st.popover(
        "Options", icon=":material/tune:", width="stretch", help="Seed and numbers of single metrics"
    ):
        seed = st.number_input(
            "Seed", 0, 2**32 - 1, 0, key=Key.SEED, persist_state="session",
            help="Decides which patients form a group and every draw; the same seed gives the same numbers.",
        )  # fmt: skip
        task = _second_task(real) if any("second-task" in found[name].needs for name in chosen) else NONE
        options = {}
        for name, option in changeable:
            value = _number(name, option)
            if value != option.default:
                options[f"{name}.{option.name}"] = value
        if not changeable:
            st.caption("None of the chosen metrics has a number to change.")
    return Settings(seed=int(seed), options=options, second_task=task)


def _number(name: str, option: MetricOption) -> float:
    whole = all(float(end).is_integer() for end in (option.default, option.low, option.high))
    title = f"{plain(specs()[name].title)}: {plain(option.title)}"
    words = f"{plain(option.explanation)} The publication used {option.default:g}."
    key = f"{Key.OPTION}.{name}.{option.name}"
    if whole:
        picked = st.number_input(title, int(option.low), int(option.high), int(option.default), key=key, help=words,
                                 persist_state="session")  # fmt: skip
        return float(picked)
    step = (option.high - option.low) / 100
    return float(
        st.number_input(title, float(option.low), float(option.high), float(option.default), step=step, key=key,
                        format="%.4g", help=words, persist_state="session")
    )  # fmt: skip


def _second_task(real: str) -> str:
    """A column of the real set with two to forty values."""
    name, _ = parse_reference(real)
    columns = [NONE, *_tasks(name, open_dataset(name).card.digest)]
    if st.session_state.get(Key.TASK) not in columns:
        st.session_state[Key.TASK] = NONE
    return str(
        st.selectbox("Second task", columns, format_func=lambda one: one or "None", key=Key.TASK,
                     persist_state="session",
                     help="A column of the real set whose values a second model learns to tell, beside the labels.")
        or NONE
    )  # fmt: skip


@st.cache_data(max_entries=32, show_spinner=False)
def _tasks(name: str, digest: str) -> list[str]:
    """Columns that could be a task; the dataset's digest is part of the cache key."""
    table = open_dataset(name).rows("train")
    closed = {"labels", "format", "width", "height", "channels", "bits", "licence", "split"}
    return [
        str(column)
        for column in table.columns
        if str(column) not in closed
        and 2 <= table[column].astype(str).replace("", None).dropna().nunique() <= _TASKS
    ]


def _groups(real: str, by: str) -> int:
    name, split = parse_reference(real)
    return _counted(real, split or "train", open_dataset(name).card.digest, by)


@st.cache_data(max_entries=64, show_spinner=False)
def _counted(real: str, split: str, digest: str, by: str) -> int:
    """Groups beside "all"; the dataset's digest is part of the cache key."""
    return len(group_titles(resolve(real), by)) - 1
