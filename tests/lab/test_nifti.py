"""NIfTI slices: the array's own, over one affine for a whole volume; sets of volumes become rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.data.images import limits_from_settings
from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.importer import add_folder
from lab.data.readers.nifti import read
from lab.data.sources import nifti
from lab.data.sources.contract import Options
from tests.builders.heart_layouts import ED, EDGE, ES, MMS, SLICES, cine, heart, save


def values(path: Path, **part: Any) -> tuple[np.ndarray, float]:
    """A slice's values by the affine beside it, and half of a step."""
    found = read(path, part, limits_from_settings())
    step = float(found.extra["value_slope"])
    return found.array * step + float(found.extra["value_offset"]), step / 2


@pytest.mark.row("CM-01")
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.uint16, np.float64])
def test_a_chosen_slice_and_frame_equals_the_array_s(dtype: Any, suffix: str, tmp_path: Path) -> None:
    array = (np.random.default_rng(0).random((20, 30, 4, 3)) * 200).astype(dtype)
    path = save(tmp_path / f"a{suffix}", array)
    low, high = np.percentile(array, (0.1, 99.9))
    for number, frame in ((0, 0), (3, 2), (2, 1)):
        seen, half = values(path, slice=number, frame=frame)
        assert seen.shape == (20, 30)  # array order: the first axis runs down
        assert (
            np.abs(seen - np.clip(array[:, :, number, frame].astype(float), low, high)).max() <= half * 1.01
        )
    turned, _ = values(path, slice=1, frame=0, transpose=True)
    assert turned.shape == (30, 20) and np.array_equal(turned.T, values(path, slice=1, frame=0)[0])
    across, _ = values(path, slice=7, frame=0, axis=0)
    assert across.shape == (30, 4)


@pytest.mark.row("CM-01")
def test_slices_of_one_volume_share_one_affine(tmp_path: Path) -> None:
    array = np.zeros((8, 8, 2), np.int16)
    array[:, :, 0], array[:, :, 1] = 100, np.arange(64).reshape(8, 8) * 30
    path = save(tmp_path / "a.nii.gz", array)
    extras = [read(path, {"slice": n}, limits_from_settings()).extra for n in (0, 1)]
    assert extras[0]["value_slope"] == extras[1]["value_slope"] and extras[0]["spacing_mm"] == "1.5x1.25"
    assert extras[0]["slice_thickness_mm"] == "8" and extras[0]["n_slices"] == "2"


def test_slope_and_intercept_are_applied_and_nan_is_said(tmp_path: Path) -> None:
    import nibabel as nib

    array = np.arange(600, dtype=np.int16).reshape(10, 10, 6)
    image = nib.Nifti1Image(array, np.eye(4))
    image.header.set_slope_inter(2.0, -50.0)
    nib.save(image, tmp_path / "a.nii")
    inside = values(tmp_path / "a.nii", slice=3)[0]
    stored = np.asarray(nib.load(tmp_path / "a.nii").dataobj)[:, :, 3]
    assert np.abs(inside - stored).max() < 0.1
    holes = array.astype(np.float32)
    holes[:3, :3] = np.nan
    found = read(save(tmp_path / "b.nii", holes), {"slice": 0}, limits_from_settings())
    assert "9.00% of the slice was no number" in found.extra["nifti_notes"] and found.array[0, 0] == 0


@pytest.mark.row("CM-01")
def test_a_folder_of_cines_gives_ed_and_es_by_the_ventricle_s_area(workspace: Path, tmp_path: Path) -> None:
    for n in range(3):
        image, labels = cine(n)
        save(tmp_path / "set" / f"p{n}.nii.gz", image)
        save(tmp_path / "set" / "masks" / f"p{n}.nii.gz", labels)
    files = FolderIndex(tmp_path / "set")
    plan = nifti.plan(files, Options(choices={"frames": "ED and ES", "slices": "middle"}))
    told = [(i.part["frame"], i.part["slice"], i.extra["phase"]) for i in plan.images]
    assert told == [(ED, SLICES // 2, "ED"), (ES, SLICES // 2, "ES")] * 3
    assert len(nifti.plan(files, Options()).images) == 3 * 6 * (
        SLICES - 2
    )  # slices without structure stay out
    assert len(nifti.plan(files, Options(choices={"slices": "all"})).images) == 3 * 6 * SLICES
    report = add_folder(tmp_path / "set", "hearts", choices={"frames": "ES"}, licence="CC0")
    rows = report.dataset.manifest
    assert len(rows) == 9 and rows["patient_id"].nunique() == 3 and (rows["phase"] == "ES").all()
    first = rows.iloc[0]
    expected = heart(12 - 5 * np.sin(np.pi * ES / 6))
    assert np.array_equal(report.dataset.mask(first["image_id"]), expected)
    assert report.dataset.card.modality == "cardiac MRI" and not rows["patient_id"].str.contains("p").any()


@pytest.mark.row("CM-03")
def test_a_wrong_order_of_labels_is_refused_with_the_choice_that_fits(
    workspace: Path, tmp_path: Path
) -> None:
    for n in range(2):
        image, labels = cine(n, MMS)
        save(tmp_path / f"p{n}.nii.gz", image[..., 0])
        save(tmp_path / f"p{n}_gt.nii.gz", labels[..., 0])
    files = FolderIndex(tmp_path)
    plan = nifti.plan(files, Options())
    assert "1 left ventricle" in plan.problem and "labels=mms" in plan.problem
    right = nifti.plan(files, Options(choices={"labels": "mms"}))
    assert not right.problem and dict(right.images[0].mask_values) == {1: 3, 2: 2, 3: 1}
    assert right.mask_labels == {1: "right ventricle", 2: "myocardium", 3: "left ventricle"}
    report = add_folder(tmp_path, "turned", choices={"labels": "mms"}, licence="CC0")
    mask = report.dataset.mask(report.dataset.manifest["image_id"].iloc[0])
    assert np.array_equal(mask, heart(12))
    kept = nifti.plan(files, Options(choices={"labels": "as stored"}))
    assert not kept.problem and not kept.images[0].mask_values


def test_masks_of_another_size_are_left_out_and_counted(workspace: Path, tmp_path: Path) -> None:
    image, labels = cine(1)
    save(tmp_path / "a.nii.gz", image[..., 0])
    save(tmp_path / "a_gt.nii.gz", labels[:-1, :, :, 0])
    plan = nifti.plan(FolderIndex(tmp_path), Options())
    assert len(plan.images) == SLICES and all(i.mask is None for i in plan.images)
    assert any("another size" in note for note in plan.notes) and EDGE == 64


@pytest.mark.row("CM-01")
def test_the_real_volumes_import_as_their_readme_counts_them(workspace: Path, test_data: Path) -> None:
    folder = test_data / "cmr_nifti"
    if not folder.is_dir():
        pytest.skip("the test data hold no cmr_nifti")
    report = add_folder(folder, "volumes", choices={"slices": "middle"})
    rows = report.dataset.manifest
    assert (len(rows), rows["patient_id"].nunique(), (rows["mask"] != "").sum()) == (
        4,
        2,
        4,
    )  # one row a volume
    assert rows["label"].value_counts().to_dict() == {"DCM": 2, "NOR": 2}
    assert (
        any("Volumes: 4, of 2 patients" in note for note in report.notes) and not report.dataset.card.public
    )
    slices = nifti.plan(FolderIndex(folder), Options())
    assert len(slices.images) == 33 and not slices.problem
    assert len(nifti.plan(FolderIndex(folder), Options(choices={"slices": "all"})).images) == 38
