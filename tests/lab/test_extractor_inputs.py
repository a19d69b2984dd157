"""Runs depend on what their extractor is: an edited record, or other weights, are another question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.features.extractors import extractor_digest, get_extractor
from lab.runs.inline import run_inline
from lab.runs.neighbour_requests import audit_run, spaces_run
from lab.runs.prepare import next_step
from lab.runs.requests import (
    calibrate_run,
    embed_run,
    evaluate_run,
    latest_map,
    map_run,
    neighbours_run,
)
from lab.runs.spec import RunSpec
from lab.runs.store import RunStore
from tests.builders.memory_set import blobs

OWN: dict[str, Any] = {
    "id": "own", "title": "Own", "family": "descriptors", "layer": "colour-texture", "dimension": 270,
    "input_size": 64, "value_range": [0, 255],
}  # fmt: skip


@pytest.fixture
def films(workspace: Path, tmp_path: Path) -> str:
    from lab.data.images import encode_png
    from lab.data.store import add_folder

    folder = tmp_path / "films"
    folder.mkdir()
    rows = ["image,patient_id"]
    for number, film in enumerate(blobs(31, 12)):
        (folder / f"f{number}.png").write_bytes(encode_png(film))
        rows.append(f"f{number}.png,p{number}")
    (folder / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(folder, "films", licence="CC BY 4.0", title="Small films")
    return "films"


def _record(workspace: Path, **changes: Any) -> None:
    place = workspace / "extractors" / "own.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({**OWN, **changes}), "utf-8")


def _asked(films: str) -> dict[str, RunSpec]:
    return {
        "embed": embed_run(films, "own"),
        "calibrate": calibrate_run(films, "own"),
        "map": map_run(films, "own", method="pca"),
        "evaluate": evaluate_run(films, f"{films}:held-out", ["kernel-distance"], "own"),
        "neighbours": neighbours_run([b"film"], films, extractor="own"),
        "audit": audit_run(f"{films}:held-out", films, "own"),
        "spaces": spaces_run(b"film", films, (), ("own",)),
    }


def test_an_edited_record_is_another_run(workspace: Path, films: str) -> None:
    _record(workspace)
    before = _asked(films)
    _record(workspace, title="Another title", notes="and a note")
    assert {name: spec.digest for name, spec in _asked(films).items()} == {
        name: spec.digest for name, spec in before.items()
    }, "words change no number"
    _record(workspace, input_size=48)
    after = _asked(films)
    assert all(after[name].digest != spec.digest for name, spec in before.items())


def test_the_work_is_done_anew_after_an_edit(workspace: Path, films: str) -> None:
    _record(workspace)
    first = run_inline(embed_run(films, "own"))
    fitted = run_inline(map_run(films, "own", method="pca"))
    assert first.state == fitted.state == "done", (first.error, fitted.error)
    assert latest_map(films, "own", "pca") == RunStore.open().get(fitted.id)
    assert next_step(films, "own", "embed") is None
    _record(workspace, input_size=48)
    assert latest_map(films, "own", "pca") is None
    missing = next_step(films, "own", "embed")
    assert missing is not None and missing.kind == "embed"
    second = run_inline(missing)
    assert first.result is not None and second.result is not None
    assert second.result["extracted"] == first.result["images"] == 12, (
        "nothing of the earlier record is taken"
    )
    assert second.result["extractor_digest"] != first.result["extractor_digest"]


def test_a_running_worker_takes_the_edited_record(workspace: Path, films: str) -> None:
    from lab.config import settings
    from lab.runs.context import RunContext
    from lab.runs.kinds.embed import resident_extractor
    from lab.runs.resident import Residents

    context = RunContext(settings(), Residents())
    _record(workspace)
    kept = resident_extractor(context, "own")
    assert resident_extractor(context, "own") is kept, "loaded once"
    _record(workspace, input_size=48)
    assert resident_extractor(context, "own").input_size == 48


def test_other_weights_under_the_same_record_are_another_extractor(workspace: Path, tmp_path: Path) -> None:
    """Weights whose digest the record does not state are looked at, each state of a file once."""
    values = {
        "id": "own", "title": "Own", "family": "densenet", "layer": "features", "dimension": 8, "channels": "grey",
        "folder": str(tmp_path), "weights": {"model.safetensors": ""},
    }  # fmt: skip
    place = workspace / "extractors" / "own.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(values), "utf-8")
    absent = extractor_digest("own")
    assert len(absent) == 64, "a record without its weights has a digest too"
    (tmp_path / "model.safetensors").write_bytes(b"one")
    first = extractor_digest("own")
    (tmp_path / "model.safetensors").write_bytes(b"another")
    assert len({absent, first, extractor_digest("own")}) == 3
    assert extractor_digest("own") == get_extractor("own").digest


def test_films_are_not_alike(films: str) -> None:
    """The fixture's films give features that differ, or nothing above would show."""
    from lab.data.store import open_dataset

    images = open_dataset(films).subset()
    vectors = get_extractor("colour-texture").embed([images.image(name) for name in images.ids()[:3]])
    assert np.ptp(vectors, axis=0).max() > 0
