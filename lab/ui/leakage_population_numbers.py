"""An audit read as a population: its table, its controls, and the films its generator saw."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lab.data.store import open_dataset
from lab.leakage.membership import read_members
from lab.leakage.population import Population, population
from lab.neighbours.intervals import Share, wilson
from lab.neighbours.verdict import NEAR_COPY
from lab.runs.artifacts import read_artifact
from lab.runs.prepare import calibration_run
from lab.runs.records import Run
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from lab.ui.leakage_population_choice import Chosen


@dataclass(frozen=True, eq=False)
class Audited:
    """A finished audit.

    Attributes:
        chosen: what was audited.
        result, table: of the audit run.
        near: near-copies by all detectors together.
        alarms: held-out films with that verdict; None without held-out films.
    """

    chosen: Chosen
    result: dict[str, Any]
    table: pd.DataFrame
    near: Share
    alarms: Share | None

    def population(self, detector: str) -> Population:
        """One detector's view."""
        name = self.chosen.dataset
        patients, held_out = training_patients(name, open_dataset(name).card.digest)
        distances = {side: array(digest) for side, digest in self.result["distances"][detector].items()}
        card = self.chosen.card
        members = read_members(card.root) if card is not None and card.training_dataset == name else None
        count = len(self.result["distances"])
        return population(self.table, detector, distances, count, patients, held_out, members)


def audited(run: Run, chosen: Chosen) -> Audited:
    """Read a finished audit.

    Raises:
        NotFoundError: when its table was deleted.
    """
    result = run.result or {}
    table = pd.read_parquet(io.BytesIO(read_artifact(result["table"])))
    near = wilson(int((table["label"] == NEAR_COPY).sum()), len(table))
    calibration = calibration_run(chosen.dataset)
    alarms = ((calibration.result if calibration else None) or {}).get("false_alarms")
    known = ("hits", "n", "low", "high", "clusters")
    return Audited(
        chosen, result, table, near, Share(**{name: alarms[name] for name in known}) if alarms else None
    )


def latest(spec: RunSpec) -> Run | None:
    """The newest run of that spec whatever its state, so that a reload finds it; None before there is one."""
    digest = spec.digest
    return next(
        (run for run in RunStore.open().list(kinds=(spec.kind,), limit=50) if run.digest == digest), None
    )


@st.cache_data(max_entries=8, show_spinner=False)
def training_patients(dataset: str, digest: str) -> tuple[dict[str, str], int]:
    """Patient of every training film, and how many patients are held out; the dataset's digest is part of the key."""
    rows = open_dataset(dataset).rows()
    train = rows[rows["split"] == "train"]
    patients = dict(zip(train["image_id"].astype(str), train["patient_id"].astype(str), strict=True))
    return patients, int(rows.loc[rows["split"] == "held-out", "patient_id"].nunique())


@st.cache_data(max_entries=32, show_spinner=False)
def array(digest: str) -> NDArray[Any]:
    """An array artifact; the digest is the whole cache key."""
    return np.load(io.BytesIO(read_artifact(digest)), allow_pickle=False)


def share_words(share: Share) -> str:
    """ "26.6 %, 95 % interval 19.7 to 34.8 %"."""
    return f"{100 * share.value:.1f} %, 95 % interval {100 * share.low:.1f} to {100 * share.high:.1f} %"
