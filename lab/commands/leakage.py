"""`python -m lab leakage`: the demonstration's samples, and the counts of an audited set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.commands import attacks
from lab.commands.options import EXTRACTOR, AsJson, DatasetOption, ExtractorOption
from lab.commands.output import emit, run_to_end, ticks
from lab.leakage.demo_set import FOLDER

app = typer.Typer(
    help="Show and count what a generator gives back of its training patients.", no_args_is_help=True
)


@app.command("demo-set")
def demo_set(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the samples; by default their own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the samples of the guided demonstration anew, from fixed captions and seeds."""
    from lab.leakage.demo_set import make

    target = out or FOLDER
    with ticks() as tick:
        made = make(target, tick)
    size = sum((target / one.file).stat().st_size for one in made.samples)
    emit(
        {"folder": str(target), "samples": len(made.samples), "bytes": size, "weights": dict(made.weights)},
        as_json,
        [f"{len(made.samples)} samples, {size / 1e6:.2f} MB, in {target}"],
    )


@app.command("report")
def report(
    samples: Annotated[str, typer.Argument(metavar="SET", help="A sample set, or ID:SPLIT.")],
    dataset: DatasetOption,
    extractor: ExtractorOption = EXTRACTOR,
    as_json: AsJson = False,
) -> None:
    """Count near-copies and exposed patients of a set, each with its interval and its control; audits it first."""
    from lab.data.resolve import resolve
    from lab.data.store import open_dataset
    from lab.leakage.demo_report import lines
    from lab.leakage.demo_report import report as counted
    from lab.runs.dependencies import dataset_name
    from lab.runs.neighbour_requests import audit_run
    from lab.runs.prepare import calibration_run, prepare_dataset

    name = dataset_name(dataset)
    prepare_dataset(name, extractor, run_to_end, upto="calibrate")
    audit = run_to_end(audit_run(samples, name, extractor))
    calibrated = calibration_run(name, extractor)
    origin = str(getattr(resolve(samples, folders=False), "origin", ""))
    told = counted(audit, open_dataset(name), dict((calibrated.result if calibrated else None) or {}), origin)
    emit({"run": audit["run"], **told}, as_json, lines(told))


app.command("attack")(attacks.attack)
app.command("lira")(attacks.lira)
app.command("ledger")(attacks.ledger)
