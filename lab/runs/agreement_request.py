"""The run that says how far two feature spaces agree on a dataset."""

from __future__ import annotations

from lab.errors import InputError
from lab.features.extractors import extractor_digest
from lab.runs.dependencies import dataset_digest, dataset_name, known_extractor
from lab.runs.spec import RunSpec

NEAREST = 10


def agreement_run(reference: str, first: str, second: str) -> RunSpec:
    """A run that compares two feature spaces on the training images of a dataset; the order of the two is no matter.

    Raises:
        InputError: when both are the same.
        NotFoundError: for an unknown one, or an unknown dataset.
    """
    names = sorted({known_extractor(first), known_extractor(second)})
    if len(names) < 2:
        raise InputError("A feature space agrees with itself; nothing was started; choose two.")
    name = dataset_name(reference)
    chosen = {"dataset": name, "extractors": names, "k": NEAREST}
    inputs = {"dataset": dataset_digest(name)}
    inputs |= {f"extractor {at}": extractor_digest(one) for at, one in enumerate(names, 1)}
    return RunSpec("agreement", chosen, inputs, f"{names[0]} and {names[1]} on {name}")
