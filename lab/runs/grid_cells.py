"""A grid: one request for each pair of values of two axes, all of them known before work starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.errors import InputError
from lab.runs.grid_axes import Axis, applied

if TYPE_CHECKING:
    from lab.generators.request import GenerationRequest

MODES = ("grid", "counterfactual")


@dataclass(frozen=True)
class Grid:
    """What is varied, and what stays.

    Attributes:
        base: what all cells share, with one seed.
        rows, columns: the axes; at most one of them may be None, which gives a single row or column.
        name: of the experiment; may be empty.
        mode: "grid", or "counterfactual": the columns change words, the first one is the sample as it was.
    """

    base: GenerationRequest
    rows: Axis | None
    columns: Axis | None
    name: str = ""
    mode: str = "grid"


@dataclass(frozen=True)
class Cell:
    """One cell: its place, counted from 0, and its whole request, of one seed."""

    row: int
    column: int
    request: GenerationRequest


def cells(grid: Grid) -> list[Cell]:
    """The cells row by row, each checked against its generator's card.

    Raises:
        InputError: for no axis, two axes of the same thing, or a value outside a generator's range.
        NotFoundError: for an unknown generator.
    """
    from lab.generators.cards import get_card

    axes = [one for one in (grid.rows, grid.columns) if one is not None]
    if not axes or len({(one.kind, one.subject.lower()) for one in axes}) < len(axes):
        raise InputError("A grid needs one or two axes that change different things; nothing was started.")
    if grid.mode not in MODES or (grid.mode == "counterfactual" and not _changes_words(grid)):
        raise InputError(
            "A counterfactual changes one word and holds everything else; nothing was started; choose the word."
        )
    if len(grid.base.seeds) != 1:
        raise InputError("All cells of a grid share one seed; nothing was started; choose a single seed.")
    base = get_card(grid.base.generator)
    known = {base.id: base}
    made = []
    for row in range(len(grid.rows.values) if grid.rows else 1):
        for column in range(len(grid.columns.values) if grid.columns else 1):
            changes = [
                (one, one.values[at])
                for one, at in ((grid.rows, row), (grid.columns, column))
                if one is not None
            ]
            wanted = next((str(value) for one, value in changes if one.kind == "generator"), base.id)
            card = known.setdefault(wanted, known.get(wanted) or get_card(wanted))
            made.append(Cell(row, column, applied(grid.base, changes, card, base).checked(card)))
    return made


def _changes_words(grid: Grid) -> bool:
    """Words in the columns, two at least, and nothing but seeds in the rows."""
    columns, rows = grid.columns, grid.rows
    return (
        columns is not None
        and columns.kind == "word"
        and len(columns.values) > 1
        and (rows is None or rows.kind == "seed")
    )


def groups(requests: Sequence[GenerationRequest]) -> list[list[int]]:
    """Which cells go through their generator together, as numbers of cells: at most one micro-batch each.

    Cells of a group agree in generator, steps, guidance, size, negative prompt and the generator's own numbers; words,
    seed, class, vendor and mask may differ. The micro-batch has its four places whatever is in it, and on one device
    a sample depends neither on its place nor on its company: so a cell has the bytes of the same request asked alone,
    at a quarter of the cost. The grouping is fixed and kept in the run all the same, for devices where that may not
    hold. Groups of one generator follow each other, so that each is loaded once.
    """
    buckets: dict[tuple[object, ...], list[int]] = {}
    for number, one in enumerate(requests):
        # Everything that a micro-batch has once only.
        key = (
            one.generator, one.steps, one.guidance, one.size, one.negative_prompt, one.condition.numbers,
            one.micro_batch,
        )  # fmt: skip
        buckets.setdefault(key, []).append(number)
    order = list(dict.fromkeys(one.generator for one in requests))
    found = []
    for bucket in buckets.values():
        size = requests[bucket[0]].micro_batch
        found += [bucket[start : start + size] for start in range(0, len(bucket), size)]
    return sorted(found, key=lambda group: order.index(requests[group[0]].generator))


def alike(requests: Sequence[GenerationRequest]) -> list[list[int]]:
    """The same numbers in parts that differ by their seed alone: what one ordinary request can ask for."""
    parts: dict[GenerationRequest, list[int]] = {}
    for number, one in enumerate(requests):
        parts.setdefault(replace(one, seeds=()), []).append(number)
    return list(parts.values())
