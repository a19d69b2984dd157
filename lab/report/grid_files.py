"""A run's grid as files: which cell each cell is compared with, the PNG of the whole, the CSV of its cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.images import decode
from lab.data.pixels import to_grey8
from lab.errors import NotFoundError
from lab.report.grid_csv import GridRow, grid_csv
from lab.report.grid_difference import change, difference
from lab.report.grid_picture import Sheet, grid_png
from lab.runs.artifacts import read_artifact
from lab.runs.grid_requests import Made, grid_of, made_cells
from lab.runs.records import Run

CELL, ROW, COLUMN = "One cell", "First in its row", "First in its column"


def reference_of(number: int, made: Mapping[int, Made], against: str, chosen: int) -> int:
    """Which cell a cell is compared with: the chosen one, or the first of its own row or column.

    A cell whose reference is not there is compared with itself, which shows no difference.
    """
    if against == CELL:
        return chosen if chosen in made else number
    own = made[number].cell
    return next(
        (
            one.number
            for one in made.values()
            if (one.cell.row == own.row and one.cell.column == 0 and against == ROW)
            or (one.cell.column == own.column and one.cell.row == 0 and against == COLUMN)
        ),
        number,
    )


def natural(run: Run) -> str:
    """What the cells of a grid are compared with unless somebody chooses.

    Samples of different seeds differ everywhere: where one axis is the seed, cells are compared along the other one.
    """
    asked = grid_of(run.spec)
    if asked.mode == "counterfactual" or (
        asked.rows is not None and asked.rows.kind == "seed" and asked.columns
    ):
        return ROW
    return COLUMN if asked.columns is not None and asked.columns.kind == "seed" and asked.rows else CELL


def axis_words(run: Run) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
    """Titles of the rows' and the columns' axis, and the words beside and above the cells, as a person reads them."""
    asked = grid_of(run.spec)
    rows, columns = asked.rows, asked.columns
    return (
        rows.title if rows else "", columns.title if columns else "", rows.shown if rows else ("",),
        columns.shown if columns else ("",),
    )  # fmt: skip


def tag_of(run: Run) -> str:
    """SYNTHETIC, with "(phantom-trained)" where every generator of the grid is here and is."""
    from lab.generators.cards import get_card

    try:
        trained = all(get_card(name).phantom_trained for name in run.spec.settings["datasets"])
    except NotFoundError:
        trained = False
    return "SYNTHETIC (phantom-trained)" if trained else "SYNTHETIC"


def picture_of(run: Run) -> bytes:
    """The finished cells of a grid as one PNG."""
    made, chosen, asked = made_cells(run), run.spec.settings, grid_of(run.spec)
    places = {(one.cell.row, one.cell.column): one for one in made.values()}
    verdicts = {
        place: label
        for place, one in places.items()
        if (label := str((one.sample.get("verdict") or {}).get("label", ""))) in ("near-copy", "close")
    }
    prompt = f"“{asked.base.prompt}” · " if asked.base.prompt else ""
    held = f"{prompt}seed {asked.base.seeds[0]} · guidance {asked.base.guidance:g} · {asked.base.steps} steps"
    notes = [
        f"{held} · {' and '.join(chosen['datasets'])}; what an axis names is varied, the rest is held.",
        f"Doppel, recipe {run.digest[:16]}. Research use, not for diagnosis.",
    ]
    default = "One word changed" if asked.mode == "counterfactual" else "Grid of samples"
    told = {name: chosen[name] for name in ("name", "mode", "base", "rows", "columns")}
    row_axis, column_axis, rows, columns = axis_words(run)
    return grid_png(
        Sheet(
            chosen["name"] or default, tag_of(run), row_axis, column_axis, rows, columns,
            {place: _eight_bits(one.artifact) for place, one in places.items()}, verdicts, notes,
            {"digest": run.digest, "settings": told},
        )
    )  # fmt: skip


def table_of(run: Run, against: str, chosen: int = 0) -> str:
    """The finished cells of a grid as CSV text.

    Args:
        run: the grid.
        against: CELL, ROW or COLUMN.
        chosen: the reference cell for CELL.
    """
    made = made_cells(run)
    pixels = {number: _eight_bits(one.artifact) for number, one in made.items()}
    row_axis, column_axis, _, _ = axis_words(run)
    asked = grid_of(run.spec)
    # Codes, not names: a table is read by programs.
    row_words, column_words = (one.labels if one else ("",) for one in (asked.rows, asked.columns))
    rows = []
    for number in sorted(made):
        one, other = made[number].cell, made[reference_of(number, made, against, chosen)]
        delta = difference(pixels[number], pixels[other.number])
        words = " / ".join(filter(None, (row_words[other.cell.row], column_words[other.cell.column])))
        rows.append(
            GridRow(
                row_words[one.row], column_words[one.column], made[number].sample,
                None if delta is None else change(delta), words,
            )
        )  # fmt: skip
    return grid_csv(rows, row_axis, column_axis)


def _eight_bits(artifact: str) -> NDArray[np.uint8]:
    pixels: NDArray[Any] = decode(read_artifact(artifact)).array
    return pixels if pixels.dtype == np.uint8 else to_grey8(pixels)
