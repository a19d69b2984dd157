"""Whether the numbers of a finished metric run are still those that were computed."""

from __future__ import annotations

from lab.errors import NotFoundError, StoreError
from lab.provenance import canonical_json, digest_bytes
from lab.runs.artifacts import Artifacts
from lab.runs.records import Run

_END = "the numbers are shown in grey; run it again to replace them."


def changed(run: Run, artifacts: Artifacts) -> list[str]:
    """What was deleted or edited since an evaluation ended, one sentence each; empty when all is as it was.

    A run that is older than its record file has nothing to compare with and counts as unchanged.

    Args:
        run: a finished evaluation.
        artifacts: of the workspace.
    """
    result = run.result or {}
    told: list[str] = []
    record = result.get("record")
    if record is not None:
        told += _file(artifacts, record, ".json", "The record of this run")
        if digest_bytes(canonical_json(result["results"]).encode()) != record:
            told.append(f"The numbers in the store are not those of the run's record: {_END}")
    for one in result.get("results", ()):
        if digest := one.get("per_image"):
            told += _file(artifacts, digest, ".npy", f"The file of single scores of {one['title']}")
    return told


def _file(artifacts: Artifacts, digest: str, suffix: str, what: str) -> list[str]:
    try:
        artifacts.read(digest, suffix)
    except NotFoundError:
        return [f"{what} was deleted after the run: {_END}"]
    except StoreError:
        return [f"{what} was edited after the run and no longer has its digest: {_END}"]
    return []
