"""Every real set of the test data is imported by the shell's own run, with the counts its README states."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.data.importing.plan import plan_import
from lab.data.store import open_dataset
from lab.runs.import_requests import import_run
from lab.runs.inline import run_inline

pytestmark = pytest.mark.usefixtures("workspace")
# Images, patient ids, masks; from the README of each set.
COUNTS = {
    "cxr_kermany": (1497, 820, 0),
    "cxr_kermany_train": (3808, 1687, 0),
    "cxr_covid": (228, 107, 149),
    "cxr_nih64": (750, 207, 0),
    "derm_ham": (885, 885, 0),
    "cmr_acdc": (598, 75, 598),
    "cmr_sunnybrook": (316, 34, 316),
    "cxr_fullres": (19, 19, 0),
}
LABELS = {
    "cxr_kermany": {"normal": 570, "pneumonia_bacterial": 502, "pneumonia_viral": 425},
    "cmr_acdc": {"DCM": 120, "NOR": 120, "RV": 120, "HCM": 119, "MINF": 119},
    "derm_ham": {"nv": 225, "mel": 165, "bkl": 150, "bcc": 135, "akiec": 105, "vasc": 60, "df": 45},
}
PUBLIC = {"cxr_kermany", "cxr_kermany_train", "cxr_nih64", "cmr_sunnybrook", "cxr_fullres"}


@pytest.mark.parametrize("name", COUNTS)
def test_a_real_set_is_imported_whole(test_data: Path, name: str) -> None:
    if not (test_data / name).is_dir():
        pytest.skip(f"the test data holds no {name}")
    run = run_inline(import_run(test_data / name, name))
    assert run.state == "done" and run.result is not None, run.error
    dataset = open_dataset(name)
    table, card = dataset.manifest, dataset.card
    assert run.result["left_out"] == [] and run.result["merged"] == []
    found = (len(table), card.patients, int((table["mask"] != "").sum()))
    assert found == COUNTS[name] and card.source == "image-table"
    assert sum(card.splits.values()) == COUNTS[name][0]
    assert table.groupby("patient_id")["split"].nunique().max() == 1
    assert card.public is (name in PUBLIC), "a licence that forbids showing is kept"
    if name in LABELS:
        assert table["label"].value_counts().to_dict() == LABELS[name]
    for image_id in table["image_id"][:5]:
        assert dataset.image(image_id).std() > 1
        assert (dataset.mask(image_id) is not None) == bool(table.set_index("image_id")["mask"][image_id])


def test_the_plan_of_each_set_says_the_same_counts(test_data: Path) -> None:
    for name, (images, patients, masks) in COUNTS.items():
        if not (test_data / name).is_dir():
            continue
        plan = plan_import(test_data / name)
        assert len(plan.images) == images and not plan.left_out and not plan.problem
        assert len({image.fields["patient_id"] for image in plan.images}) == patients
        assert sum(image.mask is not None for image in plan.images) == masks
