"""A folder of DICOM files as a dataset: what is taken, what is left out, who nobody can find again."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from lab.data import burned_in
from lab.data.dicom.facts import age_in_years
from lab.data.dicom.pseudonym import KEY_FILE, pseudonym, workspace_key
from lab.data.dicom.vocabulary import vendor
from lab.data.importing.folder_index import FolderIndex
from lab.data.importing.importer import add_folder
from lab.data.sources import dicom_folder
from lab.data.sources.contract import Options
from lab.data.sources.registry import recognised
from lab.errors import InputError, StoreError
from tests.builders.dicom_files import dicom_file

FILM = np.arange(64 * 48, dtype=np.uint16).reshape(64, 48) % 4096


def _mixed(root: Path) -> Path:
    """Five chest films of three patients without suffixes, a knee, a CT, a cine and a text."""
    for n, patient in enumerate(("A", "A", "B", "C", "C")):
        dicom_file(
            root / f"IM{n:04d}", FILM + n, bits=13, PatientID=patient, PatientSex="F", PatientAge="034Y",
            Manufacturer="SIEMENS Healthineers", ViewPosition="PA", PixelSpacing=[0.143, 0.143],
            BurnedInAnnotation="NO",
        )  # fmt: skip
    dicom_file(root / "knee.dcm", FILM + 9, bits=13, PatientID="D", BodyPartExamined="KNEE")
    dicom_file(root / "ct.ima", FILM + 10, bits=13, PatientID="E", Modality="CT")
    cine = np.stack([FILM + 20 + k for k in range(3)])
    dicom_file(root / "cine.dcm", cine, bits=13, PatientID="", Modality="MR", NumberOfFrames=3)
    (root / "noise.bin").write_bytes(b"\x00\x01nothing" * 40)
    (root / "readme.txt").write_text("films")
    return root


def test_a_folder_is_recognised_by_content_and_other_modalities_are_told(
    workspace: Path, tmp_path: Path
) -> None:
    files = FolderIndex(_mixed(tmp_path))
    assert recognised(files)[0][0].id == "dicom-folder"
    plan = dicom_folder.plan(files, Options())
    assert len(plan.images) == 5 and plan.modality == "chest radiograph" and not plan.problem
    reasons = dict(plan.left_out)
    assert "another part (knee)" in reasons["knee.dcm"] and "modality CT" in reasons["ct.ima"]
    assert "MR with 3 frames" in reasons["cine.dcm"] and "not DICOM" in reasons["noise.bin"]
    assert len({image.fields["patient_id"] for image in plan.images}) == 3
    assert len(dicom_folder.plan(files, Options(choices={"modality": "any"})).images) == 5 + 1 + 1 + 3
    middle = dicom_folder.plan(files, Options(choices={"modality": "MR", "frames": "middle"}))
    assert [image.part for image in middle.images] == [{"frame": 1}]
    none = dicom_folder.plan(files, Options(choices={"modality": "any", "frames": "all"}))
    assert (
        len({i.fields["patient_id"] for i in none.images if "cine" in i.name}) == 1
    )  # no id, yet one patient


def test_columns_of_an_import(workspace: Path, tmp_path: Path) -> None:
    report = add_folder(_mixed(tmp_path), "films", licence="CC BY 4.0")
    rows, card = report.dataset.manifest, report.dataset.card
    assert len(rows) == 5 and card.patients == 3 and card.source == "dicom-folder"
    told = rows.iloc[0][
        ["sex", "age", "vendor", "view", "body_part", "spacing_mm", "burned_in", "photometric"]
    ]
    assert told.tolist() == ["F", "34", "Siemens", "PA", "chest", "0.143x0.143", "stated no", "MONOCHROME2"]
    assert not set(rows["patient_id"]) & {"A", "B", "C"} and (rows["bits"] == 16).all()
    assert not card.public  # an open licence, and text in the pixels cannot be ruled out
    eight = add_folder(tmp_path, "shown", licence="CC BY 4.0", choices={"pixels": "8 bits as shown"})
    assert (eight.dataset.manifest["bits"] == 8).all()


def test_labels_of_a_table_are_taken_and_its_patients_hashed(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    for n in range(3):
        dicom_file(folder / f"f{n}.dcm", FILM + n, bits=13, PatientID="")
    (folder / "metadata.csv").write_text(
        "image,patient_id,label,split\nf0.dcm,H-1,normal,train\nf1.dcm,H-1,effusion,train\nf2.dcm,H-2,normal,test\n"
    )
    report = add_folder(folder, "films")
    rows = report.dataset.manifest
    assert sorted(rows["label"]) == ["effusion", "normal", "normal"] and rows["patient_id"].nunique() == 2
    assert not rows["patient_id"].str.contains("H-").any() and set(rows["split"]) == {"train", "test"}


def test_the_real_folder_as_its_readme_counts_it(workspace: Path, test_data: Path) -> None:
    folder = test_data / "dicom_real"
    if not folder.is_dir():
        pytest.skip("the test data hold no dicom_real")
    report = add_folder(folder, "real", choices={"modality": "any", "frames": "first"})
    rows = report.dataset.manifest
    # Four files; the lossy film and the uncompressed one hold equal pixels, so one of them is merged.
    assert report.kept == 3 and len(report.merged) == 1 and not report.left_out
    assert rows["patient_id"].nunique() == 3 and (rows["caption"] != "").sum() == 2
    chest = add_folder(folder, "chest")
    assert len(chest.dataset.manifest) == 1 and len(chest.merged) == 1
    assert {Path(name).name for name, _ in chest.left_out} == {"RG3_J2KI.dcm", "emri_small.dcm"}


def test_the_key_is_secret_and_pseudonyms_depend_on_it(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = workspace_key()
    path = workspace / KEY_FILE
    assert len(key) == 32 and workspace_key() == key and stat.S_IMODE(path.stat().st_mode) == 0o600
    one = pseudonym("patient", " 123 ", key)
    assert one == pseudonym("patient", "123", key) != pseudonym("study", "123", key) and len(one) == 16
    assert pseudonym("patient", "", key) == ""
    path.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        workspace_key()
    monkeypatch.setenv("LAB_WORKSPACE", str(tmp_path / "other"))
    assert pseudonym("patient", "123", workspace_key()) != one


@pytest.mark.parametrize(
    ("age", "born", "studied", "years"),
    [
        ("034Y", "", "", "34"), ("095Y", "", "", "90"), ("006M", "", "", "0"), ("400D", "", "", "1"),
        ("", "19500601", "20200531", "69"), ("", "19500601", "20200601", "70"), ("", "19100101", "20200101", "90"),
        ("", "", "20200101", ""), ("abc", "x", "y", ""), ("", "20300101", "20200101", ""),
    ],
)  # fmt: skip
def test_ages(age: str, born: str, studied: str, years: str) -> None:
    assert age_in_years(age, born, studied) == years


def test_vendors_are_words_of_a_list() -> None:
    told = (
        "SIEMENS",
        "GE MEDICAL SYSTEMS",
        "Philips Medical Systems",
        "FUJI PHOTO FILM CO. LTD.",
        "Dr. Gerald",
    )
    assert [vendor(text) for text in told] == ["Siemens", "GE", "Philips", "Fujifilm", "other"]


def _film_with_text(words: str, seed: int) -> np.ndarray:
    from PIL import Image, ImageDraw, ImageFont

    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(-1, 1, 500), np.linspace(-1, 1, 600))
    film = Image.fromarray(
        np.clip(200 - 120 * np.hypot(x, y) + rng.normal(0, 6, x.shape), 0, 255).astype(np.uint8)
    )
    ImageDraw.Draw(film).text((20, 20), words, fill=255, font=ImageFont.load_default(18))
    return np.asarray(film)


def test_text_in_a_corner_raises_the_score_and_the_corners_show_it() -> None:
    named = [burned_in.text_score(_film_with_text("DOE JANE 1943", seed)) for seed in range(4)]
    plain = [burned_in.text_score(_film_with_text("", seed)) for seed in range(4)]
    assert min(named) > 0.5 > 0.3 > max(plain)
    crops = burned_in.corners(_film_with_text("DOE", 0))
    assert len(crops) == 4 and crops[0].shape == (150, 125) and crops[0][15:45, 15:80].max() == 255


def test_only_a_person_clears_a_set_for_the_public() -> None:
    assert burned_in.may_be_shown(["", "reviewed: none"]) and burned_in.may_be_shown([])
    for state in ("unknown", "stated no", "stated yes", "reviewed: present"):
        assert not burned_in.may_be_shown(["reviewed: none", state])


def test_a_reviewed_set_becomes_public_and_a_licence_alone_does_not_make_it_so(
    workspace: Path, tmp_path: Path
) -> None:
    from lab.data.editing import set_terms
    from lab.data.text_review import review, scored, waiting

    for n in range(3):
        dicom_file(tmp_path / f"f{n}.dcm", FILM + n, bits=13)
    add_folder(tmp_path, "films", licence="all rights reserved")
    assert not set_terms("films", licence="CC0").card.public
    ids = waiting("films")
    assert len(ids) == 3 and [name for name, _ in scored("films")] == ids
    assert not review("films", {ids[0]: False, ids[1]: True}).card.public and waiting("films") == ids[2:]
    assert review("films", {ids[1]: False, ids[2]: False}).card.public
    assert not review("films", {ids[1]: True}).card.public
    with pytest.raises(InputError):
        review("films", {"nobody": False})
