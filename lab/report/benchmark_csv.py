"""Results as CSV in the shapes that the benchmarks' own scripts write, and those files read back.

A benchmark's file holds what the benchmark defines: where its published code differs from the definition
(`MetricResult.published`), that number is written. Numbers by another extractor than the benchmark's get columns of
their own after its columns, with the extractor's id, so that nobody takes one for the other.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.errors import InputError
from lab.metrics.result import MetricResult

Row = dict[str, Any]
_DIGITS = 6


@dataclass(frozen=True)
class Column:
    """A column of a benchmark: its head, the metric, the benchmark's extractor ("" for any) and the head of others."""

    head: str
    metric: str
    extractor: str = ""
    others: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Shape:
    """A file of a benchmark.

    Attributes:
        name: the spelling of the command line.
        file: the name its scripts give the file.
        columns: in order.
        model, group: heads of the columns that name the model and the group; "" for none.
        extra: further columns that its scripts write and that hold nothing measured here.
    """

    name: str
    file: str
    columns: tuple[Column, ...]
    model: str = ""
    group: str = ""
    extra: tuple[str, ...] = ()


_CXR_FIDELITY = (
    Column("FID", "frechet-distance", "inception-fid"),
    Column("FID (RadDino)", "frechet-distance", "rad-dino", "FID"),
    Column("KID", "kernel-distance", "inception-fid"),
    Column("KID (RadDino)", "kernel-distance", "rad-dino", "KID"),
    Column("Inception Score", "inception-score"),
    Column("Precision", "precision", "rad-dino", "Precision"),
    Column("Recall", "recall", "rad-dino", "Recall"),
    Column("Density", "density", "rad-dino", "Density"),
    Column("Coverage", "coverage", "rad-dino", "Coverage"),
)
SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape(
            "chexgenbench-fidelity",
            "image_generation_metrics.csv",
            (*_CXR_FIDELITY, Column("FRD", "radiomics-distance")),
            model="Extra Info",
            extra=("Caption Type",),
        ),
        Shape(
            "chexgenbench-conditional",
            "conditional_image_generation_metrics.csv",
            _CXR_FIDELITY,
            model="Extra Info",
            group="Pathology",
            extra=("Caption Type",),
        ),
        Shape(
            "chexgenbench-alignment",
            "img_text_alignment.csv",
            (Column("Alignment_score", "clip-score", "biovil-t", "Alignment_score"),),
            model="Extra Info",
        ),
        Shape(
            "skingenbench",
            "generative_metrics.csv",
            (
                Column("FID", "frechet-distance", "inception-fid", "FID"),
                Column("KID", "kernel-distance", "inception-fid", "KID"),
                Column("KID sd", "kernel-distance", "inception-fid", "KID sd", "subset_sd"),
                Column("IS", "inception-score"),
                Column("IS sd", "inception-score", detail="sd"),
            ),
            model="Subset",
        ),
        Shape(
            "xing",
            "evaluators.csv",
            (
                Column("fidelity", "xing-fidelity"),
                Column("precision_privacy", "xing-real-share"),
                Column("privacy", "xing-privacy"),
                Column("variety", "mean-image-size"),
                Column("std", "feature-std"),
                Column("fid", "frechet-distance"),
            ),
            model="group",
        ),
    )
}


def rows_of(shape: Shape, results: Sequence[MetricResult], model: str) -> list[Row]:
    """One row for the whole set, or one a group where the shape has a column for it.

    Args:
        shape: one of `SHAPES`.
        results: of one run, or of several runs of the same sets by different extractors.
        model: what names the synthetic side; an id, never a path.
    """
    groups = dict.fromkeys(result.group for result in results)
    wanted = [name for name in groups if (name != "all") == bool(shape.group)]
    rows = []
    for group in wanted:
        mine = [result for result in results if result.group == group]
        row: Row = {column.head: _value(column, mine) for column in shape.columns}
        for column in shape.columns:
            row |= _others(column, mine)
        if shape.model:
            row[shape.model] = model
        if shape.group:
            row[shape.group] = group.partition(": ")[2]
        rows.append(row | dict.fromkeys(shape.extra, ""))
    return rows


def to_csv(rows: Sequence[Row]) -> str:
    """CSV text of rows; the columns of the first row lead, further ones follow; None is an empty cell."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, heads, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({head: _cell(row.get(head)) for head in heads})
    return stream.getvalue()


def read_csv(text: str) -> list[Row]:
    """Rows of such a file, whoever wrote it: numbers as numbers, empty cells as None.

    Raises:
        InputError: when it is no CSV with a head and equal rows.
    """
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")))
    lines = [line for line in reader if line]
    if len(lines) < 2 or any(len(line) != len(lines[0]) for line in lines):
        raise InputError(
            "This is not a table of benchmark results; nothing was read; choose a CSV file with one head line."
        )
    return [{head: _number(cell) for head, cell in zip(lines[0], line, strict=True)} for line in lines[1:]]


def _value(column: Column, results: Sequence[MetricResult]) -> float | None:
    for result in results:
        if result.metric == column.metric and column.extractor in ("", result.extractor):
            return _of(column, result)
    return None


def _others(column: Column, results: Sequence[MetricResult]) -> Row:
    """Cells for the extractors that are not the benchmark's."""
    if not column.others:
        return {}
    return {
        f"{column.others} ({result.extractor})": _of(column, result)
        for result in results
        if result.metric == column.metric and result.extractor != column.extractor
    }


def _of(column: Column, result: MetricResult) -> float | None:
    if column.detail:
        found = result.details.get(column.detail)
        return None if found is None else round(float(found), _DIGITS)
    value = result.value if result.published is None else result.published
    on_components = result.metric == "frechet-distance" and "component" in result.title
    if value is None or (on_components and result.published is None):
        return None
    return round(value, _DIGITS)


def _cell(value: Any) -> Any:
    return "" if value is None else value


def _number(cell: str) -> Any:
    if cell == "":
        return None
    try:
        return float(cell)
    except ValueError:
        return cell
