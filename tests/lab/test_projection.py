"""Maps: PCA, t-SNE, placing points, quality against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import InputError, NotComputable, NotFoundError
from lab.features.unit import unit
from lab.neighbours.search import ExactIndex
from lab.projection.fit import fit
from lab.projection.place import place
from lab.projection.projection import distinct_rows
from lab.projection.quality import preserved, quality


@pytest.fixture(scope="module")
def groups() -> tuple[np.ndarray, np.ndarray]:
    """Three groups of 60 points in 32 dimensions, and which group each is of."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 32)) * 3
    which = np.repeat(np.arange(3), 60)
    return (centres[which] + rng.normal(size=(180, 32))).astype(np.float32), which


def test_pca_is_the_plane_of_largest_variance_and_places_new_points(groups) -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    matrix, _ = groups
    ours = fit(matrix, method="pca")
    theirs = decomposition.PCA(2, svd_solver="full").fit(unit(matrix))
    expected = theirs.transform(unit(matrix))
    np.testing.assert_allclose(np.abs(ours.coordinates), np.abs(expected), atol=1e-4)
    np.testing.assert_allclose(ours.settings["variance"], theirs.explained_variance_ratio_, atol=1e-6)
    np.testing.assert_allclose(ours.transform(matrix[5:9]), ours.coordinates[5:9], atol=1e-6)
    np.testing.assert_array_equal(fit(matrix, seed=9, method="pca").coordinates, ours.coordinates)


def test_tsne_keeps_groups_together_and_is_seeded(groups) -> None:
    pytest.importorskip("sklearn")
    matrix, which = groups
    one, two = fit(matrix, 3, "tsne"), fit(matrix, 3, "tsne")
    np.testing.assert_array_equal(one.coordinates, two.coordinates)
    assert one.transform is None and one.settings["seed"] == 3
    assert quality(matrix, one.coordinates).trustworthiness > 0.9
    centres = np.stack([one.coordinates[which == number].mean(axis=0) for number in range(3)])
    nearest = ((one.coordinates[:, None] - centres[None]) ** 2).sum(2).argmin(1)
    assert (nearest == which).mean() > 0.95


@pytest.mark.parametrize("k", [1, 5, 15])
def test_trustworthiness_equals_scikit_learns(groups, k) -> None:
    manifold = pytest.importorskip("sklearn.manifold")
    matrix, _ = groups
    rng = np.random.default_rng(2)
    for points in (matrix[:, :2], rng.normal(size=(180, 2)), fit(matrix, method="pca").coordinates):
        ours = quality(matrix, points, k)
        theirs = manifold.trustworthiness(matrix, points, n_neighbors=k, metric="cosine")
        assert ours.trustworthiness == pytest.approx(
            theirs, abs=5e-5
        )  # one swapped rank of two equal distances is 6e-6
        assert (ours.k, ours.n, ours.measured) == (k, 180, 180)


def test_preservation_is_the_share_of_neighbours_kept(groups) -> None:
    neighbors = pytest.importorskip("sklearn.neighbors")
    matrix, _ = groups
    points = fit(matrix, method="pca").coordinates
    finder = neighbors.NearestNeighbors(n_neighbors=10, metric="cosine").fit(matrix)
    flat = neighbors.NearestNeighbors(n_neighbors=10).fit(points)
    pairs = zip(finder.kneighbors(return_distance=False), flat.kneighbors(return_distance=False), strict=True)
    expected = [len(set(one) & set(two)) / 10 for one, two in pairs]
    np.testing.assert_allclose(preserved(matrix, points, 10), expected, atol=1e-9)
    assert quality(matrix, points, 10).preservation == pytest.approx(np.mean(expected))


def test_a_perfect_map_scores_one_and_noise_about_a_half() -> None:
    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(0, 1.5, 300))
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    assert quality(circle, circle).trustworthiness == pytest.approx(1.0)
    assert quality(circle, circle).preservation == pytest.approx(1.0)
    assert quality(circle, rng.normal(size=(300, 2))).trustworthiness == pytest.approx(0.5, abs=0.05)


def test_a_large_map_is_measured_on_a_sample_of_its_points() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(900, 12))
    whole, part = quality(matrix, matrix[:, :2]), quality(matrix, matrix[:, :2], limit=300)
    assert (whole.measured, part.measured, part.n) == (900, 300, 900)
    assert part.trustworthiness == pytest.approx(whole.trustworthiness, abs=0.02)
    assert quality(matrix[:6], matrix[:6, :2]).k == 2
    with pytest.raises(NotComputable, match="4 images"):
        quality(matrix[:3], matrix[:3, :2])


def test_placed_points_land_among_their_neighbours(groups) -> None:
    matrix, which = groups
    points = np.random.default_rng(1).normal(size=(180, 2)) + np.array([[0, 0], [50, 0], [0, 50]])[which]
    rng = np.random.default_rng(5)
    new = matrix[::10] + 0.3 * rng.normal(size=(18, 32)).astype(np.float32)
    placed = place(new, matrix, points)
    assert placed.shape == (18, 2) and placed.dtype == np.float32
    centres = np.array([[0, 0], [50, 0], [0, 50]])
    assert (((placed[:, None] - centres) ** 2).sum(2).argmin(1) == which[::10]).all()
    np.testing.assert_allclose(place(matrix[[3, 99]], matrix, points), points[[3, 99]], atol=1e-5)
    np.testing.assert_array_equal(place(new, ExactIndex(unit(matrix)), points), placed)
    assert place(new[:0], matrix, points).shape == (0, 2)


def test_placing_needs_the_map_of_the_same_images(groups) -> None:
    matrix, _ = groups
    with pytest.raises(InputError, match="another set"):
        place(matrix[:1], matrix, np.zeros((3, 2)))
    with pytest.raises(NotComputable):
        place(matrix[:1], matrix[:0], np.zeros((0, 2)))
    np.testing.assert_allclose(place(matrix[:2], matrix[:1], np.array([[4.0, 5.0]])), [[4, 5]] * 2)


def test_repeated_rows_are_found(groups) -> None:
    matrix, _ = groups
    first, same = distinct_rows(matrix[[0, 1, 0, 2, 1]])
    assert first.tolist() == [0, 1, 3] and same.tolist() == [0, 1, 0, 2, 1]


def test_an_unknown_method_names_the_known_ones(groups) -> None:
    with pytest.raises(NotFoundError, match="umap, pca, tsne|pca, tsne, umap"):
        fit(groups[0], method="isomap")
