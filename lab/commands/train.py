"""`python -m lab train`: the project's own resumable recipes."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit, run_to_end
from lab.runs.requests import train_run


def train(
    recipe: Annotated[
        str, typer.Argument(help="A recipe's name, for example phantom-cxr-flow, or a YAML file.")
    ],
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.01, help="Stop at a checkpoint after so long.")
    ] = 90.0,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a generator; checkpoints and contact sheets are written as it goes."""
    result = run_to_end(train_run(recipe, minutes, resume))
    emit(result, as_json, [f"{key}: {value}" for key, value in result.items()])
