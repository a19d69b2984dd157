"""HAM10000, MILK10k and the ISIC challenges: labels, lesions, licences, class maps, two sets in one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.merge_plans import merged_by_choice, plan_merged, without_limit
from lab.data.licences import is_public
from lab.data.sources.contract import ImportPlan, Options
from lab.data.sources.registry import get_source, recognised
from lab.data.splits import patients_in_two_splits
from lab.data.store import add_folder
from lab.data.tabular.class_map import ClassShare, counted_shares, rounded_shares, shares
from lab.errors import DatasetError, InputError
from tests.builders import layouts

pytestmark = pytest.mark.usefixtures("workspace")
MAP = {"class_map": "skingenbench"}


def planned(id: str, root: Path, classes: dict[str, str] | None = None, **choices: str) -> ImportPlan:
    return get_source(id).plan(FolderIndex(root), Options(classes=classes, choices=choices))


def surest(root: Path) -> str:
    return recognised(FolderIndex(root))[0][0].id


def labels(plan: ImportPlan) -> Counter[str]:
    return Counter(image.fields["label"] for image in plan.images)


@pytest.mark.parametrize("suffix", [".csv", ""])
def test_ham10000(tmp_path: Path, suffix: str):
    root = layouts.ham10000(tmp_path, suffix=suffix)
    assert surest(root) == "ham10000"
    plan = planned("ham10000", root)
    assert len(plan.images) == 28 and plan.problem == "" and plan.modality == "dermoscopy"
    assert len({image.fields["patient_id"] for image in plan.images}) == 14
    assert plan.classes["mel"] == ("mel", 4) and not is_public(plan.licence)
    assert plan.images[0].extra["dx_type"] == "histo" and plan.images[0].fields["age"] == "55"


def test_ham10000_unpacked_twice_and_with_masks(tmp_path: Path):
    root = layouts.ham10000(tmp_path)
    data = (root / "HAM10000_images_part_1/ISIC_0024000.jpg").read_bytes()
    (root / "ham10000_again").mkdir()
    (root / "ham10000_again/ISIC_0024000.jpg").write_bytes(data)
    mask = layouts.save(root / "HAM10000_segmentations_lesion_tschandl/ISIC_0024000_segmentation.png", 1)
    plan = planned("ham10000", root)
    assert len(plan.images) == 28 and plan.images[0].mask == mask and plan.left_out == ()
    (root / "ham10000_again/ISIC_0024000.jpg").write_bytes(data + b"x")
    assert "2 files have that name" in planned("ham10000", root).left_out[0][1]


def test_milk10k_pictures(tmp_path: Path):
    root = layouts.milk10k(tmp_path)
    assert surest(root) == "milk10k"
    plan = planned("milk10k", root)
    assert labels(plan) == dict.fromkeys(layouts.MILK, 2) and plan.problem == ""
    assert {image.fields["view"] for image in plan.images} == {"dermoscopic"}
    assert {image.fields["licence"] for image in plan.images} == {"CC-BY-NC"}
    close = planned("milk10k", root, image_type="clinical close-up")
    assert {image.extra["image_type"] for image in close.images} == {"clinical close-up"}
    both = planned("milk10k", root, image_type="both")
    assert len(both.images) == 44 and len({image.fields["patient_id"] for image in both.images}) == 22


def test_milk10k_as_the_archive_hands_it_out(tmp_path: Path):
    root = layouts.milk10k(tmp_path)
    (root / "MILK10k_Training_Metadata.csv").rename(root / "metadata.csv")
    (root / "supplements").mkdir()
    (root / "MILK10k_Training_GroundTruth.csv").rename(root / "supplements/training_gt.csv")
    assert surest(root) == "milk10k" and labels(planned("milk10k", root))["SCCKA"] == 2
    (root / "supplements/training_gt.csv").unlink()
    bare = planned("milk10k", root)
    assert labels(bare) == {"": 22} and any("no ground truth" in note for note in bare.notes)


def test_isic_challenges(tmp_path: Path):
    older = layouts.isic2019(tmp_path / "2019")
    assert surest(older) == "isic"
    plan = planned("isic", older)
    assert len(plan.images) == 16 and labels(plan)["AK"] == 2 and plan.left_out == ()
    assert len({image.fields["patient_id"] for image in plan.images}) == 8, "a lesion is the group"
    recent = layouts.isic2020(tmp_path / "2020")
    assert surest(recent) == "isic"
    plan = planned("isic", recent)
    assert labels(plan) == {"malignant": 3, "benign": 9}
    assert len({image.fields["patient_id"] for image in plan.images}) == 4, "a patient goes before a lesion"
    assert labels(planned("isic", recent, label="diagnosis")) == {"melanoma": 3, "nevus": 9}
    newest = layouts.isic2024(tmp_path / "2024")
    assert surest(newest) == "isic"
    plan = planned("isic", newest)
    assert labels(plan) == {"malignant": 6, "benign": 6}
    assert Counter(is_public(image.fields["licence"]) for image in plan.images) == {True: 6, False: 6}


def test_isic_2018_parts_and_lesion_groups(tmp_path: Path):
    root = layouts.isic2018(tmp_path)
    assert surest(root) == "isic"
    plan = planned("isic", root)
    assert len(plan.images) == 16 and not plan.splits_given
    assert len({image.fields["patient_id"] for image in plan.images} - {""}) == 4
    published = planned("isic", root, division="published")
    assert Counter(i.fields["split"] for i in published.images) == {"train": 8, "held-out": 8}


@pytest.mark.row("SG-01")
def test_two_label_schemes_become_one(tmp_path: Path):
    ham = planned("ham10000", layouts.ham10000(tmp_path / "ham"), **MAP)
    milk = planned("milk10k", layouts.milk10k(tmp_path / "milk"), **MAP)
    assert labels(ham) == {"NV": 4, "BCC": 4, "BKL": 4, "MEL": 4}
    assert labels(milk) == {"NV": 2, "BCC": 2, "BKL": 2, "MEL": 2, "SCC": 2}
    assert milk.classes["SCCKA"] == ("SCC", 2) and milk.classes["BEN_OTH"] == ("", 2)
    assert ham.classes["vasc"] == ("", 4)
    both = plan_merged([ham, milk])
    assert labels(both) == {"NV": 6, "BCC": 6, "BKL": 6, "MEL": 6, "SCC": 2}
    found = {share.label: share for share in shares(both)}
    assert sum(share.percent for share in found.values()) == pytest.approx(100.0, abs=1e-9)
    assert found["MEL"].percent == 100 * 6 / 26
    assert sum(rounded_shares(shares(both))) == pytest.approx(100.0)
    assert {image.fields["licence"] for image in both.images} == {"CC BY-NC 4.0", "CC-BY-NC"}
    assert "HAM10000" in both.attribution and "MILK10k" in both.attribution and both.modality == "dermoscopy"


@pytest.mark.row("SG-01")
def test_the_printed_shares_of_the_paper_are_recomputed():
    counts = {"NV": 7424, "BCC": 3026, "BKL": 1637, "MEL": 1563, "SCC": 466}
    found = counted_shares(counts)
    assert found[3] == ClassShare("MEL", 1563, 100 * 1563 / 14116)
    assert rounded_shares(found, 2) == [52.59, 21.44, 11.60, 11.07, 3.30], (
        "11.03 and 3.34 are another version's"
    )
    thirds = counted_shares({"a": 1, "b": 1, "c": 1})
    assert sum(rounded_shares(thirds)) == pytest.approx(100.0) and rounded_shares([]) == []


@pytest.mark.row("SG-01")
def test_a_class_map_is_edited(tmp_path: Path):
    root = layouts.ham10000(tmp_path)
    plan = planned("ham10000", root, {"NV": "nevus", "bkl": "", "unheard": "x"}, **MAP)
    assert labels(plan) == {"nevus": 4, "BCC": 4, "MEL": 4}
    assert any("unheard" in note for note in plan.notes)
    assert any("left out by the class map: 16" in note for note in plan.notes)
    nih = planned(
        "nih-chestxray14", layouts.nih(tmp_path / "nih"), {"Nodule": "", "Effusion": "", "mass": "lump"}
    )
    assert labels(nih) == {"No Finding": 8, "lump": 6}, "of several findings only the unwanted goes"
    gone = planned("ham10000", root, dict.fromkeys(("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"), ""))
    assert "choices leave all of them out" in gone.problem
    with pytest.raises(DatasetError, match="no such value"):
        planned("ham10000", root, class_map="unknown")


@pytest.mark.row("SG-02")
def test_lesions_never_cross_splits_and_a_seed_gives_the_same_file(tmp_path: Path):
    root = layouts.ham10000(tmp_path)
    first = add_folder(root, "first", seed=3).dataset
    again = add_folder(root, "again", seed=3).dataset
    other = add_folder(root, "other", seed=4).dataset
    rows = first.manifest
    assert (len(rows), first.card.patients) == (28, 14)
    assert patients_in_two_splits(list(rows["patient_id"]), list(rows["split"])) == []
    assert (first.folder / "manifest.parquet").read_bytes() == (
        again.folder / "manifest.parquet"
    ).read_bytes()
    assert dict(zip(rows["image_id"], rows["split"], strict=True)) != dict(
        zip(other.manifest["image_id"], other.manifest["split"], strict=True)
    )
    assert first.card.digest == again.card.digest != other.card.digest


def test_merging_folders(tmp_path: Path):
    nih, ham = layouts.nih(tmp_path / "nih"), layouts.ham10000(tmp_path / "ham")
    first, second = planned("nih-chestxray14", nih), planned("ham10000", ham)
    both = plan_merged([first, second])
    assert not both.splits_given and {image.fields["split"] for image in both.images} == {""}
    assert both.modality == "" and any("set aside" in note for note in both.notes)
    twice = plan_merged([second, second])
    assert any("count as one person: 14" in note for note in twice.notes)
    apart = plan_merged([second, second], separate_patients=True)
    assert len({image.fields["patient_id"] for image in apart.images}) == 28
    assert plan_merged([first]) is first
    with pytest.raises(InputError, match="no folder"):
        plan_merged([])


@pytest.mark.row("SG-01")
def test_a_class_map_and_a_limit_hold_for_all_folders_of_an_import(tmp_path: Path):
    choices = {**MAP, "limit": "12", "limit_seed": "1"}
    assert without_limit(choices) == MAP
    ham = planned("ham10000", layouts.ham10000(tmp_path / "ham"), **MAP)
    milk = planned("milk10k", layouts.milk10k(tmp_path / "milk"))
    both = merged_by_choice([ham, milk], choices, {"BKL": "keratosis"})
    assert len(both.images) == 12 and set(labels(both)) <= {"NV", "BCC", "MEL", "SCC", "keratosis"}
    assert both.classes["SCCKA"] == ("SCC", 2) and both.classes["BEN_OTH"] == ("", 2)
    assert both.classes["vasc"] == ("", 4) and both.classes["bkl"] == ("keratosis", 4)
    assert any("12 of 26 images" in note for note in both.notes)
