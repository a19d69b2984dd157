"""`python -m lab metrics`: what every metric says of itself, published figures, and finished runs as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from lab.atomic import write_bytes
from lab.commands.options import AsJson
from lab.commands.output import emit
from lab.errors import InputError
from lab.metrics.registry import all_specs
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec

app = typer.Typer(help="What is measured, what others published, and results as files.", no_args_is_help=True)

HEAD = "| name | direction | what it says | what honest data scores |\n| --- | --- | --- | --- |"


def markdown_row(spec: MetricSpec) -> str:
    """The row of a metric in the README's tables."""
    return f"| `{spec.name}` | {spec.arrow} | {spec.definition} | {spec.null} |"


@app.command("list")
def listed(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the tables of the README.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every metric: question, direction, definition, null, bias, fewest images, source."""
    specs = all_specs()
    lines = [f"{spec.axis:10s} {spec.name:28s} {spec.arrow}: {spec.definition}" for spec in specs]
    if markdown:
        lines = []
        for axis in dict.fromkeys(spec.axis for spec in specs):
            lines += [f"### {axis.capitalize()}", "", HEAD]
            lines += [*(markdown_row(spec) for spec in specs if spec.axis == axis), ""]
    emit({"metrics": [spec.to_json() for spec in specs]}, as_json, lines)


@app.command("published")
def published(
    metric: Annotated[str, typer.Argument(help="Name of a metric; all without one.")] = "",
    as_json: AsJson = False,
) -> None:
    """Figures of the benchmarks' own tables, with source; none of them is ours."""
    from dataclasses import asdict

    from lab.report.published.tables import figures

    found = [figure for figure in figures() if metric in ("", figure.metric)]
    lines = [
        f"{one.benchmark} ({one.edition}), {one.model}: {one.column} {one.value} [{one.group}]"
        + (f"  left out of charts: {one.suspicious}" if one.suspicious else "")
        for one in found
    ]
    emit({"published": [asdict(figure) for figure in found]}, as_json, lines)


@app.command("export")
def export(
    run: Annotated[str, typer.Argument(help="Id of a finished evaluation; see: python -m lab runs list")],
    shape: Annotated[
        str, typer.Option("--as", help='"json", "all numbers", or the shape of a benchmark.')
    ] = "json",
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; the terminal without one.")
    ] = None,
) -> None:
    """A finished evaluation as JSON with its whole provenance, or as CSV in a benchmark's own shape."""
    from lab.report.exports import csv_of, json_of
    from lab.runs.store import RunStore

    found = RunStore.open().get(run)
    if found.kind != "evaluate" or found.state != "done" or not found.result:
        raise InputError(
            "That run is no finished evaluation; nothing was written; choose one from: python -m lab runs list."
        )
    if shape == "json":
        text = json.dumps(json_of(found.result, found.id, found.created), indent=1, allow_nan=False)
    else:
        results = [MetricResult.from_json(record) for record in found.result["results"]]
        text = csv_of(shape, results, Path(found.spec.settings["synthetic"]).name)
    if out is None:
        typer.echo(text)
    else:
        write_bytes(out, text.encode())
        typer.echo(f"Written: {out}")
