"""Two sets that went through different pipelines are told apart; two halves of one set are not."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from lab.data.preprocess.fingerprint import SetFingerprint, compare, set_fingerprint
from lab.data.preprocess.fingerprint_figures import blocking, fingerprint
from lab.errors import NotComputable

Films = list[tuple[np.ndarray, str]]


def real(test_data: Path, name: str, most: int = 240) -> Films:
    """Grey pictures and patient ids, evenly spread over a real set."""
    table = test_data / name / "metadata.csv"
    if not table.is_file():
        pytest.skip(f"{name} is not among the test sets")
    with table.open() as stream:
        rows = list(csv.DictReader(stream))
    rows = rows[:: max(1, len(rows) // most)]
    return [
        (np.asarray(Image.open(table.parent / row["image"]).convert("L")), row["patient_id"]) for row in rows
    ]


def resized(image: np.ndarray, height: int, how: str) -> np.ndarray:
    size = (round(image.shape[1] * height / image.shape[0]), height)
    if how == "bilinear without anti-aliasing":
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling[how.upper()]))


def jpeg(image: np.ndarray, quality: int = 75) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def described(name: str, films: Films, file_format: str = "") -> SetFingerprint:
    return set_fingerprint(name, [(image, group, file_format) for image, group in films])


def halves(films: Films, seed: int = 0) -> tuple[Films, Films]:
    """Two halves without a patient in common."""
    groups = sorted({group for _, group in films})
    first = {groups[n] for n in np.random.default_rng(seed).permutation(len(groups))[: len(groups) // 2]}
    return [f for f in films if f[1] in first], [f for f in films if f[1] not in first]


SETS = pytest.mark.parametrize("name", ["cxr_kermany", "derm_ham", "cmr_acdc", "cxr_covid"])


@pytest.mark.fault(35)
@SETS
def test_jpeg_against_png_of_the_same_pictures_is_told(test_data: Path, name: str) -> None:
    # Shrunk first, for three of these sets came as JPEG and still show its squares.
    films = [(resized(image, 131, "lanczos"), group) for image, group in real(test_data, name)]
    coded = [(jpeg(image), group) for image, group in films]
    found = compare(described("the real pictures", films, "png"), described("the samples", coded, "jpeg"))
    assert found.blocking > 0.9
    assert any("The samples show the 8 x 8 squares of JPEG" in text for text in found.warnings)
    assert any("100% of the samples" in text or "of the samples" in text for text in found.warnings)
    first, second = halves(films)
    other = compare(described("a", first), described("b", [(jpeg(image), group) for image, group in second]))
    assert other.blocking > 0.9 and other.warnings  # and of different patients' pictures


@pytest.mark.fault(35)
@SETS
@pytest.mark.parametrize("against", ["box", "lanczos"])
def test_resizing_without_anti_aliasing_is_told_from_box_and_lanczos(
    test_data: Path, name: str, against: str
) -> None:
    # To about a third: at exactly a half, bilinear without anti-aliasing and box are the same kernel.
    first, second = halves(real(test_data, name))
    rough = [(resized(image, 72, "bilinear without anti-aliasing"), group) for image, group in first]
    smooth = [(resized(image, 72, against), group) for image, group in second]
    found = compare(described("the real pictures", rough), described("the samples", smooth))
    assert found.falloff >= 0.88
    assert len(found.warnings) == 1 and "different kernels" in found.warnings[0]
    assert found.warnings[0].startswith("The real pictures and the samples differ")


@pytest.mark.fault(35)
@SETS
def test_halves_of_one_set_give_no_false_alarm(test_data: Path, name: str) -> None:
    films = real(test_data, name)
    figures = described("all", films, "png").figures
    place = {id(film): n for n, film in enumerate(films)}
    alarms, highest = 0, 0.0
    for seed in range(30):
        parts = [
            SetFingerprint(
                "half", figures[[place[id(f)] for f in part]], tuple(f[1] for f in part), ("png",) * len(part)
            )
            for part in halves(films, seed)
        ]
        found = compare(parts[0], parts[1], seed)
        alarms += bool(found.warnings)
        highest = max(highest, found.falloff)
    assert alarms == 0 and highest < 0.8


@pytest.mark.fault(35)
def test_file_formats_are_compared_where_they_are_known() -> None:
    rng = np.random.default_rng(0)
    films = [(rng.integers(0, 255, (40, 40)).astype(np.uint8), f"p{n}") for n in range(40)]
    first, second = (
        described("the real films", films[:20], "jpg"),
        described("the samples", films[20:], "png"),
    )
    assert compare(first, second).warnings == (
        "100% of the real films came as JPEG files and 0% of the samples: part of any distance between them may be "
        "the file format.",
    )
    assert not compare(first, described("the samples", films[20:], "jpeg")).warnings
    assert not compare(first, described("the samples", films[20:], "")).warnings


def test_small_sets_are_not_judged_and_the_limit_rises_for_few() -> None:
    rng = np.random.default_rng(1)
    films = [(rng.integers(0, 255, (40, 40)).astype(np.uint8), f"p{n}") for n in range(60)]
    with pytest.raises(NotComputable, match="from 20 pictures"):
        compare(described("a", films[:19]), described("b", films[30:]))
    assert compare(described("a", films[:20]), described("b", films[30:50])).limit > 0.85
    assert described("tiny", [(np.zeros((20, 20), np.uint8), "p")]).figures.shape == (0, 9)


def test_figures_do_not_depend_on_depth_or_contrast() -> None:
    image = np.random.default_rng(2).integers(40, 200, (64, 80)).astype(np.uint8)
    deep = fingerprint(image.astype(np.uint16) * 257)
    assert fingerprint(image) == pytest.approx(deep, abs=1e-6)
    assert fingerprint(np.stack([image] * 3, axis=2)) == pytest.approx(deep, abs=1e-6)
    assert np.isfinite(fingerprint(np.full((40, 40), 7, np.uint8))).all()
    soft = cv2.GaussianBlur(image, (9, 9), 2)
    assert abs(blocking(soft.astype(float))) < 0.15 < blocking(jpeg(soft, 40).astype(float))


def test_of_large_pictures_the_middle_is_read_on_the_same_grid() -> None:
    soft = cv2.GaussianBlur(
        np.random.default_rng(3).integers(0, 255, (1500, 1100)).astype(np.uint8), (9, 9), 2
    )
    coded = jpeg(soft, 40)
    assert fingerprint(coded)[0] == pytest.approx(blocking(coded.astype(float)), abs=0.1)
    assert fingerprint(coded)[0] > fingerprint(soft)[0] + 0.2
