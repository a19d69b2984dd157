"""`python -m lab extractors`: which feature extractors are here, whether they work, and how another one is added."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from lab.commands.options import AsJson
from lab.commands.output import emit, ticks
from lab.errors import LabError
from lab.features.places import state
from lab.features.record import ExtractorRecord
from lab.features.records import add_record, broken_records, get_record, list_records

app = typer.Typer(help="List, check, add and download feature extractors.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID")]


@app.command("list")
def show_all(as_json: AsJson = False) -> None:
    """List the extractors, what each sees and gives, and what is missing for those that cannot be used."""
    told = [facts(record) for record in list_records()]
    left_out = [{"record": name, "reason": reason} for name, reason in broken_records()]
    lines = [
        f"{one['id']}: {one['title']}: {one['dimension']} numbers from {one['input_size']} px: "
        f"{one['reason'] or 'ready'}"
        for one in told
    ]
    lines += [f"left out: {item['record']}: {item['reason']}" for item in left_out]
    emit({"extractors": told, "left_out": left_out}, as_json, lines)


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(metavar="[ID]", help="All that are here when absent.")] = "",
    as_json: AsJson = False,
) -> None:
    """Load the weights and embed one film; exit code 1 when one is refused."""
    records = [get_record(name)] if name else [record for record in list_records() if not state(record)]
    told = [_embedded(record) for record in records]
    told += [] if name else [{"id": left, "reason": reason} for left, reason in broken_records()]
    lines = [f"{one['id']}: {one['reason'] or _works(one)}" for one in told]
    emit({"checked": told}, as_json, lines)
    if any(one["reason"] for one in told):
        raise SystemExit(1)


@app.command("add")
def add(
    place: Annotated[Path, typer.Argument(metavar="PLACE", help="A record (JSON) or a model folder.")],
    as_json: AsJson = False,
) -> None:
    """Add an extractor from a record, or from a model folder whose own settings say how images are prepared."""
    record = add_record(place)
    emit(facts(record), as_json, [f"{record.id} was added: {state(record) or 'ready'}"])


@app.command("download")
def download(name: Id, as_json: AsJson = False) -> None:
    """Fetch an extractor from the hub at the commit its record names."""
    from lab.features.fetch import fetch

    with ticks(every_s=0.5) as tick:
        folder = fetch(get_record(name), tick)
    emit({"id": name, "folder": str(folder)}, as_json, [f"{name} is here: {folder}"])


def facts(record: ExtractorRecord) -> dict[str, Any]:
    """What a list says of an extractor; `reason` is empty when it can be used now."""
    return {
        "id": record.id,
        "title": record.title,
        "dimension": record.dimension,
        "input_size": record.input_size,
        "resampling": record.resampling_words,
        "layer": record.layer_words,
        "licence": record.licence,
        "gate": record.gate,
        "reason": state(record),
    }


def film() -> NDArray[np.uint8]:
    """A film-like picture (256, 256) uint8: a bright middle, two dark fields, ribs."""
    v, u = np.meshgrid(np.linspace(-1, 1, 256), np.linspace(-1, 1, 256), indexing="ij")
    fields = sum(np.exp(-(((u - side) / 0.32) ** 2) - (v / 0.6) ** 2) for side in (-0.45, 0.45))
    levels = 190 - 120 * fields + 14 * np.sin(14 * (v + 0.3 * np.abs(u)))
    return np.clip(levels, 0, 255).astype(np.uint8)


def _embedded(record: ExtractorRecord) -> dict[str, Any]:
    from lab.features.loaded import LoadedExtractor

    try:
        extractor = LoadedExtractor(record)
        vector = extractor.embed([film()])[0]
    except LabError as error:
        return {"id": record.id, "reason": str(error)}
    return {
        "id": record.id,
        "reason": "",
        "dimension": len(vector),
        "norm": round(float(np.linalg.norm(vector)), 4),
        "digest": extractor.digest,
    }


def _works(one: dict[str, Any]) -> str:
    return f"gives {one['dimension']} numbers of length {one['norm']:g}; digest {one['digest'][:12]}"
