"""`python -m lab samples`: images that were made elsewhere, taken in as sample sets."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit, run_to_end
from lab.data.importing.concealed import revealed
from lab.data.samples import list_sample_sets, remove_sample_set
from lab.runs.sample_requests import import_samples_run

app = typer.Typer(help="Take in, list and remove sample sets.", no_args_is_help=True)


@app.command("add")
def add(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER",
            help="A folder, zip or Parquet file of generated images, or hf://datasets/OWNER/NAME@REVISION.",
        ),
    ],
    name: Annotated[str, typer.Option("--id", help="The set's name here: letters, digits, dashes.")],
    parent: Annotated[str, typer.Option("--parent", help="The dataset the generator learned from.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="Licence of the samples.")] = "",
    metadata: Annotated[
        Path | None, typer.Option("--metadata", help="The CSV that names the images; found by its columns.")
    ] = None,
    generator: Annotated[str, typer.Option("--generator", help="A word for what made them.")] = "",
    limit: Annotated[
        int | None, typer.Option("--limit", help="At most so many, drawn at random, never the first.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draw.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Take in images that were made elsewhere, with their prompts where a table has them."""
    spec = import_samples_run(place, name, parent, licence, metadata, generator, limit, seed)
    result = run_to_end(spec)
    left_out = revealed(result["left_out"], place, metadata or _table(place))
    shown: dict[str, Any] = {**result, "left_out": left_out}
    lines = [f"{name}: {result['images']} samples."]
    lines += [f"left out: {item['file']}: {item['reason']}" for item in left_out]
    lines += [
        f"WARNING: {count} of them are films of the dataset {dataset}, byte for byte."
        for dataset, count in result["real_films"].items()
    ]
    emit(shown, as_json, lines + result["notes"])


@app.command("list")
def show_all(as_json: AsJson = False) -> None:
    """List the sample sets of this workspace, newest first."""
    cards = list_sample_sets()
    lines = [f"{card.id}: {card.images} samples of {card.origin}, {card.created}" for card in cards]
    emit({"samples": [dataclasses.asdict(card) for card in cards]}, as_json, lines or ["No sample set yet."])


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """Remove a sample set and its copied images; the folder they came from is not touched."""
    remove_sample_set(name)
    emit({"removed": name}, as_json, [f"{name} was removed."])


def _table(place: str) -> Path | None:
    """The table that named the images, so that missing ones can be told by name."""
    from lab.data.importing.folder_index import FolderIndex
    from lab.data.synthetic_tables import generated_table

    folder = Path(place).expanduser()
    return generated_table(FolderIndex(folder.resolve())) if folder.is_dir() else None
