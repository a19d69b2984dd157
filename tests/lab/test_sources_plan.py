"""Which source takes a folder, what the plan says, classes, limits, speed; MedMNIST; several folders as one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.importer import add_plan
from lab.data.importing.new_card import About
from lab.data.importing.plan import plan_import
from lab.data.medmnist.info import medmnist_info
from lab.data.sources.registry import get_source, sources
from lab.data.store import add_folder
from lab.errors import DatasetError, InputError, NotFoundError

pytestmark = pytest.mark.usefixtures("workspace")


def films(folder: Path, names: list[str]) -> None:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (24, 20), dtype=np.uint8)).save(path)


def test_every_source_says_what_it_is() -> None:
    found = sources()
    assert {"image-table", "image-folder", "medmnist"} <= {source.id for source in found}
    for source in found:
        assert source.title and source.describes.endswith((".", ")")) and get_source(source.id) is source
        assert all(choice.help and choice.title for choice in source.choices)
    with pytest.raises(NotFoundError, match="image-table"):
        get_source("nowhere")


def test_a_folder_is_recognised_and_can_be_overridden(tmp_path: Path) -> None:
    films(tmp_path, ["normal/a.png", "normal/b.png", "effusion/c.png"])
    plan = plan_import(tmp_path)
    assert plan.source == "image-folder" and "Folder of images" in plan.notes[0]
    assert plan.classes == {"effusion": ("effusion", 1), "normal": ("normal", 2)}
    pd.DataFrame({"image": ["normal/a.png"], "label": ["x"]}).to_csv(tmp_path / "metadata.csv", index=False)
    assert plan_import(tmp_path).source == "image-table" and len(plan_import(tmp_path).images) == 1
    assert len(plan_import(tmp_path, source="image-folder").images) == 3
    assert plan_import(tmp_path, "").source == "image-folder"
    with pytest.raises(NotFoundError):
        plan_import(tmp_path, source="dicom-of-mars")
    with pytest.raises(DatasetError, match="no such setting"):
        plan_import(tmp_path, choices={"slice": "all"})
    with pytest.raises(DatasetError, match="single file"):
        plan_import(tmp_path / "metadata.csv")


@pytest.mark.row("SG-01")
def test_classes_are_renamed_and_left_out(tmp_path: Path) -> None:
    films(tmp_path, [f"{label}/{n}.png" for label in ("SCCKA", "NV", "DF") for n in range(2)])
    plan = plan_import(tmp_path, classes={"SCCKA": "SCC", "DF": ""})
    assert plan.classes == {"DF": ("", 2), "NV": ("NV", 2), "SCCKA": ("SCC", 2)}
    assert sorted(image.fields["label"] for image in plan.images) == ["NV", "NV", "SCC", "SCC"]
    assert "left out: 2." in plan.notes[-1]
    report = add_folder(tmp_path, "d", classes={"SCCKA": "SCC", "DF": ""})
    assert set(report.dataset.manifest["label"]) == {"NV", "SCC"} == set(report.dataset.manifest["labels"])
    with pytest.raises(DatasetError, match="no image has"):
        plan_import(tmp_path, classes={"XYZ": "A"})
    assert (
        "nothing was imported"
        in plan_import(tmp_path, classes=dict.fromkeys(("SCCKA", "NV", "DF"), "")).problem
    )


@pytest.mark.row("X-04")
def test_a_limit_is_a_draw_balanced_by_patient(tmp_path: Path) -> None:
    films(tmp_path, [f"{n:02d}.png" for n in range(30)])
    pd.DataFrame(
        {
            "image": [f"{n:02d}.png" for n in range(30)],
            "patient_id": ["many"] * 20 + [f"p{n}" for n in range(10)],
        }
    ).to_csv(tmp_path / "metadata.csv", index=False)
    plan = plan_import(tmp_path, choices={"limit": "11"})
    assert len(plan.images) == 11 and len({image.fields["patient_id"] for image in plan.images}) == 11
    with pytest.raises(InputError, match="whole number"):
        plan_import(tmp_path, choices={"limit": "many"})


def test_a_hundred_thousand_files_are_planned_in_seconds(tmp_path: Path) -> None:
    names = [f"{n // 1000:03d}/{n:06d}.png" for n in range(100_000)]
    for number in range(100):
        (tmp_path / f"{number:03d}").mkdir()
    for empty in ("0", "1"):
        (tmp_path / empty).touch()
    for name in names:
        os.link(tmp_path / str(int(name[:3]) % 2), tmp_path / name)
    pd.DataFrame({"image": names, "patient_id": [n[-10:-5] for n in names], "label": "a"}).to_csv(
        tmp_path / "metadata.csv", index=False
    )
    started = time.process_time()
    plan = plan_import(tmp_path)
    with_table = time.process_time() - started
    assert len(plan.images) == 100_000
    started = time.process_time()
    assert len(plan_import(tmp_path, "", source="image-folder").images) == 100_000
    assert with_table < 12 and time.process_time() - started < 8


def test_the_index_walks_once_and_finds_by_path_name_and_stem(tmp_path: Path) -> None:
    films(tmp_path, ["a/x.png", "b/x.png", "b/y.png", "masks/y.png", ".hidden/z.png"])
    files = FolderIndex(tmp_path)
    assert list(files.by_path) == ["a/x.png", "b/x.png", "b/y.png", "masks/y.png"]
    assert list(files.images()) == ["a/x.png", "b/x.png", "b/y.png"]
    assert files.find("a/x.png", tmp_path) == tmp_path / "a/x.png" == files.find("x.png", tmp_path / "a")
    assert files.find("y", tmp_path / "a") != tmp_path / "b/y.png", "masks/y.png bears the name as well"
    assert "2 files" in str(files.find("x.png", tmp_path)) and "outside" in str(files.find("../x", tmp_path))


def arrays(sizes: tuple[int, ...] = (8, 8), labels: int = 1, n: int = 6) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    found = {}
    for split in ("train", "val", "test"):
        found[f"{split}_images"] = rng.integers(0, 256, (n, *sizes), dtype=np.uint8)
        found[f"{split}_labels"] = rng.integers(0, 2, (n, labels), dtype=np.uint8)
    return found


def test_medmnist_of_every_shape(tmp_path: Path) -> None:
    made = arrays((12, 12, 3))
    np.savez_compressed(tmp_path / "dermamnist_64.npz", **made)
    report = add_folder(tmp_path / "dermamnist_64.npz", "rgb")
    table = report.dataset.manifest
    assert (
        report.kept == 18 and set(table["channels"]) == {3} and report.dataset.card.modality == "dermoscopy"
    )
    assert report.dataset.card.licence == "CC BY-NC 4.0" and not report.dataset.card.public
    names = medmnist_info()["dermamnist"]["label"]
    assert set(table["label"]) <= {names["0"], names["1"]}
    stored = {report.dataset.image(image_id).tobytes() for image_id in table["image_id"]}
    assert stored == {one.tobytes() for split in ("train", "val", "test") for one in made[f"{split}_images"]}
    np.savez_compressed(tmp_path / "chestmnist.npz", **arrays(labels=14))
    found = plan_import(tmp_path / "chestmnist.npz").images[0].fields["label"]
    assert found == "no finding" or set(found.split("|")) <= set(
        medmnist_info()["chestmnist"]["label"].values()
    )
    np.savez(tmp_path / "organmnist3d.npz", **arrays((5, 7, 6)))
    middle = add_folder(tmp_path / "organmnist3d.npz", "middle")
    assert middle.kept == 18 and set(middle.dataset.manifest["slice"]) == {"2"}
    every = add_folder(tmp_path / "organmnist3d.npz", "every", choices={"slice": "all"})
    card = every.dataset.card
    assert (card.images, card.patients, card.splits) == (90, 18, {"train": 30, "held-out": 30, "test": 30})
    np.savez(
        tmp_path / "floats.npz",
        **{k: v.astype(np.float32) if "images" in k else v for k, v in arrays().items()},
    )
    with pytest.raises(DatasetError, match="No image could be read \\(18 were refused\\)"):
        add_folder(tmp_path / "floats.npz", "floats")


def test_pneumonia_mnist_is_imported_with_its_division(test_data: Path) -> None:
    plan = plan_import(test_data / "medmnist")
    assert plan.source == "medmnist" and plan.splits_given and plan.licence == "CC BY 4.0"
    counts = [sum(i.fields["split"] == s for i in plan.images) for s in ("train", "held-out", "test")]
    assert counts == [4708, 524, 624]
    report = add_plan(plan, "pneumonia", About())
    assert report.kept + len(report.merged) == 5856 and not report.left_out
    card = report.dataset.card
    assert (card.size, card.public, card.modality) == (28, True, "chest radiograph")
    assert set(report.dataset.manifest["label"]) == {"normal", "pneumonia"}
    notes = " ".join(report.notes)
    assert (
        "own patient" in notes and "kept once: 29." in notes and "two splits of the given division" in notes
    )
