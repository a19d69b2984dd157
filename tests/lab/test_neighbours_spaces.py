"""Several spaces side by side, structural likeness and the difference film, against reference implementations."""

from __future__ import annotations

import numpy as np
import pytest

from lab.features.store import FeatureStore
from lab.neighbours import candidates
from lab.neighbours.difference import best_variant, registered_difference
from lab.neighbours.reference import ReferenceSet, new_queries, prepare, reference_set
from lab.neighbours.spaces import Space, agreements, feature_space, notable, pixel_spaces
from lab.neighbours.structural import SIGMA, ssim
from tests.builders.memory_set import CoarsePixels, MemorySet, blobs


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> ReferenceSet:
    films = MemorySet("s:train", blobs(21, 90))
    store, extractor = FeatureStore(tmp_path_factory.mktemp("spaces")), CoarsePixels()
    list(prepare(films, extractor, store))
    return reference_set(films, extractor, store, "train")


def test_ssim_equals_scikit_image() -> None:
    skimage = pytest.importorskip("skimage.metrics")
    rng = np.random.default_rng(2)
    first = rng.random((6, 40, 52))
    second = np.clip(first + rng.normal(0, 0.2, first.shape), 0, 1)
    second[5] = first[5]
    options = {"gaussian_weights": True, "sigma": SIGMA, "use_sample_covariance": False, "data_range": 1.0}
    expected = [
        skimage.structural_similarity(one, two, **options) for one, two in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(ssim(first, second), expected, atol=1e-9)
    assert ssim(first, second)[5] == pytest.approx(1.0)


def test_ssim_is_near_that_of_torchmetrics() -> None:
    """Another border rule, so a looser tolerance: their mean covers windows that leave the image."""
    torch = pytest.importorskip("torch")
    metric = pytest.importorskip("torchmetrics.functional.image").structural_similarity_index_measure
    rng = np.random.default_rng(3)
    first = rng.random((4, 64, 64))
    second = np.clip(first + rng.normal(0, 0.15, first.shape), 0, 1)
    given = [torch.from_numpy(part)[:, None] for part in (first, second)]
    expected = metric(*given, sigma=SIGMA, kernel_size=11, data_range=1.0, reduction="none").numpy()
    np.testing.assert_allclose(ssim(first, second), expected, atol=5e-3)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_noised_copy_is_first_in_every_space(reference, mirrored) -> None:
    film = blobs(21, 90)[17]
    noised = np.clip(film + np.random.default_rng(0).normal(0, 6, film.shape), 0, 255).astype(np.uint8)
    query = new_queries([noised[:, ::-1].copy() if mirrored else noised], CoarsePixels())
    spaces = [
        *pixel_spaces(query, reference),
        feature_space("coarse-pixels", query.features[:, 0], reference.features),
    ]
    assert [int(space.nearest(1)[0]) for space in spaces] == [17, 17, 17]
    assert [space.ranks([17])[0] for space in spaces] == [1, 1, 1]
    assert all(space.compared == 90 for space in spaces)
    assert spaces[1].distances[17] < 0.2 < np.sort(spaces[1].distances)[1]
    found = reference.index.search(query.features[int(mirrored)], 5)
    np.testing.assert_allclose(np.sort(spaces[2].distances)[0], found.distances[0, 0], atol=1e-6)


def test_a_large_set_compares_its_candidates_only(reference, monkeypatch) -> None:
    monkeypatch.setattr(candidates, "TOP", 5)
    monkeypatch.setattr(candidates.candidate_rows, "__defaults__", (None, 10))
    query = new_queries(blobs(22, 1), CoarsePixels())
    pixels, structure = pixel_spaces(query, reference)
    assert 5 <= pixels.compared == structure.compared <= 20
    far = int(np.flatnonzero(~np.isfinite(pixels.distances))[0])
    assert pixels.ranks([far]) == [None] and len(pixels.nearest(50)) == pixels.compared


@pytest.mark.row("X-01")
def test_agreement_is_spearman_and_the_shared_nearest() -> None:
    from scipy.stats import rankdata

    rng = np.random.default_rng(4)
    one = rng.random(200)
    two = one + rng.normal(0, 0.2, 200)
    found = agreements([Space("a", one), Space("b", two), Space("c", -one + 2)])
    ranks = np.corrcoef(rankdata(one), rankdata(two))[0, 1]
    assert found[0].spearman == pytest.approx(ranks) and found[1].spearman == pytest.approx(-1.0)
    assert found[0].overlap == len(set(np.argsort(one)[:10]) & set(np.argsort(two)[:10]))
    assert found[1].overlap == 0
    assert agreements([Space("a", one), Space("flat", np.ones(200))])[0].spearman is None


def test_ranks_count_equal_distances_alike_and_the_picture_holds_each_film_once() -> None:
    space = Space("a", np.array([0.2, 0.1, 0.2, 0.4, np.inf]))
    assert space.ranks([0, 1, 2, 3, 4]) == [2, 1, 2, 4, None]
    assert space.nearest(3).tolist() == [1, 0, 2]
    assert notable([space, Space("b", np.array([5, 4, 3, 2, 1.0]))], [3, 1]) == [3, 1, 0, 4]


@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (4, 0), (0, -6), (8, 4)])
@pytest.mark.parametrize("flip", [False, True])
def test_the_difference_undoes_a_constructed_shift(dy, dx, flip) -> None:
    """A film moved by whole 48ths differs from itself by next to nothing once it is registered."""
    film = blobs(23, 1, side=192)[0]
    moved = np.roll(film, (dy, dx), (0, 1))
    found = registered_difference(moved[:, ::-1].copy() if flip else moved, film)
    assert found.variant.flipped is flip
    assert found.image.dtype == np.uint8 and found.image.shape == film.shape
    middle = found.image[24:-24, 24:-24].astype(int) - 128
    assert np.abs(middle).mean() < 4 and found.correlation > 0.97
    plain = np.abs(moved.astype(int) - film)[24:-24, 24:-24].mean()
    assert (dy, dx) == (0, 0) or np.abs(middle).mean() < plain


def test_the_difference_is_signed_and_grey_where_equal() -> None:
    film = blobs(24, 1, side=192)[0]
    brighter = film.copy()
    brighter[90:110, 90:110] = np.minimum(brighter[90:110, 90:110].astype(int) + 60, 255)
    image = registered_difference(brighter, film).image.astype(int)
    assert image[95:105, 95:105].mean() > 160
    assert abs(np.median(image) - 128) <= 2
    assert registered_difference(film, film).image.tolist() == np.full(film.shape, 128).tolist()


def test_the_pose_is_that_of_the_detector(reference) -> None:
    from lab.neighbours.registered import variants

    film = blobs(21, 90)[30]
    moved = np.roll(film, (3, -3), (0, 1))
    query = new_queries([moved], CoarsePixels())
    near, variant = reference.registered.distances(query.lowres)
    pose, correlation = best_variant(moved, film)
    assert pose == variants()[int(variant[0, 30])]
    # The detector correlates local contrast, what is shown is the correlation of grey levels: both nearly 1 here.
    assert correlation == pytest.approx(1 - near[0, 30], abs=0.03)
