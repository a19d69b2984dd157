"""Runs behind the cases of the leakage page: the cases of a set, and what its measures are read against."""

from __future__ import annotations

from lab.errors import InputError
from lab.runs.dependencies import (
    EXTRACTOR,
    calibration_digest,
    dataset_digest,
    dataset_name,
    extractor_digest,
    known_extractor,
    set_digest,
)
from lab.runs.spec import RunSpec

REFERENCE_FILMS = 300
FEWEST_FILMS = 200


def cases_run(samples: str, dataset: str, only: str = "", extractor: str = EXTRACTOR) -> RunSpec:
    """A run that chooses cases of a set and finds both films of each: nearest training, nearest held-out.

    Args:
        samples: a sample set; no path.
        dataset: id of the dataset its generator saw.
        only: image id of a single sample; "" for a choice of them with held-out films among them.
    """
    name = dataset_name(dataset)
    chosen = {"samples": samples, "dataset": name, "only": only, "extractor": known_extractor(extractor)}
    inputs = {
        "samples": set_digest(samples),
        "dataset": dataset_digest(name),
        "calibration": calibration_digest(name, extractor),
        "extractor": extractor_digest(extractor),
    }
    return RunSpec("cases", chosen, inputs, f"Cases of {samples}")


def evidence_run(dataset: str, films: int = REFERENCE_FILMS, extractor: str = EXTRACTOR) -> RunSpec:
    """A run that measures training films against other patients' films: what a case's measures are read against.

    Args:
        dataset: id of the dataset.
        films: how many training films, `FEWEST_FILMS` or more; a smaller dataset gives all it has.

    Raises:
        InputError: for fewer.
    """
    if films < FEWEST_FILMS:
        raise InputError(
            f"Percentiles need {FEWEST_FILMS} training films or more; nothing was started; ask for more."
        )
    name = dataset_name(dataset)
    chosen = {"dataset": name, "films": films, "extractor": known_extractor(extractor)}
    inputs = {"dataset": dataset_digest(name), "calibration": calibration_digest(name, extractor)}
    inputs["extractor"] = extractor_digest(extractor)
    return RunSpec("evidence", chosen, inputs, f"Distances between patients of {name}")
