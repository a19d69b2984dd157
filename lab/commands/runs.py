"""`python -m lab runs` and `python -m lab worker`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from lab.commands.options import AsJson
from lab.commands.output import ProgressLine, emit
from lab.runs.client import ensure_worker, wait
from lab.runs.store import Run, RunStore

app = typer.Typer(help="List, show, cancel and resume runs.", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")]


@app.command("list")
def list_runs(limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50, as_json: AsJson = False) -> None:
    """List runs, newest first."""
    found = RunStore.open().list(limit=limit)
    lines = [f"{run.id}  {run.state:11s}  {run.kind:10s}  {run.label}" for run in found]
    emit({"runs": [_facts(run) for run in found]}, as_json, lines or ["No run yet."])


@app.command("show")
def show(run_id: RunId, as_json: AsJson = False) -> None:
    """Show one run: state, progress, result or error."""
    facts = _facts(RunStore.open().get(run_id), whole=True)
    emit(facts, as_json, [f"{key}: {value}" for key, value in facts.items()])


@app.command("cancel")
def cancel(run_id: RunId, as_json: AsJson = False) -> None:
    """Cancel a run; finished batches are kept."""
    run = RunStore.open().cancel(run_id)
    emit(_facts(run), as_json, [f"{run.id}: {run.state}"])


@app.command("resume")
def resume(run_id: RunId, as_json: AsJson = False) -> None:
    """Queue a failed, cancelled or interrupted run again and wait; finished batches are kept."""
    RunStore.open().resume(run_id)
    ensure_worker()
    line = ProgressLine()
    run = wait(run_id, line)
    line.close()
    emit(
        _facts(run, whole=True), as_json, [f"{run.id}: {run.state}" + (f": {run.error}" if run.error else "")]
    )


def worker() -> None:
    """Run the worker in this shell until it is stopped or idle."""
    from lab.runs.supervisor import main

    main()


def _facts(run: Run, whole: bool = False) -> dict[str, Any]:
    facts = asdict(run)
    spec = facts.pop("spec")
    if whole:
        facts["spec"] = spec
    else:
        facts.pop("result", None)
    return facts
