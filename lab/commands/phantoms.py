"""`python -m lab phantoms`: make the pack a first start is quick by, or render the films it leaves out."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit, run_to_end, ticks
from lab.config import settings
from lab.data.phantom_films import renderer_digest
from lab.data.phantom_pack import FOLDER, REMAKE, find_pack, misfit, read_pack
from lab.errors import InputError
from lab.runs.prepare import films_run
from lab.runs.requests import PHANTOM, PHANTOM_FILMS, PHANTOM_PATIENTS

app = typer.Typer(help="The phantom radiographs that come with this program.", no_args_is_help=True)


@app.callback(invoke_without_command=True)
def phantoms(
    context: typer.Context,
    realism: Annotated[bool, typer.Option("--realism", help="Measure phantoms beside real films.")] = False,
    films: Annotated[Path | None, typer.Option("--films", help="Folder of cxr_nih64 and cxr_covid.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for a contact sheet.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Keep the report beside the phantom pack.")] = False,
    as_json: AsJson = False,
) -> None:
    """The phantom radiographs that come with this program."""
    if context.invoked_subcommand is None and realism:
        _realism(films, out, write, as_json)
    elif realism or films or out or write or as_json:
        raise InputError(
            "These options belong to --realism alone; nothing was done; ask for it, or leave them out."
        )


@app.command("pack")
def pack(
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the pack; by default its own.")] = None,
    patients: Annotated[int, typer.Option("--patients", min=1)] = PHANTOM_PATIENTS,
    films: Annotated[int, typer.Option("--films", min=1, help="Films of each patient.")] = PHANTOM_FILMS,
    features_only: Annotated[
        bool, typer.Option("--features-only", help="Add the features a pack lacks; keep the rest of it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the phantom pack anew from the code as it is: render, embed, calibrate. Resumable."""
    from lab.runs.pack_phantoms import add_features, pack_phantoms

    # A workspace of its own: the set in the person's workspace is neither used nor touched.
    place = settings().workspace / "phantom-pack" / renderer_digest()[:16]
    os.environ["LAB_WORKSPACE"] = str(place)
    os.environ.pop("LAB_STORE_URL", None)
    with ticks() as tick:
        target = out or FOLDER / PHANTOM
        if features_only:
            made = add_features(target, PHANTOM, tick)
        else:
            made = pack_phantoms(target, PHANTOM, patients, films, 0, tick)
    size = sum((made.folder / name).stat().st_size for name in made.files)
    emit(
        {"folder": str(made.folder), "dataset": made.dataset, "files": dict(made.files), "bytes": size},
        as_json,
        [f"{len(made.files)} files, {size / 1e6:.1f} MB, in {made.folder}"],
    )


@app.command("check")
def check(as_json: AsJson = False) -> None:
    """Say whether the pack fits the installed code; exit code 1 when it does not."""
    reason = pack_state()
    fits = find_pack(PHANTOM_PATIENTS, PHANTOM_FILMS, 0) is not None
    emit({"fits": fits, "reason": reason}, as_json, [reason or "The phantom pack fits the installed code."])
    if not fits:
        raise SystemExit(1)


@app.command("films")
def films(
    name: Annotated[str, typer.Option("--dataset", help="A phantom dataset.")] = PHANTOM,
    as_json: AsJson = False,
) -> None:
    """Render every film of a phantom dataset that nobody has looked at yet."""
    result = run_to_end(films_run(name))
    emit(result, as_json, [f"{result['rendered']} films rendered, {result['images']} films in all."])


def _realism(folder: Path | None, out: Path | None, write: bool, as_json: bool) -> None:
    from lab.gates.realism import FILMS, films_of, measure
    from lab.gates.realism_sheet import write_sheet
    from lab.gates.report import write_report

    with ticks() as tick:
        found = films_of(folder, FILMS, tick)
        sheet = write_sheet(tuple(found.small.values()), out) if out is not None else None
        report = measure(found, tick)
    stored = write_report(report, FOLDER / PHANTOM) if write else None
    paths = [str(path) for path in (stored, sheet) if path is not None]
    emit(
        {**asdict(report), "files": paths},
        as_json,
        [
            report.title,
            *(figure.line() for figure in report.figures),
            *(f"written: {path}" for path in paths),
        ],
    )


def pack_state() -> str:
    """What is wrong with the embedded pack, with what to do about it; "" when it fits."""
    found = read_pack(FOLDER / PHANTOM)
    reason = "there is none" if found is None else misfit(found)
    if not reason:
        return ""
    return f"The phantom pack is not used: {reason}; the films are rendered instead; make it anew: {REMAKE}"
