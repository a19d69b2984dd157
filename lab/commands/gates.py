"""`python -m lab gates`: what the shipped assets were measured by, and measuring them anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import AsJson
from lab.commands.output import emit, ticks
from lab.config import ASSETS
from lab.gates.registry import GATES, Gate, get_gate, unmeasured
from lab.gates.report import GateReport, all_reports, write_report

app = typer.Typer(help="Figures and limits of the shipped assets.", no_args_is_help=True)


@app.command("list")
def show_all(as_json: AsJson = False) -> None:
    """Print every stored report, and what has none."""
    from dataclasses import asdict

    reports, missing = list(all_reports(ASSETS)), unmeasured()
    lines = [line for report in reports for line in report_lines(report)] or ["No report is stored."]
    told = [{"gate": gate, "asset": asset, "reason": reason} for gate, asset, reason in missing]
    emit(
        {"reports": [asdict(report) for report in reports], "missing": told},
        as_json,
        lines + [missing_line(*one) for one in missing],
    )


@app.command("run")
def run(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(gate.id for gate in GATES)}.")],
    asset: Annotated[str, typer.Option("--asset", help="Id of the asset; by default all of the gate.")] = "",
    write: Annotated[bool, typer.Option("--write", help="Store the report beside the asset.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure one gate anew; exit code 1 when a limit is missed."""
    from dataclasses import asdict

    gate = get_gate(name)
    reports = []
    absent = [] if asset else [id for id in gate.assets if not gate.place(id).is_dir()]
    for id in [asset] if asset else [id for id in gate.assets if id not in absent]:
        report = _measured(gate, id)
        if write:
            write_report(report, gate.place(id))
        reports.append(report)
    lines = [text for report in reports for text in report_lines(report)]
    lines += [missing_line(name, id, gate.missing(id)) for id in absent]
    emit({"reports": [asdict(report) for report in reports], "absent": absent}, as_json, lines)
    if any(report.missed for report in reports):
        raise SystemExit(1)


@app.command("pairs")
def pairs(
    asset: Annotated[str, typer.Argument(help="Id of a generator.")],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the sheet; real films stay out of the project.")
    ],
    as_json: AsJson = False,
) -> None:
    """Draw the 20 samples closest to a training film, each beside that film and a held-out one."""
    from lab.gates.ship_pairs import write_pairs

    with ticks() as tick:
        made = write_pairs(asset, out, tick)
    emit({"sheet": str(made)}, as_json, [str(made)])


@app.command("sheet")
def sheet(
    out: Annotated[Path, typer.Option("--out", help="The PNG to write.")],
    films: Annotated[
        Path | None,
        typer.Option("--films", help="Folder of cxr_covid and cxr_kermany; then out of the project."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Draw real films, phantoms and samples of the shipped generators side by side."""
    from lab.gates.sheet import write_sheet

    with ticks() as tick:
        made = write_sheet(out, films, tick)
    emit({"sheet": str(made)}, as_json, [str(made)])


def _measured(gate: Gate, asset: str) -> GateReport:
    with ticks() as tick:
        return gate.measure(asset, tick)


def report_lines(report: GateReport) -> list[str]:
    """A report as lines of text: title, then a figure a line."""
    return [f"{report.title} ({report.subject}, {report.id})", *(f"    {f.line()}" for f in report.figures)]


def missing_line(gate: str, asset: str, reason: str) -> str:
    """A measurement without a stored report, as a line of text."""
    return f"{gate} of {asset}: {reason}"
