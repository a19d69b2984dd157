"""Hostile folders and tables: what is bad is listed with the reason, what is good is kept, nothing is
half there."""

from __future__ import annotations

import errno
import json
import logging
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, PngImagePlugin

from lab.data.importing import copying, staging
from lab.data.store import add_folder, list_datasets, open_dataset, plan_import
from lab.data.tabular import tables
from lab.data.tabular.tables import MAX_CELL, neutral_cell, parse_table
from lab.errors import DatasetError, RunCancelled, StoreError
from lab.provenance import digest_file

pytestmark = pytest.mark.usefixtures("workspace")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "source"
    found.mkdir()
    return found


def film(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 20), dtype=np.uint8)).save(path)
    return path


def leftovers(workspace: Path) -> list[str]:
    return (
        [path.name for path in (workspace / "datasets").glob(".*")]
        if (workspace / "datasets").is_dir()
        else []
    )


@pytest.mark.fault(1, 2, 3)
def test_bad_files_are_left_out_with_reasons_and_good_ones_kept(folder: Path):
    for i in range(5):
        film(folder / f"good{i}.png", i)
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("not an image")
    (folder / "dicom.dcm").write_bytes((folder / "good0.png").read_bytes())
    data = (folder / "good1.png").read_bytes()
    (folder / "cut.png").write_bytes(data[: len(data) * 2 // 3])
    (folder / "loop.png").symlink_to(folder / "loop.png")
    report = add_folder(folder, "d")
    assert report.kept == 5
    reasons = dict(report.left_out)
    assert set(reasons) == {"empty.png", "text.png", "dicom.dcm", "cut.png"}
    assert (
        "empty" in reasons["empty.png"] and "text" in reasons["text.png"] and "cut off" in reasons["cut.png"]
    )
    assert "PNG" in reasons["dicom.dcm"] and "DICOM" in reasons["dicom.dcm"]
    for image_id in report.dataset.manifest["image_id"]:
        assert report.dataset.image(image_id).std() > 10  # never blackened


def test_a_table_with_every_usual_mistake(folder: Path):
    for i in range(6):
        film(folder / f"images/f{i}.png", i)
    (folder / "metadata.csv").write_text(
        "image,patient_id,label,hobby,mask\n"
        "images/f0.png,p0,normal,chess,\n"
        "images/f1.png,p1,normal,,masks/none.png\n"
        "images/f1.png,p1,normal,other,masks/none.png\n"  # repeats
        "images/f2.png,p2,normal,,\n"
        "images/f2.png,p9,normal,,\n"  # contradicts
        "images/gone.png,p3,normal,,\n"
        ",p4,normal,,\n"
        "images/f3.png,p3\n"  # ragged
        "../../etc/passwd,p5,normal,,\n"
        "f4,p4,effusion,,\n"  # name without suffix and folder
    )
    plan = plan_import(folder)
    assert plan.unused == ("hobby",)
    report = add_folder(folder, "d")
    assert set(report.dataset.manifest["patient_id"]) == {"p0", "p1", "p4"} and report.kept == 3
    reasons = dict(report.left_out)
    assert set(reasons) == {"images/f2.png", "images/gone.png", "row 7", "row 8", "../../etc/passwd"}
    assert "contradict" in reasons["images/f2.png"] and "outside" in reasons["../../etc/passwd"]
    assert [name for name, _ in report.merged] == ["images/f1.png"]
    notes = " ".join(report.notes)
    assert "hobby" in notes and "kept once: 1." in notes and "images kept: 1." in notes


@pytest.mark.fault(34)
def test_patients_in_two_splits_are_refused_with_the_count(folder: Path, workspace: Path):
    names = [film(folder / f"f{i}.png", i).name for i in range(6)]
    pd.DataFrame(
        {
            "image": names,
            "patient_id": list("aabbcc"),
            "split": ["train", "test", "train", "val", "test", "test"],
        }
    ).to_csv(folder / "metadata.csv", index=False)
    assert "2 patients stand" in plan_import(folder).problem
    with pytest.raises(DatasetError, match="2 patients stand in more than one split; nothing was imported"):
        add_folder(folder, "d")
    assert list_datasets() == [] and not leftovers(workspace)
    report = add_folder(folder, "d", mapping={"split": ""})
    assert report.dataset.manifest.groupby("patient_id")["split"].nunique().max() == 1


@pytest.mark.fault(17)
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("\ufeffimage;patient_id;label\nf0.png;Zoë;ja, nein\n", "utf-8"),
        ("image;patient_id;label\nf0.png;Zoë;ja, nein\n", "cp1252"),
        ("image\tpatient_id\tlabel\nf0.png\tZoë\tja, nein\n", "utf-16"),
        ('image,patient_id,label\r\n"f0.png",Zoë,"ja, nein"\r\n\r\n', "utf-8"),
    ],
)
def test_encodings_and_delimiters(folder: Path, text: str, encoding: str):
    film(folder / "f0.png")
    (folder / "metadata.csv").write_bytes(text.encode(encoding))
    row = add_folder(folder, "d").dataset.manifest.iloc[0]
    assert (row["patient_id"], row["label"]) == ("Zoë", "ja, nein")


@pytest.mark.fault(17)
def test_tables_that_cannot_be_used(folder: Path):
    film(folder / "f0.png")
    bad = {
        b"": "empty",
        b"\n\n": "empty",
        b"a,a\n1,2\n": "twice",
        b"\x89PNG\r\n\x1a\n\x00\x00": "not text",
        b"image,label\nf0.png," + b"x" * (MAX_CELL + 1) + b"\n": "characters",
        b"image,label\nf0.png," + b"x" * 2_000_000 + b"\n": "characters",
    }
    for data, word in bad.items():
        with pytest.raises(DatasetError, match=word):
            parse_table(data)
    (folder / "metadata.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DatasetError, match="No column of the CSV names the image files"):
        add_folder(folder, "d")
    with pytest.raises(DatasetError, match="check its name|no CSV file"):
        add_folder(folder, "d", metadata="other.csv")
    with pytest.raises(DatasetError, match="no folder"):
        add_folder(folder / "nowhere", "d")
    (folder / "only").mkdir()
    with pytest.raises(DatasetError, match="no image files"):
        add_folder(folder / "only", "d")
    (folder / "only/x.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="No image could be read"):
        add_folder(folder / "only", "d")
    assert list_datasets() == []


@pytest.mark.fault(17)
def test_more_rows_than_the_limit(monkeypatch):
    assert tables.MAX_ROWS == 1_000_000
    monkeypatch.setattr(tables, "MAX_ROWS", 20_000)
    assert len(parse_table(b"image\n" + b"f.png\n" * 20_000).rows) == 20_000
    with pytest.raises(DatasetError, match="20,000 rows"):
        parse_table(b"image\n" + b"f.png\n" * 20_001)


@pytest.mark.fault(17)
@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "-1+2"])
def test_formula_cells_are_neutralised(cell):
    assert neutral_cell(cell) == "'" + cell


def test_numbers_and_words_are_not_touched():
    assert [neutral_cell(v) for v in ("-1.5", "+3", "no finding", "", None, 7)] == [
        "-1.5",
        "+3",
        "no finding",
        "",
        "",
        "7",
    ]


@pytest.mark.fault(13)
@pytest.mark.parametrize(
    "name",
    [
        "a" * 251 + ".png",
        "a....png",
        "a\nb.png",
        "\u202egnp.exe.png",
        "<img onerror=alert(1)>.png",
        "-rf.png",
        "CON.png",
        "$(x).png",
    ],
)
def test_strange_names_are_stored_under_opaque_ids(folder: Path, workspace: Path, name: str):
    film(folder / "sub" / name)
    report = add_folder(folder, "d")
    assert report.kept == 1
    stored = [path.name for path in (workspace / "datasets/d/images").iterdir()]
    assert len(stored) == 1 and len(stored[0]) == 20
    (folder / "sub" / name).write_bytes(b"")
    film(folder / "good.png", 1)
    shown = add_folder(folder, "e").left_out[0][0]
    assert shown.isprintable() and len(shown) <= 120


@pytest.mark.fault(13)
def test_a_name_of_300_characters_or_with_nul_in_a_table(folder: Path):
    film(folder / "f0.png")
    names = [
        "f0.png",
        "x" * 300 + ".png",
        "a/../../f0.png",
        "C:\\films\\f0.png",
        "/etc/passwd",
        "\u202ef0.png",
    ]
    pd.DataFrame({"image": names}).to_csv(folder / "metadata.csv", index=False)
    report = add_folder(folder, "d")
    assert report.kept == 1 and len(report.left_out) == 4
    assert all(name.isprintable() and len(name) <= 120 for name, _ in report.left_out)


@pytest.mark.fault(12, 13)
def test_links_out_of_the_folder_are_not_followed(folder: Path, tmp_path: Path):
    film(tmp_path / "secret/private.png", 1)
    film(folder / "own.png", 2)
    (folder / "link.png").symlink_to(tmp_path / "secret/private.png")
    (folder / "linked").symlink_to(tmp_path / "secret")
    (folder / "inside.png").symlink_to(folder / "own.png")
    pd.DataFrame({"image": ["link.png", "linked/private.png", "own.png"]}).to_csv(
        folder / "metadata.csv", index=False
    )
    report = add_folder(folder, "d")
    assert report.kept == 1 and len(report.left_out) == 2
    assert add_folder(folder, "e", metadata="").kept == 1


@pytest.mark.fault(10, 13)
def test_planted_names_are_nowhere_in_the_workspace(folder: Path, workspace: Path, caplog):
    exif = Image.Exif()
    exif[0x010E] = exif[0x9286] = exif[0x013B] = "PLANTED^NAME"
    array = np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)
    info = PngImagePlugin.PngInfo()
    info.add_text("PatientName", "PLANTED^NAME")
    info.add_itxt("Comment", "PLANTED^NAME", zip=True)
    Image.fromarray(array).save(folder / "PLANTED^NAME 1.jpg", exif=exif, comment=b"PLANTED^NAME")
    Image.fromarray(array.T.copy()).save(folder / "PLANTED^NAME 2.png", exif=exif, pnginfo=info)
    Image.fromarray(255 - array).save(folder / "PLANTED^NAME 3.tif", tiffinfo={270: "PLANTED^NAME"})
    (folder / "PLANTED^NAME 4.png").write_bytes(b"PLANTED^NAME")
    pd.DataFrame({
        "image": [f"PLANTED^NAME {n}" for n in ("1.jpg", "2.png", "3.tif", "4.png", "5.png")],
        "patient_id": list("abcde"), "patient_name": ["PLANTED^NAME"] * 5,
    }).to_csv(folder / "PLANTED^NAME.csv", index=False)  # fmt: skip
    caplog.set_level(logging.DEBUG)
    report = add_folder(folder, "d")
    assert report.kept == 3 and len(report.left_out) == 2
    with pytest.raises(DatasetError) as caught:
        add_folder(folder, "d2", mapping={"split": "patient_name"})
    seen = [
        str(caught.value),
        caplog.text,
        *map(str, report.notes),
        json.dumps(report.dataset.card.as_json()),
    ]
    for path in sorted(workspace.rglob("*")):
        seen.append(str(path.relative_to(workspace)))
        if path.is_file():
            seen.append(path.read_bytes().decode("latin-1"))
    assert len(seen) > 8 and not [text for text in seen if "PLANTED" in text]
    assert "PLANTED" not in " ".join(report.dataset.manifest.astype(str).to_numpy().ravel())


@pytest.mark.fault(18)
def test_an_import_that_is_stopped_leaves_nothing(folder: Path, workspace: Path, monkeypatch):
    monkeypatch.setattr(copying, "TELL_EVERY_S", -1.0)
    for i in range(8):
        film(folder / f"f{i}.png", i)

    def stop(done: int, total: int) -> None:
        if done == 4:
            raise RunCancelled("The run was cancelled; nothing was kept; import again.")

    with pytest.raises(RunCancelled):
        add_folder(folder, "d", on_progress=stop)
    assert list_datasets() == [] and not leftovers(workspace)
    assert add_folder(folder, "d").kept == 8


@pytest.mark.fault(18)
def test_a_file_at_the_size_cap(folder: Path, monkeypatch):
    size = film(folder / "f.png").stat().st_size
    for cap, kept in ((size + 1, 1), (size, 1), (size - 1, 0)):
        monkeypatch.setenv("LAB_MAX_FILE_BYTES", str(cap))
        film(folder / "tiny.png")
        Image.new("L", (2, 2)).save(folder / "tiny.png")
        report = add_folder(folder, f"d{cap}")
        assert report.kept == kept + 1 and len(report.left_out) == 1 - kept


@pytest.mark.fault(49)
def test_a_full_disk_is_said_and_leaves_nothing(folder: Path, workspace: Path, monkeypatch):
    film(folder / "f.png")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(staging, "_flush", full)
    with pytest.raises(StoreError, match="no space is left; nothing was kept"):
        add_folder(folder, "d")
    assert list_datasets() == [] and not leftovers(workspace)


def _race(folder: str, barrier, answers) -> None:
    barrier.wait()
    try:
        answers.put(add_folder(folder, "same").kept)
    except DatasetError as error:
        answers.put(str(error))


@pytest.mark.fault(44)
def test_a_double_click_gives_one_dataset(folder: Path, workspace: Path):
    for i in range(20):
        film(folder / f"f{i}.png", i)
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(3), context.Queue()
    workers = [context.Process(target=_race, args=(str(folder), barrier, answers)) for _ in range(3)]
    for worker in workers:
        worker.start()
    found = [answers.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert found.count(20) == 1 and sum("taken" in str(a) or "already" in str(a) for a in found) == 2
    assert len(open_dataset("same").manifest) == 20 and not leftovers(workspace)


@pytest.mark.fault(41)
def test_a_killed_import_leaves_nothing_visible_and_is_swept(folder: Path, workspace: Path):
    for i in range(30):
        film(folder / f"f{i}.png", i)
    code = (
        "import os, sys\nfrom lab.data.importing import copying\nfrom lab.data.store import add_folder\n"
        "copying.TELL_EVERY_S = -1.0\n"
        "add_folder(sys.argv[1], 'd', on_progress=lambda n, t: os.kill(os.getpid(), 9) if n == 15 else "
        "None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, env={**os.environ})
    assert done.returncode == -9 and list_datasets() == [] and len(leftovers(workspace)) == 1
    assert add_folder(folder, "d").kept == 30
    assert not leftovers(workspace)


@pytest.mark.fault(19)
def test_a_manifest_with_objects_or_strange_paths_is_refused(folder: Path, workspace: Path):
    film(folder / "f.png")
    dataset = add_folder(folder, "d").dataset
    path = workspace / "datasets/d/manifest.parquet"
    table = dataset.manifest
    table.assign(path="../../../etc/passwd").to_parquet(path)
    with pytest.raises(DatasetError, match="damaged"):
        _ = open_dataset("d").manifest
    table.assign(extra=[b"\x80\x04K\x01."]).to_parquet(path)
    with pytest.raises(DatasetError, match="damaged"):
        _ = open_dataset("d").manifest
    for data in (b"", b"PAR1", path.read_bytes()[:100]):
        path.write_bytes(data)
        with pytest.raises(DatasetError, match="damaged"):
            _ = open_dataset("d").manifest
    (workspace / "datasets/d/card.json").write_text("{")
    with pytest.raises(DatasetError, match="card"):
        open_dataset("d")
    assert list_datasets() == []


def test_the_original_folder_is_never_touched(folder: Path):
    film(folder / "f.png")
    before = {path: digest_file(path) for path in folder.rglob("*") if path.is_file()}
    add_folder(folder, "d")
    assert before == {path: digest_file(path) for path in folder.rglob("*") if path.is_file()}
