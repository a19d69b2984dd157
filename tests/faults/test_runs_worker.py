"""The worker at work: pre-emption, cancelling, memory, hanging, stopping, replacement."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from lab.config import Settings
from lab.runs import client, supervisor
from lab.runs.processes import LANE, SUPERVISOR, worker_environment
from lab.runs.spec import RunSpec
from lab.runs.store import Run, RunStore
from lab.threads import SPIN_COUNT, apply_thread_policy
from tests.faults.conftest import until


def hold(gates: Path, name: object) -> Path:
    path = gates / f"hold-{name}"
    path.touch()
    return path


def at(gates: Path, name: object) -> None:
    until((gates / f"at-{name}").exists)


def end(run: Run, place: Settings) -> Run:
    return client.wait(run.id, None, place, timeout_s=150)


def pids(place: Settings, module: str) -> list[int]:
    return [pid for pid, name in client.active_workers(place).items() if name == module]


def test_interactive_goes_first_at_the_next_batch(place: Settings, store: RunStore, gates: Path) -> None:
    gate = hold(gates, 2)
    batch = client.submit(RunSpec("toy-device", {"n": 5, "gates": str(gates)}), place)
    at(gates, 2)
    urgent = [client.submit(RunSpec("toy-urgent", {"n": n}), place) for n in range(2)]
    gate.unlink()
    answers = [end(run, place) for run in urgent]
    whole = end(batch, place)
    assert [run.state for run in (*answers, whole)] == ["done"] * 3
    assert whole.attempts == 1 and whole.result is not None and whole.ended is not None
    assert all(run.result is not None and run.result["pid"] == whole.result["pid"] for run in answers)
    assert all(run.ended is not None and run.ended <= whole.ended for run in answers)
    assert (gates / "computed").read_text().split() == ["0", "1", "2", "3", "4"]


@pytest.mark.row("X-05")
@pytest.mark.fault(45)
def test_cancel_stops_within_one_batch_and_the_worker_lives(
    place: Settings, store: RunStore, gates: Path
) -> None:
    gate = hold(gates, 1)
    run = client.submit(RunSpec("toy-device", {"n": 50, "delay": 0.02, "gates": str(gates)}), place)
    at(gates, 1)
    (lane,) = pids(place, LANE)
    waiting = client.submit(RunSpec("toy-device", {"n": 2}), place)
    assert store.cancel(waiting.id).state == "cancelled"
    store.cancel(run.id)
    gate.unlink()
    ended = end(run, place)
    assert ended.state == "cancelled" and ended.error is None
    assert (gates / "computed").read_text().split() == ["0", "1"], "it stops within one batch"
    assert store.cancel(run.id) == ended
    assert end(client.submit(RunSpec("toy-urgent"), place), place).result is not None
    assert pids(place, LANE) == [lane]
    store.resume(run.id)
    assert end(run, place).state == "done"
    assert (gates / "computed").read_text().split() == [str(n) for n in range(50)]


def test_cancel_of_a_run_that_stands_aside(place: Settings, store: RunStore, gates: Path) -> None:
    first, second = hold(gates, 1), hold(gates, "urgent")
    batch = client.submit(RunSpec("toy-device", {"n": 3, "gates": str(gates)}), place)
    at(gates, 1)
    urgent = client.submit(RunSpec("toy-urgent", {"gates": str(gates)}), place)
    first.unlink()
    at(gates, "urgent")
    store.cancel(batch.id)
    second.unlink()
    assert end(urgent, place).state == "done"
    assert end(batch, place).state == "cancelled"
    assert (gates / "computed").read_text().split() == ["0", "1"]


@pytest.mark.fault(51)
@pytest.mark.parametrize("how", ["memory", "accelerator"])
def test_memory_runs_out(place: Settings, how: str) -> None:
    run = end(client.submit(RunSpec("toy-broken", {"how": how}), place), place)
    assert run.state == "failed" and run.error is not None
    assert "memory ran out" in run.error and "resume" in run.error
    after = end(client.submit(RunSpec("toy-squares", {"n": 2}), place), place)
    assert after.state == "done" and after.result is not None
    assert str(after.result["pid"]) not in str(run.worker), "the process was replaced"


@pytest.mark.fault(52)
def test_a_hanging_run_is_ended_and_the_queue_goes_on(
    place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HANG_LIMIT_S", "2")
    run = client.submit(RunSpec("toy-broken", {"how": "hang"}), place)
    after = client.submit(RunSpec("toy-squares", {"n": 2}), place)
    ended = end(run, place)
    assert ended.state == "failed" and ended.error is not None and "no sign of life" in ended.error
    assert end(after, place).state == "done"


def test_a_lane_that_ends_itself_interrupts_its_run(place: Settings) -> None:
    run = end(client.submit(RunSpec("toy-broken", {"how": "exit"}), place), place)
    assert run.state == "interrupted"


def test_a_lane_that_cannot_start_fails_what_waits(
    place: Settings, store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.submit(RunSpec("toy-squares", {"n": 1}))
    (tmp_path / "bad_kinds.py").write_text("raise RuntimeError('cannot be imported')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]]))
    monkeypatch.setenv("LAB_EXTRA_KINDS", "bad_kinds")
    monkeypatch.syspath_prepend(str(tmp_path))
    ended = end(run, place)
    assert ended.state == "failed" and ended.error is not None and "could not start" in ended.error


@pytest.mark.fault(62)
def test_stopping_puts_the_run_back_within_ten_seconds(place: Settings, store: RunStore, gates: Path) -> None:
    gate = hold(gates, 2)
    run = client.submit(RunSpec("toy-squares", {"n": 4, "gates": str(gates)}), place)
    at(gates, 2)
    (pid,) = pids(place, SUPERVISOR)
    psutil.Process(pid).terminate()
    threading.Timer(0.3, gate.unlink).start()
    began = time.monotonic()
    until(lambda: not client.active_workers(place))
    assert time.monotonic() - began < 10.0
    assert store.get(run.id).state == "queued"
    assert (gates / "computed").read_text().split() == ["0", "1", "2"], "the batch was finished first"
    assert end(run, place).state == "done"
    assert (gates / "computed").read_text().split() == ["0", "1", "2", "3"]


@pytest.mark.fault(62)
def test_stopping_does_not_wait_for_an_endless_batch(place: Settings, store: RunStore, gates: Path) -> None:
    hold(gates, 1)
    run = client.submit(RunSpec("toy-squares", {"n": 2, "gates": str(gates)}), place)
    at(gates, 1)
    began = time.monotonic()
    client.stop_workers(place, patience_s=10.0)
    assert time.monotonic() - began < 10.0
    assert client.active_workers(place) == {}
    assert store.get(run.id).state == "queued"
    store.cancel(run.id)


def test_an_outdated_worker_is_replaced_after_its_batch(
    place: Settings, store: RunStore, gates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = hold(gates, 1)
    run = client.submit(RunSpec("toy-squares", {"n": 3, "gates": str(gates)}), place)
    at(gates, 1)
    old = client.active_workers(place)
    (tmp_path / "more_kinds.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]]))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("LAB_EXTRA_KINDS", "toy_kinds,more_kinds")
    assert client.ensure_worker(place, patience_s=0.0) == "replacing"
    assert client.active_workers(place) == old, "the batch is not cut short"
    gate.unlink()
    done = end(run, place)
    assert done.state == "done"
    # The last batches may be over before the old worker looks up; it goes all the same, sooner than for idling.
    until(lambda: set(client.active_workers(place)).isdisjoint(old), 10)
    assert (gates / "computed").read_text().split() == ["0", "1", "2"]


def test_a_worker_asked_to_go_by_a_program_that_left_is_followed(
    place: Settings, store: RunStore, gates: Path
) -> None:
    gate = hold(gates, 1)
    run = client.submit(RunSpec("toy-device", {"n": 60, "delay": 0.05, "gates": str(gates)}), place)
    at(gates, 1)
    old = client.active_workers(place)
    for entry in store.entries():
        store.request_stop(entry.name)
    gate.unlink()
    until(lambda: store.get(run.id).state == "done", 60)
    assert set(client.active_workers(place)).isdisjoint(old), "the old one did not do it"


def test_one_supervisor_a_workspace_however_many_ask(place: Settings) -> None:
    asked = [threading.Thread(target=client.ensure_worker, args=(place, 5.0)) for _ in range(4)]
    for thread in asked:
        thread.start()
    for thread in asked:
        thread.join()
    assert list(client.active_workers(place).values()) == [SUPERVISOR], "lanes start only when a run waits"
    by_hand = subprocess.run(
        [sys.executable, "-m", SUPERVISOR, "--workspace", str(place.workspace)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(supervisor.__file__).parents[2],
    )
    assert "already serves" in by_hand.stderr


def test_an_idle_worker_goes_home(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_IDLE_EXIT_S", "0.5")
    assert end(client.submit(RunSpec("toy-urgent"), place), place).state == "done"
    until(lambda: client.active_workers(place) == {})


def test_models_stay_between_runs_and_the_side_lane_is_niced(place: Settings) -> None:
    first = end(client.submit(RunSpec("toy-model", {"model": "m", "call": 1}), place), place)
    second = end(client.submit(RunSpec("toy-model", {"model": "m", "call": 2}), place), place)
    assert first.result is not None and second.result is not None
    assert first.result["built"] and not second.result["built"]
    side = end(client.submit(RunSpec("toy-squares", {"n": 1}), place), place)
    assert side.result is not None
    assert psutil.Process(side.result["pid"]).nice() >= 10
    assert psutil.Process(first.result["pid"]).nice() < 10


def test_a_worker_has_the_thread_policy_of_whom_it_is_started_by(
    place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT")
    apply_thread_policy("app")
    assert worker_environment(place)["GOMP_SPINCOUNT"] == SPIN_COUNT, "an app's threads spin no longer"
    monkeypatch.setenv("GOMP_SPINCOUNT", "500")
    assert worker_environment(place)["GOMP_SPINCOUNT"] == "500", "what a person has set is kept"


def test_neither_client_nor_supervisor_loads_models() -> None:
    heavy = "torch umap diffusers transformers faiss sklearn scipy streamlit numba"
    script = (
        "import lab.runs.client, lab.runs.supervisor, lab.runs.kind, sys; lab.runs.kind.load_kinds()\n"
        f"print([name for name in {heavy.split()!r} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_an_idle_lane_warms_up_once_declared(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_WARM", "1")
    client.ensure_worker(place)
    until((place.workspace / "warmed").exists, 30.0)
    run = end(client.submit(RunSpec("toy-model", {"model": "early"}), place), place)
    assert run.result is not None and not run.result["built"]


@pytest.mark.fault(42)
def test_a_page_that_only_looks_finds_a_worker_for_its_run(place: Settings, store: RunStore) -> None:
    run = store.submit(RunSpec("toy-squares", {"n": 2}))
    assert client.active_workers(place) == {}
    until(lambda: client.look(run.id, place).state == "done")


def test_a_run_submitted_while_the_worker_leaves_is_not_forgotten(
    place: Settings, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_IDLE_EXIT_S", "0")
    for number in range(4):
        run = client.submit(RunSpec("toy-urgent", {"number": number}), place)
        until(lambda run=run: store.get(run.id).is_over)
