"""Numbers whose files were deleted or edited after the run are told apart from those that were computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab.provenance import canonical_json
from lab.runs.artifacts import Artifacts
from lab.runs.integrity import changed


@dataclass
class Finished:
    result: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def finished(tmp_path: Path) -> tuple[Finished, Artifacts]:
    artifacts = Artifacts(tmp_path)
    results = [
        {"metric": "coverage", "title": "Coverage", "value": 0.5, "per_image": artifacts.write(b"x", ".npy")}
    ]
    record = artifacts.write(canonical_json(results).encode(), ".json")
    return Finished({"results": results, "record": record}), artifacts


@pytest.mark.fault(54)
def test_a_deleted_an_edited_and_a_rewritten_number_are_each_said(
    finished: tuple[Finished, Artifacts],
) -> None:
    run, artifacts = finished
    assert changed(run, artifacts) == []

    scores = artifacts.path(run.result["results"][0]["per_image"], ".npy")
    scores.unlink()
    assert "single scores of Coverage was deleted" in changed(run, artifacts)[0]
    scores.write_bytes(b"y")
    assert "edited after the run" in changed(run, artifacts)[0]
    scores.write_bytes(b"x")

    run.result["results"][0]["value"] = 0.9
    assert "not those of the run's record" in changed(run, artifacts)[0]
    run.result["results"][0]["value"] = 0.5
    artifacts.path(run.result["record"], ".json").write_text("[]")
    assert "The record of this run was edited" in changed(run, artifacts)[0]
