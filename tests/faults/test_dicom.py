"""DICOM files nobody vouches for: each refused in one sentence, or shown without a word of whom it shows."""

from __future__ import annotations

import logging
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.data.images import limits_from_settings
from lab.data.importing.importer import add_folder
from lab.data.intake.header_scan import scan_headers
from lab.data.readers.dicom import read
from lab.data.readers.registry import get_reader
from lab.errors import ImageError
from tests.builders.dicom_files import dicom_file, nested, with_meta

FILM = np.arange(64 * 48, dtype=np.uint16).reshape(64, 48) % 4096
PLANTED = (
    "Zyxwvutson",
    "MRN-9988776655",
    "19430217",
    "Saint Elsewhere",
    "Hearthside Avenue",
    "surname-in-file",
)


def _refusal(path: Path, part: Any = None) -> str:
    with pytest.raises(ImageError) as caught:
        read(path, part or {}, limits_from_settings())
    sentence = str(caught.value)
    assert "it was left out" in sentence and path.name not in sentence and "\n" not in sentence
    return sentence


@pytest.mark.fault(1)
def test_an_empty_file_is_refused(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"")
    assert "empty" in _refusal(tmp_path / "a.dcm")


@pytest.mark.fault(2)
def test_content_decides_not_the_name(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 500)
    assert "not DICOM" in _refusal(tmp_path / "a.dcm")
    film = dicom_file(tmp_path / "film.png", FILM, bits=12)
    with pytest.raises(ImageError, match="DICOM"):
        get_reader("image").read(film, {}, limits_from_settings())


_PEAK = """
import resource, sys
from pathlib import Path
from lab.data.images import limits_from_settings
from lab.data.readers.dicom import read
import pydicom, numpy
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read(Path(sys.argv[1]), {}, limits_from_settings())
except Exception as error:
    print(str(error))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.fault(5)
def test_a_deflated_file_is_refused_before_it_is_inflated(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "bomb.dcm"
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(512)) + squeeze.flush()
    path.write_bytes(with_meta(data, "1.2.840.10008.1.2.1.99"))
    assert path.stat().st_size < 600_000  # 512 MiB once inflated
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(path)], capture_output=True, text=True, check=True
    )
    sentence, grown = done.stdout.strip().split("\n")
    assert "deflated" in sentence and int(grown) < 50
    assert "deflated" in scan_headers("dicom", [path])[0]["error"]


@pytest.mark.fault(6)
@pytest.mark.parametrize("depth", [400, 5000])
@pytest.mark.parametrize("defined", [True, False])
def test_sequences_nested_without_end_are_refused(
    depth: int, defined: bool, workspace: Path, tmp_path: Path
) -> None:
    (tmp_path / "deep.dcm").write_bytes(nested(depth, defined))
    assert "nested" in _refusal(tmp_path / "deep.dcm")
    (tmp_path / "shallow.dcm").write_bytes(nested(20, defined))
    assert "laid out" in _refusal(tmp_path / "shallow.dcm")  # it passes the walk and lacks rows and columns


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"Rows": 640}, "declares"),
        ({"Rows": 6}, "declares"),
        ({"Rows": 0}, "without pixels"),
        ({"Columns": 0}, "without pixels"),
        ({"Rows": 65535, "Columns": 65535}, "above the limit"),
        ({"Rows": 7900, "Columns": 7900}, "declares"),
        ({"NumberOfFrames": 90_000}, "declares"),
        ({"Rows": None}, "laid out"),
        ({"BitsAllocated": 64}, "depth"),
        ({"BitsStored": 17}, "depth"),
        ({"SamplesPerPixel": 3}, "channels"),
    ],
)
def test_declared_size_is_compared_before_allocation(
    tags: dict[str, Any], words: str, workspace: Path, tmp_path: Path
) -> None:
    frames = {"NumberOfFrames": 1} | tags
    path = dicom_file(tmp_path / "a.dcm", FILM[None], bits=12, **frames)
    dicom_file(tmp_path / "warm.dcm", FILM, bits=12)
    read(tmp_path / "warm.dcm", {}, limits_from_settings())
    tracemalloc.start()
    sentence = _refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert words in sentence and peak < 4_000_000


@pytest.mark.fault(7)
def test_a_compressed_frame_of_another_size_is_refused(workspace: Path, tmp_path: Path) -> None:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.fromarray((FILM % 256).astype(np.uint8)).save(out, "JPEG")
    jpeg, small = "1.2.840.10008.1.2.4.50", np.zeros((4, 4), np.uint8)
    assert "size" in _refusal(dicom_file(tmp_path / "a.dcm", small, syntax=jpeg, coded=[out.getvalue()]))
    plain = dicom_file(tmp_path / "b.dcm", small, coded=[out.getvalue()])
    assert "declares" in _refusal(plain)


@pytest.mark.fault(3, 7)
def test_a_file_cut_off_is_refused_wherever_it_ends(workspace: Path, tmp_path: Path) -> None:
    whole = dicom_file(tmp_path / "whole.dcm", FILM, bits=12).read_bytes()
    for end in (100, 131, 140, 200, 400, len(whole) // 2, len(whole) * 2 // 3, len(whole) - 1):
        (tmp_path / "cut.dcm").write_bytes(whole[:end])
        _refusal(tmp_path / "cut.dcm")


@pytest.mark.fault(8)
@pytest.mark.parametrize("mark", [b"MZ\x90\x00", b"\x7fELF\x02\x01\x01"])
def test_a_program_in_the_preamble_is_dropped(mark: bytes, workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    dicom_file(folder / "a.dcm", FILM, bits=12, preamble=mark + b"payload" + b"\0" * (121 - len(mark)))
    report = add_folder(folder, "set", licence="CC0")
    assert report.kept == 1
    for path in filter(Path.is_file, workspace.rglob("*")):
        assert b"payload" not in path.read_bytes()


def _with_secrets(path: Path) -> Path:
    """A film with planted strings at the top, in nested, private and overlay elements, and in its file name."""
    from pydicom import dcmread
    from pydicom.dataset import Dataset

    name, number, date, place, street, _ = PLANTED
    dicom_file(
        path, FILM, bits=12, PatientName=f"{name}^Ann", PatientID=number, PatientBirthDate=date,
        StudyDate=date, InstitutionName=place, PatientAddress=street, StudyDescription=f"film of {name}",
        BodyPartExamined=f"{name} (no code)", Manufacturer=place, ViewPosition=f"{name} (no code)",
        PatientComments=number, PatientSex="F", PatientAge="095Y", OperatorsName=name,
    )  # fmt: skip
    dataset = dcmread(path)
    item = Dataset()
    item.RequestedProcedureDescription, item.ScheduledPerformingPhysicianName = street, name
    deep = Dataset()
    deep.PatientName, deep.StudyDate, deep.PersonAddress = name, date, street
    item.ReferencedPatientSequence = [deep]
    dataset.RequestAttributesSequence = [item]
    dataset.ViewCodeSequence = [deep]
    window = Dataset()
    window.PatientName, window.LUTExplanation = name, name
    dataset.SharedFunctionalGroupsSequence = [window]
    block = dataset.private_block(0x0029, f"{place} private", create=True)
    block.add_new(1, "LO", name)
    dataset.add_new(0x60000010, "US", 64)
    dataset.add_new(0x60000022, "LO", name)
    dataset.add_new(0x60003000, "OW", number.encode() + b"\0\0")
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.save_as(path, enforce_file_format=False)
    # A value that pydicom repeats in a warning and in a log line.
    path.write_bytes(path.read_bytes().replace(b"ISO_IR 100", name.encode()))
    return path


def _everything(workspace: Path) -> str:
    import pandas as pd

    text = []
    for path in filter(Path.is_file, workspace.rglob("*")):
        text += [str(path.relative_to(workspace)), path.read_bytes().decode("latin-1")]
        if path.suffix == ".parquet":
            text.append(pd.read_parquet(path).to_csv())
    return "\n".join(text)


@pytest.mark.fault(10)
@pytest.mark.row("C21")
def test_nothing_of_a_patient_is_stored_or_logged(
    workspace: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    _with_secrets(folder / f"{PLANTED[-1]}.dcm")
    broken = _with_secrets(folder / f"{PLANTED[-1]}-2.dcm")
    broken.write_bytes(broken.read_bytes()[:-500])
    capfd.readouterr()  # pydicom repeats values while it writes; only what reading says counts
    caplog.clear()
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        report = add_folder(folder, "set", licence="CC0")
        read(folder / f"{PLANTED[-1]}.dcm", {}, limits_from_settings())
    assert report.kept == 1 and len(report.left_out) == 1
    out, err = capfd.readouterr()
    seen = "\n".join(
        [
            _everything(workspace),
            caplog.text,
            out,
            err,
            *report.notes,
            report.left_out[0][1],
            *map(str, warned),
        ]
    )
    for secret in PLANTED:
        assert secret.lower() not in seen.lower(), f"{secret} is stored, logged or told"
    row = report.dataset.manifest.iloc[0]
    assert (row["view"], row["body_part"], row["vendor"], row["sex"], row["age"]) == (
        "other", "other", "other", "F", "90",
    )  # fmt: skip
    assert len(row["patient_id"]) == 16 and not report.dataset.card.public


@pytest.mark.fault(10)
def test_the_profile_reaches_every_level_of_a_whole_dataset(workspace: Path, tmp_path: Path) -> None:
    from pydicom import dcmread

    from lab.data.dicom.deidentify import deidentify

    path = _with_secrets(tmp_path / "a.dcm")
    dataset = dcmread(path)
    study, instance = str(dataset.StudyInstanceUID), str(dataset.SOPInstanceUID)
    for name in (
        "Manufacturer",
        "BodyPartExamined",
        "ViewPosition",
        "SpecificCharacterSet",
    ):  # no part of the profile; see `vocabulary`
        delattr(dataset, name)
    del dataset.SharedFunctionalGroupsSequence[0].LUTExplanation
    deidentify(dataset, b"k" * 32)
    text = str(dataset) + str(dataset.file_meta) + repr([element.value for element in dataset.iterall()])
    for secret in (*PLANTED[:-1], study, instance):
        assert secret.lower() not in text.lower()
    assert not [e for e in dataset.iterall() if e.VR in ("DA", "TM", "DT", "PN") or e.tag.is_private]
    assert dataset.preamble is None and dataset.pixel_array.shape == FILM.shape
    again = dcmread(path)
    deidentify(again, b"k" * 32)
    assert again.StudyInstanceUID == dataset.StudyInstanceUID  # one study stays one
    other = dcmread(path)
    deidentify(other, b"l" * 32)
    assert other.StudyInstanceUID != dataset.StudyInstanceUID


@pytest.mark.fault(11)
def test_a_dicomdir_is_refused_and_its_references_are_never_followed(workspace: Path, tmp_path: Path) -> None:
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

    outside = dicom_file(tmp_path / "outside.dcm", FILM, bits=12)
    folder = tmp_path / "films"
    folder.mkdir()
    dicom_file(folder / "a.dcm", FILM[:32], bits=12)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = "1.2.840.10008.1.3.10", "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    record = Dataset()
    record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", ["..", outside.name]
    listing = FileDataset(str(folder / "DICOMDIR"), Dataset(), file_meta=meta, preamble=b"\0" * 128)
    listing.FileSetID, listing.DirectoryRecordSequence = "SET", [record]
    listing.save_as(folder / "DICOMDIR", enforce_file_format=False)
    with pytest.raises(ImageError, match="DICOMDIR"):
        read(folder / "DICOMDIR", {}, limits_from_settings())
    report = add_folder(folder, "set", licence="CC0")
    assert report.kept == 1 and "DICOMDIR" in report.left_out[0][1]
    assert report.dataset.manifest["height"].tolist() == [32]


@pytest.mark.fault(14)
def test_colour_of_16_bits_is_refused_and_16_bit_grey_keeps_its_depth(
    workspace: Path, tmp_path: Path
) -> None:
    colour = np.zeros((8, 8, 3), np.uint16)
    assert "colour" in _refusal(dicom_file(tmp_path / "c.dcm", colour))
    deep = np.arange(4096, dtype=np.uint16).reshape(64, 64) * 16 + 5
    found = read(dicom_file(tmp_path / "g.dcm", deep), {}, limits_from_settings())
    assert found.array.dtype == np.uint16 and np.array_equal(found.array, deep)


@pytest.mark.fault(3, 6, 7)
@pytest.mark.parametrize("seed", range(6))
def test_files_with_any_bytes_changed_are_read_or_refused_and_nothing_else(
    seed: int, workspace: Path, tmp_path: Path
) -> None:
    import random

    rng, path, outcomes = random.Random(seed), tmp_path / "a.dcm", set()
    whole = dicom_file(
        path, FILM, bits=12, WindowCenter=40, WindowWidth=80, RescaleSlope="2", PatientName="A^B",
    ).read_bytes()  # fmt: skip
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 3, 10))):
            data[rng.randrange(128, min(len(data), rng.choice((300, 1200, len(data)))))] = rng.randrange(256)
        path.write_bytes(data[: rng.choice((len(data), len(data), rng.randrange(132, len(data))))])
        try:
            read(path, {}, limits_from_settings())
            outcomes.add("read")
        except ImageError as error:
            assert str(error).count(";") >= 2 and "A^B" not in str(error)
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
