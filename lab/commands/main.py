"""The root of the command line, and the one place where its errors become sentences."""

from __future__ import annotations

import json
import sys

import typer

from lab.commands import (
    analyse,
    arms,
    attention,
    datasets,
    doctor,
    extractors,
    gates,
    generate,
    generators,
    grid,
    identity,
    leakage,
    masks,
    metrics,
    neighbours,
    phantoms,
    runs,
    samples,
    segmenter,
    sensitivity,
    sweep,
    train,
)
from lab.errors import LabError

app = typer.Typer(
    name="lab",
    help="Prompt a generator, compare with real images, measure. Research use, not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(datasets.app, name="dataset")
app.add_typer(samples.app, name="samples")
app.add_typer(runs.app, name="runs")
app.add_typer(arms.app, name="arms")
app.add_typer(phantoms.app, name="phantoms")
app.add_typer(gates.app, name="gates")
app.add_typer(generators.app, name="generators")
app.add_typer(extractors.app, name="extractors")
app.add_typer(leakage.app, name="leakage")
app.add_typer(identity.app, name="identity")
app.add_typer(segmenter.app, name="segmenter")
app.add_typer(masks.app, name="mask")
app.add_typer(metrics.app, name="metrics")
app.command("doctor")(doctor.doctor)
app.command("prepare")(doctor.prepare)
app.command("generate")(generate.generate)
app.command("grid")(grid.grid)
app.command("attention")(attention.attention)
app.command("embed")(analyse.embed)
app.command("neighbours")(neighbours.neighbours)
app.command("audit")(neighbours.audit)
app.command("spaces")(neighbours.spaces)
app.command("retrieve")(neighbours.retrieve)
app.command("map")(analyse.feature_map)
app.command("evaluate")(analyse.evaluate)
app.command("sensitivity")(sensitivity.sensitivity)
app.command("sweep")(sweep.sweep)
app.command("train")(train.train)
app.command("worker")(runs.worker)


def run(arguments: list[str] | None = None) -> None:
    """Run a command; a known error is one sentence on stderr (and JSON with --json) and exit code 1."""
    try:
        app(arguments)
    except LabError as error:
        asked = sys.argv[1:] if arguments is None else arguments
        if "--json" in asked:
            sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None
