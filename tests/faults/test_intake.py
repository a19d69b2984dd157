"""Files that fell the process that reads them: only the culprit is refused, the others are kept, nothing hangs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest
from PIL import Image

from lab.config import settings
from lab.data.importing import copying
from lab.data.importing.copying import copy_images
from lab.data.importing.importer import add_plan
from lab.data.importing.new_card import About
from lab.data.intake import pool, reading
from lab.data.intake.contract import limits_of
from lab.data.sources.contract import ImportPlan, PlannedImage
from lab.data.store import list_datasets
from lab.errors import DatasetError, RunCancelled, StoreError

ROOT = Path(__file__).resolve().parents[2]
TOYS = Path(__file__).resolve().parent


@pytest.fixture(autouse=True)
def toys(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(TOYS))
    monkeypatch.setenv("LAB_EXTRA_READERS", "toy_readers")
    monkeypatch.setenv("LAB_DECODE_SECONDS", "3")
    monkeypatch.setenv("LAB_DECODE_MEMORY_MB", "700")
    return workspace


def planned(folder: Path, texts: list[str]) -> ImportPlan:
    folder.mkdir(parents=True, exist_ok=True)
    images = []
    for number, text in enumerate(texts):
        path = folder / f"NAME-{number:03d}.toy"
        path.write_text(text)
        images.append(PlannedImage(path, path.name, {"label": "a"}, reader="toy"))
    return ImportPlan(folder, None, (), {}, {}, (), tuple(images), (), (), False, ())


def staged(tmp_path: Path, name: str = "staging") -> Path:
    (tmp_path / name / "images").mkdir(parents=True)
    return tmp_path / name


@pytest.mark.fault(5, 6, 7)
@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("memory", "more memory"),
        ("sleep", "longer than 3 s"),
        ("exit", "stop"),
        ("abort", "stop"),
        ("nested", "nested"),
        ("error", "KeyError"),
        ("objects", "cannot be decoded|InputError|not 8-bit"),
    ],
)
def test_only_the_culprit_is_refused(tmp_path: Path, word: str, said: str) -> None:
    texts = [f"good {n}" for n in range(20)]
    texts[7] = word
    before = psutil.virtual_memory().used
    report = add_plan(planned(tmp_path / "in", texts), "d", About())
    assert psutil.virtual_memory().used - before < 1e9
    assert report.kept == 19 and [name for name, _ in report.left_out] == ["NAME-007.toy"]

    reason = report.left_out[0][1]
    assert re.search(said, reason) and "NAME" not in reason and str(tmp_path) not in reason


def test_several_culprits_in_one_bundle_and_children_see_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_TOY", "seen")
    texts = [f"good {n}" for n in range(12)]
    texts[0] = texts[5] = "exit"
    texts[9] = "memory"
    report = add_plan(planned(tmp_path / "in", texts), "d", About())
    assert report.kept == 9 and len(report.left_out) == 3
    assert set(report.dataset.manifest["setting"]) == {"seen"}


def test_a_full_disk_in_a_child_ends_the_import(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no space is left; nothing was kept"):
        add_plan(planned(tmp_path / "in", ["good 1", "full"]), "d", About())
    assert list_datasets() == [] and not list(settings().datasets.glob(".*"))


def test_the_number_of_children_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(tmp_path / "in", [f"good {n % 150}" for n in range(200)])
    found = []
    for processes in ("1", "2", "3"):
        monkeypatch.setenv("LAB_DECODE_PROCESSES", processes)
        assert limits_of(settings()).processes == int(processes)
        copied = copy_images(plan, staged(tmp_path, f"s{processes}"), None)
        found.append((copied.rows, copied.merged, copied.shared))
    assert found[0] == found[1] == found[2] and len(found[0][0]) == 150


def test_no_child_is_left_behind(tmp_path: Path) -> None:
    add_plan(planned(tmp_path / "in", ["good 1", "sleep"]), "d", About())

    def stop(done: int, total: int) -> None:
        raise RunCancelled("The run was cancelled.")

    with pytest.raises(RunCancelled):
        add_plan(planned(tmp_path / "in2", ["good 1", *["sleep"] * 9]), "e", About(), on_progress=stop)
    until = time.monotonic() + 10
    while children() and time.monotonic() < until:
        time.sleep(0.05)
    assert children() == []


def test_children_that_die_at_birth_end_the_import_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken_main.py"
    broken.write_text("raise RuntimeError('cannot start')")
    program = ModuleType("__main__")
    program.__file__ = str(broken)
    monkeypatch.setitem(sys.modules, "__main__", program)
    monkeypatch.setattr(pool, "_STARTED_WITHIN_S", 2)
    with pytest.raises(StoreError, match="cannot be started"):
        add_plan(planned(tmp_path / "in", ["good 1"]), "d", About())


def children() -> list[int]:
    """Living grandchildren: what the server of children has started."""
    return [
        process.pid
        for server in psutil.Process().children()
        if "forkserver" in " ".join(server.cmdline())  # a browser of another test is none of ours
        for process in server.children(recursive=True)
        if process.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.mark.fault(18, 41)
def test_children_die_with_a_killed_import_and_it_goes_on_from_there(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"good {n}" for n in range(400)]
    plan = planned(tmp_path / "in", texts)
    code = (
        "import os, sys\nfrom pathlib import Path\nsys.path[:0] = [sys.argv[2], sys.argv[3]]\n"
        "from tests.faults.test_intake import planned\nfrom lab.data.importing.importer import add_plan\n"
        "from lab.data.intake.journal import Journal\nfrom lab.data.importing.new_card import About\n"
        "add, done = Journal.add, []\n"
        "def counted(self, key, outcome):\n"
        "    add(self, key, outcome)\n    done.append(1)\n"
        "    if len(done) == 250: os.kill(os.getpid(), 9)\n"
        "Journal.add = counted\n"
        "if __name__ == '__main__':\n"
        "    texts = [f'good {n}' for n in range(400)]\n"
        "    import lab.data.sources.contract as c\n"
        "    images = [c.PlannedImage(p, p.name, {'label': 'a'}, reader='toy')\n"
        "              for p in sorted(Path(sys.argv[1]).iterdir())]\n"
        "    plan = c.ImportPlan(Path(sys.argv[1]), None, (), {}, {}, (), tuple(images), (), (), False, ())\n"
        "    add_plan(plan, 'd', About(), key='k' * 64)\n"
    )
    script = tmp_path / "kill.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "in"), str(ROOT), str(TOYS)], env={**os.environ}
    )
    assert done.returncode == -9 and list_datasets() == []
    staging = next(iter(settings().datasets.glob(".importing-run-*")))
    journal = (staging / "journal.jsonl").read_text()
    assert journal.count("\n") == 250 and "NAME" not in journal
    with (staging / "journal.jsonl").open("a") as stream:
        stream.write('{"cut')
    read: list[int] = []
    task_of = reading.task_of
    monkeypatch.setattr(reading, "task_of", lambda n, image: read.append(n) or task_of(n, image))
    victim = next((staging / "images").iterdir())
    victim.write_bytes(b"damaged")
    report = add_plan(plan, "d", About(), key="k" * 64)
    assert report.kept == 400 and len(read) == 151, "150 that were missing, and the one that was damaged"
    fresh = add_plan(plan, "e", About())
    assert fresh.dataset.card.digest == report.dataset.card.digest
    left = {path.name for path in (workspace / "datasets/d").iterdir()}
    assert left == {"card.json", "manifest.parquet", "images"}


@pytest.mark.fault(18)
def test_a_changed_file_or_recipe_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(tmp_path / "in", ["good 1", "good 2", "good 3"])

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise RunCancelled("The run was cancelled.")

    monkeypatch.setattr(copying, "TELL_EVERY_S", -1.0)
    with pytest.raises(RunCancelled):
        add_plan(plan, "d", About(), on_progress=stop, key="a" * 64)
    plan.images[1].file.write_text("good changed")
    read: list[int] = []
    task_of = reading.task_of
    monkeypatch.setattr(reading, "task_of", lambda n, image: read.append(n) or task_of(n, image))
    assert add_plan(plan, "d", About(), key="a" * 64).kept == 3 and read == [1]
    assert not list(settings().datasets.glob(".*"))


def test_a_refusal_is_remembered_too_and_nothing_readable_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No image could be read \\(2 were refused\\)"):
        add_plan(planned(tmp_path / "in", ["error", "exit"]), "d", About(), key="b" * 64)
    assert not list(settings().datasets.glob(".*")), "a failed import leaves nothing"


def masked(folder: Path, mask: np.ndarray, **how: object) -> ImportPlan:
    folder.mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 256, mask.shape[:2], dtype=np.uint8)
    Image.fromarray(picture).save(folder / "a.png")
    Image.fromarray(mask).save(folder / "m.png")
    image = PlannedImage(folder / "a.png", "a.png", {"label": "x"}, mask=folder / "m.png", **how)  # type: ignore[arg-type]
    return ImportPlan(folder, None, (), {}, {}, (), (image,), (), (), False, ())


def test_values_of_masks_are_mapped_and_unknown_ones_refused(tmp_path: Path) -> None:
    mask = np.zeros((16, 12), np.uint8)
    mask[2:8, 2:8], mask[3:5, 3:5] = 3, 1
    kept = add_plan(masked(tmp_path / "a", mask), "kept", About()).dataset
    found = kept.mask(kept.manifest["image_id"][0])
    assert found is not None and np.array_equal(found, mask)
    made = add_plan(masked(tmp_path / "b", mask, mask_values={3: 1, 1: 3}), "mapped", About()).dataset
    found = made.mask(made.manifest["image_id"][0])
    assert found is not None and np.array_equal(found, np.choose(mask, [0, 3, 0, 1]))
    assert made.manifest["mask"][0] == f"masks/{made.manifest['image_id'][0]}.png"
    report = add_plan(masked(tmp_path / "c", mask, mask_values={3: 1}), "unknown", About())
    assert report.dataset.manifest["mask"][0] == "" and "Masks left out" in " ".join(report.notes)
    coloured = np.stack([mask, mask * 2, mask], axis=-1)
    report = add_plan(masked(tmp_path / "d", coloured, mask_values={3: 1, 1: 3}), "coloured", About())
    assert report.kept == 1 and report.dataset.manifest["mask"][0] == ""


def test_a_recipe_moves_image_and_mask_together_and_uses_the_spacing(tmp_path: Path) -> None:
    from lab.data.preprocess.recipe import Recipe
    from lab.data.preprocess.steps.spacing import Spacing

    mask = np.zeros((40, 30), np.uint8)
    mask[10:30, 5:25] = 2
    how = {"extra": {"spacing_mm": "0.75x1.5", "window_centre": "100"}}
    recipe = Recipe("half", "Half", (Spacing(1.5, "leave", "nearest"),))
    dataset = add_plan(masked(tmp_path / "a", mask, **how), "d", About(), recipe=recipe).dataset
    row = dataset.manifest.iloc[0]
    assert (row["height"], row["width"], row["spacing_mm"]) == (20, 30, "1.5x1.5")
    found = dataset.mask(row["image_id"])
    assert found is not None and found.shape == (20, 30) and set(np.unique(found)) == {0, 2}
    assert dataset.card.recipe["digest"] == recipe.digest
