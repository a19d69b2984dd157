"""An extractor comes from the hub at its commit, the named files alone, each checked; a wrong one is not used."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.features.places import state
from lab.features.records import get_record
from tests.builders.commands import Commands
from tests.builders.extractor_files import toy_dino
from tests.builders.hub import COMMIT, REPOSITORY, Hub

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    folder = toy_dino(tmp_path / "dino")
    (folder / "pytorch_model.bin").write_bytes(b"not asked for")
    served = Hub(folder)
    yield served
    served.close()


def _record(workspace: Path, digest: str) -> None:
    record = {
        "id": "toy", "title": "Toy", "family": "transformers", "layer": "cls", "dimension": 16, "input_size": 32,
        "hub_id": REPOSITORY, "revision": COMMIT, "weights": {"model.safetensors": digest},
        "settings": ["config.json"],
    }  # fmt: skip
    (workspace / "extractors").mkdir(parents=True, exist_ok=True)
    (workspace / "extractors" / "toy.json").write_text(json.dumps(record))


def _lab(commands: Commands, hub: Hub, tmp_path: Path, word: str, expect: int = 0) -> dict[str, Any]:
    environ = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0"}
    done = commands.run(["extractors", word, "toy", "--json"], environ)
    assert done.returncode == expect, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def test_named_files_are_fetched_checked_and_embed(
    hub: Hub, workspace: Path, tmp_path: Path, commands: Commands
) -> None:
    _record(workspace, "0" * 64)
    assert "another digest at the hub" in _lab(commands, hub, tmp_path, "download", 1)["error"]
    digest = hashlib.sha256((hub.folder / "model.safetensors").read_bytes()).hexdigest()
    _record(workspace, digest)
    hub.faults["model.safetensors"] = "wrong bytes"
    assert "differs from the digest" in _lab(commands, hub, tmp_path, "download", 1)["error"]
    assert "extractors download toy" in state(get_record("toy")), "half a model is no model"
    hub.faults.clear()
    folder = Path(_lab(commands, hub, tmp_path, "download")["folder"])
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert _lab(commands, hub, tmp_path, "check")["checked"][0]["dimension"] == 16
