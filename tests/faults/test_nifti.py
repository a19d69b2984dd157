"""NIfTI files nobody vouches for: the header decides what is inflated, and a bad one refuses the file."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from lab.data.images import ImageLimits, limits_from_settings
from lab.data.importing.importer import add_folder
from lab.data.intake.header_scan import scan_headers
from lab.data.readers.nifti import read
from lab.errors import ImageError
from tests.builders.heart_layouts import cine, save


def _with_header(path: Path, **fields: object) -> Path:
    """A small volume whose header says something else."""
    import nibabel as nib

    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape((4, 4, 2))
    header["vox_offset"], header["magic"] = 352, b"n+1"
    for name, value in fields.items():
        header[name] = value
    data = header.binaryblock + b"\0" * 4 + bytes(64)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def _refusal(path: Path) -> str:
    tracemalloc.start()
    with pytest.raises(ImageError) as caught:
        read(path, {"slice": 0}, limits_from_settings())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000 and path.name not in str(caught.value) and str(caught.value).count(";") >= 2
    return str(caught.value)


@pytest.mark.fault(16)
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(
    ("dim", "words"),
    [
        ([3, -4, 4, 2, 1, 1, 1, 1], "negative"),
        ([3, 0, 4, 2, 1, 1, 1, 1], "zero"),
        ([-1, 4, 4, 2, 1, 1, 1, 1], "zero or negative"),
        ([9, 4, 4, 2, 1, 1, 1, 1], "zero or negative"),
        ([4, 32767, 32767, 32767, 100, 1, 1, 1], "above the limit"),
        ([4, 16000, 4000, 4000, 1, 1, 1, 1], "above the limit"),
        ([5, 4, 4, 2, 1, 3, 1, 1], "four dimensions"),
        ([3, 400, 400, 200, 1, 1, 1, 1], "declares"),
    ],
)
def test_dimensions_that_cannot_be(name: str, dim: list[int], words: str, tmp_path: Path) -> None:
    sentence = _refusal(_with_header(tmp_path / name, dim=dim))
    assert words in sentence


@pytest.mark.fault(16)
def test_voxels_that_are_no_numbers(tmp_path: Path) -> None:
    holes = np.ones((8, 8, 2), np.float32)
    holes[:, :, 0] = np.nan
    assert "no numbers" in _refusal(save(tmp_path / "a.nii.gz", holes))
    holes[4:] = np.inf
    assert "no numbers" in _refusal(save(tmp_path / "b.nii.gz", holes))


@pytest.mark.fault(16)
def test_a_gzip_bomb_inflates_no_more_than_its_header_declares(tmp_path: Path) -> None:
    plain = _with_header(tmp_path / "small.nii").read_bytes()
    bomb = tmp_path / "bomb.nii.gz"
    with gzip.open(bomb, "wb") as stream:
        stream.write(plain)
        for _ in range(1024):
            stream.write(bytes(1 << 20))  # 1 GiB of zeros behind 64 bytes of voxels
    assert bomb.stat().st_size < 2_000_000
    tracemalloc.start()
    found = read(bomb, {"slice": 1}, limits_from_settings())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.array.shape == (4, 4) and peak < 8_000_000


@pytest.mark.fault(1, 3, 16)
def test_files_that_are_empty_cut_off_other_or_too_large(tmp_path: Path) -> None:
    whole = save(
        tmp_path / "whole.nii.gz", np.random.default_rng(0).integers(0, 99, (30, 30, 5), dtype=np.int16)
    )
    data = whole.read_bytes()
    path = tmp_path / "x.nii.gz"
    for content in (
        b"",
        data[:40],
        data[: len(data) // 2],
        data[:-200],
        gzip.compress(b"text" * 200),
        b"\x1f\x8bxx",
    ):
        path.write_bytes(content)
        _refusal(path)
    path.write_bytes(b"name,finding\n" * 60)
    assert "not NIfTI" in _refusal(path)
    with pytest.raises(ImageError, match="larger than"):
        read(whole, {}, ImageLimits(1000, 100))
    with pytest.raises(ImageError, match="above the limit"):
        read(whole, {}, ImageLimits(100, 1 << 20))
    for bad in ({"slice": 5}, {"frame": 1}, {"axis": 3}, {"slice": -1}):
        with pytest.raises(ImageError, match="slice or frame"):
            read(whole, bad, limits_from_settings())


@pytest.mark.fault(16)
def test_colours_and_complex_numbers_are_refused(tmp_path: Path) -> None:
    assert "complex" in _refusal(save(tmp_path / "c.nii", np.ones((4, 4, 2), np.complex64)))
    assert "beyond" in _refusal(_with_header(tmp_path / "s.nii", scl_slope=1e38, scl_inter=1e38))
    assert "unknown kind" in _refusal(_with_header(tmp_path / "u.nii", datatype=77))


@pytest.mark.fault(10)
def test_a_header_s_free_text_and_a_file_s_name_are_stored_nowhere(workspace: Path, tmp_path: Path) -> None:
    image, labels = cine(1)
    save(tmp_path / "set" / "quillfeather.nii.gz", image[..., 0])
    save(tmp_path / "set" / "quillfeather_gt.nii.gz", labels[..., 0])
    report = add_folder(tmp_path / "set", "one", licence="CC0")
    assert report.kept == 3
    text = report.dataset.manifest.to_csv() + "".join(
        str(path) + path.read_bytes().decode("latin-1") for path in workspace.rglob("*") if path.is_file()
    )
    assert "quillfeather" not in text and "Zyxwvutson" not in text


@pytest.mark.fault(16)
def test_a_volume_that_takes_too_much_memory_or_time_is_refused_alone(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nibabel as nib

    header = nib.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape((1000, 1000, 900))
    header["vox_offset"], header["magic"] = 352, b"n+1"
    large = tmp_path / "large.nii.gz"
    with gzip.open(large, "wb", compresslevel=1) as stream:
        stream.write(header.binaryblock + b"\0" * 4)
        for _ in range(900):
            stream.write(bytes(1_000_000))
    good = save(tmp_path / "good.nii.gz", cine(1)[1][..., 0])
    monkeypatch.setenv("LAB_DECODE_MEMORY_MB", "400")
    answers = scan_headers("labels", [good, large, good])
    assert ["error" in answer for answer in answers] == [False, True, False] and "memory" in answers[1][
        "error"
    ]
    monkeypatch.setenv("LAB_DECODE_MEMORY_MB", "4000")
    monkeypatch.setenv("LAB_DECODE_SECONDS", "0.4")
    answers = scan_headers("labels", [good, large, good])
    assert ["error" in answer for answer in answers] == [False, True, False] and "time" in answers[1]["error"]
