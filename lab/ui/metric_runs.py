"""Metric runs as the page reads them: their results by group, finished parts of one that goes on, words for a set."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import streamlit as st

from lab.config import settings
from lab.errors import LabError
from lab.metrics.registry import all_specs
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec
from lab.runs.artifacts import Artifacts
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.sets import card_of, prompts_by_set

ALL = "all"
QUESTIONS = {
    "fidelity": ("Fidelity", "Does each sample look like a real film?"),
    "diversity": ("Variety", "Does the set cover what real films show?"),
    "privacy": ("Privacy", "Does it keep away from single training films?"),
    "alignment": ("Alignment", "Does it show what was asked for?"),
    "utility": ("Utility", "Does a model trained on it work on real films?"),
}


@lru_cache(maxsize=1)
def specs() -> dict[str, MetricSpec]:
    """Every registered metric's spec by name, headlines first; to be read, never changed."""
    return {spec.name: spec for spec in all_specs()}


def listed(states: tuple[str, ...] | None = None, limit: int = 200) -> list[Run]:
    """The newest metric runs without their results."""
    return RunStore.open().list(states=states, kinds=("evaluate",), limit=limit, results=False)


def whole(run: Run) -> Run:
    """A run of such a list with its result."""
    return RunStore.open().get(run.id)


@st.cache_data(max_entries=128, show_spinner=False)
def done_results(run_id: str) -> list[MetricResult]:
    """Every number of a finished run, which never changes."""
    return results_of(RunStore.open().get(run_id), None)


def results_of(run: Run, group: str | None = ALL) -> list[MetricResult]:
    """The results of a finished run, of one group or (None) of all."""
    listed: list[dict[str, Any]] = (run.result or {}).get("results", [])
    found = [MetricResult.from_json(item) for item in listed]
    return [item for item in found if group is None or item.group == group]


def finished_parts(run: Run) -> list[MetricResult]:
    """What a run that has no result yet has measured so far on all images, in the order asked for."""
    store, found = RunStore.open(), []
    for name in run.spec.settings["metrics"]:
        digest = store.part_digest(run.digest, f"metric-0-{name}")
        record = _part(run.digest, digest) if digest else None
        if record is not None:
            found.append(MetricResult.from_json(record))
    return found


@st.cache_data(max_entries=512, show_spinner=False)
def _part(run_digest: str, digest: str) -> dict[str, Any] | None:
    """One part by its content digest, None where its file is damaged or gone: the run will compute it again."""
    try:
        data = Artifacts(settings().workspace / "parts" / run_digest).read(digest)
    except LabError:
        return None
    record: dict[str, Any] = json.loads(data)
    return record


def set_name(run: Run) -> str:
    """Short words for the synthetic side of a run."""
    name = str(run.spec.settings["synthetic"]).rsplit("/", 1)[-1]
    prompt = prompts_by_set().get(name)
    return name.replace(":", ", ") if prompt is None else prompt[:40].rstrip(". ")


def origin_of(reference: str) -> str:
    """ "real" or "phantom" for a dataset or its split, "synthetic" for everything else."""
    name, colon, _ = reference.partition(":")
    card = card_of(name) if "/" not in name else None
    if card is None:
        return "real" if colon and "/" not in name else "synthetic"
    return "phantom" if card.tag == "PHANTOM" else "real"


def side_word(run: Run) -> str:
    """What the measured side is called in charts: samples, or the films that stand in for them."""
    found = {"real": "Real films", "phantom": "Phantoms", "synthetic": "Samples"}
    return found[origin_of(str(run.spec.settings["synthetic"]))]


def by_question(names: Iterable[str]) -> dict[str, list[str]]:
    """Metric names by question, in the order of pages; questions without a metric are left out."""
    wanted = set(names)
    found: dict[str, list[str]] = {axis: [] for axis in QUESTIONS}
    for name, spec in specs().items():
        if name in wanted:
            found[spec.axis].append(name)
    return {axis: listed for axis, listed in found.items() if listed}
