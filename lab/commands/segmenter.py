"""`python -m lab segmenter`: networks that outline the structures of a dataset."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit, run_to_end
from lab.runs.segmenter_requests import SIZE, STEPS, train_segmenter_run
from lab.segmentation.card import list_cards

app = typer.Typer(help="Segmenters, for metrics on the anatomy of samples.", no_args_is_help=True)
Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="Id of an installed dataset with masks.")]


@app.command("list")
def show_all(as_json: AsJson = False) -> None:
    """List the segmenters here, with their overlap on patients that did not teach them."""
    cards = [card.to_json() for card in list_cards()]
    emit({"segmenters": cards}, as_json, [_line(card) for card in cards] or ["none yet"])


@app.command("train")
def train(
    dataset: Dataset,
    steps: Annotated[int, typer.Option("--steps", help="Steps of the optimiser.")] = STEPS,
    size: Annotated[int, typer.Option("--size", help="Pixels a side, 32 to 256.")] = SIZE,
    seed: Annotated[int, typer.Option("--seed", help="Of weights and draws.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a segmenter on the training patients of a dataset and judge it on others; stopped, it goes on later."""
    result = run_to_end(train_segmenter_run(dataset, steps, size, seed))
    emit(result, as_json, [_line(result["card"])])


def _line(card: dict[str, Any]) -> str:
    told = ", ".join(f"{name} {value:.3f}" for name, value in card["overlap"].items()) or "not judged"
    return f"{card['dataset']:24s} {card['origin']}, {card['size']} px; Dice on other patients: {told}"
