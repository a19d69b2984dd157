"""What a run kind may do while it works: keep parts, write artifacts, share models, tell how far it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from lab.config import Settings
from lab.errors import NotFoundError, StoreError
from lab.runs import clock
from lab.runs.artifacts import Artifacts
from lab.runs.resident import Residents
from lab.runs.spec import Progress

if TYPE_CHECKING:
    from lab.runs.store import Claim, RunStore

T = TypeVar("T")
_WINDOW = 20
KEY_LIMIT = 200


class RunContext:
    """One run's hold on the workspace. Kinds get it as `ctx`; they never open the store themselves.

    Args:
        settings: of this process.
        residents: models shared by the runs of this process.
        store: the run store; None in a warm-up, which has no run.
        claim: the right to the run; None in a warm-up.
    """

    def __init__(
        self,
        settings: Settings,
        residents: Residents,
        store: RunStore | None = None,
        claim: Claim | None = None,
    ) -> None:
        self.settings = settings
        self.artifacts = Artifacts(settings.artifacts)
        self._residents = residents
        self._store = store
        self._claim = claim
        self._marks: dict[str, deque[tuple[float, float]]] = {}

    @property
    def run_id(self) -> str:
        """Id of the run; empty in a warm-up."""
        return self._claim.run.id if self._claim else ""

    def is_over(self) -> bool:
        """Whether the run has ended meanwhile (a kind that is being closed asks whether it was cancelled)."""
        store, claim = self._held()
        return store.get(claim.run.id).is_over

    def part(self, key: str) -> bytes | None:
        """The finished part under `key`, from this or an earlier attempt; None when it must be computed.

        A part that was damaged on disk counts as absent.
        """
        store, claim = self._held()
        digest = store.part_digest(claim.run.digest, key)
        if digest is None:
            return None
        try:
            return self._parts(claim).read(digest)
        except (NotFoundError, StoreError):
            return None

    def save_part(self, key: str, data: bytes) -> None:
        """Keep a finished part; a later attempt of the same run finds it.

        Raises:
            LeaseLost: when another worker owns the run now; nothing is recorded.
            StoreError: when the disk is full or the folder cannot be written.
        """
        store, claim = self._held()
        if not 0 < len(key) <= KEY_LIMIT:
            raise ValueError(f"the key of a part has 1 to {KEY_LIMIT} characters")
        # The file is named by its content, so a stale worker's file changes nothing: its row is refused.
        digest = self._parts(claim).write(data)
        store.record_part(claim.token, key, digest)

    def artifact(self, data: bytes, suffix: str = "") -> str:
        """Store a result file, whole or not at all; returns its digest, to be named in the result."""
        return self.artifacts.write(data, suffix)

    def read_artifact(self, digest: str, suffix: str | None = None) -> bytes:
        """The bytes of an artifact, checked against its digest."""
        return self.artifacts.read(digest, suffix)

    def resident(self, key: str, build: Callable[[], T]) -> T:
        """The model under `key`, kept in this process for later runs; `build` is called when it is absent."""
        return self._residents.get(key, build)

    def progress(
        self, stage: str, done: float, total: float, preview: str | None = None, message: str = ""
    ) -> Progress:
        """A progress to yield, with rate and remaining time over the last twenty reports of its stage."""
        marks = self._marks.setdefault(stage, deque(maxlen=_WINDOW))
        marks.append((clock.elapsed(), float(done)))
        (first_at, first), (last_at, last) = marks[0], marks[-1]
        rate = (last - first) / (last_at - first_at) if last > first and last_at > first_at else None
        remaining = max(0.0, total - done) / rate if rate and total else None
        return Progress(stage, done, total, rate, remaining, preview, message)

    def _held(self) -> tuple[RunStore, Claim]:
        if self._store is None or self._claim is None:
            raise RuntimeError("a warm-up has no run and keeps no parts")
        return self._store, self._claim

    def _parts(self, claim: Claim) -> Artifacts:
        return Artifacts(self.settings.workspace / "parts" / claim.run.digest)
