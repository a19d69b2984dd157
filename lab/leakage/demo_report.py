"""The counts of one audited set: how many near-copies, how many patients exposed, and what the controls say."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from lab.data.dataset import Dataset
from lab.errors import LabError
from lab.leakage.demo_truth import members_of
from lab.leakage.population import Counts, counts, detectors_of, population
from lab.neighbours.intervals import Share, wilson
from lab.neighbours.verdict import NEAR_COPY


def report(
    audit: dict[str, Any], dataset: Dataset, calibration: dict[str, Any], origin: str = ""
) -> dict[str, Any]:
    """What an audit tells, as JSON-able values.

    Args:
        audit: result of an audit run.
        dataset: whose training images were searched.
        calibration: result of the dataset's calibration: false alarms and canaries.
        origin: id of the generator; where it lists the films it saw, exposed patients are a share of those.

    Returns:
        samples, near_copies (verdict of all detectors together), by_detector (counts within each detector's calibrated
        threshold), false_alarms, canaries and members (None where all training images are taken as seen).
    """
    from lab.runs.artifacts import read_artifact

    table = pd.read_parquet(io.BytesIO(read_artifact(audit["table"])))
    train = dataset.rows("train")
    patients = {str(name): str(who) for name, who in zip(train["image_id"], train["patient_id"], strict=True)}
    members = _members(origin)
    people = int(dataset.rows("held-out")["patient_id"].nunique())
    detectors, found = detectors_of(table), {}
    for name in detectors:
        sides = {
            side: np.load(io.BytesIO(read_artifact(digest)), allow_pickle=False)
            for side, digest in audit["distances"][name].items()
        }
        view = population(table, name, sides, len(detectors), patients, people, members)
        found[name] = None if view.limit is None else {"limit": view.limit, **_told(counts(view, view.limit))}
    copies = table[table["label"] == NEAR_COPY]
    return {
        "samples": audit["samples"],
        "dataset": audit["dataset"],
        "n": len(table),
        "near_copies": _share(wilson(len(copies), len(table))),
        "by_detector": found,
        "false_alarms": calibration.get("false_alarms"),
        "canaries": {one["kind"]: one["found"] for one in calibration.get("canaries", [])},
        "members": None if members is None else len(members),
    }


def lines(told: dict[str, Any]) -> list[str]:
    """The same for people."""
    share = told["near_copies"]
    found = [f"{told['samples']} against {told['dataset']}, {told['n']} samples"]
    verdict = (
        f"near-copies by all detectors together: {_words(share)}"
        if share["hits"]
        else f"near-copies: none found by these detectors at this sensitivity ({_words(share)})"
    )
    found.append(f"    {verdict}")
    alarms = told["false_alarms"]
    found.append(
        f"    control, false alarms on held-out images: {_words(alarms) if alarms else 'not measured'}"
    )
    for name, one in told["by_detector"].items():
        if one is None:
            found.append(f"    {name}: too few training images for a threshold")
            continue
        found.append(f"    {name}, within {one['limit']:.4g}: samples {_words(one['near'])}")
        found.append(f"        training patients exposed {_words(one['exposed'])}")
        control = _words(one["alarms"]) if one["alarms"] else "no held-out images"
        found.append(f"        control, held-out images {control}")
        if told["members"] is not None:
            found.append(f"        near-copies of patients the generator never saw: {one['unseen']}")
    weak = [f"{kind} {_words(one)}" for kind, one in told["canaries"].items()]
    return [*found, *(f"    planted test copies found, {line}" for line in weak)]


def _members(origin: str) -> tuple[str, ...] | None:
    try:
        return members_of(origin) if origin else None
    except LabError:
        return None


def _told(of: Counts) -> dict[str, Any]:
    shares = {name: _share(getattr(of, name)) for name in ("near", "exposed", "alarms", "training")}
    return {**shares, "unseen": of.unseen}


def _share(share: Share | None) -> dict[str, Any] | None:
    return None if share is None else asdict(share) | {"value": share.value}


def _words(share: dict[str, Any]) -> str:
    return f"{share['hits']} of {share['n']} ({100 * share['low']:.1f} % to {100 * share['high']:.1f} %)"
