"""Imports as runs: many files at once, cancelled midway, killed and resumed, by a real worker."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lab.config import Settings
from lab.data.card import read_card
from lab.data.importing import staging
from lab.data.importing.staging import discard_all_but, staging_folder
from lab.data.store import list_datasets, open_dataset
from lab.errors import DatasetError, RunCancelled, StoreError
from lab.runs import client, processes
from lab.runs.import_requests import derive_run, import_run
from lab.runs.inline import run_inline
from lab.runs.store import RunStore
from tests.faults.conftest import until


def films(folder: Path, n: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        array = np.random.default_rng(i).integers(0, 256, (64, 64), dtype=np.uint8)
        Image.fromarray(array).save(folder / f"{i:04d}.png")
    return folder


def hidden(place: Settings) -> list[str]:
    return [path.name for path in place.datasets.glob(".*")] if place.datasets.is_dir() else []


@pytest.mark.fault(18)
def test_five_hundred_files_at_once_and_again_under_another_id(
    place: Settings, store: RunStore, tmp_path: Path
) -> None:
    folder = films(tmp_path / "in", 500)
    (folder / "bad.png").write_bytes(b"")
    run = client.submit_and_wait(import_run(folder, "many"))
    assert run.state == "done" and run.result is not None and run.result["images"] == 500
    assert len(run.result["left_out"]) == 1 and "bad" not in str(run.result)
    assert len(open_dataset("many").manifest) == 500 and not hidden(place)


@pytest.mark.fault(18, 45)
def test_a_cancelled_import_leaves_nothing(place: Settings, store: RunStore, tmp_path: Path) -> None:
    run = client.submit(import_run(films(tmp_path / "in", 3000), "gone"))
    until(lambda: (found := store.get(run.id)).is_over or (found.progress and found.progress.done > 100))
    store.cancel(run.id)
    until(lambda: store.get(run.id).is_over)
    assert store.get(run.id).state == "cancelled"
    until(lambda: not hidden(place))
    assert list_datasets() == []


@pytest.mark.fault(41)
def test_a_killed_import_is_resumed_from_what_is_staged(
    place: Settings, store: RunStore, tmp_path: Path
) -> None:
    spec = import_run(films(tmp_path / "in", 2000), "kept")
    run = client.submit(spec)
    until(lambda: (found := store.get(run.id)).is_over or (found.progress and found.progress.done > 300))
    for pid, module in processes.find_processes(place.workspace).items():
        if module == processes.LANE:
            os.kill(pid, signal.SIGKILL)
    journal = place.datasets / f".importing-run-{spec.digest[:32]}" / "journal.jsonl"
    finished = journal.read_text().count("\n") if journal.is_file() else 0
    assert finished >= 300 or store.get(run.id).is_over
    until(lambda: store.get(run.id).is_over)
    again = client.submit_and_wait(spec)
    assert again.state == "done" and again.result is not None and again.result["images"] == 2000
    assert not hidden(place)


def test_what_no_run_will_take_up_again_is_swept(
    place: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = place.datasets / "d"
    for key in ("a" * 64, "b" * 64):
        with pytest.raises(RunCancelled), staging_folder(target, key):
            raise RunCancelled("The run was cancelled.")
    assert len(hidden(place)) == 2
    discard_all_but(place.datasets, ["b" * 64])
    assert hidden(place) == [f".importing-run-{'b' * 32}"]
    run = run_inline(import_run(films(tmp_path / "in", 3), "d"))
    assert run.state == "done" and not hidden(place), "the store knows no run of that key"
    with pytest.raises(RunCancelled), staging_folder(place.datasets / "e", "c" * 64):
        raise RunCancelled("The run was cancelled.")
    monkeypatch.setattr(staging, "STALE_AFTER_S", -1.0)
    with pytest.raises(DatasetError), staging_folder(place.datasets / "f"):
        raise DatasetError("No.")
    assert not hidden(place)


def test_two_processes_never_stage_the_same_run(place: Settings) -> None:
    with (
        pytest.raises(StoreError, match="still at this import"),
        staging_folder(place.datasets / "d", "k" * 64) as first,
    ):
        (first / "images" / "x").write_text("x")
        try:
            with staging_folder(place.datasets / "d", "k" * 64):
                raise AssertionError("the second must not come in")
        finally:
            assert (first / "images" / "x").is_file(), "what the first has is left to it"


@pytest.mark.row("SG-03")
def test_a_derived_dataset_keeps_patients_and_tells_its_recipe(place: Settings, tmp_path: Path) -> None:
    from lab.data.preprocess.presets import preset

    folder = tmp_path / "in"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(12):
        Image.fromarray(rng.integers(0, 256, (48, 40, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    (folder / "metadata.csv").write_text(
        "image,patient_id,label,age\n" + "".join(f"{i}.png,p{i // 2},nv,{i}\n" for i in range(12))
    )
    assert run_inline(import_run(folder, "raw")).state == "done"
    recipe = preset("skin-a").recipe
    run = run_inline(derive_run("raw", "prepared", recipe, seed=3))
    assert run.state == "done", run.error
    raw, made = open_dataset("raw"), open_dataset("prepared")
    assert (made.card.parent, made.card.size, made.card.images) == ("raw", 256, 12)
    assert made.card.recipe["digest"] == recipe.digest and made.card.recipe["seed"] == 3
    split = dict(zip(raw.manifest["patient_id"], raw.manifest["split"], strict=True))
    assert dict(zip(made.manifest["patient_id"], made.manifest["split"], strict=True)) == split
    assert sorted(made.manifest["age"]) == sorted(raw.manifest["age"])
    direct = run_inline(import_run(folder, "direct", recipe=recipe, seed=3))
    assert direct.state == "done"
    found = open_dataset("direct")
    assert set(found.manifest["digest"]) == set(made.manifest["digest"]), (
        "the order of images does not matter"
    )
    assert len({found.card.digest, made.card.digest, raw.card.digest}) == 3
    other = run_inline(derive_run("raw", "other", recipe, seed=4))
    assert other.state == "done" and open_dataset("other").card.digest != made.card.digest


def test_old_cards_are_read_on(place: Settings, tmp_path: Path) -> None:
    run_inline(import_run(films(tmp_path / "in", 3), "d"))
    path = place.datasets / "d" / "card.json"

    told = json.loads(path.read_text())
    for name in ("source", "parent", "recipe", "mask_labels"):
        del told[name]
    path.write_text(json.dumps(told))
    card = read_card(path)
    assert (card.source, card.parent, dict(card.recipe), dict(card.mask_labels)) == ("", "", {}, {})
    shutil.rmtree(place.datasets / "d")
