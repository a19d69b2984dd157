"""Real DICOM files: of the test data, and of the packages pydicom and pydicom-data."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from lab.data.images import limits_from_settings
from lab.data.readers.dicom import read
from lab.errors import ImageError

REFUSED = {
    "16-bit or 32-bit colour": ("16bit", "32bit"),
    "no image in it": (
        "rtplan", "rtstruct", "reportsi", "test-SR", "waveform", "priv_SQ", "empty_charset", "no_meta",
        "UN_sequence", "bad_sequence", "LitEndNoMeta", "BigEndNoMeta", "DICOMDIR", "meta_missing", "badVR",
    ),
    "deflated": ("image_dfl",),
    "12-bit JPEG, cut off, longer or other than declared": (
        "JPEG-lossy", "JPGExtended", "truncated", "padded", "embedded-sequence",
    ),
    "values beyond 16 bits": ("rtdose",),
    "several frames of single bits": ("liver.", "liver_expb."),
}  # fmt: skip
FEWEST = 85


@pytest.fixture(autouse=True)
def _own_workspace(workspace: Path) -> None:
    """Every test has a key of its own."""


def _packaged() -> list[Path]:
    data_store = pytest.importorskip("data_store", reason="the package pydicom-data is not installed")
    import pydicom.data

    folders = [
        Path(next(iter(data_store.__path__))) / "data",
        Path(pydicom.data.__file__).parent / "test_files",
    ]
    return [path for folder in folders for path in sorted(folder.rglob("*.dcm"))]


def test_every_packaged_file_decodes_as_pydicom_does_or_is_refused_in_a_sentence() -> None:
    from pydicom import dcmread
    from pydicom.pixels import pixel_array

    from lab.data.dicom.frames import declared, read_frame
    from lab.data.dicom.opening import open_dicom

    limits, decoded, compared = limits_from_settings(), 0, 0
    for path in _packaged():
        try:
            found = read(path, {}, limits)
        except ImageError as error:
            assert str(error).count(";") >= 2 and path.stem not in str(error)
            assert any(word in path.name for words in REFUSED.values() for word in words), (
                path.name,
                str(error),
            )
            continue
        decoded += 1
        assert found.array.dtype in (np.uint8, np.uint16) and found.array.size
        opened, _ = open_dicom(path, limits)
        raw = read_frame(opened, declared(opened, limits), 0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = dcmread(path, force=True)
            if "TransferSyntaxUID" in dataset.file_meta and not path.name.endswith("too_short.dcm"):
                assert np.array_equal(raw, pixel_array(dataset, index=0)), path.name
                compared += 1
    assert decoded >= FEWEST and compared >= FEWEST - 3


@pytest.mark.parametrize("name", ["693_J2KR.dcm", "MR2_J2KR.dcm", "RG1_J2KR.dcm", "RG3_J2KR.dcm"])
def test_lossless_pairs_are_equal(name: str) -> None:
    path = next(path for path in _packaged() if path.name == name)
    limits = limits_from_settings()
    coded = read(path, {}, limits)
    plain = read(path.with_name(name.replace("J2KR", "UNCR")), {}, limits)
    gave = [
        found.array * float(found.extra["value_slope"]) + float(found.extra["value_offset"])
        for found in (coded, plain)
    ]
    assert np.allclose(*gave)


def test_two_decoders_agree_on_jpeg_2000() -> None:
    from pydicom import dcmread
    from pydicom.pixels import get_decoder

    path = next(path for path in _packaged() if path.name == "RG3_J2KR.dcm")
    dataset = dcmread(path)
    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    one, other = (decoder.as_array(dataset, decoding_plugin=name)[0] for name in ("pillow", "gdcm"))
    assert np.array_equal(one, other)


@pytest.mark.fault(9)
def test_a_real_chest_film_is_upright_with_white_bone(test_data: Path) -> None:
    """The file says that its smallest value is white; spine and heart have to be brighter than the lungs."""
    path = test_data / "dicom_real" / "images" / "RG1_UNCI.dcm"
    if not path.is_file():
        pytest.skip("the test data hold no dicom_real")
    found = read(path, {}, limits_from_settings())
    shown = read(path, {"depth": 8}, limits_from_settings()).array
    assert found.array.shape == (1955, 1841) and found.array.dtype == np.uint16
    values = found.array * float(found.extra["value_slope"]) + float(found.extra["value_offset"])
    assert (values.min(), values.max()) == (803, 26512)
    spine, left_lung = shown[700:1200, 900:980], shown[500:750, 1250:1450]
    assert spine.mean() > left_lung.mean() + 30
    assert found.extra["spacing_mm"] == "" and found.extra["inverted"] == "yes"  # the spacing is 0\0
    assert shown.min() < 40 and shown.max() > 215
