"""`python -m lab sweep`: many sampling settings in one launch, each group measured against the same real images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from lab.commands.options import EXTRACTOR, AsJson, ExtractorOption, SeedOption
from lab.commands.output import ProgressLine, emit, run_to_end
from lab.errors import InputError, LabError
from lab.runs.client import ensure_worker, wait
from lab.runs.prepare import prepare_dataset
from lab.runs.store import RunStore
from lab.runs.sweep_requests import sweep as make_sweep
from lab.runs.sweeps import SweptGroup, launch


def sweep(
    generators: Annotated[
        str, typer.Option("--generators", help="Ids, separated by commas: the checkpoints.")
    ],
    real: Annotated[str, typer.Option("--real", help="The real side: ID or ID:SPLIT (ID means train).")],
    metrics: Annotated[str, typer.Option("--metrics", help="Names, separated by commas.")],
    prompts: Annotated[
        list[str] | None,
        typer.Option("--prompt", help="May be given several times; needed where a generator reads text."),
    ] = None,
    steps: Annotated[str, typer.Option("--steps", help="Denoising steps, separated by commas.")] = "",
    guidance: Annotated[str, typer.Option("--guidance", help="Guidance scales, separated by commas.")] = "",
    knobs: Annotated[
        list[str] | None,
        typer.Option(
            "--knob", help="A number of the generator's own, NAME=VALUE,VALUE (such as psi=0.5,0.7,1)."
        ),
    ] = None,
    classes: Annotated[str, typer.Option("--classes", help="Classes, separated by commas.")] = "",
    vendors: Annotated[str, typer.Option("--vendors", help="Vendors, separated by commas.")] = "",
    count: Annotated[int, typer.Option("-n", help="Samples of each prompt in each group.")] = 16,
    extractor: ExtractorOption = EXTRACTOR,
    seed: SeedOption = 0,
    queue_only: Annotated[
        bool, typer.Option("--queue-only", help="Queue what can be queued and end; ask again to go on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sample with every combination of checkpoint, steps, guidance and so on, and measure each group alike."""
    names = _words(metrics)
    asked = make_sweep(
        _words(generators), prompts or (), count, real, names, [int(one) for one in _numbers(steps)],
        _numbers(guidance), extractor, seed, _knobs(knobs or ()), _words(classes), _words(vendors),
    )  # fmt: skip
    store = RunStore.open()
    if not queue_only:
        prepare_dataset(
            real, extractor, run_to_end, upto="calibrate" if "near-copy-share" in names else "embed"
        )
    groups = launch(asked, store)
    ensure_worker()
    if not queue_only:
        _wait([run.id for group in groups for run in group.generations if run])
        groups = launch(asked, store)
        _wait([group.evaluation.id for group in groups if group.evaluation])
        groups = launch(asked, store)
    facts = {"sweep": asked.id, "groups": [_facts(group) for group in groups]}
    emit(facts, as_json, [f"sweep {asked.id}", *(_line(group, names) for group in groups)])


def _wait(runs: list[str]) -> None:
    """Wait for runs one after the other.

    Raises:
        LabError: with the sentence of the first one that did not end well.
    """
    for run_id in runs:
        line = ProgressLine()
        run = wait(run_id, line)
        line.close()
        if run.state != "done":
            raise LabError(
                run.error
                or f"A run of the sweep was {run.state}; the others are kept; start the sweep again."
            )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _numbers(text: str) -> list[float]:
    try:
        return [float(word) for word in _words(text)]
    except ValueError as error:
        raise InputError(
            "A list holds something that is no number; nothing was started; correct it."
        ) from error


def _knobs(given: Sequence[str]) -> dict[str, list[float]]:
    found = {}
    for one in given:
        name, _, values = one.partition("=")
        if not name.strip() or not values.strip():
            raise InputError(
                "A number of the generator's own is given as NAME=VALUE,VALUE; nothing was started."
            )
        found[name.strip()] = _numbers(values)
    return found


def _facts(group: SweptGroup) -> dict[str, object]:
    return {
        "group": group.setting.name,
        "generations": [
            None if run is None else {"run": run.id, "state": run.state} for run in group.generations
        ],
        "samples": group.samples,
        "evaluation": None if group.evaluation is None else group.evaluation.id,
        "results": [result.to_json() for result in group.results],
    }


def _line(group: SweptGroup, metrics: list[str]) -> str:
    known = {result.metric: result.value for result in group.results}
    values = [f"{name} {'-' if known.get(name) is None else f'{known[name]:.4f}'}" for name in metrics]
    waiting = sum(run is None or run.state != "done" for run in group.generations)
    state = f"{waiting} generations to come" if waiting else "" if group.results else "to be measured"
    return f"{group.setting.name}: " + (state or "  ".join(values))
