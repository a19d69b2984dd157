"""The published reference tables, read from the CSV files beside this module.

Each figure names the metric of this lab that measures the same thing, the extractor it was measured with, and its
source. Rows that look damaged in the publication keep their figures and say why they are left out of charts.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

TAG = "not ours"
_FOLDER = Path(__file__).parent
_FILES = {"CheXGenBench": "chexgenbench.csv", "SkinGenBench": "skingenbench.csv"}
_IMAGES = {
    "CheXGenBench": ("chest radiographs", ("chest", "cxr")),
    "SkinGenBench": ("skin images", ("derm", "skin")),
}


@dataclass(frozen=True)
class PublishedFigure:
    """One figure of a publication.

    Attributes:
        benchmark: "CheXGenBench" or "SkinGenBench".
        table: which of its tables, for example "fidelity", "by finding", "privacy".
        edition: "paper", "later" (entries by third parties), "final" or "early" (two versions of one table).
        model: generator or subset as printed.
        metric: name of the `MetricSpec` that measures the same; "classification" for classifier scores.
        column: head of the column as printed.
        extractor: record id of the extractor it was measured with; "" where it needs none or does not say.
        group: "all", or "label: NAME" as in a breakdown here.
        value: as printed.
        spread: the +- as printed, None without one.
        source: where it stands.
        suspicious: why it is left out of charts; "" where nothing speaks against it.
    """

    benchmark: str
    table: str
    edition: str
    model: str
    metric: str
    column: str
    extractor: str
    group: str
    value: float
    spread: float | None
    source: str
    suspicious: str


def images_of(benchmark: str) -> str:
    """What the images of a benchmark are, as words."""
    return _IMAGES[benchmark][0]


def benchmark_of(modality: str) -> str:
    """The benchmark whose images are of that modality; "" for none.

    Args:
        modality: of a dataset's card, such as "chest radiograph" or "dermoscopy".
    """
    words = modality.lower()
    return next((name for name, (_, marks) in _IMAGES.items() if any(one in words for one in marks)), "")


@lru_cache(maxsize=1)
def figures() -> tuple[PublishedFigure, ...]:
    """Every published figure, suspicious ones included, in the order of the publications."""
    found = []
    for benchmark, name in _FILES.items():
        with (_FOLDER / name).open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                value, spread = float(row.pop("value")), row.pop("spread")
                told = float(spread) if spread else None
                found.append(PublishedFigure(benchmark=benchmark, value=value, spread=told, **row))
    return tuple(found)


def reference(metric: str, group: str = "all", edition: str = "") -> list[PublishedFigure]:
    """Figures of one metric that may stand in a chart: nothing suspicious.

    Args:
        metric: name of a `MetricSpec`.
        group: "all" or a group of a breakdown.
        edition: only this edition; "" for all.
    """
    return [
        figure
        for figure in figures()
        if figure.metric == metric
        and figure.group == group
        and not figure.suspicious
        and edition in ("", figure.edition)
    ]


def left_out(metric: str) -> list[PublishedFigure]:
    """Figures of one metric that are not drawn, each with its reason."""
    return [figure for figure in figures() if figure.metric == metric and figure.suspicious]
