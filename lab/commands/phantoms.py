"""`python -m lab phantoms`: make the pack a first start is quick by, or render the films it leaves out."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit, run_to_end, ticks
from lab.config import settings
from lab.data.phantom_families import CMR, CXR, DERM, FAMILIES, PhantomFamily, get_family
from lab.data.phantom_pack import FOLDER, REMAKE, misfit, read_pack
from lab.errors import InputError
from lab.runs.prepare import films_run

if TYPE_CHECKING:
    from lab.gates.report import GateReport
    from lab.runs.pack_films import OnStage

app = typer.Typer(help="The phantom sets that come with this program.", no_args_is_help=True)

FamilyOption = Annotated[str, typer.Option("--family", help=f"Which phantoms: {', '.join(FAMILIES)}.")]


@app.callback(invoke_without_command=True)
def phantoms(
    context: typer.Context,
    realism: Annotated[bool, typer.Option("--realism", help="Measure phantoms beside real films.")] = False,
    films: Annotated[Path | None, typer.Option("--films", help="Folder that holds the real sets.")] = None,
    family: FamilyOption = CXR.id,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for a contact sheet.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Keep the report beside the phantom pack.")] = False,
    as_json: AsJson = False,
) -> None:
    """The phantom sets that come with this program."""
    if context.invoked_subcommand is None and realism:
        _realism(get_family(family), films, out, write, as_json)
    elif realism or films or out or write or as_json:
        raise InputError(
            "These options belong to --realism alone; nothing was done; ask for it, or leave them out."
        )


@app.command("pack")
def pack(
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the pack; by default its own.")] = None,
    family: FamilyOption = CXR.id,
    patients: Annotated[int | None, typer.Option("--patients", min=1)] = None,
    films: Annotated[int | None, typer.Option("--films", min=1, help="Films of each patient.")] = None,
    features_only: Annotated[
        bool, typer.Option("--features-only", help="Add the features a pack lacks; keep the rest of it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the phantom pack anew from the code as it is: render, embed, calibrate. Resumable."""
    from lab.runs.pack_phantoms import add_features, pack_phantoms

    # A workspace of its own: the set in the person's workspace is neither used nor touched.
    kind = get_family(family)
    place = settings().workspace / "phantom-pack" / kind.digest[:16]
    os.environ["LAB_WORKSPACE"] = str(place)
    os.environ.pop("LAB_STORE_URL", None)
    with ticks() as tick:
        target = out or FOLDER / kind.id
        if features_only:
            made = add_features(target, kind.id, tick)
        else:
            numbers = patients or kind.patients, films or kind.films
            made = pack_phantoms(target, kind.id, *numbers, 0, tick, kind)
    size = sum((made.folder / name).stat().st_size for name in made.files)
    emit(
        {"folder": str(made.folder), "dataset": made.dataset, "files": dict(made.files), "bytes": size},
        as_json,
        [f"{len(made.files)} files, {size / 1e6:.1f} MB, in {made.folder}"],
    )


@app.command("check")
def check(as_json: AsJson = False) -> None:
    """Say whether the packs fit the installed code; exit code 1 when one does not."""
    reasons = {kind.id: pack_state(kind) for kind in FAMILIES.values()}
    fits = not any(reasons.values())
    told = {"fits": fits, "reason": " ".join(filter(None, reasons.values())), "packs": reasons}
    emit(
        told,
        as_json,
        [reason or f"{name}: the pack fits the installed code." for name, reason in reasons.items()],
    )
    if not fits:
        raise SystemExit(1)


@app.command("films")
def films(
    name: Annotated[str, typer.Option("--dataset", help="A phantom dataset.")] = CXR.id,
    as_json: AsJson = False,
) -> None:
    """Render every film of a phantom dataset that nobody has looked at yet."""
    result = run_to_end(films_run(name))
    emit(result, as_json, [f"{result['rendered']} films rendered, {result['images']} films in all."])


def _realism(
    family: PhantomFamily, folder: Path | None, out: Path | None, write: bool, as_json: bool
) -> None:
    from lab.gates.report import write_report

    with ticks() as tick:
        report, sheet = _measured(family, folder, out, tick)
    stored = write_report(report, FOLDER / family.id) if write else None
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


def _measured(
    family: PhantomFamily, folder: Path | None, out: Path | None, tick: OnStage
) -> tuple[GateReport, Path | None]:
    """The report of a family, and the contact sheet where a folder for one was named."""
    if family is DERM:
        from lab.gates import realism_skin
        from lab.gates.realism_skin_sheet import write_skin_sheet

        pictures = realism_skin.pictures_of(folder, realism_skin.PICTURES, tick)
        sheet = write_skin_sheet(pictures, out) if out is not None else None
        return realism_skin.measure(pictures, tick), sheet
    if family is CMR:
        from lab.gates import realism_heart
        from lab.gates.realism_heart_sheet import write_heart_sheet

        sets = realism_heart.sets_of(folder, realism_heart.PATIENTS, tick)
        sheet = write_heart_sheet(tuple(sets.values()), out) if out is not None else None
        return realism_heart.report_of(sets, tick), sheet
    from lab.gates.realism import FILMS, films_of, measure
    from lab.gates.realism_sheet import write_sheet

    found = films_of(folder, FILMS, tick)
    sheet = write_sheet(tuple(found.small.values()), out) if out is not None else None
    return measure(found, tick), sheet


def pack_state(family: PhantomFamily = CXR) -> str:
    """What is wrong with an embedded pack, with what to do about it; "" when it fits."""
    found = read_pack(FOLDER / family.id)
    reason = "there is none" if found is None else misfit(found)
    if not reason:
        return ""
    option = "" if family is CXR else f" --family {family.id}"
    return (
        f"The pack of {family.id} is not used: {reason}; the pictures are rendered instead; make it anew: "
        f"{REMAKE}{option}"
    )
