"""Two sessions ask for two large generators on one device: the second waits, and both are never in memory at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lab.config import Settings
from lab.runs import client
from lab.runs.spec import RunSpec
from lab.runs.store import Run, RunStore
from tests.faults.conftest import until

SIZE = 400_000
NAMES = ("big-a", "big-b")
INDEX = {"_class_name": "DDPMPipeline", "unet": ["diffusers", "UNet2DModel"]}


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set before the settings are read, so that the worker and its client agree on them."""
    monkeypatch.setenv("LAB_MODEL_MEMORY", str(int(1.5 * SIZE)))
    monkeypatch.setenv("LAB_DEVICE", "cpu")


@pytest.fixture
def large(place: Settings, tmp_path: Path) -> None:
    """Two generators of 0.4 MB each, and room for one of them and a half."""
    (place.workspace / "generators").mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        folder = tmp_path / name / "unet"
        folder.mkdir(parents=True)
        save_file({"weight": np.zeros(SIZE // 4, np.float32)}, folder / "model.safetensors")
        (tmp_path / name / "model_index.json").write_text(json.dumps(INDEX))
        card = {"id": name, "title": name, "folder": str(tmp_path / name), "size": 64}
        (place.workspace / "generators" / f"{name}.json").write_text(json.dumps(card))


def ask(name: str, gates: Path, place: Settings) -> Run:
    return client.submit(
        RunSpec("toy-generator", {"generator": name, "gates": str(gates), "size": SIZE}), place
    )


@pytest.mark.fault(25)
def test_the_second_waits_and_both_are_never_in_memory(
    large: None, place: Settings, store: RunStore, gates: Path
) -> None:
    hold = gates / "hold-big-a"
    hold.touch()
    first = ask("big-a", gates, place)
    until((gates / "at-big-a").exists, 240)
    other_session = RunStore.open(place)
    second = ask("big-b", gates, place)
    assert other_session.get(second.id).state == "queued", "one device does one run at a time"
    assert other_session.get(first.id).state == "running"
    hold.unlink()
    ended = [client.wait(run.id, None, place, timeout_s=240) for run in (first, second)]
    assert [run.state for run in ended] == ["done", "done"], [run.error for run in ended]
    assert ended[0].result == ended[1].result, "the same process served both"
    told = [line.split() for line in (gates / "loaded").read_text().splitlines()]
    assert told == [["big-a", "1", str(SIZE)], ["big-b", "1", str(SIZE)]]
