"""`python -m lab dataset`: import, look before importing, derive, list, show and remove datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.commands import dataset_care, dataset_plans
from lab.commands.dataset_plans import (
    Choose,
    Classes,
    Column,
    Metadata,
    RecipeOption,
    SourceOption,
    pairs,
    recipe_named,
)
from lab.commands.options import AsJson
from lab.commands.output import emit, run_to_end
from lab.data.containers.hub_location import is_hub_location
from lab.data.importing.concealed import revealed
from lab.data.store import list_datasets, open_dataset, remove_dataset
from lab.errors import InputError
from lab.runs.import_requests import derive_run, import_run, medmnist_run
from lab.runs.spec import RunSpec

app = typer.Typer(help="Import, look at, derive and remove datasets.", no_args_is_help=True)
app.command("sources")(dataset_plans.sources)
app.command("plan")(dataset_plans.plan)
app.command("duplicates")(dataset_care.duplicates)
app.command("divide")(dataset_care.divide)
app.command("terms")(dataset_care.terms)

NewId = Annotated[str, typer.Option("--id", help="The dataset's name here: lower case, digits, dashes.")]
Report = Annotated[
    Path | None, typer.Option("--report", help="A CSV that receives what was left out, with the reasons.")
]


@app.command("add")
def add(
    name: NewId,
    folder: Annotated[
        str | None,
        typer.Argument(help="A folder, a zip, an npz or Parquet file, or hf://datasets/OWNER/NAME."),
    ] = None,
    metadata: Metadata = None,
    licence: Annotated[
        str | None, typer.Option("--licence", help="The licence, when the CSV has none.")
    ] = None,
    column: Column = None,
    control: Annotated[
        Path | None,
        typer.Option(
            "--held-out", help="A folder of other patients, held out whole; FOLDER is then all train."
        ),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", help="A further folder of the same dataset: FOLDER or FOLDER::SOURCE."),
    ] = None,
    source: SourceOption = None,
    classes: Classes = None,
    choose: Choose = None,
    recipe: RecipeOption = None,
    medmnist: Annotated[
        str | None, typer.Option("--medmnist", help="Download this MedMNIST set, for example pneumoniamnist.")
    ] = None,
    size: Annotated[int, typer.Option("--size", help="Edge of the MedMNIST images: 28, 64, 128, 224.")] = 28,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Import images, split by patient into train, held-out and test."""
    if (folder is None) == (medmnist is None):
        raise InputError("Name either a folder or a MedMNIST set; nothing was started; give one of them.")
    chosen, made = pairs(choose), recipe_named(recipe)
    if medmnist is not None:
        spec = medmnist_run(medmnist, size, name, chosen, made)
    else:
        spec = import_run(
            str(folder), name, metadata, pairs(column), licence, control=control, source=source,
            classes=pairs(classes), choices=chosen, recipe=made, also=[_further(one) for one in also or []],
        )  # fmt: skip
    _carry_out(spec, name, report, as_json)


@app.command("derive")
def derive(
    parent: Annotated[str, typer.Argument(metavar="ID", help="An installed dataset.")],
    name: NewId,
    recipe: Annotated[str, typer.Option("--recipe", help="A recipe's id, or a JSON file that holds one.")],
    seed: Annotated[int, typer.Option("--seed", help="Of the steps that draw at random.")] = 0,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Make a new dataset of an existing one by a preprocessing recipe."""
    made = recipe_named(recipe)
    assert made is not None  # noqa: S101  the option is required
    _carry_out(derive_run(parent, name, made, seed), name, report, as_json)


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


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(metavar="ID")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a dataset's copied images; the folder it came from and whatever was made of it stay."""
    from lab.runs.dependents import dependents

    open_dataset(name)
    found = dependents(name)
    lines = [f"depends on it: {one.words}" for one in found[:20]]
    if not yes:
        typer.echo("\n".join([*lines, f"The copied images of {name} are removed."]), err=True)
        if not typer.confirm("Remove it?", err=True):
            raise InputError("Nothing was removed.")
    remove_dataset(name)
    emit(
        {"removed": name, "dependents": [asdict(one) for one in found]},
        as_json,
        [*lines, f"{name} was removed."],
    )


def _further(text: str) -> tuple[str, str | None]:
    folder, _, source = text.partition("::")
    return folder, source or None


def _carry_out(spec: RunSpec, name: str, report: Path | None, as_json: bool) -> None:
    """Run, tell what came of it, and write the report."""
    result = run_to_end(spec)
    told = {key: _named(result[key], spec.settings) for key in ("left_out", "merged")}
    shown = {**_facts(name), **told, "notes": result["notes"], "run": result["run"]}
    lines = [
        f"{name}: {shown['images']} images of {shown['patients']} patients.",
        _split_line(shown["splits"]),
    ]
    lines += [f"left out: {item['file']}: {item['reason']}" for item in shown["left_out"]]
    lines += [f"kept once: {item['file']}: {item['reason']}" for item in shown["merged"]]
    if report is not None:
        dataset_plans.write_report(report, told["left_out"], told["merged"])
        shown["report"] = str(report)
    emit(shown, as_json, lines + shown["notes"])


def _named(rows: list[dict[str, str]], chosen: Mapping[str, Any]) -> list[dict[str, str]]:
    """Rows with the names of the files, which the run itself conceals."""
    places = [chosen.get("folder"), chosen.get("control"), *(place for place, _ in chosen.get("also", ()))]
    for place in places:
        if place and not is_hub_location(str(place)):
            rows = revealed(rows, place, chosen["metadata"] if place == chosen["folder"] else None)
    return rows


def _facts(name: str) -> dict[str, Any]:
    dataset = open_dataset(name)
    card, frame = dataset.card, dataset.manifest
    splits = {
        split: {"images": len(part), "patients": int(part["patient_id"].nunique())}
        for split, part in frame.groupby("split", sort=False)
    }
    return {
        "id": card.id,
        "title": card.title,
        "images": len(frame),
        "patients": int(frame["patient_id"].nunique()),
        "masks": int((frame["mask"] != "").sum()),
        "splits": splits,
        "labels": {str(k): int(v) for k, v in frame["label"].value_counts().items()},
        "modality": card.modality,
        "origin": card.origin,
        "licence": card.licence,
        "source": card.source,
        "parent": card.parent,
        "recipe": card.recipe.get("recipe"),
        "mask_labels": dict(card.mask_labels),
        "digest": card.digest,
    }


def _split_line(splits: dict[str, dict[str, int]]) -> str:
    return "; ".join(
        f"{name} {part['images']} images of {part['patients']} patients" for name, part in splits.items()
    )
