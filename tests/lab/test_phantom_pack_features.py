"""What the phantom pack brings for further extractors: their features, and those of the search by words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lab.data import phantom_pack
from lab.data.phantom_dataset import add_phantom
from lab.data.phantom_features import CAPTIONS, FURTHER, captions, further, row_digests
from lab.data.phantom_films import recipe_of
from lab.data.phantom_pack import misfit, read_pack
from lab.data.phantoms.make import png_bytes
from lab.data.phantoms.render import render
from lab.errors import StoreError
from lab.features.extractors import DEFAULT
from lab.features.packed import TOLERANCE
from lab.features.presence import missing_features
from lab.features.store import FeatureStore
from lab.features.text_image import open_text_image
from lab.features.text_image_folder import folder_of
from lab.features.text_image_store import ImageTower, TextTower
from lab.features.text_image_unopened import UnopenedModel
from lab.runs import pack_phantoms as builder
from lab.runs import prepare
from lab.runs.artifacts import write_artifact
from lab.runs.inline import run_inline
from lab.runs.neighbour_requests import retrieve_run, spaces_run
from lab.runs.requests import PHANTOM, embed_run
from lab.runs.store import RunStore

pytest_plugins = ["tests.builders.phantom_packs"]
pytestmark = pytest.mark.usefixtures("workspace")


def test_an_unopened_model_has_the_keys_of_the_opened_one() -> None:
    opened, unopened = open_text_image(folder_of()), UnopenedModel()
    for tower in (ImageTower, TextTower):
        one, other = tower(opened), tower(unopened)
        assert (one.id, one.digest, one.dimension) == (other.id, other.digest, other.dimension)
    film = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
    np.testing.assert_array_equal(opened.embed_images([film]), unopened.embed_images([film]))


def test_the_next_steps_after_a_first_start_note_the_further_features(there) -> None:
    """Pages offer a feature space as ready where its run is done; such a run ends at once."""
    store, seen = RunStore.open(), []
    while (spec := prepare._noted(store, PHANTOM)) is not None:
        result = run_inline(spec).result
        assert result is not None and result["extracted"] == 0
        seen.append(spec.settings["extractor"])
    assert seen == [name for name in FURTHER if name in seen], "each once"
    assert all(store.find_done(embed_run(PHANTOM, name).digest) for name in FURTHER)


def test_words_and_a_second_space_answer_without_a_film(there) -> None:
    """Every vector they need came with the pack; only the query itself is computed."""
    image = png_bytes(render(recipe_of(there.manifest.iloc[0])).image)
    before = set((there.folder / "images").glob("*.png"))
    words = run_inline(retrieve_run(PHANTOM, words="large left pleural effusion", k=3))
    captions = run_inline(retrieve_run(PHANTOM, image=write_artifact(image, ".image"), k=3))
    spaces = run_inline(spaces_run(image, PHANTOM, (), (DEFAULT, *FURTHER)))
    for run in (words, captions, spaces):
        assert run.state == "done", run.error
        assert run.progress is not None and run.progress.total < 100, "no set was gone through"
    assert len(words.result["found"]) == len(captions.result["found"]) == 3
    assert "effusion" in words.result["found"][0]["caption"].lower()
    assert [space["name"] for space in spaces.result["spaces"]][-2:] == [*FURTHER]
    assert set((there.folder / "images").glob("*.png")) == before, "nothing was rendered"


def test_packed_captions_are_those_read_afresh(there) -> None:
    key, texts = further()[CAPTIONS], captions(there.manifest)
    kept = FeatureStore(there.folder.parents[1] / "features").matrix(
        key, row_digests(CAPTIONS, there.manifest)
    )
    fresh = UnopenedModel().embed_texts(texts[:40])
    assert len(kept) == len(texts) and len(set(texts)) == len(texts) > 1000
    assert (((fresh - kept[:40]) ** 2).sum(axis=1) / 2).max() < TOLERANCE
    np.testing.assert_allclose(np.linalg.norm(kept, axis=1), 1.0, atol=1e-5)


def test_features_alone_are_added_to_a_pack(made: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there stays as it is, the calibrations too; nothing lacking costs nothing."""
    monkeypatch.setenv("LAB_WORKSPACE", str(made.parent / "making"))
    told = json.loads((tiny / "pack.json").read_text("utf-8"))
    wanted = dict(told["features"])
    del told["features"]["efficientnet-lite2"], told["files"]["efficientnet-lite2.npz"]
    told["features"]["text-image"] = "0" * 64
    (tiny / "efficientnet-lite2.npz").unlink()
    (tiny / "pack.json").write_text(json.dumps(told), "utf-8")
    others = [path for path in tiny.rglob("*.np?") if path.stem != "text-image"]
    before = {path: path.stat().st_mtime_ns for path in others}
    stages: set[str] = set()
    again = builder.add_features(tiny, "tiny", lambda stage, *_: stages.add(stage))
    assert (
        again.features == wanted and not misfit(again) and any("calibrations" in str(path) for path in others)
    )
    assert before == {path: path.stat().st_mtime_ns for path in others}
    assert not any(stage.startswith("Measuring") or stage == "Fitting the map" for stage in stages)
    stages.clear()
    builder.add_features(tiny, "tiny", lambda stage, *_: stages.add(stage))
    assert not stages, "nothing was lacking"
    (tiny / "card.json").write_text("{}", "utf-8")
    with pytest.raises(StoreError, match="make it anew"):
        builder.add_features(tiny, "tiny", lambda *_: None)


def test_a_further_extractor_that_has_changed_costs_its_own_file_alone(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = further()
    keys["efficientnet-lite2"].digest = "0" * 64
    monkeypatch.setattr(phantom_pack, "further", lambda: keys)
    quick = add_phantom("quick", 5, 1).dataset
    assert not misfit(read_pack(tiny)) and not list((quick.folder / "images").glob("*.png"))
    assert missing_features("efficientnet-lite2", quick.subset().digests()) == 5
    assert missing_features("phantom-clip", quick.subset().digests()) == 0
