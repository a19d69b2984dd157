"""From a person's choice to a run on identities: training a network, and the protocol of prompts and fixed seeds."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from lab.errors import InputError
from lab.identification.network import WIDTHS
from lab.runs.dependencies import checked_seed, dataset_digest, dataset_name
from lab.runs.spec import RunSpec

SEEDS = (639, 25, 275, 223, 736, 677, 892, 87, 422, 30)
"""The ten seeds of the published protocol: Python's `random.seed(42)`, then ten draws from 1 to 999."""
PROMPTS = 2000
FEW_PROMPTS = 20
"""What a form offers where images are made on a processor."""
METRICS = ("re-identification", "pixel-distance", "latent-distance")
STEPS = {"patient": 1200, "copy": 400}
SIZES = (32, 224)


def train_identity_run(
    dataset: str,
    question: str = "patient",
    steps: int | None = None,
    size: int = 64,
    seed: int = 0,
    widths: Sequence[int] = WIDTHS,
) -> RunSpec:
    """A run that trains a Re-ID network or a copy embedding on the training patients of a dataset.

    Each call is a run of its own; a training that was stopped goes on where it stood.

    Args:
        dataset: id of an installed dataset.
        question: "patient" or "copy".
        steps: of the optimiser; by default what was measured to suffice for the phantoms.
        size: side of the square the network sees, 32 to 224.
        widths: channels of the four stages, multiples of 8.

    Raises:
        InputError: for a value outside its range.
        NotFoundError: for an unknown dataset.
    """
    name = dataset_name(dataset)
    wanted = STEPS.get(question, 0) if steps is None else steps
    if question not in STEPS or not 1 <= wanted <= 100_000 or not SIZES[0] <= size <= SIZES[1]:
        raise InputError(
            "The question is patient or copy, steps are 1 to 100,000 and the size 32 to 224; nothing was started; "
            "correct it."
        )
    if len(widths) != 4 or any(width < 8 or width % 8 for width in widths):
        raise InputError("The widths are four multiples of 8; nothing was started; correct them.")
    chosen = {
        "dataset": name, "question": question, "steps": wanted, "size": size, "widths": list(widths),
        "seed": checked_seed(seed),
    }  # fmt: skip
    inputs = {"dataset": dataset_digest(name), "call": secrets.token_hex(8)}
    what = "Re-ID network" if question == "patient" else "copy embedding"
    return RunSpec("train_identity", chosen, inputs, f"Training a {what} on {name}")


def protocol_run(
    generator: str,
    dataset: str,
    prompts: int = PROMPTS,
    seeds: Sequence[int] = SEEDS,
    steps: int | None = None,
    guidance: float | None = None,
    size: int | None = None,
) -> RunSpec:
    """A run that makes a sample of each of some training captions with each of the fixed seeds.

    Args:
        generator: id of a card.
        dataset: id of the dataset whose training captions are the prompts.
        prompts: how many distinct captions, drawn as `sample(n, random_state=42)` of pandas draws.
        seeds: one image each.
        steps, guidance, size: the card's by default.

    Raises:
        InputError: for a value outside its range.
        NotFoundError: for an unknown generator or dataset.
    """
    from lab.generators.cards import get_card
    from lab.generators.load import model_digest
    from lab.generators.request import request_for

    card, name = get_card(generator), dataset_name(dataset)
    if not 1 <= prompts <= 100_000 or not 1 <= len(seeds) <= 64:
        raise InputError(
            "The protocol takes 1 to 100,000 prompts and 1 to 64 seeds; nothing was started; correct them."
        )
    asked = request_for(card, "one", 1, seeds[0], steps=steps, guidance=guidance, size=size)
    chosen = {
        "generator": generator,
        "dataset": name,
        "prompts": prompts,
        "seeds": [checked_seed(seed) for seed in seeds],
        "steps": asked.steps,
        "guidance": asked.guidance,
        "size": asked.size,
    }
    inputs = {"weights": model_digest(card), "dataset": dataset_digest(name)}
    return RunSpec(
        "protocol", chosen, inputs, f"Protocol of {prompts} prompts x {len(seeds)} seeds with {generator}"
    )


def import_identity(dataset: str, file: Path) -> dict[str, object]:
    """Check a published Siamese ResNet-50, judge it on a dataset's patients, and use it as the Re-ID network there.

    Runs in this process: one pass over the dataset's held-out and test images.

    Raises:
        WeightsError: when the file would run code or does not fit.
        NotFoundError: for an unknown dataset.
    """
    from lab.identification.published import install

    return install(dataset_name(dataset), file).to_json()
