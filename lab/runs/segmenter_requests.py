"""From a person's choice to a run that trains a segmenter."""

from __future__ import annotations

import secrets

from lab.errors import InputError
from lab.runs.dependencies import checked_seed, dataset_digest, dataset_name
from lab.runs.spec import RunSpec

STEPS, SIZE = 800, 80


def train_segmenter_run(dataset: str, steps: int = STEPS, size: int = SIZE, seed: int = 0) -> RunSpec:
    """A run that trains a segmenter on the training patients of a dataset with masks.

    Each call is a run of its own; a training that was stopped goes on where it stood.

    Args:
        dataset: id of an installed dataset.
        steps: of the optimiser, 1 to 100,000.
        size: side of the square the network sees, 32 to 256, a multiple of 8.
        seed: of weights and draws.

    Raises:
        InputError: for a value outside its range.
        NotFoundError: for an unknown dataset.
    """
    name = dataset_name(dataset)
    if not 1 <= steps <= 100_000 or not 32 <= size <= 256 or size % 8:
        raise InputError(
            "Steps are 1 to 100,000 and the size is a multiple of 8 from 32 to 256; nothing was started; correct it."
        )
    chosen = {"dataset": name, "steps": steps, "size": size, "seed": checked_seed(seed)}
    inputs = {"dataset": dataset_digest(name), "call": secrets.token_hex(8)}
    return RunSpec("train_segmenter", chosen, inputs, f"Training a segmenter on {name}")
