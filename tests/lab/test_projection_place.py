"""Maps as runs: true neighbours, torn points, centroids, placing by the map's own model; against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from lab.projection.fit import fit
from lab.projection.neighbourhood import (
    centroid,
    centroid_distances,
    kept_share,
    stretch,
    true_neighbours,
)
from lab.projection.projection import Projection


@pytest.fixture(scope="module")
def groups() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 24)) * 3
    which = np.repeat(np.arange(3), 40)
    return (centres[which] + rng.normal(size=(120, 24))).astype(np.float32), which


def test_true_neighbours_equal_scikit_learns_and_never_hold_the_image_itself(groups) -> None:
    neighbors = pytest.importorskip("sklearn.neighbors")
    matrix, _ = groups
    finder = neighbors.NearestNeighbors(n_neighbors=5, metric="cosine", algorithm="brute").fit(matrix)
    far, rows = finder.kneighbors()
    mine, distances = true_neighbours(matrix, k=5)
    np.testing.assert_array_equal(mine, rows)
    np.testing.assert_allclose(distances, far, atol=2e-6)
    new, _ = true_neighbours(matrix, matrix[:7] + 0.01, k=5)
    np.testing.assert_array_equal(new, finder.kneighbors(matrix[:7] + 0.01, return_distance=False))
    repeated = np.repeat(matrix[:4], 10, axis=0)
    own, far_own = true_neighbours(repeated, k=3)
    assert own.shape == (40, 3) and (own != np.arange(40)[:, None]).all() and (far_own == 0).all()
    assert true_neighbours(matrix[:1])[0].shape == (1, 0)


def test_a_point_is_torn_when_the_map_moves_it_away_from_its_neighbours(groups) -> None:
    matrix, which = groups
    rows, _ = true_neighbours(matrix, k=10)
    spots = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])[which]
    places = spots + np.random.default_rng(1).normal(scale=0.2, size=(120, 2))
    assert (stretch(places, places, rows) < 0.2).all()
    moved = places.copy()
    moved[7] = spots[119]  # one image of the first group is drawn inside the third
    far = stretch(moved, moved, rows)
    assert far[7] > 0.9 and np.delete(far, 7).max() < 0.2
    assert kept_share(rows, moved)[7] == 0.0
    assert (stretch(np.zeros((120, 2)), np.zeros((120, 2)), rows) == 0).all()


@pytest.mark.row("SG-11")
def test_centroid_distances_are_those_of_feature_space_and_not_of_a_map(groups) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    matrix, which = groups
    known = {str(one): centroid(matrix[which == one]) for one in range(3)}
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    expected = metrics.pairwise_distances([unit[which == one].mean(axis=0) for one in range(3)])
    np.testing.assert_allclose(centroid_distances(known), expected, atol=1e-5)


@pytest.mark.row("SG-11")
@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_every_method_gives_the_same_layout_for_the_same_seed(groups, method) -> None:
    one, two = fit(groups[0], 5, method), fit(groups[0], 5, method)
    np.testing.assert_array_equal(one.coordinates, two.coordinates)


@pytest.mark.row("C14", "SG-11")
def test_a_stored_umap_gets_its_model_back_and_places_as_the_fitted_one(groups) -> None:
    pytest.importorskip("umap")
    from lab.projection.umap_map import revive

    matrix, _ = groups
    fitted = fit(matrix, seed=4)
    np.testing.assert_array_equal(fit(matrix, seed=4).coordinates, fitted.coordinates)
    back = revive(matrix, Projection("umap", fitted.coordinates, fitted.settings))
    new = matrix[::9] + 0.2 * np.random.default_rng(1).normal(size=matrix[::9].shape).astype(np.float32)
    np.testing.assert_array_equal(back.coordinates, fitted.coordinates)
    np.testing.assert_allclose(back.transform(new), fitted.transform(new), atol=1e-5)


def test_map_and_place_runs_deliver_what_the_page_reads(workspace, tmp_path, monkeypatch) -> None:
    """Both kinds end to end on a small set, with features of a stand-in for the network."""
    from lab.config import settings
    from lab.data.store import add_folder
    from lab.runs import requests
    from lab.runs.context import RunContext
    from lab.runs.kinds import map as mapping
    from lab.runs.kinds import place as placing
    from lab.runs.resident import Residents
    from tests.pages.conftest import films, finish, generation_result

    add_folder(films(tmp_path / "films"), "films", licence="CC BY 4.0", title="Small films")

    def matrix(ctx, extractor, images):
        yield ctx.progress("Extracting features", 1, 1)
        rng = [np.random.default_rng(int(name[:8], 16)) for name in images.ids()]
        return np.stack([one.normal(size=16) for one in rng]).astype(np.float32)

    for module in (mapping, placing):
        monkeypatch.setattr(module, "matrix", matrix)
        monkeypatch.setattr(module, "resident_extractor", lambda ctx, name: None)

    def run(kind, spec):
        steps = kind.execute(spec, RunContext(settings(), Residents()))
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    spec = requests.map_run("films", method="pca")
    fitted = finish(spec, run(mapping, spec))
    assert requests.latest_map("films", method="pca").id == fitted.id
    assert requests.latest_map("films", method="umap") is None
    from lab.data.store import open_dataset
    from lab.ui.map_points import placed_points, points

    table = points(fitted, [])
    near = placed_points(fitted.result["neighbours"])
    train = fitted.result["layers"]["train"]
    assert (table["side"].iloc[:train] == "train").all() and near["rows"].max() < train
    np.testing.assert_allclose(table["feature distance"], near["distances"][:, 0])
    assert fitted.result["placed_by"] == "the fitted map" and fitted.result["off_map_limit"] > 0
    held = table[table["side"] == "held-out"]
    limit = fitted.result["off_map_limit"]
    assert (
        held["off_map"].tolist() == (held["feature distance"] > limit).tolist() and held["off_map"].sum() == 1
    )

    made = generation_result(open_dataset("films").rows())
    asked = requests.place_run(fitted, made["sample_set"])
    placed = run(placing, asked)
    stored = placed_points(placed["placed"])
    assert stored["image_id"].tolist() == [sample["image_id"] for sample in made["samples"]]
    assert stored["points"].shape == (4, 2) and stored["centroid"].shape == (16,)
    assert stored["off_map"].tolist() == (stored["distances"][:, 0] > limit).tolist()
