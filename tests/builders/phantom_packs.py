"""The embedded phantom pack installed once, and a pack of five films made by the same code."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from lab.data import phantom_pack
from lab.data.phantom_pack import find_pack, install
from lab.runs import pack_phantoms as builder
from lab.runs import requests
from lab.runs.requests import PHANTOM


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The embedded pack in a workspace of its own, shared by the tests that only read it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_WORKSPACE", str(tmp_path_factory.mktemp("installed")))
        patch.delenv("LAB_STORE_URL", raising=False)
        found = find_pack(1000, 3, 0)
        if found is None:
            pytest.skip("there is no pack that fits; test_the_pack_fits_the_installed_code says why")
        start = time.monotonic()
        dataset = install(found, PHANTOM)
        return dataset, time.monotonic() - start


@pytest.fixture
def there(installed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LAB_WORKSPACE", str(installed[0].folder.parents[1]))
    return installed[0]


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """A pack of five patients, one film each, made by the same code as the embedded one."""
    place = tmp_path_factory.mktemp("made")
    stages: list[tuple[str, int, int]] = []

    def make() -> set[str]:
        stages.clear()
        builder.pack_phantoms(place / "packs" / "tiny", "tiny", 5, 1, 0, lambda *told: stages.append(told))
        return {stage for stage, done, total in stages if done < total}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "_autoencoders", lambda id: [("none", None)])
        patch.setenv("LAB_WORKSPACE", str(place / "making"))
        assert {"Rendering radiographs", "Embedding: features", "Packing features"} <= make()
        before = {path: path.stat().st_mtime_ns for path in (place / "packs").rglob("*.np?")}
        assert make() <= {"Packing features", "Fitting the map", "Writing the pack"}, (
            "what is finished is not made again"
        )
        assert before == {path: path.stat().st_mtime_ns for path in (place / "packs").rglob("*.np?")}
    return place / "packs"


@pytest.fixture
def tiny(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that pack, as the only one there is, and no generator."""
    monkeypatch.setattr(requests, "autoencoder_digest", lambda dataset: "none")
    monkeypatch.setattr(phantom_pack, "FOLDER", Path(shutil.copytree(made, tmp_path / "packs")))
    return tmp_path / "packs" / "tiny"
