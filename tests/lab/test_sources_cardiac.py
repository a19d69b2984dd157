"""ACDC and M&Ms as published: groups, phases, vendors and masks in this app's order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.importer import add_folder
from lab.data.sources import acdc, mnms
from lab.data.sources.contract import Options
from lab.data.sources.registry import recognised
from tests.builders import heart_layouts
from tests.builders.heart_layouts import APP, ED, ES, MMS, SLICES, cine, heart

INNER = SLICES - 2


def test_each_layout_is_recognised_before_a_folder_of_volumes(tmp_path: Path) -> None:
    heart_layouts.acdc(tmp_path / "acdc", 2)
    heart_layouts.mms(tmp_path / "mms")
    for name in ("acdc", "mnms"):
        found = recognised(FolderIndex(tmp_path / name.replace("mnms", "mms")))
        assert found[0][0].id == name and "nifti" in [source.id for source, _ in found]


@pytest.mark.row("CM-01")
def test_acdc_imports_with_groups_phases_and_masks(workspace: Path, tmp_path: Path) -> None:
    heart_layouts.acdc(tmp_path, 4)
    report = add_folder(tmp_path, "acdc-set")
    rows, card = report.dataset.manifest, report.dataset.card
    assert len(rows) == 4 * 2 * INNER and card.patients == 4 and (rows["mask"] != "").all()
    assert rows["label"].value_counts().to_dict() == dict.fromkeys(("NOR", "DCM", "HCM", "MINF"), 2 * INNER)
    assert rows["phase"].value_counts().to_dict() == {"ED": 4 * INNER, "ES": 4 * INNER}
    assert set(rows["vendor"]) == {"Siemens"} and card.modality == "cardiac MRI" and not card.public
    assert card.mask_labels["3"] == "left ventricle" and set(rows["spacing_mm"]) == {"1.5x1.25"}
    one = rows[(rows["patient_id"] == "patient002") & (rows["phase"] == "ED") & (rows["slice"] == "2")].iloc[
        0
    ]
    assert np.array_equal(report.dataset.mask(one["image_id"]), heart(12))
    seen = report.dataset.image(one["image_id"]) * float(one["value_slope"]) + float(one["value_offset"])
    assert np.abs(seen - cine(2)[0][:, :, 2, ED]).mean() < 1


def test_acdc_choices(workspace: Path, tmp_path: Path) -> None:
    files = FolderIndex(heart_layouts.acdc(tmp_path, 3))
    published = acdc.plan(files, Options(choices={"division": "as published"}))
    assert published.splits_given and {i.fields["split"] for i in published.images} == {"train", "test"}
    only = acdc.plan(files, Options(choices={"frames": "ES", "slices": "middle"}))
    assert [i.extra["phase"] for i in only.images] == ["ES"] * 3
    whole = acdc.plan(files, Options(choices={"frames": "all", "slices": "middle"}))
    assert len(whole.images) == 3 * heart_layouts.FRAMES
    assert sum(i.mask is not None for i in whole.images) == 3 * 2
    assert len({(i.fields["patient_id"], i.file.name, i.part["frame"]) for i in whole.images}) == len(
        whole.images
    )


@pytest.mark.row("CM-03")
@pytest.mark.parametrize(("layout", "wrong", "fits"), [("acdc", MMS, "mms"), ("mms", APP, "acdc")])
def test_a_set_with_its_labels_in_another_order_is_refused(
    layout: str, wrong: dict[str, int], fits: str, workspace: Path, tmp_path: Path
) -> None:
    make, source = (heart_layouts.acdc, acdc) if layout == "acdc" else (heart_layouts.mms, mnms)
    files = FolderIndex(make(tmp_path, numbers=wrong))
    plan = source.plan(files, Options())
    assert f"labels={fits}" in plan.problem and "nothing was imported" in plan.problem
    assert not source.plan(files, Options(choices={"labels": fits})).problem
    assert not source.plan(files, Options(choices={"labels": "as stored"})).problem


@pytest.mark.row("CM-03", "CM-06")
def test_mms_imports_with_vendors_splits_and_masks_turned(workspace: Path, tmp_path: Path) -> None:
    heart_layouts.mms(tmp_path)
    report = add_folder(tmp_path, "mms-set")
    rows, card = report.dataset.manifest, report.dataset.card
    assert len(rows) == 4 * 2 * INNER and (rows["mask"] != "").all()
    by_patient = rows.drop_duplicates("patient_id").set_index("patient_id")
    assert by_patient["vendor"].to_dict() == {
        "A0S9V0": "Siemens", "A1S9V1": "Philips", "A2S9V2": "GE", "A3S9V3": "Canon",
    }  # fmt: skip
    assert by_patient["split"].to_dict() == {
        "A0S9V0": "train", "A1S9V1": "train", "A2S9V2": "held-out", "A3S9V3": "test",
    }  # fmt: skip
    assert by_patient.sort_index()["label"].tolist() == ["NOR", "DCM", "HCM", "MINF"] and set(
        rows["centre"]
    ) == {"1", "2", "3"}
    assert any("unlabelled" in reason for _, reason in report.left_out) and len(report.left_out) == 1
    one = rows[(rows["patient_id"] == "A1S9V1") & (rows["phase"] == "ES") & (rows["slice"] == "2")].iloc[0]
    expected = heart(12 - 5 * np.sin(np.pi * ES / heart_layouts.FRAMES))
    assert np.array_equal(report.dataset.mask(one["image_id"]), expected)  # 3 is the left ventricle here
    assert card.mask_labels["1"] == "right ventricle" and card.source == "mnms"
    seen = report.dataset.image(one["image_id"]) * float(one["value_slope"]) + float(one["value_offset"])
    assert np.abs(seen - cine(51, MMS)[0][:, :, 2, ES]).mean() < 1


@pytest.mark.row("CM-03")
def test_real_masks_turned_into_another_order_are_found_out(
    workspace: Path, test_data: Path, tmp_path: Path
) -> None:
    import nibabel as nib

    folder = test_data / "cmr_nifti"
    if not folder.is_dir():
        pytest.skip("the test data hold no cmr_nifti")
    names = (("patient001", 1, 12, "DCM"), ("patient061", 1, 10, "NOR"))
    for wrong in (False, True):
        root = tmp_path / str(wrong)
        for patient, ed, es, group in names:
            place = root / "training" / patient
            place.mkdir(parents=True)
            (place / "Info.cfg").write_text(f"ED: {ed}\nES: {es}\nGroup: {group}\nNbFrame: 30\n")
            for frame in (ed, es):
                stem = f"{patient}_frame{frame:02d}"
                (place / f"{stem}.nii.gz").write_bytes((folder / "images" / f"{stem}.nii.gz").read_bytes())
                mask = np.asarray(nib.load(folder / "masks" / f"{stem}.nii.gz").dataobj)
                table = np.array([0, 3, 2, 1] if wrong else [0, 1, 2, 3], np.uint8)
                heart_layouts.save(place / f"{stem}_gt.nii.gz", table[mask])
        plan = acdc.plan(FolderIndex(root), Options())
        assert bool(plan.problem) == wrong and len(plan.images) == 33
        assert not wrong or "labels=mms" in plan.problem
