"""`python -m lab arms`: SkinGenBench's eight subsets and eight arms over the sets of this workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit
from lab.data.arms.contents import arms, checked, facts, proposed, to_json
from lab.data.arms.matrix import RECIPES, Matrix, get_matrix, keep, list_matrices, new_matrix, remove
from lab.errors import InputError

app = typer.Typer(help="Hold SkinGenBench's subsets and arms as a matrix.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The comparison's id.")]


@app.command("new")
def new(
    name: Name,
    dataset: Annotated[str, typer.Option("--dataset", help="The dataset as it was imported.")],
    target: Annotated[str, typer.Option("--target", help="The class that is topped up.")] = "MEL",
    basic: Annotated[str, typer.Option("--basic", help="Recipe of the basic pipeline (BS).")] = RECIPES["BS"],
    advanced: Annotated[
        str, typer.Option("--advanced", help="Recipe of the pipeline with hair removal (AD).")
    ] = RECIPES["AD"],
    as_json: AsJson = False,
) -> None:
    """Begin a comparison; sets that are already here are taken in."""
    if any(one.id == name for one in list_matrices()):
        raise InputError("There is a comparison of that id; it was kept; choose another id or remove it.")
    made = new_matrix(name, dataset, target, {"BS": basic, "AD": advanced})
    for subset, reference in proposed(made).items():
        made = checked(made, subset, reference)
    keep(made)
    _tell(made, as_json)


@app.command("set")
def put(
    name: Name,
    subset: Annotated[
        str, typer.Argument(help="BS_GT, BS_GTA, BS_GN, BS_DF, AD_GT, AD_GTA, AD_GN or AD_DF.")
    ],
    reference: Annotated[
        str, typer.Argument(help='Dataset (GT, GTA) or sample set (GN, DF); "" takes it out.')
    ],
    as_json: AsJson = False,
) -> None:
    """Say which set a subset is."""
    changed = checked(get_matrix(name), subset, reference)
    keep(changed)
    _tell(changed, as_json)


@app.command("find")
def find(name: Name, as_json: AsJson = False) -> None:
    """Take in the sets of this workspace that fit a missing subset."""
    matrix = get_matrix(name)
    for subset, reference in proposed(matrix).items():
        matrix = checked(matrix, subset, reference)
    keep(matrix)
    _tell(matrix, as_json)


@app.command("show")
def show(name: Name, as_json: AsJson = False) -> None:
    """Each subset and arm with its sources and counts, and what to do about missing ones."""
    _tell(get_matrix(name), as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """The comparisons of this workspace."""
    known = list_matrices()
    lines = [f"{one.id}: {one.dataset}, {one.target}, {len(one.references)} of 8 subsets" for one in known]
    emit({"arms": [one.to_json() for one in known]}, as_json, lines or ["none yet"])


@app.command("remove")
def forget(name: Name, as_json: AsJson = False) -> None:
    """Forget a comparison; its sets are kept."""
    remove(name)
    emit({"removed": name}, as_json, [f"{name} was removed; its sets are kept."])


def _tell(matrix: Matrix, as_json: bool) -> None:
    emit(to_json(matrix), as_json, _lines(matrix))


def _lines(matrix: Matrix) -> list[str]:
    subsets = facts(matrix)
    lines = [f"{matrix.id}: {matrix.dataset}, {matrix.target} topped up"]
    for one in subsets.values():
        lines.append(f"{one.name:7s} {one.reference or '-':24s} {_counts(one.counts) or one.advice}")
        lines += [f"        {note}" for note in one.notes]
    for arm in arms(matrix, subsets).values():
        sources = " + ".join(f"{subset} ({reference or 'missing'})" for subset, reference in arm.sources)
        lines.append(f"{arm.name:3s} {sources}: {_counts(arm.counts) or 'nothing yet'}")
    return lines


def _counts(counts: Mapping[str, int]) -> str:
    return "  ".join(f"{label} {count:,}" for label, count in counts.items())
