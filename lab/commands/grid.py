"""`python -m lab grid`: the same grid that the prompt page makes, as one PNG and one CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import EXTRACTOR, AsJson, OutFolder, SeedOption
from lab.commands.output import emit, run_to_end
from lab.errors import InputError
from lab.generators.cards import get_card
from lab.generators.request import request_for
from lab.runs.grid_axes import Axis, axis
from lab.runs.grid_cells import Grid
from lab.runs.grid_requests import counterfactual, grid_run
from lab.runs.prepare import prepare_dataset
from lab.runs.store import RunStore

_AXIS = (
    "KIND=VALUE,VALUE with KIND seed, guidance, steps, generator, class or vendor; word:left=left,right, replaces "
    "words of the prompt (nothing after the last comma leaves them out); knob:psi=0.5,1 sets a number of the "
    "generator's own."
)


def grid(
    generator: Annotated[str, typer.Option("--generator", help="The generator's id.")],
    out: OutFolder,
    prompt: Annotated[str, typer.Option("--prompt", help="What all cells share.")] = "",
    columns: Annotated[str, typer.Option("--columns", help=_AXIS)] = "",
    rows: Annotated[str, typer.Option("--rows", help="As --columns.")] = "",
    seed: SeedOption = 0,
    steps: Annotated[int | None, typer.Option("--steps", help="The card's default when absent.")] = None,
    guidance: Annotated[
        float | None, typer.Option("--guidance", help="How strictly words are followed.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Of the experiment.")] = "",
    one_word: Annotated[
        bool, typer.Option("--one-word", help="Columns change one word, rows are seeds: a counterfactual.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Vary one or two things, hold everything else, and write the grid with its labels and its table."""
    card = get_card(generator)
    base = request_for(card, prompt, 1, seed, steps=steps, guidance=guidance)
    across, down = _axis(columns), _axis(rows)
    asked = Grid(base, down, across, name)
    if one_word:
        asked = _counterfactual(asked)
    spec = grid_run(asked)
    for searched in filter(None, dict.fromkeys(spec.settings["datasets"].values())):
        prepare_dataset(searched, EXTRACTOR, run_to_end, upto="calibrate")
    spec = grid_run(asked)
    result = run_to_end(spec)
    files = _write(spec.digest, out)
    emit({**result, "files": files}, as_json, [*files, *result["notes"]])


def _axis(text: str) -> Axis | None:
    """An axis from KIND[:SUBJECT]=VALUE,VALUE; None for none.

    Raises:
        InputError: when it is written otherwise.
    """
    if not text:
        return None
    head, found, values = text.partition("=")
    kind, _, subject = head.partition(":")
    if not found or kind == "mask":
        raise InputError("An axis is written KIND=VALUE,VALUE; nothing was started; see --help.")
    return axis(kind.strip(), [value.strip() for value in values.split(",")], subject)


def _counterfactual(asked: Grid) -> Grid:
    across, down = asked.columns, asked.rows
    if across is None or across.kind != "word" or (down is not None and down.kind != "seed"):
        raise InputError("--one-word takes a word in the columns and seeds in the rows; nothing was started.")
    words = [str(value) for value in across.values]
    seeds = [int(value) for value in down.values] if down else list(asked.base.seeds)
    return counterfactual(asked.base, across.subject, words, seeds, asked.name)


def _write(digest: str, out: Path) -> list[str]:
    from lab.report.grid_files import natural, picture_of, table_of

    run = RunStore.open().find_done(digest)
    assert run is not None  # noqa: S101  (it has just ended well)
    out.mkdir(parents=True, exist_ok=True)
    picture, table = out / f"grid-{digest[:12]}.png", out / f"grid-{digest[:12]}.csv"
    picture.write_bytes(picture_of(run))
    table.write_text(table_of(run, natural(run)), encoding="utf-8")
    return [str(picture), str(table)]
