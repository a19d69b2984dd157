"""Many at once: claimers, submitters and a polling reader on one store."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event

from lab.config import Settings, settings
from lab.errors import StoreError
from lab.runs.client import ensure_worker, submit_and_wait
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore


def item(number: int, lane: str = "toy-squares") -> RunSpec:
    return RunSpec(lane, {"n": 1, "number": number})


@pytest.mark.fault(46)
def test_eight_claimers_a_thousand_submissions_and_a_reader(place: Settings, store: RunStore) -> None:
    for number in range(50):
        store.submit(item(number))
    ends, slowest = threading.Event(), [0.0]

    def read() -> int:
        own, looks = RunStore(place.store_url), 0
        while not ends.is_set():
            began = time.monotonic()
            assert own.list(limit=20)
            slowest[0] = max(slowest[0], time.monotonic() - began)
            looks += 1
            time.sleep(0.1)
        own.close()
        return looks

    def claim(worker: int) -> list[str]:
        own, taken = RunStore(place.store_url), []
        while (found := own.claim("side", f"w{worker}")) is not None:
            taken.append(found.run.id)
            own.heartbeat(f"w{worker}")
            own.finish(found.token, {"by": worker})
        own.close()
        return taken

    def submit(first: int) -> int:
        own = RunStore(place.store_url)
        made = {own.submit(item(number, "toy-device")).id for number in range(first, first + 250)}
        own.close()
        return len(made)

    with ThreadPoolExecutor(13) as pool:
        reader = pool.submit(read)
        submitters = [pool.submit(submit, first) for first in range(1000, 2000, 250)]
        claimers = [pool.submit(claim, worker) for worker in range(8)]
        taken = Counter(run_id for claimer in claimers for run_id in claimer.result())
        assert sum(submitter.result() for submitter in submitters) == 1000
        ends.set()
        assert reader.result() >= 1
    assert len(taken) == 50 and set(taken.values()) == {1}, "each item is claimed once"
    assert len(store.list(states=["done"], limit=2000)) == 50
    assert len(store.list(states=["queued"], limit=2000)) == 1000
    assert slowest[0] < 5.0, "a reader never waits for writers"


@pytest.mark.fault(44)
def test_two_processes_submit_the_same_run_at_once(place: Settings, store: RunStore) -> None:
    script = (
        "from lab.runs.store import RunStore; from lab.runs.spec import RunSpec; import time, sys\n"
        "store = RunStore.open(); time.sleep(max(0.0, float(sys.argv[1]) - time.time()))\n"
        "print(store.submit(RunSpec('toy-squares', {'n': 7})).id)"
    )
    at = str(time.time() + 2.0)
    env = {**os.environ, "LAB_WORKSPACE": str(place.workspace)}
    both = [
        subprocess.Popen([sys.executable, "-c", script, at], stdout=subprocess.PIPE, text=True, env=env)
        for _ in range(2)
    ]
    ids = {process.communicate()[0].strip() for process in both}
    assert len(ids) == 1 and "" not in ids
    assert len(store.list()) == 1


@pytest.mark.fault(44)
def test_two_waiters_are_shown_the_same_run(place: Settings) -> None:
    spec = RunSpec("toy-squares", {"n": 20, "delay": 0.01})
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: submit_and_wait(spec, None, place), range(2))
    assert one == two and one.state == "done" and one.attempts == 1


@pytest.mark.fault(49)
def test_a_full_store_says_so_and_stays_whole(place: Settings, store: RunStore) -> None:
    run = store.submit(item(1))

    def cap(connection, _record) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")

    full = RunStore(place.store_url)
    full.close()
    event.listen(full.database.engine, "connect", cap)
    with pytest.raises(StoreError, match="no space left"):
        full.submit(RunSpec("toy-squares", {"n": 1, "text": "x" * 100_000}))
    assert full.get(run.id) == run
    full.close()
    assert store.submit(item(2)).state == "queued"


@pytest.mark.fault(49)
def test_a_workspace_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LAB_WORKSPACE", str(tmp_path / "file" / "workspace"))
    with pytest.raises(StoreError, match="cannot be written"):
        RunStore.open(settings())
    with pytest.raises(StoreError, match="cannot be written"):
        ensure_worker(settings())
