"""Hostile zips and arrays: members refused one by one, nothing outside the workspace, nothing left of them."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.data.containers import archives
from lab.data.containers.archive_names import safe_path
from lab.data.containers.archives import ArchiveLimits, unpacked
from lab.data.containers.npz_members import Npz
from lab.data.importing.plan import plan_import
from lab.data.store import add_folder, list_datasets
from lab.errors import DatasetError, ImageError
from lab.runs.import_requests import import_run
from lab.runs.inline import run_inline
from tests.builders.archives import encrypted, overlapping, png, with_size, zipped

pytestmark = pytest.mark.usefixtures("workspace")


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.fault(12)
def test_bad_members_are_refused_and_good_ones_kept(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"a.png": png(9)}).read_bytes()
    members = {
        "films/a.png": png(1), "films/sub/b.png": png(2), "../out.png": png(3), "/etc/out.png": png(4),
        "C:\\out.png": png(5), "x/../../out.png": png(6), "nested.zip": inner, "really a zip.png": inner,
        "__MACOSX/films/._a.png": b"x", ".hidden.png": png(7), "films/cut.png": png(8), "films/long.png": png(10),
        "films/locked.png": png(11), "films/same.png": png(12),
    }  # fmt: skip
    path = zipped(tmp_path / "films.zip", members, {"films/link.png": "/etc/passwd"})
    names = [*members, "films/link.png"]
    with_size(path, names.index("films/cut.png"), len(png(8)) - 10)
    with_size(path, names.index("films/long.png"), len(png(10)) + 10)
    encrypted(path, names.index("films/locked.png"))
    before = everything(tmp_path)
    found = unpacked(path)
    assert {p.relative_to(found.folder).as_posix() for p in found.folder.rglob("*.*") if p.name[0] != "."} == {
        "films/a.png", "films/sub/b.png", "films/same.png",
    }  # fmt: skip
    reasons = dict(found.left_out)
    assert set(reasons) == {
        "../out.png", "/etc/out.png", "C:\\\\out.png".replace("\\\\", "\\"), "x/../../out.png", "nested.zip",
        "really a zip.png", "films/cut.png", "films/long.png", "films/locked.png", "films/link.png",
    }  # fmt: skip
    assert "leads out" in reasons["../out.png"] and "archive inside" in reasons["nested.zip"]
    assert "archive inside" in reasons["really a zip.png"] and "link" in reasons["films/link.png"]
    assert "encrypted" in reasons["films/locked.png"] and "size" in reasons["films/long.png"]
    outside = {name for name in everything(tmp_path) - before if not name.startswith("workspace")}
    assert outside == set()
    assert unpacked(path) == found, "a second call finds what the first has unpacked"


@pytest.mark.fault(12)
def test_duplicate_names_and_overlapping_members(tmp_path: Path) -> None:
    path = tmp_path / "twice.zip"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        for seed, name in enumerate(("a.png", "a.png", "A.PNG", "b.png", "c.png")):
            archive.writestr(name, png(seed))
    overlapping(path, 4, 3)
    found = unpacked(path)
    assert sorted(p.name for p in found.folder.glob("[!.]*")) == ["a.png", "b.png"]
    assert [name for name, _ in found.left_out] == ["a.png", "A.PNG", "c.png"]


@pytest.mark.fault(12)
def test_bombs_are_stopped_by_the_bytes_that_really_come_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = bytes(60_000_000)
    path = zipped(tmp_path / "bomb.zip", {"zeros.dcm": zeros, "a.png": png(1)})
    assert path.stat().st_size < 80_000
    found = unpacked(path)
    assert [name for name, _ in found.left_out] == ["zeros.dcm"] and "200 times" in found.left_out[0][1]
    small = ArchiveLimits(total_bytes=3_000_000, member_bytes=2_000_000)
    again = zipped(tmp_path / "more.zip", {f"{n}.dcm": bytes(1_500_000) for n in range(5)})
    with pytest.raises(DatasetError, match="inflates beyond the limit; nothing was kept"):
        unpacked(again, small)
    lying = zipped(tmp_path / "lying.zip", {"zeros.dcm": bytes(5_000_000), "a.png": png(2)})
    with_size(lying, 0, 100)
    assert [name for name, _ in unpacked(lying, small).left_out] == ["zeros.dcm"]
    assert sorted(p.name for p in (tmp_path / "workspace/unpacked").iterdir() if p.name.startswith(".")) == []


@pytest.mark.fault(12)
def test_too_many_members_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(100_000):
            archive.writestr(zipfile.ZipInfo(f"{number}.png"), b"")
    with pytest.raises(DatasetError, match="more than 50,000 members; nothing was unpacked"):
        unpacked(path)


@pytest.mark.fault(12)
@pytest.mark.parametrize("cut", [10, 300, 2000])
def test_a_zip_that_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = zipped(tmp_path / "a.zip", {f"{n}.png": png(n) for n in range(4)})
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DatasetError, match="damaged or cut off"):
        unpacked(path)
    assert not list((tmp_path / "workspace").rglob("*.png"))


@pytest.mark.fault(13)
@pytest.mark.parametrize(
    "name",
    [
        "a" * 300 + ".png",
        "a....png",
        "a\nb.png",
        "\u202egnp.exe",
        "<img onerror=alert(1)>.png",
        "-rf.png",
        "CON.png",
        "a .png ",
    ],
)
def test_names_in_archives_become_safe(name: str) -> None:
    found = safe_path(f"Sub folder/{name}")
    assert found is not None
    folder, _, last = found.rpartition("/")
    assert folder == "Sub folder" and last.isprintable() and 0 < len(last.encode()) <= 140
    assert last[0] not in "-." and not set(last) & set('<>:"|?*\\/') and last.split(".")[0].lower() != "con"
    assert safe_path("films/...") == safe_path(".hidden/a.png") == ""
    assert safe_path("films/a b (1).png") == "films/a b (1).png", (
        "ordinary names stay, so that a table finds them"
    )
    assert all(safe_path(bad) is None for bad in ("../a", "a/../../b", "/a", "C:/a", "\\\\host\\a", "a\x00b"))


@pytest.mark.fault(10, 13)
def test_a_zip_is_imported_by_a_run_and_leaves_no_name_behind(tmp_path: Path, workspace: Path) -> None:
    table = "image,patient_id,label\nfilms/PLANTED 1.png,p1,normal\nfilms/PLANTED 2.png,p2,effusion\n"
    members = {"films/PLANTED 1.png": png(1), "films/PLANTED 2.png": png(2), "../PLANTED 3.png": png(3)}
    path = zipped(tmp_path / "set.zip", {"metadata.csv": table.encode(), **members})
    plan = plan_import(path)
    assert (
        plan.source == "image-table" and len(plan.images) == 2 and plan.left_out[0][0] == "../PLANTED 3.png"
    )
    run = run_inline(import_run(path, "zipped"))
    assert run.state == "done" and run.result is not None and run.result["images"] == 2, run.error
    assert [item["reason"][:9] for item in run.result["left_out"]] == ["its name "]
    seen = [str(p.relative_to(workspace)) for p in workspace.rglob("*")]
    seen += [p.read_bytes().decode("latin-1") for p in workspace.rglob("*") if p.is_file()]
    assert not [text for text in seen if "PLANTED" in text]


@pytest.mark.fault(19)
def test_arrays_with_objects_or_lies_are_refused(tmp_path: Path) -> None:
    images, labels = np.zeros((3, 8, 8), np.uint8), np.zeros((3, 1), np.uint8)
    arrays = {
        f"{split}_{what}": value
        for split in ("train", "val", "test")
        for what, value in (("images", images), ("labels", labels))
    }
    np.savez(tmp_path / "objects.npz", **{**arrays, "train_labels": np.array([[{"a": 1}]] * 3, dtype=object)})
    np.savez(tmp_path / "objects2.npz", **{**arrays, "train_images": np.array([[b"x"]] * 3, dtype=object)})
    np.savez(tmp_path / "missing.npz", train_images=images)
    for name, said in (
        ("objects", "Python objects"),
        ("objects2", "Python objects"),
        ("missing", "lacks an array"),
    ):
        with pytest.raises(DatasetError, match=said):
            add_folder(tmp_path / f"{name}.npz", "d", source="medmnist")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (2_000_000, 1000, 1000)}
    )
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train_images.npy", header.getvalue() + bytes(30_000_000))
    with Npz(tmp_path / "bomb.npz") as found, pytest.raises(ImageError, match="states wrong sizes"):
        found.header("train_images")
    assert list_datasets() == []


@pytest.mark.fault(19)
def test_npy_and_pickled_columns_in_a_folder_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.png").write_bytes(png(1))
    np.save(folder / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (folder / "named.png").write_bytes((folder / "objects.npy").read_bytes())
    report = add_folder(folder, "d", metadata="")
    assert report.kept == 1 and {name for name, _ in report.left_out} == {"objects.npy", "named.png"}
    assert all("NumPy" in reason for _, reason in report.left_out)
    pd.DataFrame({"image": [b"\x80\x04K\x01."]}).to_parquet(folder / "rows.parquet")
    with pytest.raises(DatasetError):
        add_folder(folder / "rows.parquet", "e")


def test_what_nobody_imports_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = unpacked(zipped(tmp_path / "a.zip", {"a.png": png(1)})).folder
    (first.parent / ".0123-999999999-abcd").mkdir()
    unpacked(zipped(tmp_path / "b.zip", {"b.png": png(2)}))
    assert first.is_dir() and not list(first.parent.glob(".*"))
    monkeypatch.setattr(archives, "STALE_AFTER_S", -1.0)
    unpacked(zipped(tmp_path / "c.zip", {"c.png": png(3)}))
    assert len(list(first.parent.iterdir())) == 1


def test_the_limit_of_members_is_the_stated_one() -> None:
    assert archives.MAX_MEMBERS == 50_000
