"""Colour and texture descriptors: every part as scikit-image computes it, and colour that is really seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lab.features.agreement import agreement
from lab.features.extractors import get_extractor
from lab.features.families import descriptors


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(0).random((64, 70, 3)), (2, 2, 0))
    return ((noise - noise.min()) / np.ptp(noise) * 255).astype(np.uint8)


def test_lab_colours_are_those_of_scikit_image(picture) -> None:
    reference = pytest.importorskip("skimage.color").rgb2lab(picture)
    np.testing.assert_allclose(descriptors.lab_colours(picture / 255.0), reference, atol=1e-9)


@pytest.mark.parametrize("radius", descriptors.RADII)
def test_binary_patterns_are_those_of_scikit_image(picture, radius: int) -> None:
    reference = pytest.importorskip("skimage.feature").local_binary_pattern
    expected = reference(picture[:, :, 0], 8, radius, method="uniform")
    assert (descriptors.binary_patterns(picture[:, :, 0], radius) != expected).mean() < 0.001


@pytest.mark.parametrize("distance", descriptors.DISTANCES)
def test_cooccurrence_and_its_figures_are_those_of_scikit_image(picture, distance: int) -> None:
    feature = pytest.importorskip("skimage.feature")
    coarse = picture[:, :, 1] // 16
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    matrices = feature.graycomatrix(coarse, [distance], angles, levels=16, symmetric=True, normed=True)
    names = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation")
    for direction in range(4):
        ours = descriptors.cooccurrence(coarse, *descriptors.offset(distance, direction))
        np.testing.assert_allclose(ours, matrices[:, :, 0, direction], atol=1e-12)
        expected = [feature.graycoprops(matrices, name)[0, direction] for name in names]
        np.testing.assert_allclose(descriptors.texture(ours), expected, atol=1e-9)


def test_vectors_are_unit_and_flat_pictures_are_not_an_accident(picture) -> None:
    found = get_extractor("colour-texture").embed(
        [picture, np.full((40, 40, 3), 128, np.uint8), picture[:, :, 0]]
    )
    assert found.shape == (3, descriptors.DIMENSION) and np.isfinite(found).all()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)


def test_a_colour_cast_is_seen_where_luma_is_the_same(picture) -> None:
    """Lesions that differ in hue alone: the descriptors tell them apart, grey levels do not."""
    luma = np.array([0.299, 0.587, 0.114])
    shift = np.array([40.0, 0.0, 0.0]) - 40.0 * luma[0]
    calm = picture.astype(float) * 0.4 + 80.0
    red = np.clip(calm + shift, 0, 255)
    moved = np.roll(calm, 5, axis=1)
    rows = get_extractor("colour-texture").embed([np.rint(p).astype(np.uint8) for p in (calm, red, moved)])
    assert rows[0] @ rows[1] < rows[0] @ rows[2] - 0.1


@pytest.mark.row("X-01")
def test_the_two_spaces_for_colour_images_differ_and_their_agreement_is_a_number() -> None:
    rng = np.random.default_rng(5)
    pictures = [
        gaussian_filter(rng.random((32, 32, 3)) * rng.random(3) * 255, (2, 2, 0)).astype(np.uint8)
        for _ in range(24)
    ]
    spaces = [get_extractor(name).embed(pictures) for name in ("efficientnet-lite0", "colour-texture")]
    found = agreement(*spaces, k=3)
    assert -1 < found.spearman < 0.95 and 0 <= found.overlap <= 1
