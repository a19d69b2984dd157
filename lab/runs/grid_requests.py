"""From the form of a grid to a `RunSpec`, and from a run back to what was asked and to the cells that are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lab.runs.dependencies import EXTRACTOR
from lab.runs.finished_parts import records_of
from lab.runs.grid_axes import axis_from_json
from lab.runs.grid_cells import Cell, Grid, cells, groups
from lab.runs.spec import RunSpec

if TYPE_CHECKING:
    from lab.generators.request import GenerationRequest
    from lab.runs.records import Run

KIND = "grid"
SPLIT = " of "


def grid_run(grid: Grid, extractor: str = EXTRACTOR) -> RunSpec:
    """A run that makes all cells of a grid, then judges each as a sample of its own.

    Args:
        grid: what is varied.
        extractor: the feature extractor of the answer.

    Raises:
        InputError: as `cells`.
        GeneratorError: when a generator is not on this machine.
    """
    from lab.generators.cards import get_card
    from lab.runs.requests import default_dataset

    made = cells(grid)
    requests = [cell.request for cell in made]
    plain = [{"row": cell.row, "column": cell.column, "request": to_json(cell.request)} for cell in made]
    datasets: dict[str, str | None] = {}
    inputs: dict[str, str] = {}
    for name in dict.fromkeys(one.generator for one in requests):
        datasets[name] = default_dataset(get_card(name))
        first = next(one for one in requests if one.generator == name)
        inputs |= _inputs(name, first, datasets[name], extractor)
    chosen = {
        "name": " ".join(grid.name.split())[:120],
        "mode": grid.mode,
        "base": to_json(grid.base),
        "rows": grid.rows.to_json() if grid.rows else None,
        "columns": grid.columns.to_json() if grid.columns else None,
        "cells": plain,
        "groups": groups(requests),
        "datasets": datasets,
        "extractor": extractor,
    }
    return RunSpec(KIND, chosen, inputs, f"{chosen['name'] or 'Grid'}: {len(made)} cells")


def _inputs(name: str, request: GenerationRequest, dataset: str | None, extractor: str) -> dict[str, str]:
    """What a prompt to this generator depends on, each role followed by the generator."""
    from lab.runs.requests import generate_run

    return {
        f"{role}{SPLIT}{name}": value
        for role, value in generate_run(request, dataset, extractor).inputs.items()
    }


def inputs_of(spec: RunSpec, generator: str) -> dict[str, str]:
    """The inputs of one generator, by the roles of an ordinary generation run."""
    end = f"{SPLIT}{generator}"
    return {role.removesuffix(end): value for role, value in spec.inputs.items() if role.endswith(end)}


def to_json(request: GenerationRequest) -> dict[str, Any]:
    """A request as plain JSON, the condition only where there is one."""
    from lab.generators.request import MICRO_BATCH

    values: dict[str, Any] = {
        "generator": request.generator, "prompt": request.prompt, "negative_prompt": request.negative_prompt,
        "seeds": list(request.seeds), "steps": request.steps, "guidance": request.guidance, "size": request.size,
    }  # fmt: skip
    if request.condition:
        values["condition"] = request.condition.to_json()
    if request.micro_batch != MICRO_BATCH:
        values["micro_batch"] = request.micro_batch
    return values


def from_json(values: dict[str, Any]) -> GenerationRequest:
    """The request that `to_json` wrote."""
    from lab.generators.condition import condition_from_json
    from lab.generators.request import MICRO_BATCH, GenerationRequest

    return GenerationRequest(
        generator=values["generator"], prompt=values["prompt"], seeds=tuple(values["seeds"]), steps=values["steps"],
        guidance=float(values["guidance"]), size=values["size"], negative_prompt=values["negative_prompt"],
        condition=condition_from_json(values.get("condition")), micro_batch=values.get("micro_batch", MICRO_BATCH),
    )  # fmt: skip


def grid_of(spec: RunSpec) -> Grid:
    """The grid a run was asked for."""
    chosen = spec.settings
    return Grid(
        from_json(chosen["base"]), axis_from_json(chosen["rows"]), axis_from_json(chosen["columns"]),
        chosen["name"], chosen["mode"],
    )  # fmt: skip


def cells_of(spec: RunSpec) -> list[Cell]:
    """The cells of a run, in their order."""
    return [Cell(one["row"], one["column"], from_json(one["request"])) for one in spec.settings["cells"]]


def counterfactual(
    base: GenerationRequest, phrase: str, alternatives: Sequence[str], seeds: Sequence[int], name: str = ""
) -> Grid:
    """One word changed, everything else fixed: the sample as it is in the first column, one seed a row.

    Args:
        base: the recipe of the sample.
        phrase: the words of its prompt that change.
        alternatives: what stands in their place; the phrase itself is put first.
        seeds: one a row.

    Raises:
        InputError: for no alternative or seed, or one twice.
    """
    from lab.runs.grid_axes import axis

    others = [word for word in alternatives if word.strip().lower() != phrase.strip().lower()]
    columns = axis("word", [phrase, *others], phrase)
    return Grid(replace(base, seeds=(seeds[0],)), axis("seed", seeds), columns, name, "counterfactual")


@dataclass(frozen=True)
class Made:
    """A cell that is there: what a page needs to draw it. `sample` is the whole answer, {} while the run goes on."""

    cell: Cell
    number: int
    artifact: str
    sample: dict[str, Any]


def made_cells(run: Run) -> dict[int, Made]:
    """The cells that are there, by number: all of a finished run, the finished ones of any other."""
    asked = cells_of(run.spec)
    if run.state == "done" and run.result:
        return {
            number: Made(asked[number], number, str(sample["artifact"]), sample)
            for number, sample in enumerate(run.result["samples"])
        }
    found: dict[int, Made] = {}
    for group in run.spec.settings["groups"]:
        for number, record in zip(group, records_of(run, part_key(group[0])), strict=False):
            found[number] = Made(asked[number], number, str(record["artifact"]), {})
    return found


def part_key(first: int) -> str:
    """Under which name a run keeps the group that begins with that cell."""
    return f"cells-{first}"
