"""A gate report: figures measured on one asset, each with the limit it has to keep, stored beside the asset.

A report is written by the command it names and committed with what it measured. `python -m lab doctor` prints every
report it finds, so a figure that is shown always has a file, a command and digests of its inputs behind it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from lab.atomic import write_json
from lab.errors import StoreError

FOLDER = "gates"


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        name: what was measured, in the field's words.
        value: the number; None where it could not be measured, with the reason in `note`.
        low, high: 95 % interval, where there is one.
        limit: what it has to keep, or None for a figure that is only told.
        side: ">=" or "<=", how `value` has to stand to `limit`.
        unit: such as "dB" or "s"; empty for a share or a ratio.
        n: how many images, prompts or pairs stand behind it.
        note: how near and why, where the limit is missed; else what a reader has to know.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    side: Literal[">=", "<="] = ">="
    unit: str = ""
    n: int | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None without a limit; a number that is missing keeps none."""
        if self.limit is None:
            return None
        if self.value is None or not math.isfinite(self.value):
            return False
        return self.value >= self.limit if self.side == ">=" else self.value <= self.limit

    def line(self) -> str:
        """The figure in one line of text."""
        value = "not measured" if self.value is None else f"{self.value:.4g}"
        parts = [f"{self.name}: {value}{' ' + self.unit if self.unit else ''}"]
        if self.low is not None and self.high is not None:
            parts.append(f"[{self.low:.3g}, {self.high:.3g}]")
        if self.n is not None:
            parts.append(f"n = {self.n}")
        if self.limit is not None:
            parts.append(f"({'kept' if self.met else 'MISSED'}: {self.side} {self.limit:.4g})")
        return " ".join(parts) + (f" - {self.note}" if self.note else "")


@dataclass(frozen=True)
class GateReport:
    """All figures of one measurement.

    Attributes:
        id: lower-case name, also the file's.
        subject: id of the asset.
        title: one line for a person.
        command: what measures it anew.
        inputs: names to digests of weights, datasets and code that the figures depend on.
        seconds: how long it took.
        figures: what was measured.
        details: further plain JSON, such as a table by finding.
    """

    id: str
    subject: str
    title: str
    command: str
    inputs: dict[str, str]
    seconds: float
    figures: tuple[Figure, ...]
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def missed(self) -> tuple[Figure, ...]:
        """The figures that do not keep their limit."""
        return tuple(figure for figure in self.figures if figure.met is False)

    def figure(self, name: str) -> Figure:
        """The figure called `name`.

        Raises:
            KeyError: when there is none.
        """
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)


def write_report(report: GateReport, asset: Path) -> Path:
    """Store a report in the folder of its asset; an older one of the same id is replaced."""
    path = asset / FOLDER / f"{report.id}.json"
    write_json(path, asdict(report))
    return path


def read_report(path: Path) -> GateReport:
    """Read one report.

    Raises:
        StoreError: when the file is missing or is not a report.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        figures = tuple(Figure(**figure) for figure in values.pop("figures"))
        return GateReport(**values, figures=figures)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(
            f"The gate report {path.name[:80]} cannot be read; the asset is kept; measure it anew."
        ) from error


def reports_of(asset: Path) -> Iterator[GateReport]:
    """Every report of one asset, by name."""
    for path in sorted((asset / FOLDER).glob("*.json")):
        yield read_report(path)


def all_reports(assets: Path) -> Iterator[GateReport]:
    """Every report below a folder of assets, by path."""
    for path in sorted(assets.rglob(f"{FOLDER}/*.json")):
        yield read_report(path)
