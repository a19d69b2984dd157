"""Rows of a printed result table, as people paste them: numbers with what their rounding hides."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lab.analysis.prevalence import Reported, ReportedRow
from lab.errors import InputError

_NUMBER = re.compile(r"\d*[.,]?\d+")
_NAMES = {
    "sensitivity": ("sensitivity", "sens", "recall", "tpr"),
    "specificity": ("specificity", "spec", "tnr"),
    "precision": ("precision", "prec", "ppv"),
    "f1": ("f1", "f1-score", "f1 score"),
}
_WORDS = {word for words in _NAMES.values() for word in words}
_NEEDED = ("sensitivity", "specificity", "precision")
MOST_ROWS = 200


def parse_rows(text: str) -> list[ReportedRow]:
    """Rows pasted from a paper: a line a classifier, with or without a line of column names.

    Columns may be parted by bars, tabs, semicolons, commas, spaces, or slashes where there is nothing else. Without
    column names the numbers are sensitivity, specificity, precision and, where there is a fourth, F1. Values above 1
    are percent.

    Raises:
        InputError: in one sentence, for a line without three numbers, a value outside 0 to 100 %, or too many lines.
    """
    lines = [line for line in text.splitlines() if re.search(r"\w", line)]
    if not lines or len(lines) > MOST_ROWS:
        raise InputError(f"Paste 1 to {MOST_ROWS} lines; nothing was computed; give a line a classifier.")
    columns = _columns(lines[0])
    rows = lines[1:] if columns is not None else lines
    if not rows:
        raise InputError("There are column names and no numbers; nothing was computed; paste the rows too.")
    return [_row(line, at, columns) for at, line in enumerate(rows, 1)]


def reported(text: str) -> Reported:
    """A printed number with what rounding hides: "0.8564" lies between 0.85635 and 0.85645; "85.64" is percent.

    Raises:
        InputError: for a value outside 0 to 100 %.
    """
    digits = text.strip().replace(",", ".")
    value = float(digits)
    half = 0.5 * 10.0 ** -len(digits.partition(".")[2])
    scale = 100.0 if value > 1.0 else 1.0
    if not 0 <= value / scale <= 1:
        raise InputError("A value lies outside 0 to 100 %; nothing was computed; check the pasted rows.")
    low, high = max(0.0, (value - half) / scale), min(1.0, (value + half) / scale)
    return Reported(value / scale, low, high)


def _cells(line: str) -> list[str]:
    """The cells of a line by its most telling separator."""
    text = line.strip().strip("|").strip()
    for sign in ("|", "\t", ";"):
        if sign in text:
            return [cell.strip() for cell in text.split(sign)]
    if re.search(r",\s", text) or (
        text.count(",") > 1 and not re.search(r"\d,\d", text.replace(",0.", ", "))
    ):
        return [cell.strip() for cell in text.split(",")]
    if "/" in text and not re.search(r"\s", text.replace(" / ", "/")):
        return [cell.strip() for cell in text.split("/")]
    return re.sub(r"\s+%", "%", text).split()


def _columns(line: str) -> dict[str, int] | None:
    """Place of each known column among the numbers of a line, where the line holds names; else None."""
    cells = [cell.lower() for cell in _cells(line)]
    known = {name: at for at, cell in enumerate(cells) for name, words in _NAMES.items() if cell in words}
    if not known:
        return None
    lacking = [name for name in _NEEDED if name not in known]
    if lacking:
        raise InputError(
            f"The column {lacking[0]} is missing; nothing was computed; sensitivity, specificity and precision are "
            "needed."
        )
    # A first cell that is no measure stands over the names of the rows.
    first = 0 if cells[0] in _WORDS else 1
    return {name: at - first for name, at in known.items()}


def _row(line: str, at: int, columns: Mapping[str, int] | None) -> ReportedRow:
    cells = [cell.rstrip("% ") for cell in _cells(line)]
    is_number = [bool(_NUMBER.fullmatch(cell)) for cell in cells]
    first = is_number.index(True) if True in is_number else len(cells)
    numbers = [cell for cell, known in zip(cells, is_number, strict=True) if known]
    wanted = columns or {
        "sensitivity": 0, "specificity": 1, "precision": 2, **({"f1": 3} if len(numbers) > 3 else {}),
    }  # fmt: skip
    if len(numbers) <= max(wanted.values()):
        raise InputError(
            f"Line {at} has {len(numbers)} numbers; nothing was computed; give sensitivity, specificity and precision."
        )
    told = {column: reported(numbers[place]) for column, place in wanted.items()}
    name = " ".join(cell for cell in cells[:first] if cell) or f"row {at}"
    return ReportedRow(name, told["sensitivity"], told["specificity"], told["precision"], told.get("f1"))
