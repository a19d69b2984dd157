"""The gates by name: each measures one asset and gives a report; the command line runs any of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from lab.config import ASSETS
from lab.errors import NotFoundError
from lab.gates.report import FOLDER, GateReport
from lab.generators.training.recipe import MEMORISED, MITIGATED, memorised

# The small radiograph generators that take no condition.
UNTOLD = ("phantom-cxr-ddpm", "phantom-cxr-flow", "phantom-cxr-gan", "phantom-cxr-vae")

OnProgress = Callable[[str, int, int], None]
Measure = Callable[[str, OnProgress], GateReport]


@dataclass(frozen=True)
class Gate:
    """One measurement.

    Attributes:
        id: name on the command line and of the report.
        title: one line for a person.
        module: module of `lab.gates` whose function `measure(asset, on_progress)` measures it.
        folder: folder of assets whose members it measures, such as "generators".
        assets: ids of the shipped assets it is run for.
    """

    id: str
    title: str
    module: str
    folder: str
    assets: tuple[str, ...]

    def measure(self, asset: str, on_progress: OnProgress) -> GateReport:
        """Measure one asset by its id; `on_progress(stage, done, total)` is called as it goes."""
        found = cast(Measure, importlib.import_module(f"lab.gates.{self.module}").measure)
        return found(asset, on_progress)

    def place(self, asset: str) -> Path:
        """Folder of the asset, where its report is stored."""
        return ASSETS / self.folder / asset

    def missing(self, asset: str) -> str:
        """Why there is no stored report of an asset, as half a sentence; "" where there is one."""
        if not self.place(asset).is_dir():
            return "not in this installation"
        stored = self.place(asset) / FOLDER / f"{self.id}.json"
        return "" if stored.is_file() else "not measured yet"


GATES = (
    Gate("autoencoder", "What the autoencoder keeps of a film", "autoencoder", "bases", ("cxr-base",)),
    Gate(
        "adherence", "Whether samples show what the prompt says", "adherence", "generators", ("phantom-cxr",)
    ),
    Gate(
        "ship",
        "Whether samples copy training films",
        "ship",
        "generators",
        ("phantom-cxr", "paediatric-cxr", *UNTOLD, "phantom-derm-classes"),
    ),
    Gate(
        "planted",
        "Whether films that a generator was made to learn are found again",
        "planted",
        "generators",
        tuple(memorised(films).id for films in MEMORISED),
    ),
    Gate(
        "mitigation",
        "How much of what was planted is given back when something is done against it",
        "mitigation",
        "leakage",
        MITIGATED,
    ),
    Gate(
        "class-fidelity",
        "Whether samples show the class they were asked for",
        "class_fidelity",
        "generators",
        ("phantom-derm-classes",),
    ),
    Gate(
        "mask-fidelity",
        "Whether samples keep to the mask they were asked for",
        "mask_fidelity",
        "generators",
        ("phantom-cmr-masks",),
    ),
    Gate(
        "own-size",
        "How near samples are to training pictures at their own size",
        "own_size",
        "generators",
        UNTOLD,
    ),
    Gate(
        "text-image",
        "Whether images and captions find each other",
        "text_image",
        "extractors",
        ("phantom-clip",),
    ),
)


def unmeasured() -> list[tuple[str, str, str]]:
    """Gate, asset and reason of every registered measurement of which no report is stored."""
    return [
        (gate.id, asset, reason) for gate in GATES for asset in gate.assets if (reason := gate.missing(asset))
    ]


def get_gate(name: str) -> Gate:
    """The gate of that name.

    Raises:
        NotFoundError: with the names there are.
    """
    for gate in GATES:
        if gate.id == name:
            return gate
    known = ", ".join(gate.id for gate in GATES)
    raise NotFoundError(f"There is no gate of that name; nothing was measured; choose one of: {known}.")
