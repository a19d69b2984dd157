"""Importing real and made folders: counts, columns, splits, licences, digests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lab.data.dataset import parse_reference
from lab.data.imageset import ImageSet, patient_balanced, shared_digests, shared_patients, subset
from lab.data.licences import is_public
from lab.data.resolve import resolve
from lab.data.store import add_folder, check_new_id, list_datasets, open_dataset, plan_import, remove_dataset
from lab.errors import DatasetError, ImageError, InputError, NotFoundError
from lab.provenance import digest_bytes

pytestmark = pytest.mark.usefixtures("workspace")


def films(folder: Path, n: int, start: int = 0) -> list[str]:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    names = []
    for i in range(start, start + n):
        array = np.random.default_rng(i).integers(0, 256, (24, 20), dtype=np.uint8)
        names.append(f"images/film{i}.png")
        Image.fromarray(array).save(folder / names[-1])
    return names


def table(folder: Path, **columns) -> Path:
    path = folder / "metadata.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_kermany_is_imported_whole(test_data: Path, workspace: Path):
    steps: list[tuple[int, int]] = []
    report = add_folder(test_data / "cxr_kermany", "kermany", on_progress=lambda *step: steps.append(step))
    card = report.dataset.card
    assert (report.kept, card.images, card.patients, report.left_out) == (1497, 1497, 820, ())
    assert (card.tag, card.modality, card.licence, card.public, card.size) == (
        "REAL", "chest radiograph", "CC BY 4.0", True, 224,
    )  # fmt: skip
    assert steps[-1] == (1497, 1497) and steps == sorted(steps)
    rows = report.dataset.manifest
    assert rows.groupby("patient_id")["split"].nunique().max() == 1
    assert rows.drop_duplicates("patient_id")["split"].value_counts().to_dict() == {
        "train": 492, "held-out": 246, "test": 82,
    }  # fmt: skip
    assert set(rows["label"]) == {"normal", "pneumonia_bacterial", "pneumonia_viral"}
    assert rows["image_id"].str.fullmatch("[0-9a-f]{16}").all() and rows["image_id"].is_unique
    source = pd.read_csv(test_data / "cxr_kermany" / "metadata.csv", dtype=str)
    assert rows["label"].value_counts().to_dict() == source["label"].value_counts().to_dict()
    assert set(rows["patient_id"]) == set(source["patient_id"])
    row = rows.iloc[7]
    stored = report.dataset.image_bytes_path(row["image_id"]).read_bytes()
    assert digest_bytes(stored) == row["digest"] and report.dataset.image(row["image_id"]).shape == (224, 224)
    train, held_out = resolve("kermany"), resolve("kermany:held-out")
    assert (train.id, held_out.tag) == ("kermany:train", "REAL") and isinstance(train, ImageSet)
    assert not shared_patients(train, held_out) and not shared_digests(train, held_out)
    assert len(train.ids()) + len(held_out.ids()) + len(resolve("kermany:test").ids()) == 1497
    assert len(resolve("kermany", whole=True).ids()) == 1497


@pytest.mark.parametrize(
    ("name", "images", "patients", "masks", "captions", "public", "modality"),
    [
        ("cxr_covid", 228, 107, 149, 159, False, "chest radiograph"),
        ("cxr_nih64", 750, 207, 0, 0, True, "chest radiograph"),
        ("derm_ham", 885, 885, 0, 0, False, "dermoscopy"),
        ("cmr_acdc", 598, 75, 598, 0, False, "cardiac MRI"),
        ("cmr_sunnybrook", 316, 34, 316, 0, True, "cardiac MRI"),
    ],
)
def test_other_real_sets(test_data: Path, name, images, patients, masks, captions, public, modality):
    report = add_folder(test_data / name, name)
    card, rows = report.dataset.card, report.dataset.manifest
    assert (card.images, card.patients, card.public, card.modality) == (images, patients, public, modality)
    assert (rows["mask"] != "").sum() == masks and (rows["caption"] != "").sum() == captions
    assert not report.left_out
    for image_id in rows.loc[rows["mask"] != "", "image_id"][:5]:
        mask = report.dataset.mask(image_id)
        assert mask is not None and mask.shape[:2] == report.dataset.image(image_id).shape[:2]
        assert 1 < len(np.unique(mask)) < 10


def test_columns_are_guessed_overridden_and_listed(tmp_path: Path):
    names = films(tmp_path, 4)
    table(
        tmp_path,
        **{
            "Image Index": names,
            "Patient ID": ["a", "a", "b", "c"],
            "Finding Labels": ["Mass|Nodule", "x", "y", "z"],
        },
        **{"View Position": ["PA"] * 4, "referrer": ["Dr Doe"] * 4, "scanner room": list("1234")},
    )
    plan = plan_import(tmp_path)
    assert plan.mapping == {
        "image": "Image Index", "patient_id": "Patient ID", "label": "Finding Labels", "labels": "Finding Labels",
        "view": "View Position",
    }  # fmt: skip
    assert plan.unused == ("referrer", "scanner room") and not plan.problem and len(plan.images) == 4
    report = add_folder(
        tmp_path, "one", keep=("scanner room",), mapping={"label": "View Position", "view": ""}
    )
    rows = report.dataset.manifest
    assert (
        set(rows["label"]) == {"PA"}
        and set(rows["view"]) == {""}
        and set(rows["scanner_room"]) == set("1234")
    )
    assert "referrer" not in rows.columns and report.unused == ("referrer",)
    assert any("referrer" in note for note in report.notes)
    assert "Mass|Nodule" in set(rows["labels"])
    for wrong in ({"nonsense": "label"}, {"label": "no such column"}):
        with pytest.raises(DatasetError):
            plan_import(tmp_path, mapping=wrong)


def test_labels_and_splits_from_subfolders(tmp_path: Path):
    for split in ("train", "test"):
        for label in ("NORMAL", "PNEUMONIA"):
            films(tmp_path / split / label, 3, start=hash((split == "test", label == "NORMAL")) % 1000 * 10)
    report = add_folder(tmp_path, "folders")
    rows = report.dataset.manifest
    assert set(rows["label"]) == {"NORMAL", "PNEUMONIA"} and set(rows["split"]) == {"train", "test"}
    assert any("own patient" in note for note in report.notes)
    assert any("held-out is empty" in note for note in report.notes)
    patient_folders = tmp_path / "patients"
    for i in range(8):
        films(patient_folders / f"Jane Doe {i}", 1, start=900 + i)
    plan = plan_import(patient_folders)
    assert {image.fields["label"] for image in plan.images} == {""}


def test_a_given_division_is_honoured(tmp_path: Path):
    names = films(tmp_path, 6)
    splits = ["train", "train", "val", "val", "test", "train"]
    table(tmp_path, image=names, patient_id=list("aabbcd"), split=splits)
    rows = add_folder(tmp_path, "given").dataset.manifest
    assert rows["split"].value_counts().to_dict() == {"train": 3, "held-out": 2, "test": 1}


def test_equal_content_is_equal_digest_whatever_the_names_and_order(tmp_path: Path):
    names = films(tmp_path / "one", 6)
    table(tmp_path / "one", image=names, patient_id=list("aabbcd"), label=list("xyxyxy"))
    films(tmp_path / "two", 6)
    for i in range(6):
        (tmp_path / "two" / f"images/film{i}.png").rename(tmp_path / "two" / f"images/other{5 - i}.png")
    renamed = [f"images/other{5 - i}.png" for i in range(6)][::-1]
    table(tmp_path / "two", image=renamed, patient_id=list("aabbcd")[::-1], label=list("xyxyxy")[::-1])
    one, two = add_folder(tmp_path / "one", "one").dataset, add_folder(tmp_path / "two", "two").dataset
    assert one.card.digest == two.card.digest
    table(tmp_path / "two", image=renamed, patient_id=list("aabbcc")[::-1], label=list("xyxyxy")[::-1])
    assert add_folder(tmp_path / "two", "three").dataset.card.digest != one.card.digest


def test_patients_who_share_an_image_stay_together(tmp_path: Path):
    names = films(tmp_path, 40)
    copies = []
    for i in range(0, 40, 2):  # film i of patient i is also filed under patient i+1
        copies.append(f"images/copy{i}.png")
        (tmp_path / copies[-1]).write_bytes((tmp_path / names[i]).read_bytes())
    patients = [f"p{i:02d}" for i in range(40)] + [f"p{i + 1:02d}" for i in range(0, 40, 2)]
    table(tmp_path, image=names + copies, patient_id=patients)
    report = add_folder(tmp_path, "linked")
    assert report.kept == 40 and len(report.merged) == 20 and any("share" in note for note in report.notes)
    split = report.dataset.manifest.set_index("patient_id")["split"]
    assert all(split[f"p{i:02d}"] == split[f"p{i + 1:02d}"] for i in range(0, 40, 2))
    assert split.nunique() == 3


def test_a_copy_in_train_wins_over_one_in_test(tmp_path: Path):
    names = films(tmp_path, 3)
    (tmp_path / "images/again.png").write_bytes((tmp_path / names[0]).read_bytes())
    table(
        tmp_path,
        image=["images/again.png", *names],
        patient_id=list("wxyz"),
        split=["test", "train", "val", "test"],
    )
    rows = add_folder(tmp_path, "d").dataset.manifest
    splits = rows.set_index("patient_id")["split"].to_dict()
    assert splits == {"x": "train", "y": "held-out", "z": "test"}


@pytest.mark.parametrize(
    ("licence", "public"),
    [
        ("CC BY 4.0", True), ("CC0 1.0", True), ("public domain", True), ("CC BY-SA", True), ("CC BY-NC 4.0", False),
        ("CC BY-NC-SA", False), ("CC BY-ND 4.0", False), ("", False), ("unknown", False),
        ("PhysioNet Credentialed", False),
        ("NIH Clinical Center: no restriction on use; cite Wang et al.", True),
    ],
)  # fmt: skip
def test_licences(licence, public):
    assert is_public(licence) is public


def test_ids_and_references(tmp_path: Path):
    films(tmp_path, 4)
    add_folder(tmp_path, "Chest-1.a", licence="CC BY 4.0")
    for bad in ("", "..", "a/b", "a:b", ".hidden", "a" * 65, "con", "a b", "x\n", "é"):
        with pytest.raises(InputError):
            add_folder(tmp_path, bad)
    for taken in ("Chest-1.a", "chest-1.A"):
        with pytest.raises(DatasetError, match="already"):
            add_folder(tmp_path, taken)
        with pytest.raises(DatasetError, match="already"):
            check_new_id(taken)
    assert parse_reference("x:validation") == ("x", "held-out") and parse_reference("x") == ("x", None)
    with pytest.raises(InputError, match="train, held-out, test"):
        resolve("Chest-1.a:nonsense")
    with pytest.raises(NotFoundError, match="Chest-1.a"):
        resolve("other")
    with pytest.raises(NotFoundError):
        resolve(str(tmp_path), folders=False)
    with pytest.raises(NotFoundError):
        resolve("../../etc", folders=False)
    assert len(resolve(str(tmp_path)).ids()) == 4
    assert [card.id for card in list_datasets()] == ["Chest-1.a"] and list_datasets()[0].public
    remove_dataset("Chest-1.a")
    assert list_datasets() == [] and (tmp_path / "images").is_dir()
    with pytest.raises(NotFoundError):
        open_dataset("Chest-1.a")


def test_sixteen_bit_and_colour_survive_the_import(tmp_path: Path):
    deep = np.random.default_rng(5).integers(0, 65536, (30, 30), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.tif")
    colour = np.random.default_rng(6).integers(0, 256, (30, 30, 3), dtype=np.uint8)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    dataset = add_folder(tmp_path, "mixed").dataset
    by_bits = {row["bits"]: row["image_id"] for _, row in dataset.manifest.iterrows()}
    assert np.array_equal(dataset.image(by_bits[16]), deep) and np.array_equal(
        dataset.image(by_bits[8]), colour
    )
    assert dataset.card.size == 30 and dataset.card.modality == "unknown"


def test_a_file_changed_after_the_import_is_not_used(tmp_path: Path):
    films(tmp_path, 3)
    dataset = add_folder(tmp_path, "d").dataset
    image_id = dataset.manifest["image_id"][0]
    Image.fromarray(np.zeros((24, 20), np.uint8)).save(dataset.image_bytes_path(image_id))
    with pytest.raises(ImageError, match="changed"):
        dataset.image(image_id)


def test_balanced_choice_takes_every_patient_before_a_second_film(tmp_path: Path):
    names = films(tmp_path, 30)
    table(tmp_path, image=names, patient_id=["many"] * 20 + [f"p{i}" for i in range(10)])
    images = resolve(str(tmp_path))
    whole = add_folder(tmp_path, "b") and resolve("b", whole=True)
    patient = dict(zip(whole.ids(), whole.patients(), strict=True))
    chosen = patient_balanced(whole, 11, seed=3)
    assert len({patient[i] for i in chosen}) == 11 and chosen == patient_balanced(whole, 11, seed=3)
    assert chosen != patient_balanced(whole, 11, seed=4)
    assert sorted(patient_balanced(whole, 99, seed=0)) == sorted(whole.ids())
    part = subset(whole, chosen[:5])
    assert (
        part.ids() == chosen[:5] and part.digest != whole.digest and part.image(chosen[0]).shape == (24, 20)
    )
    with pytest.raises(NotFoundError):
        part.image(chosen[6])
    assert len(shared_digests(images, whole)) == 30  # real files put into a synthetic folder are found


def test_card_and_manifest_are_plain_files(tmp_path: Path, workspace: Path):
    films(tmp_path, 3)
    add_folder(tmp_path, "d", title="Some films", attribution="A. Author")
    card = json.loads((workspace / "datasets/d/card.json").read_text())
    assert card["title"] == "Some films" and card["splits"].keys() == {"train", "held-out", "test"}
    table_ = pd.read_parquet(workspace / "datasets/d/manifest.parquet")
    assert list(table_["path"].str.match(r"images/[0-9a-f]{16}\.png")) == [True] * 3
