"""A workspace in which a set of one generator was audited: distances made by hand, runs written as a worker would."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pandas as pd

from lab.leakage.population import distance_column, film_column

DETECTORS = ("registered-correlation", "feature-cosine")
SAMPLES = 30


def audited_set(
    workspace: Any, dataset: str, builders: Any
) -> tuple[pd.DataFrame, dict[str, dict[str, np.ndarray]]]:
    """Two sets of one generator, the audit of both together, and the dataset's calibration.

    Args:
        dataset: an imported dataset, features and calibration not yet there.
        builders: of tests/pages/conftest.py.

    Returns:
        The audit's table and, by detector and side, its distances.
    """
    from lab.data.store import open_dataset
    from lab.runs import requests
    from lab.runs.leakage_requests import population_run

    rows = open_dataset(dataset).rows()
    builders.finish(requests.embed_run(dataset), {"extracted": len(rows), "stored": 0})
    builders.finish(requests.calibrate_run(dataset), _calibration(dataset))
    _samples()
    rng = np.random.default_rng(7)
    train = rows[rows["split"] == "train"]["image_id"].astype(str).tolist()
    distances = {
        name: {"train": np.sort(rng.uniform(0.2, 0.8, 400)), "held-out": rng.uniform(0.15, 0.8, 120)}
        for name in DETECTORS
    }
    spec = population_run("set-0+set-1", dataset)
    from lab.ui.sets import open_set

    table = _table(open_set("set-0+set-1"), train, rng)
    builders.finish(spec, _result(spec, table, distances))
    return table, distances


def _samples() -> None:
    from lab.data.samples import NewSample, SampleSetWriter

    rng = np.random.default_rng(8)
    for number in range(2):
        writer = SampleSetWriter(f"set-{number}", "small", parent="films")
        pictures = rng.integers(0, 256, (SAMPLES // 2, 48, 48), dtype=np.uint8)
        writer.append(NewSample(at, film, {"seed": at}, "An effusion.") for at, film in enumerate(pictures))
        writer.finalise()


def _table(images: Any, train: list[str], rng: np.random.Generator) -> pd.DataFrame:
    count = len(images.ids())
    labels = ["near-copy" if row < 12 else "ordinary" for row in range(count)]
    table = pd.DataFrame({"image_id": images.ids(), "digest": images.digests(), "label": labels, "p": 0.5})
    for name in DETECTORS:
        near = np.concatenate([rng.uniform(0.01, 0.19, 12), rng.uniform(0.21, 0.8, count - 12)])
        # Copies fall on few films, so that copies and exposed patients are different numbers.
        films = [train[int(number)] for number in rng.integers(0, 7, 12)] + list(
            rng.choice(train, count - 12)
        )
        table[distance_column(name)], table[film_column(name)] = near, films
    return table


def _result(spec: Any, table: pd.DataFrame, distances: dict[str, dict[str, np.ndarray]]) -> dict[str, Any]:
    from lab.runs.artifacts import write_artifact

    def kept(values: np.ndarray) -> str:
        stream = io.BytesIO()
        np.save(stream, values)
        return write_artifact(stream.getvalue(), ".npy")

    stream = io.BytesIO()
    table.to_parquet(stream, index=False)
    return {
        "samples": spec.settings["samples"], "dataset": spec.settings["dataset"], "n": len(table), "n_train": 400,
        "table": write_artifact(stream.getvalue(), ".parquet"), "labels": {}, "sets": {}, "flagged": 0,
        "distances": {name: {side: kept(v) for side, v in sides.items()} for name, sides in distances.items()},
    }  # fmt: skip


def _calibration(dataset: str) -> dict[str, Any]:
    def share(hits: int, n: int = 20) -> dict[str, Any]:
        from dataclasses import asdict

        from lab.neighbours.intervals import wilson

        found = wilson(hits, n)
        return asdict(found) | {"value": found.value}

    by = {"registered-correlation": (20, 19, 18), "feature-cosine": (20, 2, 14)}
    kinds = ("exact", "noised", "cropped")
    return {
        "dataset": dataset, "digest": "c" * 64, "detectors": list(DETECTORS), "n_reference": 400, "n_patients": 200,
        "smallest_p": 0.005, "false_alarms": share(1, 120), "called_close": share(5, 120), "off_map": 0.5,
        "canaries": [
            {"kind": kind, "found": share(max(by[name][place] for name in by)), "source_first": share(20),
             "by_detector": {name: share(by[name][place]) for name in by}}
            for place, kind in enumerate(kinds)
        ],
    }  # fmt: skip


def attack(name: str, area: float) -> dict[str, Any]:
    """One attack as a membership run stores it."""
    from lab.leakage.roc import roc_of

    rng = np.random.default_rng(9)
    shift = 4 * (area - 0.5)
    found = roc_of(
        rng.normal(shift, 1, 120),
        rng.normal(0, 1, 120),
        np.arange(120).astype(str),
        np.arange(120).astype(str),
    )
    return json.loads(
        json.dumps(
            {
                "name": name,
                **found.to_json(),
                "lower_epsilon": {"1e-05": 0.8},
                "control": None,
                "scores": "0" * 64,
            }
        )
    )
