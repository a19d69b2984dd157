"""Radiographs: depth, squares and the inversion check; whole sets that are inverted or mix grey with colour."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lab.data.phantoms import make_dataset_folder
from lab.data.preprocess import Picture, preset
from lab.data.preprocess.polarity import PolarityFinding, examine_polarity
from lab.data.preprocess.steps.depth import Depth
from lab.data.preprocess.steps.grey import Grey
from lab.data.preprocess.steps.inversion import InversionCheck
from lab.data.preprocess.steps.square import Square
from lab.errors import InputError

CHEST = "chest radiograph"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """24 phantom chest films, uint8 (H, W)."""
    folder = make_dataset_folder(
        tmp_path_factory.mktemp("films"), patients=12, films_per_patient=2, processes=1
    )
    return [np.asarray(Image.open(file)) for file in sorted((folder / "images").rglob("*.png"))]


def inverted_ids(findings: Iterable[PolarityFinding]) -> set[str]:
    return {name for finding in findings if finding.kind.startswith("inverted") for name in finding.ids}


def named(images: list[np.ndarray], turned: set[int] = frozenset()) -> list[tuple[str, np.ndarray]]:  # type: ignore[assignment]
    return [(f"film {n}", 255 - image if n in turned else image) for n, image in enumerate(images)]


@pytest.mark.row("C4")
def test_recipe_states_depth_pads_to_a_square_and_keeps_16_bits() -> None:
    image = (np.random.default_rng(0).random((300, 200)) * 4095).astype(np.uint16)
    done = preset("radiograph").recipe.run(Picture(image), 0)
    assert done.image.shape == (512, 512) and done.image.dtype == np.uint16
    assert done.notes["depth"] == "16 bits stored, 12 used"
    assert done.notes["padded_share"] == pytest.approx(1 / 3, abs=1e-3) and done.notes["stretched"] == 0
    assert not done.image[:, :60].any() and done.image[:, 256].mean() > 1000


def test_depth_changes_only_by_a_named_window() -> None:
    image = np.array([[100, 2000, 4095]], np.uint16)
    used = Depth(bits="8", window="used").apply(Picture(image), 0)
    whole = Depth(bits="8", window="whole").apply(Picture(image), 0)
    assert used.image.tolist() == [[0, 121, 255]] and "100 to 4095 mapped to 8 bits" in str(
        used.notes["depth"]
    )
    assert whole.image.tolist() == [[0, 8, 16]] and used.image.dtype == np.uint8
    assert Depth("keep").apply(Picture(image), 0).image is image
    assert Depth("16", "whole").apply(Picture(np.array([[0, 255]], np.uint8)), 0).image.tolist() == [
        [0, 65535]
    ]
    assert Depth("8", "used").apply(Picture(np.full((3, 3), 700, np.uint16)), 0).image.max() == 0
    with pytest.raises(InputError, match="floats"):
        Depth().apply(Picture(np.zeros((2, 2), np.float32)), 0)


def test_square_crops_or_pads_about_the_centre() -> None:
    image = np.arange(5 * 9, dtype=np.uint8).reshape(5, 9)
    crop = Square("crop").apply(Picture(image), 0)
    assert np.array_equal(crop.image, image[:, 2:7]) and crop.notes["cropped_share"] == pytest.approx(
        4 / 9, abs=1e-4
    )
    pad = Square("pad", "zero").apply(Picture(image, image.copy()), 0)
    assert pad.image.shape == (9, 9) and np.array_equal(pad.image[2:7], image) and not pad.image[:2].any()
    assert pad.mask is not None and np.array_equal(pad.mask, pad.image)


@pytest.mark.fault(36)
def test_one_film_is_flagged_and_left_alone_until_confirmed(films: list[np.ndarray]) -> None:
    for image in films:
        assert InversionCheck().apply(Picture(image), 0).notes["looks_inverted"] is False
        negative = Picture(255 - image)
        flagged = InversionCheck().apply(negative, 0)
        assert flagged.notes["looks_inverted"] is True and flagged.notes["inverted"] is False
        assert np.array_equal(flagged.image, negative.image)
        confirmed = InversionCheck(confirmed=True).apply(negative, 0)
        assert np.array_equal(confirmed.image, image) and confirmed.notes["inverted"] is True
    deep = films[0].astype(np.uint16) * 16
    turned = InversionCheck(confirmed=True).apply(Picture(4095 - deep), 0)
    assert np.array_equal(turned.image, deep)
    stages = preset("radiograph").recipe.trace(Picture(255 - films[0]), 0)
    assert [p.notes["inverted"] for title, p in stages if title == "Inversion check"] == [False]


@pytest.mark.fault(36)
@pytest.mark.parametrize("turned", [1, 6, 11, 13, 20, 24])
def test_inverted_films_of_a_set_are_flagged_whatever_their_share(
    films: list[np.ndarray], turned: int
) -> None:
    assert not examine_polarity(named(films), CHEST).findings
    chosen = set(np.random.default_rng(turned).permutation(len(films))[:turned].tolist())
    found = examine_polarity(named(films, chosen), CHEST)
    assert inverted_ids(found.findings) == {f"film {n}" for n in chosen}
    (finding,) = found.findings
    assert "confirm" in finding.sentence and finding.kind == (
        "inverted set" if turned > 21 else "inverted pictures"
    )


@pytest.mark.fault(36)
def test_without_a_convention_the_smaller_group_is_asked_about(films: list[np.ndarray]) -> None:
    found = examine_polarity(named(films, {2, 5}), "")
    assert inverted_ids(found.findings) == {"film 2", "film 5"}
    noise = np.random.default_rng(0).integers(0, 255, (30, 40, 40)).astype(np.uint8)
    assert not examine_polarity(named(list(noise)), "").findings  # nothing in common, nothing to measure by


@pytest.mark.fault(36)
def test_grey_among_colour_is_asked_about(films: list[np.ndarray]) -> None:
    grey = [np.repeat(image[..., None], 3, axis=2) for image in films]
    (finding,) = examine_polarity(named(grey), CHEST).findings
    assert finding.kind == "grey stored as colour" and len(finding.ids) == 24
    tinted = [image.copy() for image in grey]
    tinted[3][..., 2] //= 2
    (finding,) = examine_polarity(named(tinted), CHEST).findings
    assert finding.kind == "mixed colour" and finding.ids == ("film 3",) and "Confirm" in finding.sentence
    assert np.array_equal(Grey().apply(Picture(grey[0]), 0).image, films[0])
    kept = Grey().apply(Picture(tinted[3]), 0)
    assert kept.image.ndim == 3 and "kept" in str(kept.notes["colour"])
    assert Grey("always").apply(Picture(tinted[3]), 0).image.ndim == 2
    with pytest.raises(InputError, match="no picture"):
        examine_polarity([], CHEST)


@pytest.mark.fault(36)
@pytest.mark.parametrize(
    ("name", "modality", "missed", "false_alarms"),
    [
        ("cxr_kermany", CHEST, 0.01, 0.005),
        ("cxr_nih64", CHEST, 0.02, 0.005),
        ("cxr_covid", CHEST, 0.10, 0.03),
        ("cmr_acdc", "cardiac MRI", 0.15, 0.05),
        ("cmr_sunnybrook", "cardiac MRI", 0.05, 0.02),
        ("derm_ham", "dermoscopy", 0.08, 0.015),
    ],
)
def test_real_sets_hold_their_convention(
    test_data: Path, name: str, modality: str, missed: float, false_alarms: float
) -> None:
    files = sorted((test_data / name / "images").iterdir())[::3] if (test_data / name).is_dir() else []
    if not files:
        pytest.skip(f"{name} is not among the test sets")
    images = [np.asarray(Image.open(file)) for file in files]
    plain = inverted_ids(examine_polarity(named(images), modality).findings)
    assert len(plain) <= false_alarms * len(images)
    for share in (0.1, 0.5, 0.8, 1.0):
        order = np.random.default_rng(int(share * 10)).permutation(len(images))
        turned = set(order[: round(share * len(images))].tolist())
        found = inverted_ids(examine_polarity(named(images, turned), modality).findings)
        truth = {f"film {n}" for n in turned}
        assert len(truth - found) <= missed * len(truth) + 1
        assert len(found - truth) <= false_alarms * len(images) + 1
