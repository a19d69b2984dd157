"""Runs about a dataset as a whole."""

from __future__ import annotations

from lab.runs.dependencies import EXTRACTOR, dataset_digest, dataset_name, extractor_digest, known_extractor
from lab.runs.records import Run
from lab.runs.spec import RunSpec


def duplicates_run(reference: str, extractor: str = EXTRACTOR) -> RunSpec:
    """A run that looks for pictures that stand in a dataset twice.

    Raises:
        NotFoundError: for an unknown dataset or extractor.
    """
    name = dataset_name(reference)
    chosen = {"dataset": name, "extractor": known_extractor(extractor)}
    inputs = {"dataset": dataset_digest(name), "extractor": extractor_digest(extractor)}
    return RunSpec("duplicates", chosen, inputs, f"Duplicates of {name}")


def latest_duplicates(name: str) -> Run | None:
    """The finished look for duplicates of a dataset as it is now, by the default extractor, or None."""
    from lab.runs.store import RunStore

    return RunStore.open().find_done(duplicates_run(name).digest)


def known_duplicates(name: str) -> int:
    """Pairs that are one picture under two patients, where somebody has looked; 0 where nobody has."""
    run = latest_duplicates(name)
    return 0 if run is None or run.result is None else int(run.result["across_patients"])
