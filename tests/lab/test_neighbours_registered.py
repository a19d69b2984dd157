"""Detector (a): registered correlation finds moved copies, against an independent warp."""

from __future__ import annotations

import numpy as np
import pytest

from lab.neighbours import registered
from lab.neighbours.contrast import FLOOR, REACH, local_contrast
from lab.neighbours.lowres import SIDE, LowResolution
from lab.neighbours.registered import RegisteredIndex, Variant, variants, windows
from tests.builders.memory_set import blobs


@pytest.fixture(scope="module")
def films() -> list[np.ndarray]:
    return blobs(4, 40, side=96)


@pytest.fixture(scope="module")
def index(films) -> RegisteredIndex:
    return RegisteredIndex(LowResolution().embed(films))


def _moved(
    film: np.ndarray, scale: float, degrees: float, shift: tuple[float, float], flip: bool
) -> np.ndarray:
    """`film` scaled, rotated about its centre, shifted (pixels down, right), mirrored: by SciPy, not by our table."""
    from scipy.ndimage import affine_transform

    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / scale
    centre = (np.array(film.shape) - 1) / 2
    moved = affine_transform(
        film.astype(float), matrix, centre - matrix @ (centre + shift), order=1, mode="nearest"
    )
    return (moved[:, ::-1] if flip else moved).round().astype(np.uint8).copy()


def test_variants_are_those_of_the_design() -> None:
    assert len(variants()) == 2 * 3 * 3 * 25 == len(set(variants()))
    assert {variant.scale for variant in variants()} == {0.92, 1.0, 1.08}
    assert {variant.angle for variant in variants()} == {-3.0, 0.0, 3.0}
    assert Variant(False, 1.0, 0.0, (0, 0)).words() == "as is"
    assert Variant(True, 1.08, -3.0, (1, 0)).words() == "flipped, scale 1.08, -3 degrees, shift 1 0"


@pytest.mark.parametrize("scale", [0.95, 1.0, 1.06])
@pytest.mark.parametrize("degrees", [-3.5, 0.0, 2.0])
@pytest.mark.parametrize("flip", [False, True])
def test_a_moved_film_is_found_first(films, index, scale, degrees, flip) -> None:
    moved = [_moved(film, scale, degrees, (2.0, -3.0), flip) for film in films[:8]]
    near, _ = index.distances(LowResolution().embed(moved))
    assert near.argmin(axis=1).tolist() == list(range(8))
    # These films are smooth: interpolating their faint noise is most of what is left after the best variant.
    assert np.median(near.min(axis=1)) < 0.03
    assert np.sort(near, axis=1)[:, 1].min() > 8 * near.min(axis=1).max()


@pytest.mark.parametrize(
    ("variant", "degrees", "scale", "shift", "flip"),
    [
        ("as is", 0, 1.0, (0, 0), False),
        ("flipped", 0, 1.0, (0, 0), True),
        ("scale 0.92", 0, 1 / 0.92, (0, 0), False),
        ("shift 1 0", 0, 1.0, (0, 2), False),
        ("shift 0 -2", 0, 1.0, (-4, 0), False),
    ],
)
def test_the_variant_says_what_undoes_the_move(films, index, variant, degrees, scale, shift, flip) -> None:
    moved = _moved(films[3], scale, degrees, shift, flip)
    near, best = index.distances(LowResolution().embed([moved]))
    assert near[0].argmin() == 3
    assert variants()[best[0, 3]].words() == variant


def test_rotations_are_undone_by_the_opposite_angle(films, index) -> None:
    found = []
    for degrees in (-3.0, 3.0):
        _, best = index.distances(LowResolution().embed([_moved(films[3], 1.0, degrees, (0, 0), False)]))
        found.append(variants()[best[0, 3]].angle)
    assert sorted(found) == [-3.0, 3.0]


def test_local_contrast_is_what_it_says_and_does_not_see_another_window(films) -> None:
    from scipy.ndimage import gaussian_filter

    low = LowResolution().embed(films[:5])
    fine = [image - gaussian_filter(image, REACH, mode="nearest") for image in low.reshape(-1, SIDE, SIDE)]
    for row, mine in zip(fine, local_contrast(low), strict=True):
        spread = np.sqrt(gaussian_filter(row**2, REACH, mode="nearest")) + FLOOR * np.sqrt((row**2).mean())
        assert np.corrcoef((row / spread).ravel(), mine)[0, 1] == pytest.approx(1, abs=1e-5)
        assert abs(mine.mean()) < 1e-6 and np.linalg.norm(mine) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(local_contrast(0.4 * low), local_contrast(low), atol=1e-5)
    assert not local_contrast(np.zeros((1, SIDE * SIDE), np.float32)).any()
    assert local_contrast(low[:0]).shape == (0, SIDE * SIDE)


def test_as_is_equals_plain_correlation(films, index) -> None:
    """With only the unmoved variant, 1 - distance is Pearson's correlation of the local contrast in the windows."""
    low = LowResolution().embed(films)
    raw, low = low, local_contrast(low)
    edge = (SIDE - registered.WINDOW) // 2
    cut = low.reshape(-1, SIDE, SIDE)[:, edge:-edge, edge:-edge].reshape(len(films), -1)
    expected = np.corrcoef(cut)
    place = next(i for i, variant in enumerate(variants()) if variant.words() == "as is")
    import torch

    rows = (
        registered.query_windows(torch.from_numpy(low[:3])).reshape(3, len(variants()), -1)[:, place].numpy()
    )
    np.testing.assert_allclose(rows @ windows(low).T, expected[:3], atol=1e-5)
    near, _ = index.distances(raw[:3])
    assert (1 - near >= expected[:3] - 1e-5).all()


def test_a_flat_image_is_at_distance_one(index) -> None:
    flat = [np.full((50, 60), 128, np.uint8), np.zeros((48, 48), np.uint8)]
    low = LowResolution().embed(flat)
    assert not low.any()
    near, _ = index.distances(low)
    assert (near == 1.0).all()


def test_a_choice_of_rows_gives_the_same_distances(films, index) -> None:
    low = LowResolution().embed(films[:5])
    whole, _ = index.distances(low)
    rows = np.array([3, 17, 39])
    part, _ = index.distances(low, rows)
    np.testing.assert_allclose(part, whole[:, rows], atol=1e-6)
    assert index.distances(low[:0])[0].shape == (0, 40)


def test_low_resolution_rows_are_normalised_for_any_picture() -> None:
    rng = np.random.default_rng(0)
    pictures = [
        rng.integers(0, 256, (40, 70), dtype=np.uint8),
        rng.integers(0, 4096, (128, 96), dtype=np.uint16),
        rng.integers(0, 256, (50, 50, 3), dtype=np.uint8),
    ]
    low = LowResolution().embed(pictures)
    assert low.shape == (3, SIDE * SIDE) and low.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(low, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(low.mean(axis=1), 0.0, atol=1e-6)
