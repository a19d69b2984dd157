"""The map: a second feature space, how far two agree, how samples were placed, and where its addresses lie."""

from __future__ import annotations

import numpy as np
import pytest

from lab.ui.state import MapKey as Key

FIRST, SECOND = "efficientnet-lite0", "efficientnet-lite2"


def embedded(*names: str) -> None:
    """Put features of every film into the store; those of two extractors are rotations of each other with noise."""
    from lab.config import settings
    from lab.data.store import open_dataset
    from lab.features.extractors import get_extractor
    from lab.features.store import FeatureStore

    digests = open_dataset("films").subset().digests()
    seed = np.random.default_rng(0).normal(size=(len(digests), 8))
    for number, name in enumerate(names):
        extractor, rng = get_extractor(name), np.random.default_rng(number)
        rows = seed @ rng.normal(size=(8, extractor.dimension)) + 0.3 * rng.normal(
            size=(1, extractor.dimension)
        )
        FeatureStore(settings().features).put(extractor, digests, rows.astype(np.float32))


def test_a_second_space_is_extracted_first_when_asked_and_then_its_map_is_fitted(visit, loaded, monkeypatch):
    from lab.runs.store import RunStore

    def queued() -> list:
        runs = RunStore.open().list(states=("queued",), kinds=("embed", "map"))
        return [(run.kind, run.spec.settings["extractor"]) for run in runs]

    app = visit("feature_space")
    assert app.selectbox(key=Key.SPACE).options[:2] == [FIRST, SECOND]
    app.session_state[Key.SELECTED] = ("kept",)
    app.selectbox(key=Key.SPACE).set_value(SECOND).run()
    assert not app.exception and queued() == []
    assert any("are to be extracted first" in element.value for element in app.markdown)
    next(button for button in app.button if button.label == "Extract the features").click().run()
    assert not app.exception and queued() == [("embed", SECOND)]
    embedded(FIRST, SECOND)
    app.run()
    assert ("map", SECOND) in queued() and app.session_state[Key.SELECTED] == ("kept",)


@pytest.mark.row("C14")
def test_the_agreement_of_two_spaces_is_a_run_and_stands_beside_the_map(visit, loaded):
    from lab.config import settings as lab_settings
    from lab.data.resolve import resolve
    from lab.features.agreement import agreement
    from lab.features.extractors import get_extractor
    from lab.features.store import FeatureStore
    from lab.runs.agreement_request import agreement_run
    from lab.runs.inline import run_inline

    embedded(FIRST, SECOND)
    assert agreement_run("films", FIRST, SECOND).digest == agreement_run("films", SECOND, FIRST).digest
    done = run_inline(agreement_run("films", SECOND, FIRST))
    assert done.state == "done", done.error
    store, digests = FeatureStore(lab_settings().features), resolve("films:train").digests()
    expected = agreement(*(store.matrix(get_extractor(name), digests) for name in (FIRST, SECOND)))
    assert done.result["spearman"] == pytest.approx(expected.spearman)
    assert done.result["overlap"] == pytest.approx(expected.overlap) and expected.overlap > expected.chance
    app = visit("feature_space")
    assert not app.exception
    told = {metric.label: metric.value for metric in app.metric}
    assert told["Order agreed"] == f"{expected.spearman:.2f}"
    assert told["Nearest 10 shared"] == f"{100 * expected.overlap:.0f} %"
    assert any("Does another feature space see the same" in element.value for element in app.markdown)


def test_without_features_of_the_second_space_no_run_is_begun_for_their_agreement(visit, loaded):
    from lab.runs.store import RunStore

    app = visit("feature_space")
    assert not app.exception and RunStore.open().list(kinds=("agreement",)) == []
    next(button for button in app.button if button.label == f"Extract features by {SECOND}").click().run()
    queued = RunStore.open().list(states=("queued",), kinds=("embed", "map", "agreement"))
    assert [(run.kind, run.spec.settings["extractor"]) for run in queued] == [("embed", SECOND)]


def test_what_the_agreement_means_is_said_in_words():
    from lab.errors import InputError
    from lab.runs.agreement_request import agreement_run
    from lab.ui.map_spaces import verdict

    assert "bears out" in verdict(0.8, 0.01) and "part of" in verdict(0.3, 0.01)
    assert "hardly" in verdict(0.3, 0.25) and "hardly" in verdict(0.05, 0.01)
    with pytest.raises(InputError, match="agrees with itself"):
        agreement_run("films", FIRST, FIRST)


def test_how_samples_were_placed_is_said_and_a_place_run_is_taken_for_place_and_neighbours(visit, loaded):
    import io

    from lab.runs.artifacts import write_artifact
    from lab.runs.requests import map_run, place_run
    from lab.ui.map_layers import placements
    from lab.ui.map_points import neighbours_of, points
    from lab.ui.map_view import placed_words
    from tests.pages.conftest import finish

    run, stream = loaded["samples"], io.BytesIO()
    count = len(points(loaded["map"], []))
    near = {"rows": np.zeros((count, 3), np.int32), "distances": np.zeros((count, 3), np.float32)}
    np.savez(stream, **near, centroid_train=np.ones(3, np.float32))
    stored = {"method": {"name": "pca"}, "neighbours": write_artifact(stream.getvalue(), ".npz")}
    fitted = finish(map_run("films", method="pca"), {**loaded["map"].result, **stored})
    own = points(fitted, [run])
    assert placed_words(own) == "Samples placed: 4 by their 15 nearest training images."
    assert placed_words(own[own["side"] == "train"]) == ""
    app = visit("feature_space")
    app.session_state[Key.METHOD] = "pca"
    app.run()
    assert any(button.label == "Measure, and place by the fitted map" for button in app.button)
    ids = [sample["image_id"] for sample in run.result["samples"]]
    stream = io.BytesIO()
    np.savez(
        stream, image_id=np.array(ids), points=np.arange(8, dtype=np.float32).reshape(4, 2), off_map=np.zeros(4, bool),
        torn=np.zeros(4, bool), rows=np.arange(12, dtype=np.int32).reshape(4, 3), centroid=np.zeros(3, np.float32),
        distances=np.arange(12, dtype=np.float32).reshape(4, 3) / 10,
    )  # fmt: skip
    stored = {"placed": write_artifact(stream.getvalue(), ".npz"), "placed_by": "the fitted map"}
    finish(place_run(fitted, "set-1"), stored)
    table = points(fitted, [run], placements(fitted, [run]))
    assert placed_words(table) == "Samples placed: 4 by the fitted map."
    last = int(np.flatnonzero(table["image_id"] == ids[1])[0])
    assert (table["x"].iloc[last], table["feature distance"].iloc[last]) == (2.0, pytest.approx(0.3))
    near = neighbours_of(table, last, fitted, [run])
    assert (
        near["row"].tolist() == [3, 4, 5]
        and near["image_id"].tolist() == table["image_id"].iloc[3:6].tolist()
    )
    app.run()
    assert not any("place by the fitted map" in button.label for button in app.button)


@pytest.mark.parametrize(("base", "root"), [("", "/api/map"), ("/lab/", "/lab/api/map")])
def test_addresses_of_the_map_lie_below_the_base_path_of_the_server(base, root):
    import streamlit as st

    from lab.ui.map_routes import plotly_path, routes

    before = st.get_option("server.baseUrlPath")
    st._config.set_option("server.baseUrlPath", base)
    try:
        assert plotly_path().startswith(f"{root}/plotly-")
        assert [route.path for route in routes()] == [plotly_path(), f"{root}/{{token:str}}/{{row:int}}"]
    finally:
        st._config.set_option("server.baseUrlPath", before)
