"""DICOM as a monitor shows it: files built from arrays, compared with the arithmetic written out here."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.data.images import limits_from_settings
from lab.data.readers.dicom import read
from tests.builders.dicom_files import dicom_file, lookup_item

RAMP = (np.arange(64 * 64) % 4096).astype(np.uint16).reshape(64, 64)
SIGNED = (RAMP.astype(np.int32) - 2048).astype(np.int16)


@pytest.fixture(autouse=True)
def _own_workspace(workspace: Path) -> None:
    """Every test has a key of its own."""


def seen(path: Path, **part: Any) -> np.ndarray:
    """The 8 bits a monitor gets."""
    return read(path, {"depth": 8, **part}, limits_from_settings()).array


def kept(path: Path, **part: Any) -> tuple[np.ndarray, dict[str, str]]:
    found = read(path, part, limits_from_settings())
    return found.array, dict(found.extra)


def values_of(path: Path, **part: Any) -> np.ndarray:
    """The modality's values, from the stored pixels and the affine beside them."""
    pixels, extra = kept(path, **part)
    return pixels * float(extra["value_slope"]) + float(extra["value_offset"])


def linear(x: np.ndarray, centre: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1, word for word, to 0..255."""
    y = ((x - (centre - 0.5)) / (width - 1) + 0.5) * 255
    y = np.where(x <= centre - 0.5 - (width - 1) / 2, 0, y)
    return np.rint(np.where(x > centre - 0.5 + (width - 1) / 2, 255, y)).astype(np.uint8)


@pytest.mark.fault(9)
def test_golden_monochrome1_is_turned_over(tmp_path: Path) -> None:
    path = dicom_file(
        tmp_path / "a.dcm", RAMP, bits=12, PhotometricInterpretation="MONOCHROME1", WindowCenter=1000,
        WindowWidth=500,
    )  # fmt: skip
    assert (
        np.abs(seen(path).astype(int) - (255 - linear(RAMP.astype(float), 1000, 500).astype(int))).max() <= 1
    )
    pixels, extra = kept(path)
    assert np.array_equal(pixels, (4095 - RAMP) * 16) and extra["inverted"] == "yes"
    assert np.array_equal(values_of(path), RAMP)


@pytest.mark.fault(9)
def test_golden_12_bits_signed_with_garbage_above(tmp_path: Path) -> None:
    stored = (SIGNED.astype(np.uint16) & 0x0FFF) | 0xA000  # an old overlay in the upper bits
    path = dicom_file(
        tmp_path / "a.dcm", stored, bits=12, PixelRepresentation=1, WindowCenter=0, WindowWidth=2000
    )
    assert np.array_equal(values_of(path), SIGNED)
    assert np.array_equal(seen(path), linear(SIGNED.astype(float), 0, 2000))


@pytest.mark.fault(9)
def test_golden_rescale_slope_and_intercept(tmp_path: Path) -> None:
    tags = {"RescaleSlope": "2.5", "RescaleIntercept": "-1024", "WindowCenter": 40, "WindowWidth": 400}
    path = dicom_file(tmp_path / "a.dcm", RAMP, bits=12, **tags)
    units = 2.5 * RAMP - 1024
    assert np.allclose(values_of(path), units)
    assert np.array_equal(seen(path), linear(units, 40, 400))
    path.write_bytes(path.read_bytes().replace(b"-1024 ", b"-10,24"))
    assert "neither was applied" in kept(path)[1]["dicom_notes"] and np.array_equal(values_of(path), RAMP)
    down = dicom_file(tmp_path / "b.dcm", RAMP, bits=12, RescaleSlope="-1", RescaleIntercept="4095")
    pixels, extra = kept(down)
    assert np.allclose(values_of(down), 4095.0 - RAMP) and extra["inverted"] == "yes"
    assert pixels[0, 0] > pixels[1, 0]  # the largest value is the brightest


@pytest.mark.fault(9)
def test_golden_voi_lookup_table(tmp_path: Path) -> None:
    table = (np.linspace(0, 1, 1000) ** 2 * 65535).astype(np.uint16)
    path = dicom_file(tmp_path / "a.dcm", RAMP, bits=12, VOILUTSequence=[lookup_item(500, table, 16)])
    expected = table[np.clip(RAMP.astype(int) - 500, 0, 999)]
    pixels, extra = kept(path)
    assert np.array_equal(pixels, expected) and extra["value_kind"] == "presentation"
    assert np.array_equal(seen(path), np.rint(expected / 65535 * 255).astype(np.uint8))


@pytest.mark.fault(9)
def test_golden_missing_window_takes_percentiles_without_padding(tmp_path: Path) -> None:
    padded = RAMP.copy()
    padded[:32] = 4000  # half of the image is padding
    path = dicom_file(tmp_path / "a.dcm", padded, bits=12, PixelPaddingValue=4000)
    low, high = np.percentile(padded[padded != 4000], (0.5, 99.5))
    expected = np.rint(np.clip((padded - low) / (high - low), 0, 1) * 255)
    assert np.abs(seen(path) - expected).max() <= 1
    assert kept(path)[1]["window_from"] == "percentiles 0.5 to 99.5"


@pytest.mark.fault(9)
@pytest.mark.parametrize("width", [0, -5, 0.5])
def test_golden_window_of_no_width_is_replaced_and_said(width: float, tmp_path: Path) -> None:
    path = dicom_file(tmp_path / "a.dcm", RAMP, bits=12, WindowCenter=100, WindowWidth=width)
    low, high = np.percentile(RAMP, (0.5, 99.5))
    expected = np.rint(np.clip((RAMP - low) / (high - low), 0, 1) * 255)
    assert np.abs(seen(path) - expected).max() <= 1
    assert "no valid width" in kept(path)[1]["dicom_notes"]


@pytest.mark.fault(9)
def test_other_functions_and_several_windows(tmp_path: Path) -> None:
    x = RAMP.astype(float)
    exact = dicom_file(
        tmp_path / "e.dcm",
        RAMP,
        bits=12,
        WindowCenter=[2000, 50],
        WindowWidth=[1000, 10],
        VOILUTFunction="LINEAR_EXACT",
    )
    assert np.abs(seen(exact) - np.clip((x - 2000) / 1000 + 0.5, 0, 1) * 255).max() <= 0.51
    smooth = dicom_file(
        tmp_path / "s.dcm", RAMP, bits=12, WindowCenter=2000, WindowWidth=1000, VOILUTFunction="SIGMOID"
    )
    assert np.abs(seen(smooth) - 255 / (1 + np.exp(-4 * (x - 2000) / 1000))).max() <= 0.51
    assert kept(smooth)[1]["window_curve"] == "sigmoid"


def test_modality_lookup_table(tmp_path: Path) -> None:
    table = (np.arange(256)[::-1] * 16).astype(np.uint16)
    grey = (RAMP % 256).astype(np.uint8)
    path = dicom_file(tmp_path / "a.dcm", grey, ModalityLUTSequence=[lookup_item(0, table, 12)])
    assert np.array_equal(values_of(path), table[grey])


@pytest.mark.fault(9, 14)
def test_a_multi_frame_file_gives_each_of_its_frames(tmp_path: Path) -> None:
    cine = np.stack([RAMP, RAMP[::-1], RAMP.T])
    path = dicom_file(tmp_path / "a.dcm", cine, bits=12, NumberOfFrames=3)
    for number, frame in enumerate(cine):
        pixels, extra = kept(path, frame=number)
        assert np.array_equal(pixels, frame * 16) and extra["frame"] == str(number)


@pytest.mark.fault(9)
def test_values_of_an_enhanced_file_come_from_the_groups_of_its_frame(tmp_path: Path) -> None:
    from pydicom.dataset import Dataset

    def group(slope: float, centre: float) -> Dataset:
        transform, window, measures, found = Dataset(), Dataset(), Dataset(), Dataset()
        transform.RescaleSlope, transform.RescaleIntercept = slope, 0
        window.WindowCenter, window.WindowWidth = centre, 100
        measures.PixelSpacing = [0.5, 0.75]
        found.PixelValueTransformationSequence, found.FrameVOILUTSequence = [transform], [window]
        found.PixelMeasuresSequence = [measures]
        return found

    path = dicom_file(
        tmp_path / "a.dcm", np.stack([RAMP, RAMP]), bits=12, NumberOfFrames=2,
        PerFrameFunctionalGroupsSequence=[group(1, 50), group(3, 500)],
    )  # fmt: skip
    assert np.array_equal(seen(path, frame=1), linear(3.0 * RAMP, 500, 100))
    assert kept(path, frame=0)[1]["spacing_mm"] == "0.5x0.75"


@pytest.mark.fault(9)
def test_colour_palette_and_planes(tmp_path: Path) -> None:
    colour = np.random.default_rng(1).integers(0, 256, (16, 12, 3), dtype=np.uint8)
    plain = dicom_file(tmp_path / "0.dcm", colour)
    planes = dicom_file(
        tmp_path / "1.dcm", colour, PlanarConfiguration=1, pixel_bytes=colour.transpose(2, 0, 1).tobytes()
    )
    assert np.array_equal(kept(plain)[0], colour) and np.array_equal(kept(planes)[0], colour)
    index = (RAMP % 200).astype(np.uint8)
    tables = [np.arange(200, dtype=np.uint16)[::step] * 256 for step in (1, -1, 1)]
    names = ("Red", "Green", "Blue")
    palette: dict[str, Any] = {f"{n}PaletteColorLookupTableDescriptor": [200, 0, 16] for n in names}
    palette |= {f"{n}PaletteColorLookupTableData": t.tobytes() for n, t in zip(names, tables, strict=True)}
    path = dicom_file(tmp_path / "p.dcm", index, PhotometricInterpretation="PALETTE COLOR", **palette)
    assert np.array_equal(kept(path)[0], np.stack([t[index] >> 8 for t in tables], axis=-1).astype(np.uint8))


def test_ybr_becomes_rgb(tmp_path: Path) -> None:
    from PIL import Image

    colour = np.random.default_rng(2).integers(30, 220, (16, 12, 3), dtype=np.uint8)
    ybr = np.asarray(Image.fromarray(colour).convert("YCbCr"))
    path = dicom_file(tmp_path / "a.dcm", ybr, PhotometricInterpretation="YBR_FULL")
    assert np.abs(kept(path)[0].astype(int) - colour).max() <= 3


@pytest.mark.parametrize(
    ("uid", "kind", "options"),
    [
        ("1.2.840.10008.1.2.4.90", "JPEG2000", {"irreversible": False}),
        ("1.2.840.10008.1.2.4.50", "JPEG", {"quality": 95}),
    ],
)
def test_compressed_pixels(uid: str, kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    from PIL import Image

    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(smooth).save(out, kind, **options)
    stream = out.getvalue()
    if kind == "JPEG2000":
        stream = stream[stream.index(b"\xff\x4f\xff\x51") :]
    path = dicom_file(tmp_path / "a.dcm", smooth, syntax=uid, coded=[stream])
    assert np.abs(kept(path)[0].astype(int) - smooth).max() <= (0 if kind == "JPEG2000" else 3)


def test_run_length_of_16_bits_is_exact(tmp_path: Path) -> None:
    from pydicom import dcmread
    from pydicom.uid import RLELossless

    path = dicom_file(tmp_path / "a.dcm", RAMP, bits=12)
    dataset = dcmread(path)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path, enforce_file_format=False)
    pixels, extra = kept(path)
    assert np.array_equal(pixels, RAMP * 16) and extra["transfer_syntax"] == "RLE lossless"
