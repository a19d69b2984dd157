"""A grid as CSV: one row a cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab.report.grid_difference import Change


@dataclass(frozen=True)
class GridRow:
    """What is known of one cell.

    Attributes:
        row, column: words of the axes, "" where there is no such axis.
        sample: the cell of a finished run: seed, prompt, recipe, verdict, alignment.
        change: against the reference; None for a cell of another size.
        reference: words of the reference cell.
    """

    row: str
    column: str
    sample: dict[str, Any]
    change: Change | None
    reference: str


_COLUMNS = (
    "seed", "generator", "prompt", "steps", "guidance", "verdict", "p", "text_image_cosine", "side_as_asked",
    "classifier_reads", "mean_abs_difference", "share_changed", "share_of_difference_left_half", "reference",
    "image_id", "sample_set",
)  # fmt: skip


def grid_csv(rows: Sequence[GridRow], row_axis: str, column_axis: str) -> str:
    """Text of the table.

    Args:
        rows: the cells in their order.
        row_axis, column_axis: titles of the axes, "" for none; they name the first columns.
    """
    stream = io.StringIO()
    axes = [title for title in (row_axis, column_axis) if title]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([_inert(title) for title in axes] + list(_COLUMNS))
    for row in rows:
        values = [words for words, title in ((row.row, row_axis), (row.column, column_axis)) if title]
        writer.writerow([_inert(value) for value in [*values, *_values(row)]])
    return stream.getvalue()


def _values(row: GridRow) -> list[object]:
    sample, change = row.sample, row.change
    verdict, alignment = sample.get("verdict") or {}, sample.get("alignment") or {}
    recipe, fit = sample.get("recipe") or {}, (sample.get("alignment") or {}).get("text_image") or {}
    told = (None, None, None) if change is None else (change.mean, change.changed, change.left)
    return [
        sample["seed"], sample["generator"], sample["prompt"], recipe.get("steps", ""), recipe.get("guidance", ""),
        verdict.get("label", ""), _number(verdict.get("p")), _number(fit.get("cosine")), fit.get("side_as_asked", ""),
        alignment.get("label") or "", *map(_number, told), row.reference, sample["image_id"], sample["sample_set"],
    ]  # fmt: skip


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _inert(value: object) -> object:
    """Text that no spreadsheet takes for a formula."""
    text = value if isinstance(value, str) else None
    return f"'{text}" if text and text[0] in "=+-@\t\r" else value
