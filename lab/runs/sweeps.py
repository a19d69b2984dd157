"""Sweeps of this workspace: launched, kept under their ids, and collected group by group from the run store."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import NotFoundError
from lab.runs.spec import RunSpec
from lab.runs.sweep_requests import Setting, Sweep, evaluate_spec, generate_specs

if TYPE_CHECKING:
    from lab.metrics.result import MetricResult
    from lab.runs.store import Run, RunStore

MOST_RUNS = 1_000_000
FOLLOWER = "sweep"
_ID = re.compile(r"[0-9a-f]{16}\Z")


@dataclass(frozen=True)
class SweptGroup:
    """How far one group is.

    Args:
        setting: of the group.
        generations: run of each generation, None where it is not queued.
        samples: reference of its samples ("ID" or "ID+ID"), "" until all are there.
        evaluation: the run, None until it is queued.
        results: of the finished evaluation.
    """

    setting: Setting
    generations: tuple[Run | None, ...]
    samples: str
    evaluation: Run | None
    results: tuple[MetricResult, ...]


def launch(asked: Sweep, store: RunStore) -> list[SweptGroup]:
    """Queue whatever can be queued now: all generations, and the evaluations of groups whose samples are there.

    Runs that are queued, running or done already are not queued twice; failed ones are queued again. The definition is
    kept, so that pages find the sweep by its id. A run behind the generations queues the other evaluations.
    """
    _keep(asked)
    for specs in generate_specs(asked).values():
        runs = [store.submit(spec) for spec in specs]
        reference = _reference(runs)
        if reference:
            store.submit(evaluate_spec(asked, reference))
    groups = groups_of(asked, store)
    if any(not group.samples for group in groups):
        store.submit(_follower(asked, store))
    return groups


def _follower(asked: Sweep, store: RunStore) -> RunSpec:
    """The run that measures groups once their samples are there; another one after one that has come to its end."""
    past = store.list(states=("done",), kinds=(FOLLOWER,), limit=MOST_RUNS, results=False)
    after = next((run.id for run in past if run.spec.settings["sweep"] == asked.id), "none")
    label = f"Measuring {len(asked.settings)} settings once their samples are there"
    return RunSpec(FOLLOWER, {"sweep": asked.id}, {"after": after}, label)


def measure_ready(asked: Sweep, store: RunStore) -> list[SweptGroup]:
    """Queue the evaluation of every group whose samples are there; nothing that has failed is queued again."""
    groups = groups_of(asked, store)
    waiting = [group for group in groups if group.samples and group.evaluation is None]
    for group in waiting:
        store.submit(evaluate_spec(asked, group.samples))
    return groups_of(asked, store) if waiting else groups


def groups_of(asked: Sweep, store: RunStore) -> list[SweptGroup]:
    """How far every group is, from the store alone; nothing is queued."""
    listed: dict[str, Run] = {}
    for run in store.list(kinds=("generate", "evaluate"), limit=MOST_RUNS, results=False):
        listed.setdefault(run.digest, run)

    def known(digest: str) -> Run | None:
        run = listed.get(digest)
        return store.get(run.id) if run is not None and run.state == "done" else run

    return [_group(asked, setting, specs, known) for setting, specs in generate_specs(asked).items()]


def results_of(groups: Sequence[SweptGroup]) -> dict[str, list[MetricResult]]:
    """Results by name of the setting, as correlations and trade-offs take them; groups without any are left out."""
    return {one.setting.name: list(one.results) for one in groups if one.results}


def list_sweeps() -> list[Sweep]:
    """The sweeps of this workspace; a damaged definition is left out."""
    files = sorted(_folder().glob("*.json")) if _folder().is_dir() else []
    return [one for file in files if (one := _read(file)) is not None]


def get_sweep(id: str) -> Sweep:
    """The sweep of that id.

    Raises:
        NotFoundError: when there is none.
    """
    found = _read(_folder() / f"{id}.json") if _ID.match(id) else None
    if found is None:
        raise NotFoundError("There is no sweep of that id; nothing was changed; choose one from the list.")
    return found


def _group(
    asked: Sweep, setting: Setting, specs: Sequence[RunSpec], known: Callable[[str], Run | None]
) -> SweptGroup:
    from lab.metrics.result import MetricResult

    runs = tuple(known(spec.digest) for spec in specs)
    reference = _reference(runs)
    evaluation = None
    if reference:
        try:
            evaluation = known(evaluate_spec(asked, reference).digest)
        except NotFoundError:  # somebody removed the samples: their runs stay listed
            reference = ""
    records = (
        (evaluation.result or {}).get("results", []) if evaluation and evaluation.state == "done" else []
    )
    return SweptGroup(
        setting, runs, reference, evaluation, tuple(MetricResult.from_json(record) for record in records)
    )


def _reference(runs: Sequence[Run | None]) -> str:
    """The samples of finished generations as one reference, "" while one is missing."""
    from lab.data.merged import merged_reference

    sets = [
        str((run.result or {}).get("sample_set", "")) if run and run.state == "done" else "" for run in runs
    ]
    return merged_reference(sets) if sets and all(sets) else ""


def _folder() -> Path:
    from lab.config import settings

    return settings().workspace / "sweeps"


def _keep(asked: Sweep) -> None:
    from lab.atomic import write_json

    _folder().mkdir(parents=True, exist_ok=True)
    write_json(_folder() / f"{asked.id}.json", asdict(asked))


def _read(file: Path) -> Sweep | None:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        settings = tuple(_setting(one) for one in told.pop("settings"))
        prompts, metrics = tuple(told.pop("prompts")), tuple(told.pop("metrics"))
        return Sweep(settings=settings, prompts=prompts, metrics=metrics, **told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _setting(told: dict[str, Any]) -> Setting:
    numbers = tuple((str(name), float(value)) for name, value in told.pop("numbers", ()))
    return Setting(**told, numbers=numbers)
