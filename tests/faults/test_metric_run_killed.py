"""A real metric run, killed before its first metric, half-way and before its last: nothing is lost or done twice."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from lab.config import Settings
from lab.data.store import add_folder
from lab.runs import client
from lab.runs.processes import LANE
from lab.runs.requests import evaluate_run
from lab.runs.store import Run, RunStore
from tests.faults.conftest import until

METRICS = ("kernel-distance", "precision", "recall", "density", "coverage")
POINTS = (0, 2, 4)


def finished_metrics(store: RunStore, run: Run) -> dict[str, str | None]:
    """The parts a run has kept, by metric."""
    kept = {name: store.part_digest(run.digest, f"metric-0-{name}") for name in METRICS}
    return {name: digest for name, digest in kept.items() if digest}


@pytest.mark.row("C17")
@pytest.mark.fault(41)
def test_a_killed_metric_run_goes_on_from_its_finished_metrics(
    place: Settings, store: RunStore, phantom_folder: Path
) -> None:
    add_folder(phantom_folder, "small", origin="phantom")
    spec = evaluate_run("small", "small:held-out", METRICS)
    run = client.submit(spec, place)
    for attempt, point in enumerate(POINTS, start=1):
        until(
            lambda p=point: (
                store.get(run.id).is_over
                or (len(finished_metrics(store, run)) >= p and bool(store.get(run.id).progress))
            ),
            120,
        )
        if store.get(run.id).state == "done":
            pytest.skip("the run ended before it could be killed: this machine is too fast for this test")
        (lane,) = [pid for pid, name in client.active_workers(place).items() if name == LANE]
        os.kill(lane, signal.SIGKILL)
        ended = client.wait(run.id, None, place, timeout_s=60)
        if ended.state == "done":
            pytest.skip("the run ended before it could be killed: this machine is too fast for this test")
        assert (ended.state, ended.attempts) == ("interrupted", attempt)
        before = finished_metrics(store, run)
        store.resume(run.id)
        client.ensure_worker(place)
        until(lambda: store.get(run.id).state != "queued", 60)
        kept = finished_metrics(store, run)
        # Parts are let go once the run is done, which may be before this is read.
        assert before.items() <= kept.items() or store.get(run.id).state == "done", (
            "a finished metric is never computed again"
        )
    done = client.wait(run.id, None, place, timeout_s=120)
    assert done.state == "done" and done.result is not None
    assert [item["metric"] for item in done.result["results"]] == list(METRICS)
    whole = client.submit_and_wait(
        evaluate_run("small", "small:held-out", METRICS, copies="measure"), None, place
    )
    assert whole.result is not None
    for mine, other in zip(done.result["results"], whole.result["results"], strict=True):
        assert mine["value"] is not None, f"{mine['metric']}: {mine['note']}"
        assert mine["value"] == pytest.approx(other["value"], rel=1e-9)
