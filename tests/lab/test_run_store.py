"""The run store by itself: specs, states, claims, leases, parts, artifacts, and what it refuses to open."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from lab.config import Settings, settings
from lab.errors import InputError, LeaseLost, NotFoundError, StoreError
from lab.runs import clock, database, states
from lab.runs.artifacts import Artifacts
from lab.runs.context import RunContext
from lab.runs.inline import run_inline
from lab.runs.kind import find_kind, run_kind
from lab.runs.resident import Residents
from lab.runs.spec import Progress, RunSpec
from lab.runs.store import RunStore

TOYS = Path(__file__).resolve().parent.parent / "faults"


@pytest.fixture
def place(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LAB_EXTRA_KINDS", "toy_kinds")
    monkeypatch.syspath_prepend(str(TOYS))
    return settings()


@pytest.fixture
def store(place: Settings) -> Iterator[RunStore]:
    opened = RunStore.open(place)
    yield opened
    opened.close()


def squares(n: int, **more: object) -> RunSpec:
    return RunSpec("toy-squares", {"n": n, **more})


def urgent(n: int) -> RunSpec:
    return RunSpec("toy-urgent", {"n": n})


class TestSpec:
    def test_equals_itself_read_back(self) -> None:
        spec = RunSpec("toy-squares", {"n": 3, "sizes": (1, 2)}, {"data": "ab"}, "three")
        assert RunSpec.from_json(spec.to_json()) == spec
        assert spec.settings["sizes"] == [1, 2]
        with pytest.raises(FrozenInstanceError):
            spec.kind = "other"  # type: ignore[misc]

    def test_digest_depends_on_all_but_the_label(self, place: Settings) -> None:
        base = RunSpec("toy-squares", {"n": 3}, {"data": "ab"}, "one")
        assert RunSpec("toy-squares", {"n": 3}, {"data": "ab"}, "two").digest == base.digest
        others = [
            RunSpec("toy-squares", {"n": 4}, {"data": "ab"}),
            RunSpec("toy-squares", {"n": 3}, {"data": "ac"}),
            RunSpec("toy-device", {"n": 3}, {"data": "ab"}),
        ]
        assert len({base.digest, *(other.digest for other in others)}) == 4

    def test_digest_depends_on_the_source_of_the_kind(self, place: Settings) -> None:
        kind = find_kind("toy-squares")
        assert kind.modules == ("toy_kinds",)
        assert kind.code != find_kind("toy-urgent").code or kind.modules == find_kind("toy-urgent").modules

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
    def test_refuses_what_is_not_plain(self, value: object) -> None:
        with pytest.raises(InputError, match="nothing was started"):
            RunSpec("toy-squares", {"x": value})

    def test_unknown_kind_is_named_so(self, store: RunStore) -> None:
        with pytest.raises(NotFoundError, match="no run kind"):
            store.submit(RunSpec("no-such-kind"))

    def test_kind_refuses_an_unknown_lane(self) -> None:
        with pytest.raises(ValueError, match="lane"):
            run_kind("bad", lane="gpu")


class TestStates:
    def test_only_these_moves(self) -> None:
        allowed = {(old, new) for old in states.STATES for new in states.STATES if states.may_move(old, new)}
        assert allowed == {
            ("queued", "running"),
            ("queued", "cancelled"),
            ("queued", "failed"),
            ("running", "done"),
            ("running", "failed"),
            ("running", "cancelled"),
            ("running", "interrupted"),
            ("running", "queued"),
            ("failed", "queued"),
            ("cancelled", "queued"),
            ("interrupted", "queued"),
        }

    def test_a_done_run_never_changes(self, store: RunStore) -> None:
        run = store.submit(squares(1))
        claim = store.claim("side", "w")
        assert claim is not None
        store.finish(claim.token, {"x": 1})
        for attempt in (lambda: store.fail(claim.token, "late"), lambda: store.finish(claim.token, {"x": 2})):
            with pytest.raises(LeaseLost):
                attempt()
        assert store.cancel(run.id).state == store.resume(run.id).state == "done"
        assert store.get(run.id).result == {"x": 1}


class TestSubmitting:
    @pytest.mark.fault(44)
    def test_eight_threads_make_one_run(self, place: Settings) -> None:
        url = place.store_url

        def submit(_: int) -> str:
            own = RunStore(url)
            try:
                return own.submit(squares(5)).id
            finally:
                own.close()

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(submit, range(24)))) == 1

    def test_done_is_served_and_failed_is_not(self, store: RunStore) -> None:
        first = store.submit(squares(1))
        claim = store.claim("side", "w")
        assert claim is not None
        store.fail(claim.token, "no")
        second = store.submit(squares(1))
        assert second.id != first.id
        claim = store.claim("side", "w")
        assert claim is not None
        store.finish(claim.token, {"x": 1})
        assert store.submit(squares(1)).id == second.id
        assert store.find_done(second.digest) == store.get(second.id)
        assert store.resume(first.id).id == second.id, "resuming beside a done run gives that run"

    def test_anew_supersedes_the_done_run(self, store: RunStore) -> None:
        first = store.submit(squares(1))
        claim = store.claim("side", "w")
        assert claim is not None
        store.finish(claim.token, {})
        again = store.submit(squares(1), anew=True)
        assert again.id != first.id and again.state == "queued"
        assert store.get(first.id).state == "done"
        assert store.submit(squares(1), anew=True).id == again.id

    def test_hostile_text_is_only_text(self, store: RunStore) -> None:
        label = "'); DROP TABLE runs; -- \u202e<img onerror=x>"
        run = store.submit(RunSpec("toy-squares", {"n": 1, "prompt": label}, {}, label))
        assert store.get(run.id).label == label
        assert store.get(run.id).spec.settings["prompt"] == label
        for name in ("../" + run.id, "' OR 1=1", "", "x" * 10_000):
            with pytest.raises(NotFoundError):
                store.get(name)

    def test_ten_thousand_runs_list_fast(self, store: RunStore) -> None:
        from lab.runs.schema import runs as table

        row = {"kind": "toy-squares", "lane": "side", "priority": "batch", "rank": 1, "label": ""}
        row |= {"spec": squares(1).to_json(), "created": 0.0, "superseded": False, "cancel_requested": False}
        row |= {"attempts": 1, "state": "done", "result": json.dumps({"x": "y" * 500})}
        many = [{**row, "id": f"{n:016x}", "digest": f"{n:064x}"} for n in range(10_000)]
        store.database.write(lambda connection: connection.execute(table.insert(), many))
        began = time.perf_counter()
        found = store.list(states=["done"], limit=100)
        assert len(found) == 100 and found[0].id == f"{9_999:016x}"
        assert time.perf_counter() - began < 1.0


class TestClaiming:
    def test_interactive_first_then_oldest_and_by_lane(self, store: RunStore) -> None:
        batch = [store.submit(RunSpec("toy-device", {"n": n})) for n in range(2)]
        quick = [store.submit(urgent(n)) for n in range(2)]
        other = store.submit(squares(1))
        claims = [store.claim("device", "w") for _ in range(5)]
        assert [claim.run.id for claim in claims if claim] == [run.id for run in (*quick, *batch)]
        assert claims[4] is None
        assert store.get(other.id).state == "queued"

    def test_interactive_only_leaves_batch_waiting(self, store: RunStore) -> None:
        store.submit(RunSpec("toy-device", {"n": 1}))
        assert not store.waiting_interactive("device")
        assert store.claim("device", "w", interactive_only=True) is None
        store.submit(urgent(1))
        assert store.waiting_interactive("device")
        assert store.claim("device", "w", interactive_only=True) is not None

    def test_standing_tells_of_cancel_and_of_who_waits(self, store: RunStore) -> None:
        run = store.submit(RunSpec("toy-device", {"n": 1}))
        claim = store.claim("device", "w")
        assert claim is not None
        assert store.standing(claim.token) == type(store.standing(claim.token))(False, False)
        store.submit(urgent(1))
        store.cancel(run.id)
        standing = store.standing(claim.token)
        assert standing.cancel_requested and standing.interactive_waits

    def test_release_keeps_the_place_in_the_queue(self, store: RunStore) -> None:
        first, _second = store.submit(squares(1)), store.submit(squares(2))
        claim = store.claim("side", "w")
        assert claim is not None and claim.run.id == first.id
        assert store.release(claim.token).state == "queued"
        again = store.claim("side", "w")
        assert again is not None and again.run.id == first.id and again.run.attempts == 2


class TestCancelling:
    @pytest.mark.fault(45)
    def test_every_phase_ends_cancelled_once(self, store: RunStore) -> None:
        queued = store.submit(squares(1))
        assert store.cancel(queued.id).state == store.cancel(queued.id).state == "cancelled"
        claimed = store.submit(squares(2))
        claim = store.claim("side", "w")
        assert claim is not None
        assert store.cancel(claimed.id).cancel_requested
        assert store.cancel(claimed.id).state == "running"
        ended = store.mark_cancelled(claim.token)
        assert ended.state == "cancelled" and not ended.cancel_requested
        assert store.cancel(claimed.id) == ended

    @pytest.mark.fault(45)
    def test_cancel_before_the_last_write_wins(self, store: RunStore) -> None:
        run = store.submit(squares(1))
        claim = store.claim("side", "w")
        assert claim is not None
        store.cancel(run.id)
        assert store.finish(claim.token, {"x": 1}).state == "cancelled"
        assert store.get(run.id).result is None

    def test_asked_for_again_it_goes_on(self, store: RunStore) -> None:
        run = store.submit(squares(1))
        claim = store.claim("side", "w")
        assert claim is not None
        store.cancel(run.id)
        assert store.submit(squares(1)).id == run.id
        assert not store.standing(claim.token).cancel_requested
        assert store.finish(claim.token, {}).state == "done"

    def test_a_dead_worker_s_cancelled_run_ends_cancelled(self, store: RunStore) -> None:
        run = store.submit(squares(1))
        store.claim("side", "w")
        store.cancel(run.id)
        assert store.interrupt_worker("w") == [run.id]
        assert store.get(run.id).state == "cancelled"

    def test_release_of_a_cancelled_run_does_not_revive_it(self, store: RunStore) -> None:
        run = store.submit(squares(1))
        claim = store.claim("side", "w")
        assert claim is not None
        store.cancel(run.id)
        assert store.release(claim.token).state == "cancelled"


class TestLeases:
    def test_silence_loses_the_run(self, place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        store, now = RunStore(place.store_url, lease_s=10.0), [1000.0]
        monkeypatch.setattr(clock, "elapsed", lambda: now[0])
        run = store.submit(squares(1))
        store.claim("side", "w")
        now[0] += 9.0
        assert store.heartbeat("w") == 1 and store.heartbeat("other") == 0
        now[0] += 9.0
        assert store.reap() == []
        now[0] += 2.0
        assert store.reap() == [run.id]
        ended = store.get(run.id)
        assert ended.state == "interrupted" and ended.error and "resume" in ended.error
        store.close()

    @pytest.mark.fault(47)
    def test_set_the_date(self, place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        store, wall = RunStore(place.store_url, lease_s=10.0), [1_800_000_000.0]
        monkeypatch.setattr(clock, "wall", lambda: wall[0])
        run = store.submit(squares(1))
        claim = store.claim("side", "w")
        assert claim is not None
        for jump in (3600.0, -7200.0):
            wall[0] += jump
            assert store.reap() == []
        store.finish(claim.token, {})
        ended = store.get(run.id)
        assert ended.duration_s is not None and ended.duration_s >= 0.0
        assert ended.ended is not None and ended.started is not None and ended.ended >= ended.started
        store.close()

    @pytest.mark.fault(47)
    def test_another_boot_is_another_life(self, place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        store = RunStore(place.store_url, lease_s=1e9)
        run = store.submit(squares(1))
        store.claim("side", "w")
        assert store.reap() == []
        monkeypatch.setattr(clock, "boot_id", lambda: "another boot")
        assert store.reap() == [run.id]
        store.close()

    def test_a_reading_from_the_future_is_of_another_boot(self) -> None:
        assert clock.is_stale(clock.boot_id(), clock.elapsed() + 1000.0, 60.0)
        assert not clock.is_stale(clock.boot_id(), clock.elapsed() - 59.0, 60.0)

    @pytest.mark.fault(47)
    @pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="no clock here counts sleep")
    def test_the_boot_clock_counts_sleep(self) -> None:
        assert abs(clock.elapsed() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1.0

    @pytest.mark.fault(48)
    def test_a_late_result_is_refused(self, place: Settings, store: RunStore) -> None:
        run = store.submit(squares(1))
        old = store.claim("side", "slow")
        assert old is not None
        assert store.interrupt_worker("slow") == [run.id]
        assert store.resume(run.id).state == "queued"
        new = store.claim("side", "quick")
        assert new is not None
        late = RunContext(place, Residents(), store, old)
        for write in (
            lambda: late.save_part("0", b"late"),
            lambda: store.report(old.token, Progress("late", 1, 1)),
            lambda: store.finish(old.token, {"by": "slow"}),
            lambda: store.fail(old.token, "late"),
            lambda: store.mark_cancelled(old.token),
            lambda: store.release(old.token),
            lambda: store.standing(old.token),
        ):
            with pytest.raises(LeaseLost):
                write()
        assert RunContext(place, Residents(), store, new).part("0") is None
        store.finish(new.token, {"by": "quick"})
        assert store.get(run.id).result == {"by": "quick"}


class TestInline:
    def test_runs_and_is_served(self, place: Settings) -> None:
        run = run_inline(squares(4), place)
        assert run.state == "done" and run.result is not None and run.progress is not None
        assert Artifacts(place.artifacts).read(run.result["artifact"], ".txt") == b"0,1,4,9"
        assert (run.progress.done, run.progress.total, run.progress.fraction) == (4, 4, 1.0)
        assert run_inline(squares(4), place) == run
        assert not list((place.workspace / "parts").glob("*/*/*")), "parts of a done run are cleared"

    def test_resume_computes_no_part_twice(self, place: Settings, store: RunStore, tmp_path: Path) -> None:
        spec = squares(6, gates=str(tmp_path))
        claim = store.claim_run(store.submit(spec).id, "w")
        assert claim is not None
        context = RunContext(place, Residents(), store, claim)
        for index in range(4):
            context.save_part(str(index), str(index * index).encode())
        store.interrupt_worker("w")
        run = run_inline(spec, place)
        assert run.state == "done", "a new run of the same digest finds the parts as well"
        assert (tmp_path / "computed").read_text().split() == ["4", "5"]

    def test_a_damaged_part_is_computed_again(self, place: Settings, store: RunStore) -> None:
        claim = store.claim_run(store.submit(squares(2)).id, "w")
        assert claim is not None
        context = RunContext(place, Residents(), store, claim)
        context.save_part("0", b"0")
        (file,) = (place.workspace / "parts").glob("*/*/*")
        file.write_bytes(b"edited")
        assert context.part("0") is None
        context.save_part("0", b"0")
        assert context.part("0") == b"0"

    def test_an_unforeseen_error_shows_its_type_only(self, place: Settings) -> None:
        run = run_inline(RunSpec("toy-broken", {"how": "other", "prompt": "Jane Doe, 1950"}), place)
        assert run.state == "failed" and run.error is not None
        assert "ValueError" in run.error and "Jane" not in run.error
        (log,) = (place.workspace / "logs").glob("*.log")
        assert log.stem in run.error
        written = log.read_text()
        assert "toy_kinds.py" in written and "builtins.ValueError" in written and "Jane" not in written

    @pytest.mark.fault(49)
    def test_no_space_ends_failed_and_the_store_stays_whole(self, place: Settings, store: RunStore) -> None:
        run = run_inline(RunSpec("toy-broken", {"how": "space"}), place)
        assert run.state == "failed" and run.error is not None and "no space is left" in run.error
        assert run_inline(squares(2), place).state == "done"

    @pytest.mark.fault(49)
    def test_no_space_for_a_part(self, place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("lab.atomic.os.fsync", full)
        run = run_inline(squares(2), place)
        assert run.state == "failed" and run.error is not None and "no space is left" in run.error
        monkeypatch.undo()
        assert not list(place.workspace.rglob("*.part")), "no temporary file is left"

    def test_a_result_that_is_not_plain_fails_the_run(self, place: Settings) -> None:
        @run_kind("toy-nan", lane="side")
        def nan(spec: RunSpec, ctx: RunContext):
            yield ctx.progress("x", 1, 1)
            return {"value": float("nan")}

        run = run_inline(RunSpec("toy-nan"), place)
        assert run.state == "failed" and run.error is not None and "ValueError" in run.error


class TestProgress:
    def test_rate_and_remaining_time(self, place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [0.0]
        monkeypatch.setattr(clock, "elapsed", lambda: now[0])
        context = RunContext(place, Residents())
        first = context.progress("Embedding", 0, 100)
        assert first.rate is None and first.remaining_s is None
        now[0] = 5.0
        second = context.progress("Embedding", 10, 100)
        assert second.rate == pytest.approx(2.0) and second.remaining_s == pytest.approx(45.0)
        assert context.progress("Another stage", 5, 10).rate is None

    def test_residents_keep_the_last_few(self) -> None:
        kept, built = Residents(2), []
        for key in ("a", "b", "a", "c", "a", "b"):
            kept.get(key, lambda key=key: built.append(key) or key)
        assert built == ["a", "b", "c", "b"]


class TestArtifacts:
    @pytest.mark.fault(54)
    def test_edited_or_deleted_is_told(self, tmp_path: Path) -> None:
        shelf = Artifacts(tmp_path)
        digest = shelf.write(b"numbers", ".json")
        assert shelf.read(digest) == shelf.read(digest, ".json") == b"numbers"
        assert shelf.write(b"numbers", ".json") == digest
        path = shelf.path(digest, ".json")
        assert path.parent.name == digest[:2]
        path.write_bytes(b"Numbers")
        with pytest.raises(StoreError, match="changed after the run"):
            shelf.read(digest)
        assert not shelf.intact(digest)
        path.unlink()
        with pytest.raises(NotFoundError, match="deleted"):
            shelf.read(digest)

    @pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "g" * 64, "a" * 63, "a" * 64 + "\n"])
    def test_only_digests_name_artifacts(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(InputError):
            Artifacts(tmp_path).read(name)
        with pytest.raises(InputError):
            Artifacts(tmp_path).path("a" * 64, "/../x")


class TestOpening:
    def refuse(self, path: Path, words: str) -> None:
        before = path.read_bytes()
        with pytest.raises(StoreError, match=words):
            RunStore(f"sqlite:///{path}")
        assert path.read_bytes() == before, "a refused file is never changed"

    @pytest.mark.fault(50)
    def test_garbage(self, tmp_path: Path) -> None:
        path = tmp_path / "runs.sqlite"
        path.write_bytes(b"this is no database" * 100)
        self.refuse(path, "damaged")

    @pytest.mark.fault(50)
    def test_damaged_in_the_middle(self, place: Settings, tmp_path: Path) -> None:
        path = tmp_path / "runs.sqlite"
        store = RunStore(f"sqlite:///{path}")
        for n in range(200):
            store.submit(squares(n, text="x" * 200))
        store.close()
        data = bytearray(path.read_bytes())
        for page in range(3, len(data) // 4096, 2):
            data[page * 4096 : page * 4096 + 2048] = b"\xa5" * 2048
        path.write_bytes(bytes(data))
        self.refuse(path, "damaged")

    @pytest.mark.fault(50)
    def test_a_newer_version(self, tmp_path: Path) -> None:
        path = tmp_path / "runs.sqlite"
        RunStore(f"sqlite:///{path}").close()
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE schema_version SET version = 999")
        connection.close()
        self.refuse(path, "version 999")

    @pytest.mark.fault(50)
    def test_another_program_s_file(self, tmp_path: Path) -> None:
        path = tmp_path / "runs.sqlite"
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE guests (name TEXT)")
        connection.close()
        self.refuse(path, "another program")

    @pytest.mark.fault(50)
    def test_locked_by_another_process(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "runs.sqlite"
        RunStore(f"sqlite:///{path}").close()
        monkeypatch.setattr(database, "BUSY_S", 0.05)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        try:
            with pytest.raises(StoreError, match="holds the run store"):
                RunStore(f"sqlite:///{path}")
        finally:
            holder.close()
        RunStore(f"sqlite:///{path}").close()

    @pytest.mark.fault(50)
    def test_a_network_share(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "on_network_share", lambda path: True)
        with pytest.raises(StoreError, match="network share"):
            RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}")
        assert not (tmp_path / "runs.sqlite").exists()

    def test_pragmas_on_every_connection(self, store: RunStore) -> None:
        def look(connection: object) -> tuple[object, ...]:
            names = ("journal_mode", "foreign_keys", "busy_timeout")
            return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(lambda _: store.database.read(look), range(8))) == {("wal", 1, 10_000)}
