"""The cardiac recipe, slices and frames of volumes, and label maps that are checked against the anatomy."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lab.data.preprocess import Picture, preset
from lab.data.preprocess.label_maps import LABEL_MAPS, LabelMap, convert
from lab.data.preprocess.label_order import check_order, detect_order, examine_order
from lab.data.preprocess.phases import named_phases, phases_by_mask, phases_by_rule
from lab.data.preprocess.steps.cine import CineChoice
from lab.data.preprocess.steps.clip import Clip
from lab.data.preprocess.steps.roi import CropAboutMask
from lab.data.preprocess.steps.scale import Scale
from lab.data.preprocess.steps.spacing import Spacing
from lab.data.preprocess.volumes import Volume, choice_of, choose, find_phases
from lab.errors import InputError, NotFoundError


def heart(
    row: float = 60, column: float = 70, radius: float = 14, shape: tuple[int, int] = (128, 140)
) -> np.ndarray:
    """A ring of wall round a cavity, a crescent beside it; label image in the app's order."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    far = np.hypot(y - row, x - column)
    mask = np.zeros(shape, np.uint8)
    mask[np.hypot((y - row) / 1.1, x - column + 24) < 20] = 1
    mask[far < radius + 8] = 2
    mask[far < radius] = 3
    return mask


def film(mask: np.ndarray, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    grey = np.array([300, 1500, 700, 1600])[mask] + rng.normal(0, 60, mask.shape)
    grey[5, 5] = 40000  # one extreme pixel
    return np.clip(np.rint(grey), 0, 65535).astype(np.uint16)


@pytest.mark.row("CM-02")
def test_recipe_resamples_clips_scales_and_crops_about_the_mask() -> None:
    mask = heart()
    stages = dict(preset("cardiac").recipe.trace(Picture(film(mask), mask, (1.2, 1.8)), 0))
    resampled = stages["Resample to spacing"]
    assert resampled.image.shape == (round(128 * 1.2 / 1.5), round(140 * 1.8 / 1.5))
    assert resampled.spacing_mm == pytest.approx((1.5, 1.5), rel=0.01)
    clipped = stages["Percentile clip"]
    low, high = np.percentile(resampled.image, (1, 99))
    assert clipped.image.min() == pytest.approx(low) and clipped.image.max() == pytest.approx(high)
    scaled = stages["Scale to -1 to 1"].image
    assert scaled.dtype == np.float32 and scaled.min() == -1 and scaled.max() == 1
    cropped = stages["Crop about the mask"]
    assert cropped.image.shape == (128, 128) and cropped.image.min() >= -1 and cropped.image.max() <= 1
    stored = stages["Store as 8 or 16 bits"]
    assert stored.image.dtype == np.uint8 and set(np.unique(stored.mask)) == {0, 1, 2, 3}
    assert stored.image[stored.mask == 3].mean() > stored.image[stored.mask == 2].mean() + 50


@pytest.mark.row("CM-02")
@pytest.mark.parametrize(("row", "column"), [(60, 70), (30, 50), (100, 110), (41, 99)])
@pytest.mark.parametrize("size", [64, 65, 128])
def test_crop_is_centred_within_a_pixel_and_padded_at_the_border(row: int, column: int, size: int) -> None:
    mask = heart(row, column)
    image = film(mask).astype(np.float32)
    done = CropAboutMask(size=size).apply(Picture(image, mask), 0)
    assert done.mask is not None and done.image.shape == (size, size)
    rows, columns = np.nonzero(mask)
    middle = ((rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2)
    # One known pixel tells where the window was cut.
    marked = np.zeros_like(mask)
    marked[row, column] = 1
    where = np.argwhere(
        CropAboutMask(size=size).apply(Picture(image, mask, overlays={"at": marked > 0}), 0).overlays["at"]
    )[0]
    assert abs(where[0] + middle[0] - row - (size - 1) / 2) <= 1
    assert abs(where[1] + middle[1] - column - (size - 1) / 2) <= 1
    outside = (1 - _overlap(image, done.image, row, column, where)) > 0
    assert np.all(done.image[outside] == image.min()) and not done.mask[outside].any()
    assert done.notes["padded_share"] == pytest.approx(outside.mean(), abs=1e-3)


def _overlap(image: np.ndarray, cut: np.ndarray, row: int, column: int, where: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[0 : cut.shape[0], 0 : cut.shape[1]]
    y, x = y + row - where[0], x + column - where[1]
    return ((y >= 0) & (y < image.shape[0]) & (x >= 0) & (x < image.shape[1])).astype(int)


@pytest.mark.row("CM-02")
def test_the_wide_percentiles_keep_more_of_the_bright_end() -> None:
    image = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    usual, wide = Clip(1, 99).apply(Picture(image), 0), Clip(1, 99.9).apply(Picture(image), 0)
    assert usual.image.max() == pytest.approx(9899.01, abs=0.1)
    assert wide.image.max() == pytest.approx(9989, abs=0.1)
    assert usual.notes["clipped_share"] == pytest.approx(0.02, abs=1e-3)


def test_what_is_not_known_is_said_or_refused() -> None:
    mask = heart()
    picture = Picture(film(mask), mask)
    assert "not known" in str(Spacing().apply(picture, 0).notes["resampled"])
    with pytest.raises(InputError, match="not known"):
        Spacing(unknown="refuse").apply(picture, 0)
    with pytest.raises(InputError, match="larger than"):
        Spacing(millimetres=0.1).apply(Picture(film(mask), mask, (9.0, 9.0)), 0)
    bare = Picture(film(mask), np.zeros_like(mask))
    assert "no mask" in str(CropAboutMask().apply(bare, 0).notes["crop_centre"])
    with pytest.raises(InputError, match="no mask"):
        CropAboutMask(unmasked="refuse").apply(bare, 0)
    assert not Scale().apply(Picture(np.full((5, 5), 9, np.uint8)), 0).image.any()
    assert CropAboutMask(size=16).apply(picture, 0).notes["mask_lost_share"] > 0.5


def cine(frames: int = 12, slices: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """A beating heart: (T, Z, H, W) images and masks; fullest at frame 1, emptiest at frame 5."""
    radii = 11 + 5 * np.cos((np.arange(frames) - 1) / frames * 2 * np.pi * 1.5)
    radii[6:] = np.linspace(radii[5] + 1, radii[0], frames - 6)
    masks = np.stack([np.stack([heart(radius=r - abs(z - 2) * 1.5) for z in range(slices)]) for r in radii])
    return np.stack([np.stack([film(m, 1) for m in frame]) for frame in masks]), masks


@pytest.mark.row("CM-01")
def test_the_chosen_slice_is_the_slice_of_the_array() -> None:
    images, masks = cine()
    volume = Volume(images, masks, (1.4, 1.4))
    for frame, slice_ in ((0, 0), (7, 3), (11, 4)):
        (chosen,) = choose(volume, CineChoice("number", slice_, "number", frame))
        assert np.array_equal(chosen.picture.image, images[frame, slice_])
        assert chosen.picture.mask is not None and np.array_equal(chosen.picture.mask, masks[frame, slice_])
        assert chosen.picture.spacing_mm == (1.4, 1.4) and chosen.picture.notes["frame"] == frame
    everything = choose(volume, CineChoice("all", 0, "all", 0))
    assert [(c.frame, c.slice_) for c in everything] == list(itertools.product(range(12), range(5)))
    flat = choose(Volume(images[0]), CineChoice("middle", 0, "ED and ES", 0))
    assert len(flat) == 1 and np.array_equal(flat[0].picture.image, images[0, 2]) and flat[0].phase == ""
    for choice in (CineChoice("number", 5, "all", 0), CineChoice("all", 0, "number", 12)):
        with pytest.raises(InputError, match="from 0 to"):
            choose(volume, choice)


@pytest.mark.row("CM-01")
def test_end_diastole_and_end_systole_by_area_by_name_and_by_rule() -> None:
    images, masks = cine()
    by_mask = phases_by_mask(masks)
    assert (by_mask.ed, by_mask.es) == (1, 5) and "area" in by_mask.rule
    chosen = choose(Volume(images, masks), choice_of(preset("cardiac").recipe))
    assert [(c.frame, c.phase) for c in chosen] == [(1, "ED")] * 5 + [(5, "ES")] * 5
    assert [c.slice_ for c in choose(Volume(images, masks), CineChoice("largest", 0, "ED and ES", 0))] == [
        2,
        2,
    ]
    # Public sets label two frames of a cine only: the empty ones are not end-systole.
    some = np.zeros_like(masks)
    some[[1, 5]] = masks[[1, 5]]
    assert (phases_by_mask(some).ed, phases_by_mask(some).es) == (1, 5)
    named = named_phases(1, 8, frames=12, first=1)
    assert find_phases(Volume(images, masks, phases=named)) == named and (named.ed, named.es) == (0, 7)
    rule = find_phases(Volume(images))
    assert rule.ed == 0 and abs(rule.es - 5) <= 1 and "rule" not in rule.name(0) and "No masks" in rule.rule
    assert phases_by_rule(images[:1]).name(0) == ""
    for ed, es in ((0, 3), (3, 13), (4, 4)):
        with pytest.raises(InputError, match="do not lie among"):
            named_phases(ed, es, frames=12, first=1)
    with pytest.raises(InputError, match="no mask"):
        choose(Volume(images), CineChoice("largest", 0, "ED", 0))
    with pytest.raises(InputError, match="left ventricle"):
        phases_by_mask(np.ones_like(masks))


@pytest.mark.row("CM-01")
def test_the_rule_without_masks_finds_end_systole_of_phantom_hearts() -> None:
    try:
        phantom = importlib.import_module("lab.data.phantom_heart")
    except ImportError:
        pytest.skip("the phantom heart is not part of this checkout")
    for patient in range(2):
        images, masks = phantom.render_cine(3, patient, 3, frames=25)
        truth, guess = phases_by_mask(masks[:, None]), phases_by_rule(images[:, None])
        assert abs(truth.es - guess.es) <= 2 and min(truth.ed, 25 - truth.ed) <= 1


def test_signed_volumes_keep_their_numbers() -> None:
    signed = np.arange(-60, 60, dtype=np.int16).reshape(2, 6, 10)
    (chosen,) = choose(Volume(signed), CineChoice("number", 1, "number", 0))
    assert chosen.picture.image.dtype == np.float32 and np.array_equal(chosen.picture.image, signed[1])


@pytest.mark.row("CM-01")
def test_real_nifti_volumes_give_their_slices(test_data: Path) -> None:
    import nibabel

    folder = test_data / "cmr_nifti"
    if not folder.is_dir():
        pytest.skip("cmr_nifti is not among the test sets")
    # NIfTI is (x, y, slice); pictures are (row, column).
    image, mask = (
        np.moveaxis(
            np.asarray(nibabel.load(folder / part / "patient001_frame01.nii.gz").dataobj),
            (2, 1, 0),
            (0, 1, 2),
        )
        for part in ("images", "masks")
    )
    (chosen,) = choose(Volume(image, mask), CineChoice("largest", 0, "ED", 0))
    assert np.array_equal(chosen.picture.image, image[chosen.slice_].astype(np.float32))
    assert examine_order(list(mask)).maps[0] == "app"


def real_masks(folder: Path) -> dict[str, list[np.ndarray]]:
    by_patient: dict[str, list[np.ndarray]] = {}
    for file in sorted(folder.glob("*.png")):
        by_patient.setdefault(file.name.split("_")[0][:11], []).append(np.asarray(Image.open(file)))
    if not by_patient:
        pytest.skip("the cardiac test sets are absent")
    return by_patient


@pytest.mark.row("CM-03")
def test_round_trips_of_label_maps_are_the_identity() -> None:
    mask = heart()
    for first, second in itertools.product(LABEL_MAPS.names(), repeat=2):
        there = convert(mask, first, second)
        assert np.array_equal(convert(there, second, first), mask)
    swapped = convert(mask, "acdc", "mms")
    assert np.array_equal(swapped == 1, mask == 3) and np.array_equal(swapped == 3, mask == 1)
    assert np.array_equal(swapped == 2, mask == 2)
    own = LabelMap("mine", "Mine", rv=50, myocardium=100, lv=200)
    assert np.array_equal(convert(convert(mask, "app", own), own, "app"), mask)
    with pytest.raises(InputError, match="does not have"):
        convert(np.array([[4]]), "acdc")
    with pytest.raises(InputError, match="not labels"):
        convert(np.array([[0.5]]), "acdc")
    with pytest.raises(NotFoundError, match="mms"):
        convert(mask, "unknown")
    with pytest.raises(InputError, match="three different"):
        LabelMap("bad", "Bad", 1, 1, 2)


@pytest.mark.row("CM-03")
def test_every_wrong_order_of_real_masks_is_detected_and_refused(test_data: Path) -> None:
    masks = [m for own in real_masks(test_data / "cmr_acdc" / "masks").values() for m in own][::4]
    for order in itertools.permutations((1, 2, 3)):
        table = np.array([0, *order], np.uint8)
        found = examine_order([table[m] for m in masks])
        assert found.confident and found.agreement > 0.95
        assert found.assignment == {"rv": order[0], "myocardium": order[1], "lv": order[2]}
        if order == (1, 2, 3):
            assert detect_order([table[m] for m in masks]) == "app"
            assert check_order([table[m] for m in masks], "acdc").confident
        else:
            with pytest.raises(InputError, match="not in the order of ACDC"):
                check_order([table[m] for m in masks], "acdc")
    swapped = [convert(m, "acdc", "mms") for m in masks]
    assert detect_order(swapped) == "mms"
    with pytest.raises(InputError, match="choose the label map of M&Ms"):
        check_order(swapped, "app")


@pytest.mark.row("CM-03")
def test_single_patients_and_sets_without_right_ventricle_are_told_too(test_data: Path) -> None:
    patients = real_masks(test_data / "cmr_acdc" / "masks")
    assert len(patients) == 75
    for own in patients.values():
        assert detect_order(own) == "app"
        assert detect_order([convert(m, "app", "mms") for m in own]) == "mms"
    half = [m for own in real_masks(test_data / "cmr_sunnybrook" / "masks").values() for m in own]
    found = examine_order(half)
    assert found.confident and found.assignment == {"lv": 3, "myocardium": 2} and found.maps[0] == "app"
    with pytest.raises(InputError, match="not in the order"):
        check_order(half, "mms")


@pytest.mark.row("CM-03")
def test_masks_that_do_not_decide_are_not_guessed() -> None:
    halves = np.zeros((40, 40), np.uint8)
    halves[10:30, 5:20], halves[10:30, 20:35] = 1, 2
    assert not examine_order([halves]).confident
    with pytest.raises(InputError, match="by hand"):
        detect_order([halves])
    assert not check_order([halves], "acdc").confident
    assert not examine_order([np.zeros((9, 9), np.uint8)]).confident
    with pytest.raises(InputError, match="4 labels"):
        examine_order([np.arange(25, dtype=np.uint8).reshape(5, 5) % 5])
    # A ring that is right in every slice, but holds a piece of the right ventricle: the volume check objects.
    mixed = heart()
    mixed[mixed == 1] = 0
    mixed[56:64, 66:74] = 1
    assert not examine_order([mixed]).confident
