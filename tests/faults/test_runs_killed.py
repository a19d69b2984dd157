"""Processes killed and paused at every point: nothing is lost, computed twice or left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lab.config import Settings
from lab.runs import client
from lab.runs.artifacts import Artifacts
from lab.runs.processes import LANE, SUPERVISOR, spawn
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from tests.faults.conftest import until

COUNT = 100
WHOLE = b",".join(str(n * n).encode() for n in range(COUNT))


def hold(gates: Path, name: object) -> Path:
    path = gates / f"hold-{name}"
    path.touch()
    return path


def pid_of(place: Settings, module: str) -> int:
    (found,) = [pid for pid, name in client.active_workers(place).items() if name == module]
    return found


def at(gates: Path, name: object) -> None:
    until((gates / f"at-{name}").exists)


EVERYWHERE = (0, COUNT // 2, COUNT - 1, "artifact", "fsync")


@pytest.mark.row("C17", "X-05")
@pytest.mark.fault(41)
@pytest.mark.parametrize(("victim", "points"), [(LANE, EVERYWHERE), (SUPERVISOR, EVERYWHERE[:3])])
def test_killed_at_any_point_resumes_to_the_same_result(
    place: Settings, store: RunStore, gates: Path, victim: str, points: tuple[object, ...]
) -> None:
    spec = RunSpec("toy-device", {"n": COUNT, "gates": str(gates), "hold_write": True})
    run = client.submit(spec, place)
    for attempt, point in enumerate(points, start=1):
        gate = hold(gates, point)
        if attempt > 1:
            assert store.resume(run.id).state == "queued"
            client.ensure_worker(place)
        at(gates, point)
        killed = time.monotonic()
        os.kill(pid_of(place, victim), signal.SIGKILL)
        ended = client.wait(run.id, None, place, timeout_s=60)
        assert ended.state == "interrupted" and ended.attempts == attempt
        assert time.monotonic() - killed < place.lease_s + 30.0
        assert ended.error is not None and "finished batches are kept" in ended.error
        finished = [path for path in place.artifacts.rglob("*") if path.is_file() and path.suffix == ".txt"]
        assert finished == [], "an artifact is there whole or not at all"
        gate.unlink()
    store.resume(run.id)
    done = client.wait(run.id, None, place, timeout_s=60)
    assert done.state == "done" and done.result is not None
    assert Artifacts(place.artifacts).read(done.result["artifact"]) == WHOLE
    computed = (gates / "computed").read_text().split()
    assert sorted(map(int, computed)) == list(range(COUNT)), "no finished batch is computed again"


@pytest.mark.fault(41)
def test_what_a_run_had_started_dies_with_its_lane(place: Settings, store: RunStore, gates: Path) -> None:
    hold(gates, "child")
    run = client.submit(RunSpec("toy-parent", {"gates": str(gates)}), place)
    at(gates, "child")
    child = int((gates / "child").read_text())
    os.kill(pid_of(place, LANE), signal.SIGKILL)
    assert client.wait(run.id, None, place, timeout_s=60).state == "interrupted"
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.fault(42, 43)
def test_the_run_outlives_the_process_that_asked(place: Settings, store: RunStore, gates: Path) -> None:
    script = (
        "import sys; from lab.runs import client; from lab.runs.spec import RunSpec\n"
        "spec = RunSpec('toy-device', {'n': 30, 'gates': sys.argv[1]})\n"
        "client.submit_and_wait(spec)"
    )
    gate = hold(gates, 15)
    env = {**os.environ, "LAB_WORKSPACE": str(place.workspace)}
    web = subprocess.Popen([sys.executable, "-c", script, str(gates)], env=env)
    at(gates, 15)
    web.kill()
    web.wait()
    (run,) = RunStore(place.store_url).list()
    assert run.state == "running" and run.progress is not None
    assert 0 < run.progress.done <= 15 and run.progress.total == 30
    gate.unlink()
    done = client.wait(run.id, None, place, timeout_s=60)
    assert done.state == "done" and done.attempts == 1, done.error
    assert done.progress is not None and done.progress.done == 30


def test_progress_during_a_slow_batch_is_that_of_the_batch_before(
    place: Settings, store: RunStore, gates: Path
) -> None:
    gate = hold(gates, 30)
    run = client.submit(RunSpec("toy-device", {"n": 40, "gates": str(gates)}), place)
    at(gates, 30)
    until(lambda: (now := store.get(run.id).progress) is not None and now.done == 30, 5.0)
    gate.unlink()
    done = client.wait(run.id, None, place, timeout_s=60)
    assert done.state == "done" and done.progress is not None and done.progress.done == 40


@pytest.mark.fault(43)
def test_a_reader_that_comes_back_sees_progress_go_on(place: Settings, gates: Path) -> None:
    run = client.submit(RunSpec("toy-device", {"n": 60, "delay": 0.02, "gates": str(gates)}), place)
    seen: list[float] = []
    while True:
        own = RunStore(place.store_url)  # a fresh page has no memory of the run but its id
        now = own.get(run.id)
        own.close()
        seen.append(now.progress.done if now.progress else 0.0)
        if now.is_over:
            break
        time.sleep(0.1)
    assert now.state == "done" and seen == sorted(seen) and len(set(seen)) >= 2


@pytest.mark.fault(48)
def test_paused_past_the_lease_comes_back_too_late(place: Settings, store: RunStore, gates: Path) -> None:
    """The lane alone, this test in the part of its supervisor: it stops renewing the lease."""
    run = store.submit(RunSpec("toy-device", {"n": 3, "gates": str(gates)}))
    gate = hold(gates, 1)
    lane = spawn(LANE, place, "--lane", "device", "--parent", str(os.getpid()))
    try:
        at(gates, 1)
        os.kill(lane.pid, signal.SIGSTOP)
        short = RunStore(place.store_url, lease_s=0.3)
        until(lambda: run.id in short.reap())
        short.close()
        assert store.get(run.id).state == "interrupted"
        store.resume(run.id)
        claim = store.claim_run(run.id, "the second worker")
        assert claim is not None
        gate.unlink()
        os.kill(lane.pid, signal.SIGCONT)
        after = store.submit(RunSpec("toy-device", {"n": 2}))
        until(lambda: store.get(after.id).is_over)
        assert store.get(run.id).worker == "the second worker"
        assert store.part_digest(run.digest, "1") is None, "the late part is refused"
        store.finish(claim.token, {"by": "the second worker"})
        assert store.get(run.id).result == {"by": "the second worker"}
    finally:
        lane.terminate()
        assert lane.wait(10) == 0


@pytest.mark.fault(48)
def test_a_paused_lane_loses_its_run_and_is_replaced(
    place: Settings, store: RunStore, gates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_LEASE_S", "0.5")
    gate = hold(gates, 1)
    run = client.submit(RunSpec("toy-device", {"n": 3, "gates": str(gates)}), place)
    at(gates, 1)
    lane = pid_of(place, LANE)
    os.kill(lane, signal.SIGSTOP)
    until(lambda: store.get(run.id).state == "interrupted")
    gate.unlink()
    store.resume(run.id)
    done = client.wait(run.id, None, place, timeout_s=60)
    assert done.state == "done" and done.result is not None and done.result["pid"] != lane


@pytest.mark.fault(47)
def test_sleep_of_the_whole_machine_kills_no_run(place: Settings, store: RunStore, gates: Path) -> None:
    """Supervisor and lane stand still together for longer than the lease, as in a sleeping laptop."""
    gate = hold(gates, 1)
    run = client.submit(RunSpec("toy-device", {"n": 3, "gates": str(gates)}), place)
    at(gates, 1)
    asleep = sorted(client.active_workers(place))
    for pid in asleep:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(place.lease_s + 0.5)
    for pid in asleep:
        os.kill(pid, signal.SIGCONT)
    gate.unlink()
    done = client.wait(run.id, None, place, timeout_s=60)
    assert done.state == "done" and done.attempts == 1, done.error
