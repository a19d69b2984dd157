"""The runs the demonstration stands on: the neighbours of its one case, and an audit of each of its sets.

Pages and the command line call `next_demo_run` until nothing is missing, as they do for a dataset.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.config import settings
from lab.errors import LabError, NotFoundError
from lab.leakage.demo_counts import Truth, joined, truth_of
from lab.leakage.demo_plan import DATASET, MEMORISED, MEMORISED_SET, PLANTED, SETS
from lab.leakage.demo_set import install, read_demo
from lab.leakage.demo_truth import films_of, members_of
from lab.neighbours.calibration import load
from lab.runs.artifacts import read_artifact
from lab.runs.neighbour_requests import audit_run
from lab.runs.prepare import calibration_run, next_step
from lab.runs.requests import neighbours_run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore

NEIGHBOURS = 5
_LOG = logging.getLogger("lab.leakage")


@dataclass(frozen=True)
class Case:
    """The one case that is shown in full.

    Attributes:
        prompt: the first planted caption, as listed.
        samples: image ids of its samples, in the order of their seeds.
        chosen: the one of them with the smallest p, then the nearest by registration.
        report: its neighbours and verdict, as a neighbours run gives them.
        reference: by detector, each training image's distance to the nearest one of another patient, ascending.
        held_out: by detector, each held-out image's distance to its nearest training image.
        calibration: what else the calibration tells: canaries and false alarms.
    """

    prompt: str
    samples: tuple[str, ...]
    chosen: str
    report: dict[str, Any]
    reference: Mapping[str, NDArray[np.float64]]
    held_out: Mapping[str, NDArray[np.float64]]
    calibration: dict[str, Any]


@dataclass(frozen=True)
class Audits:
    """Everything the demonstration counts from.

    Attributes:
        memorised, well_trained: joined audits of the two sets (see `joined`).
        distances: digests of the artifacts of distances, by detector and side, as the audit tells them.
        false_alarms: of the detectors on held-out images, as the calibration tells them; None without any.
    """

    memorised: pd.DataFrame
    well_trained: pd.DataFrame
    distances: dict[str, dict[str, str]]
    false_alarms: dict[str, Any] | None


def can_be_shown() -> bool:
    """Whether this installation has what the demonstration needs: its samples and the generators they came from."""
    from lab.generators.cards import get_card

    try:
        read_demo()
        for generator in SETS.values():
            get_card(generator)
        films_of(MEMORISED)
        members_of(MEMORISED)
    except LabError:
        return False
    return True


def next_demo_run() -> RunSpec | None:
    """The first missing run, or None when the demonstration is ready; its dataset must be calibrated.

    The shipped samples are taken in as sample sets first, where they are not. The case comes first: it takes seconds.

    Raises:
        StoreError, NotFoundError: when the shipped samples or a generator's lists are missing.
        NotComputable: when the generator was trained on another dataset.
    """
    install()
    the_truth()
    store = RunStore.open()
    return next((spec for spec in _specs() if store.find_done(spec.digest) is None), None)


def _specs() -> Iterator[RunSpec]:
    yield _case_run()
    for set_id in SETS:
        yield audit_run(set_id, DATASET)


def next_preparation() -> RunSpec | None:
    """The first missing run of all that a first start prepares: the phantom set, this demonstration, then the map.

    Where the demonstration cannot be had, its page says why; everything else is prepared without it.
    """
    spec = next_step(upto="calibrate")
    if spec is None and can_be_shown():
        try:
            spec = next_demo_run()
        except LabError as error:
            _LOG.info("the demonstration is not prepared: %s", error)
    return spec or next_step()


def case() -> Case | RunSpec:
    """The case, or the run that it waits for.

    Raises:
        LabError: when a piece of it cannot be read.
    """
    spec = _case_run()
    run, calibrated = RunStore.open().find_done(spec.digest), calibration_run(DATASET)
    if run is None or calibrated is None:
        return spec
    told = dict(calibrated.result or {})
    distances = load(settings().workspace / "calibrations", str(told["digest"]))
    if distances is None:
        raise NotFoundError(
            "The calibration of the phantom set is gone; samples are kept; run: python -m lab prepare"
        )
    reports: list[dict[str, Any]] = list((run.result or {})["images"])
    prompt, samples = planted_samples()
    best = min(range(len(reports)), key=lambda at: _nearness(reports[at]))
    return Case(prompt, samples, samples[best], reports[best], distances.reference, distances.held_out, told)


def _nearness(report: dict[str, Any]) -> tuple[float, float]:
    registered = report["neighbours"][0]["registered"]
    return float((report["verdict"] or {"p": 1.0})["p"]), 2.0 if registered is None else float(registered)


def audits(truth: Truth) -> Audits | RunSpec:
    """The audits of both sets, or the first run that they wait for.

    Raises:
        NotComputable, StoreError: when the pieces do not belong together.
    """
    demo, store, found = read_demo(), RunStore.open(), []
    for set_id in SETS:
        spec = audit_run(set_id, DATASET)
        run = store.find_done(spec.digest)
        if run is None:
            return spec
        found.append(dict(run.result or {}))
    tables = [
        joined(pd.read_parquet(io.BytesIO(read_artifact(result["table"]))), demo.of(set_id), truth)
        for set_id, result in zip(SETS, found, strict=True)
    ]
    calibrated = calibration_run(DATASET)
    alarms = (calibrated.result or {}).get("false_alarms") if calibrated else None
    return Audits(tables[0], tables[1], found[0]["distances"], alarms)


def the_truth() -> Truth:
    """Who was in the training of the over-trained generator."""
    from lab.data.store import open_dataset

    return truth_of(films_of(MEMORISED), members_of(MEMORISED), open_dataset(DATASET).rows("train"))


def planted_samples() -> tuple[str, tuple[str, ...]]:
    """The first planted caption and the image ids of its samples: known before anything was audited."""
    from lab.data.samples import open_sample_set

    demo = read_demo().of(MEMORISED_SET)
    prompt = next(one.prompt for one in demo if one.group == PLANTED)
    names = open_sample_set(MEMORISED_SET).ids()
    return prompt, tuple(name for name, one in zip(names, demo, strict=True) if one.prompt == prompt)


def first_films(truth: Truth, count: int) -> tuple[Sequence[str], Sequence[str]]:
    """The first planted films and the first films seen once, as the generator lists them."""
    listed = films_of(MEMORISED)
    planted = [film.image_id for film in listed if film.image_id in truth.planted]
    once = [film.image_id for film in listed if film.image_id in truth.once]
    return planted[:count], once[:count]


def _case_run() -> RunSpec:
    """The neighbours of all samples of the first planted caption."""
    from lab.data.samples import open_sample_set

    images = open_sample_set(MEMORISED_SET)
    return neighbours_run(
        [images.image_bytes_path(name) for name in planted_samples()[1]], DATASET, NEIGHBOURS
    )
