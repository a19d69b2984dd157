"""`python -m lab dataset`: import, list and show datasets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit, run_to_end
from lab.data.concealed import revealed
from lab.data.store import list_datasets, open_dataset
from lab.runs.requests import import_run

app = typer.Typer(help="Import, list and show datasets.", no_args_is_help=True)


@app.command("add")
def add(
    folder: Annotated[Path, typer.Argument(help="A folder of PNG, JPEG or TIFF images.")],
    name: Annotated[str, typer.Option("--id", help="The dataset's name here: lower case, digits, dashes.")],
    metadata: Annotated[Path | None, typer.Option("--metadata", help="A CSV with one row an image.")] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", help="The licence, when the CSV has none.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", help="A mapping such as patient_id=subject.")
    ] = None,
    control: Annotated[
        Path | None,
        typer.Option(
            "--held-out", help="A folder of other patients, held out whole; FOLDER is then all train."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a folder of images, split by patient into train, held-out and test."""
    mapping = dict(pair.split("=", 1) for pair in column or [] if "=" in pair)
    spec = import_run(folder, name, metadata=metadata, mapping=mapping, licence=licence, control=control)
    result = run_to_end(spec)
    told = {key: _named(result[key], spec.settings) for key in ("left_out", "merged")}
    shown = {**_facts(name), **told, "notes": result["notes"], "run": result["run"]}
    lines = [
        f"{name}: {shown['images']} images of {shown['patients']} patients.",
        _split_line(shown["splits"]),
    ]
    lines += [f"left out: {item['file']}: {item['reason']}" for item in shown["left_out"]]
    lines += [f"kept once: {item['file']}: {item['reason']}" for item in shown["merged"]]
    emit(shown, as_json, lines + shown["notes"])


@app.command("list")
def show_all(as_json: AsJson = False) -> None:
    """List the datasets of this workspace."""
    facts = [_facts(card.id) for card in list_datasets()]
    lines = [f"{f['id']}: {f['images']} images, {f['patients']} patients, {f['licence']}" for f in facts]
    emit(
        {"datasets": facts},
        as_json,
        lines or ["No dataset yet; add one with: python -m lab dataset add FOLDER --id ID"],
    )


@app.command("show")
def show(name: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """Show one dataset: images, patients, splits, labels, licence."""
    facts = _facts(name)
    lines = [f"{key}: {value}" for key, value in facts.items()]
    emit(facts, as_json, lines)


def _named(rows: list[dict[str, str]], chosen: Mapping[str, Any]) -> list[dict[str, str]]:
    """Rows with the names of the files, which the run itself conceals."""
    named = revealed(rows, chosen["folder"], chosen["metadata"])
    return revealed(named, chosen["control"]) if chosen["control"] else named


def _facts(name: str) -> dict[str, Any]:
    dataset = open_dataset(name)
    frame = dataset.manifest
    splits = {
        split: {"images": len(part), "patients": int(part["patient_id"].nunique())}
        for split, part in frame.groupby("split", sort=False)
    }
    return {
        "id": dataset.card.id,
        "title": dataset.card.title,
        "images": len(frame),
        "patients": int(frame["patient_id"].nunique()),
        "splits": splits,
        "labels": {str(k): int(v) for k, v in frame["label"].value_counts().items()},
        "modality": dataset.card.modality,
        "origin": dataset.card.origin,
        "licence": dataset.card.licence,
        "digest": dataset.card.digest,
    }


def _split_line(splits: dict[str, dict[str, int]]) -> str:
    return "; ".join(
        f"{name} {part['images']} images of {part['patients']} patients" for name, part in splits.items()
    )
