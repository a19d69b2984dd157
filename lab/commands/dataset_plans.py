"""`python -m lab dataset sources` and `plan`; and the options that planning and importing share."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.atomic import write_bytes
from lab.commands.options import AsJson
from lab.commands.output import emit
from lab.data.containers.archives import forget_unpacked
from lab.data.containers.hub_location import is_hub_location
from lab.data.importing.plan import plan_import
from lab.data.importing.plan_limit import LIMIT, SEED
from lab.data.sources.contract import ImportPlan
from lab.data.sources.registry import sources as all_sources
from lab.data.tabular.tables import neutral_cell
from lab.errors import InputError

if TYPE_CHECKING:
    from lab.data.preprocess.recipe import Recipe

FolderArgument = Annotated[
    str, typer.Argument(help="A folder, a zip, an npz or Parquet file, or hf://datasets/OWNER/NAME.")
]
Metadata = Annotated[Path | None, typer.Option("--metadata", help="A CSV with one row an image.")]
Column = Annotated[list[str] | None, typer.Option("--column", help="A mapping such as patient_id=subject.")]
SourceOption = Annotated[
    str | None, typer.Option("--source", help="The layout, when it is not recognised: see dataset sources.")
]
Classes = Annotated[
    list[str] | None,
    typer.Option("--class", help="How a label is stored, such as SCCKA=SCC; DF= leaves that class out."),
]
Choose = Annotated[
    list[str] | None, typer.Option("--choose", help="A setting of the source, such as slice=all; limit=1000.")
]
RecipeOption = Annotated[
    str | None, typer.Option("--recipe", help="A preprocessing recipe's id, or a JSON file that holds one.")
]


def sources(as_json: AsJson = False) -> None:
    """List the layouts that can be imported, and their settings."""
    told = [
        {
            "id": source.id,
            "title": source.title,
            "describes": source.describes,
            "choices": {
                choice.name: {"values": list(choice.values), "help": choice.help}
                for choice in (*source.choices, LIMIT, SEED)
            },
        }
        for source in all_sources()
    ]
    lines = []
    for source in all_sources():
        lines.append(f"{source.id}: {source.title}. {source.describes}")
        lines += [
            f"    --choose {c.name}={'|'.join(c.values) or 'TEXT'}: {c.help}"
            for c in source.choices
            if c.name not in (LIMIT.name, SEED.name)
        ]
    lines.append(f"every source: --choose limit=NUMBER: {LIMIT.help}")
    emit({"sources": told}, as_json, lines)


def plan(
    folder: FolderArgument,
    metadata: Metadata = None,
    column: Column = None,
    source: SourceOption = None,
    classes: Classes = None,
    choose: Choose = None,
    as_json: AsJson = False,
) -> None:
    """Say what an import would do; nothing is copied."""
    try:
        found = plan_import(
            folder, metadata, pairs(column), source=source, classes=pairs(classes) or None,
            choices=pairs(choose) or None,
        )  # fmt: skip
    finally:
        if not is_hub_location(folder):
            forget_unpacked(Path(folder).expanduser().resolve())
    told = plan_facts(found)
    lines = [
        f"{told['source']}: {told['images']} images, {told['patients'] or 'no'} patient ids, "
        f"{told['masks']} masks.",
        *(
            f"class {label}: {c['images']} images" + _renamed(label, c["stored"])
            for label, c in told["classes"].items()
        ),
        *(f"left out: {item['file']}: {item['reason']}" for item in told["left_out"]),
        *(f"kept once: {item['file']}: {item['reason']}" for item in told["merged"]),
        *told["notes"],
        *([told["problem"]] if told["problem"] else []),
    ]
    emit(told, as_json, lines)


def plan_facts(found: ImportPlan) -> dict[str, Any]:
    """A plan as JSON-able data; names of files stand in what is left out, for the person who asked."""
    patients = {image.fields.get("patient_id", "") for image in found.images} - {""}
    return {
        "source": found.source,
        "images": len(found.images),
        "patients": len(patients),
        "masks": sum(image.mask is not None for image in found.images),
        "modality": found.modality,
        "licence": found.licence,
        "attribution": found.attribution,
        "splits": dict(Counter(image.fields.get("split", "") for image in found.images))
        if found.splits_given
        else {},
        "columns": dict(found.mapping),
        "unused": list(found.unused),
        "classes": {label: {"stored": stored, "images": n} for label, (stored, n) in found.classes.items()},
        "left_out": [{"file": name, "reason": reason} for name, reason in found.left_out],
        "merged": [{"file": name, "reason": reason} for name, reason in found.merged],
        "notes": list(found.notes),
        "problem": found.problem,
    }


def _renamed(label: str, stored: str) -> str:
    return "" if stored == label else f", stored as {stored}" if stored else ", left out"


def pairs(texts: Sequence[str] | None) -> dict[str, str]:
    """NAME=VALUE options as a mapping.

    Raises:
        InputError: when one has no "=".
    """
    if any("=" not in text for text in texts or ()):
        raise InputError("An option of the form NAME=VALUE lacks its =; nothing was started; correct it.")
    return dict(text.split("=", 1) for text in texts or ())


def recipe_named(name: str | None) -> Recipe | None:
    """The recipe of that id, or of a JSON file.

    Raises:
        NotFoundError: when there is neither.
        InputError: when the file holds no recipe.
    """
    if name is None:
        return None
    from lab.data.preprocess.presets import preset
    from lab.data.preprocess.recipe import Recipe

    if name.endswith(".json"):
        try:
            return Recipe.from_json(json.loads(Path(name).expanduser().read_text("utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError("That file holds no recipe; nothing was started; choose another.") from error
    return preset(name).recipe


def write_report(
    path: Path, left_out: Sequence[Mapping[str, str]], merged: Sequence[Mapping[str, str]]
) -> None:
    """Write what was left out or kept once as CSV, formulas neutralised. It names files: keep it where they are.

    Raises:
        StoreError: when it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "what", "reason"))
    for what, rows in (("left out", left_out), ("kept once", merged)):
        writer.writerows((neutral_cell(row["file"]), what, neutral_cell(row["reason"])) for row in rows)
    write_bytes(path.expanduser(), text.getvalue().encode("utf-8"))
