"""MIMIC-CXR-JPG, NIH ChestX-ray14 and CheXGenBench's real side, in their published layouts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lab.data.importing.folder_index import FolderIndex
from lab.data.licences import is_public
from lab.data.sources.contract import ImportPlan, Options
from lab.data.sources.registry import get_source, recognised
from lab.data.store import add_folder, plan_import
from lab.data.tabular.chexpert import AS_POSITIVE, LEFT_OUT, labels_of, parse_labels
from lab.errors import DatasetError
from tests.builders import layouts

pytestmark = pytest.mark.usefixtures("workspace")


def planned(id: str, root: Path, **choices: str) -> ImportPlan:
    return get_source(id).plan(FolderIndex(root), Options(choices=choices))


def surest(root: Path) -> str:
    return recognised(FolderIndex(root))[0][0].id


def labels(plan: ImportPlan) -> Counter[str]:
    return Counter(image.fields["label"] for image in plan.images)


@pytest.mark.row("C21")
@pytest.mark.parametrize("packed", [True, False])
def test_mimic_joins_its_tables(tmp_path: Path, packed: bool):
    root = layouts.mimic(tmp_path / "physionet.org/files/mimic-cxr-jpg/2.0.0", packed=packed)
    assert surest(tmp_path) == "mimic-cxr", "however deep it was downloaded"
    plan = planned("mimic-cxr", root)
    assert plan.problem == "" and len(plan.images) == 35
    assert [reason.split(";")[0] for _, reason in plan.left_out] == ["there is no such file in the folder"]
    assert labels(plan) == {"Edema": 10, "No Finding": 8, "Pneumonia": 17}
    first = plan.images[0]
    assert first.fields["patient_id"] == "10000000" and first.extra["study"] == "50000001"
    assert first.fields["view"] == "PA" and first.fields["caption"] == ""
    assert plan.splits_given and Counter(image.fields["split"] for image in plan.images) == {
        "train": 11, "held-out": 12, "test": 12,
    }  # fmt: skip
    assert not is_public(plan.licence) and not any(is_public(i.fields["licence"]) for i in plan.images)
    assert any("data-use agreement" in note for note in plan.notes)


def test_mimic_choices(tmp_path: Path):
    root = layouts.mimic(tmp_path)
    assert labels(planned("mimic-cxr", root, uncertain=AS_POSITIVE))["Edema|Fracture"] == 10
    assert labels(planned("mimic-cxr", root, uncertain=LEFT_OUT)) == {"No Finding": 8, "Pneumonia": 17}
    frontal = planned("mimic-cxr", root, views="frontal only")
    assert {image.fields["view"] for image in frontal.images} == {"PA"} and len(frontal.images) == 18
    assert not planned("mimic-cxr", root, division="by patient").splits_given
    assert labels(planned("mimic-cxr", root, labels="none")) == {"": 35}
    other = planned("mimic-cxr", root, labels="negbio")
    assert labels(other)["Pneumonia"] == 17 and any("negbio table is not there" in n for n in other.notes)
    told = planned("mimic-cxr", root, captions="findings").images[0].fields["caption"]
    assert told == f"{layouts.SECRET} 50000001 seen."
    assert planned("mimic-cxr", root, captions="impression").images[0].fields["caption"] == "Calm."
    with pytest.raises(DatasetError, match="no such value"):
        planned("mimic-cxr", root, views="oblique")


def test_mimic_captions_from_tables(tmp_path: Path):
    root = layouts.mimic(tmp_path)
    layouts.write_csv(
        root / "mimic_cxr_sectioned.csv",
        ("study", "impression", "findings", "last_paragraph", "comparison"),
        [("s50000001", "short", "a longer\n text", "", "")],
        packed=True,
    )
    assert planned("mimic-cxr", root, captions="findings").images[0].fields["caption"] == "a longer text"
    layouts.write_csv(
        root / "LLAVARAD_ANNOTATIONS_TRAIN.csv",
        ("path", "annotated_prompt"),
        [(f"files/x/{layouts.dicom_id(10)}.jpg", "annotated")],
    )
    plan = planned("mimic-cxr", root, captions="annotated prompt")
    assert plan.images[0].fields["caption"] == "annotated" and plan.images[1].fields["caption"] == ""
    assert surest(root) == "mimic-cxr", "with the set's own tables the annotations only give captions"


def test_nih_lists_labels_and_boxes(tmp_path: Path):
    root = layouts.nih(tmp_path)
    assert surest(root) == "nih-chestxray14"
    plan = planned("nih-chestxray14", root)
    assert plan.problem == "" and len(plan.images) == 20 and plan.left_out == ()
    image = plan.images[2]
    assert (image.fields["label"], image.fields["patient_id"], image.fields["age"], image.fields["sex"]) == (
        "Mass|Nodule", "1", "41", "F",
    )  # fmt: skip
    assert image.extra["boxes"] == "Mass:225,547,87,79" and plan.images[0].extra["boxes"] == ""
    assert plan.classes["Mass"] == ("Mass", 6) and is_public(plan.licence)
    split = {i.fields["patient_id"]: i.fields["split"] for i in plan.images}
    assert {split[str(k)] for k in range(6)} == {"train"}
    assert Counter(split[str(k)] for k in range(6, 10)) == {"held-out": 2, "test": 2}
    published = planned("nih-chestxray14", root, division="published lists")
    assert Counter(i.fields["split"] for i in published.images) == {"train": 12, "test": 8}
    assert not planned("nih-chestxray14", root, division="by patient").splits_given


def test_nih_without_lists_and_with_a_patient_in_both(tmp_path: Path):
    plan = planned("nih-chestxray14", layouts.nih(tmp_path / "a", lists=False, boxes=False))
    assert not plan.splits_given and plan.problem == ""
    root = layouts.nih(tmp_path / "b")
    names = (root / "train_val_list.txt").read_text().split()
    (root / "train_val_list.txt").write_text("\n".join(names[:-1]))
    with (root / "test_list.txt").open("a") as stream:
        stream.write(names[-1] + "\n")
    assert planned("nih-chestxray14", root).problem.startswith("1 patient stands in more than one split")


def test_the_small_nih_set_stays_with_its_own_table(test_data: Path):
    assert surest(test_data / "cxr_nih64") == "image-table"


def test_annotation_tables(tmp_path: Path):
    root = layouts.annotations(tmp_path)
    assert surest(root) == "chexgenbench"
    plan = planned("chexgenbench", root)
    assert len(plan.images) == 11 and len(plan.left_out) == 1 and plan.problem == ""
    assert labels(plan) == {"No Finding": 6, "Edema": 5}
    assert plan.images[0].fields["caption"].startswith(layouts.SECRET) and not is_public(plan.licence)
    assert Counter(i.fields["split"] for i in plan.images) == {"train": 5, "test": 6}
    assert labels(planned("chexgenbench", root, uncertain=LEFT_OUT)) == {"No Finding": 6}
    assert planned("chexgenbench", root, captions="none").images[0].fields["caption"] == ""


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "{'Edema': __import__('os')}", "{" * 5000, "{'Edema': " + "[" * 900,
        "not a dictionary", "", "{'Edema': 1" + " " * 3000 + "}",
    ],
)  # fmt: skip
def test_labels_written_as_text_are_never_evaluated(text: str):
    assert parse_labels(text) == {}


def test_labels_written_as_text():
    assert parse_labels("{'Edema': 1.0, 'Fracture': None, 'Pleural Effusion': -1, 'Other': 1}") == {
        "Edema": "1.0", "Fracture": "", "Pleural Effusion": "-1",
    }  # fmt: skip
    assert parse_labels('{"Edema": 1, "Fracture": null}') == {"Edema": "1", "Fracture": ""}
    assert parse_labels("{'Edema': nan, 'Lung_Lesion': 1}") == {"Edema": "", "Lung Lesion": "1"}
    assert labels_of({"Edema": "1.0", "Fracture": "-1.0"}, AS_POSITIVE) == ["Edema", "Fracture"]


def test_a_mimic_folder_is_imported_whole(tmp_path: Path):
    root = layouts.mimic(tmp_path / "mimic")
    report = add_folder(root, "mimic")
    card, rows = report.dataset.card, report.dataset.manifest
    assert (card.images, card.patients, card.public, card.modality) == (35, 9, False, "chest radiograph")
    assert card.splits == {"train": 11, "held-out": 12, "test": 12}
    assert "Credentialed" in card.licence and set(rows["label"]) == {"Edema", "No Finding", "Pneumonia"}
    stored = rows.to_csv() + " ".join(path.name for path in report.dataset.folder.rglob("*"))
    assert not any(layouts.dicom_id(n) in stored for n in range(1000)), "no DICOM id is stored"


def test_choices_reach_the_source_through_the_engine(tmp_path: Path):
    plan = plan_import(
        layouts.mimic(tmp_path), source="mimic-cxr", choices={"views": "frontal only", "uncertain": LEFT_OUT}
    )
    assert len(plan.images) == 13 and plan.source == "mimic-cxr"
