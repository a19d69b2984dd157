"""`python -m lab identity`: networks that know patients or copies, and the privacy protocol that asks them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lab.commands.options import EXTRACTOR, AsJson, ExtractorOption
from lab.commands.output import emit, run_to_end
from lab.identification.card import list_cards
from lab.runs.identity_requests import (
    FEW_PROMPTS,
    METRICS,
    import_identity,
    protocol_run,
    train_identity_run,
)
from lab.runs.prepare import prepare_dataset
from lab.runs.requests import evaluate_run

app = typer.Typer(help="Re-ID networks, copy embeddings and the privacy protocol.", no_args_is_help=True)
Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="Id of an installed dataset.")]


@app.command("list")
def show_all(as_json: AsJson = False) -> None:
    """List the networks here, with what they were measured to be worth."""
    cards = [card.to_json() for _, card in list_cards()]
    emit({"networks": cards}, as_json, [_line(card) for card in cards] or ["none yet"])


@app.command("train")
def train(
    dataset: Dataset,
    question: Annotated[str, typer.Option("--question", help="patient or copy.")] = "patient",
    steps: Annotated[int | None, typer.Option("--steps", help="Steps of the optimiser.")] = None,
    size: Annotated[int, typer.Option("--size", help="Pixels a side, 32 to 224.")] = 64,
    seed: Annotated[int, typer.Option("--seed", help="Of weights and draws.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a network on the training patients of a dataset, and judge it on the others; stopped, it goes on later."""
    result = run_to_end(train_identity_run(dataset, question, steps, size, seed))
    emit(result, as_json, [_line(result["card"])])


@app.command("import")
def import_(
    dataset: Dataset,
    file: Annotated[
        Path, typer.Argument(help="Weights of a Siamese ResNet-50, safetensors or state dictionary.")
    ],
    as_json: AsJson = False,
) -> None:
    """Use published weights as the Re-ID network of a dataset, judged on its held-out patients first."""
    card = import_identity(dataset, file)
    emit(card, as_json, [_line(card)])


@app.command("protocol")
def protocol(
    generator: Annotated[str, typer.Option("--generator", help="The generator's id.")],
    dataset: Annotated[str, typer.Option("--dataset", help="Whose training captions are the prompts.")],
    prompts: Annotated[
        int, typer.Option("--prompts", help="How many; the published protocol takes 2000.")
    ] = FEW_PROMPTS,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Denoising steps; the card's when absent.")
    ] = None,
    extractor: ExtractorOption = EXTRACTOR,
    as_json: AsJson = False,
) -> None:
    """Make every prompt with the ten published seeds, then measure re-identification, pixel and latent distance."""
    prepare_dataset(dataset, extractor, run_to_end, upto="embed")
    made = run_to_end(protocol_run(generator, dataset, prompts, steps=steps))
    measured = run_to_end(evaluate_run(dataset, made["sample_set"], METRICS, extractor))
    lines = [f"{made['images']} samples of {made['prompts']} prompts in the set {made['sample_set']}"]
    for item in measured["results"]:
        value = "-" if item["value"] is None else f"{item['value']:.4f}"
        control = "-" if item["control"] is None else f"{item['control']:.4f}"
        lines.append(f"{item['metric']:20s} {value}  held-out control {control}  {item['note']}")
    emit({"protocol": made, "measured": measured}, as_json, lines)


def _line(card: dict[str, Any]) -> str:
    told = card["verification"]
    reach = "" if not told or told["low"] is None else f" ({told['low']:.3f} to {told['high']:.3f})"
    worth = (
        f"AUC {told['auc']:.3f}{reach}, equal error {told['equal_error']:.3f}, {told['patients']} patients"
        if told
        else "not measured"
    )
    return f"{card['dataset']} {card['question']}: {worth}; {card['origin']}"
