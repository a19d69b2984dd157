"""The text sides of BiomedCLIP and BioViL-T: published layouts, no code of theirs, the search by words with them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from lab.errors import WeightsError
from lab.features.extractors import get_extractor
from lab.features.text_image import open_text_image
from lab.features.text_image_folder import PHANTOM
from lab.features.text_image_models import digest_of, open_named, searchable, text_state
from tests.builders.memory_set import blobs
from tests.builders.text_models import HUB, WORDS, biovil_record, toy_biomedclip_whole, toy_biovil_whole

torch = pytest.importorskip("torch")
pytest.importorskip("open_clip")
TEXTS = ["Large left effusion.", "No nodule", "small"]
FILMS = [
    np.random.default_rng(size).integers(0, 256, (size, size + 30), dtype=np.uint8) for size in (50, 300)
]


@pytest.fixture(autouse=True)
def _offline(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    connect = socket.socket.connect

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    def here(own: socket.socket, address: object) -> None:
        # Children that read files are asked for over a socket of this machine's file system.
        (connect if own.family == socket.AF_UNIX else refused)(own, address)

    monkeypatch.setattr(socket.socket, "connect", here)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def _ids(texts: list[str], length: int) -> np.ndarray:
    """Token ids by hand: words of the vocabulary between [CLS] and [SEP]."""
    rows = []
    for text in texts:
        words = text.lower().replace(".", " .").split()
        rows.append([2, *(WORDS.index(word) for word in words), 3])
    return np.array([row + [0] * (length - len(row)) for row in rows])


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def biomed(workspace: Path) -> tuple[Path, object]:
    folder = workspace / "extractors" / "toy-biomed"
    return folder, toy_biomedclip_whole(folder)


@pytest.fixture
def biovil(workspace: Path, tmp_path: Path) -> tuple[Path, object]:
    folder = tmp_path / "biovil"
    reference = toy_biovil_whole(folder)
    place = workspace / "extractors" / "toy-biovil.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(biovil_record(folder)), "utf-8")
    return folder, reference


def test_biomedclip_reads_texts_and_images_from_its_published_files(biomed) -> None:
    folder, reference = biomed
    model = open_named("toy-biomed")
    assert text_state("toy-biomed") == "" and model.dimension == 8
    with torch.inference_mode():
        texts = reference.encode_text(torch.from_numpy(_ids(TEXTS, 20)), normalize=True).numpy()
    np.testing.assert_allclose(model.embed_texts(TEXTS), texts, atol=1e-5)
    np.testing.assert_allclose(model.embed_images(FILMS), get_extractor("toy-biomed").embed(FILMS), atol=1e-4)
    assert np.ptp(texts, axis=0).max() > 0.01 and model.digest == open_text_image(folder).digest
    assert model.reading("large " * 30).dropped and not model.reading("large").dropped


def test_biomedclip_without_the_settings_of_its_bert_says_whose_are_missing(biomed) -> None:
    folder, _ = biomed
    (folder / "text_config" / "config.json").unlink()
    with pytest.raises(WeightsError, match=HUB) as caught:
        open_text_image(folder)
    assert "text_config" in str(caught.value) and text_state("toy-biomed") == str(caught.value)
    assert get_extractor("toy-biomed").embed(FILMS).shape == (2, 8), "images need the published files alone"


def test_settings_that_bring_code_and_weights_that_are_objects_are_refused(biomed) -> None:
    folder, _ = biomed
    place = folder / "text_config" / "config.json"
    told = json.loads(place.read_text("utf-8"))
    place.write_text(json.dumps({**told, "auto_map": {"AutoModel": "m.M"}}), "utf-8")
    with pytest.raises(WeightsError, match="code"):
        open_text_image(folder)
    place.write_text(json.dumps(told), "utf-8")
    (folder / "open_clip_pytorch_model.bin").write_bytes(pickle.dumps(print))
    with pytest.raises(WeightsError, match="could run code|damaged"):
        open_text_image(folder)


def test_weights_of_another_text_tower_are_refused(biomed) -> None:
    folder, _ = biomed
    place = folder / "text_config" / "config.json"
    told = json.loads(place.read_text("utf-8"))
    place.write_text(json.dumps({**told, "intermediate_size": 32}), "utf-8")
    with pytest.raises(WeightsError, match="open_clip cannot open"):
        open_text_image(folder)


def test_other_weights_or_settings_are_another_model(biomed) -> None:
    folder, _ = biomed
    before = digest_of("toy-biomed")
    weights = folder / "open_clip_pytorch_model.bin"
    state = torch.load(weights, weights_only=True)
    state["logit_scale"] = state["logit_scale"] + 1
    torch.save(state, weights)
    changed = digest_of("toy-biomed")
    place = folder / "text_config" / "config.json"
    place.write_text(place.read_text("utf-8").replace('"gelu"', '"relu"'), "utf-8")
    assert len({before, changed, digest_of("toy-biomed")}) == 3


def test_biovil_reads_texts_as_its_layers_do_and_runs_no_code_of_its_repository(biovil) -> None:
    _, reference = biovil
    model = open_named("toy-biovil")
    ids = torch.from_numpy(_ids(TEXTS, 7))
    expected = _unit(reference(ids, (ids != 0).long()).numpy())
    np.testing.assert_allclose(model.embed_texts(TEXTS), expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 0.01 and model.dimension == 4
    np.testing.assert_array_equal(model.embed_images(FILMS), get_extractor("toy-biovil").embed(FILMS))
    assert model.reading("large " * 30).dropped and not model.reading(TEXTS[0]).dropped


def test_biovil_without_its_text_files_keeps_its_images(biovil) -> None:
    folder, _ = biovil
    (folder / "vocab.txt").unlink()
    (folder / "pytorch_model.bin").unlink()
    told = text_state("toy-biovil")
    assert "vocab.txt and model.safetensors" in told and "images can be used" in told
    with pytest.raises(WeightsError, match=r"vocab\.txt"):
        open_named("toy-biovil")
    assert get_extractor("toy-biovil").embed(FILMS).shape == (2, 4)


def test_a_bert_without_the_projection_is_refused(biovil) -> None:
    folder, _ = biovil
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    kept = {name: value for name, value in state.items() if not name.startswith("cls_projection_head")}
    torch.save(kept, folder / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="no projection"):
        open_named("toy-biovil")


def test_a_model_is_offered_for_the_images_it_was_made_for(biovil) -> None:
    assert searchable("chest radiograph", phantom=True) == (PHANTOM, "")
    assert searchable("chest radiograph", phantom=False) == ("toy-biovil", "")
    name, reason = searchable("dermoscopy", phantom=False)
    assert name == "" and "BiomedCLIP" in reason, "made for any image, and not on this machine"
    assert digest_of("biomedclip") == "none" != digest_of("toy-biovil")


@pytest.mark.parametrize("model", ["biomed", "biovil"])
def test_a_search_by_words_uses_the_model_that_fits_the_dataset(model: str, request, tmp_path: Path) -> None:
    from lab.data.images import encode_png
    from lab.data.store import add_folder, open_dataset
    from lab.runs.artifacts import write_artifact
    from lab.runs.inline import run_inline
    from lab.runs.neighbour_requests import retrieve_run

    request.getfixturevalue(model)
    films = tmp_path / "films"
    films.mkdir()
    rows = ["image,patient_id,caption"]
    for number, film in enumerate(blobs(31, 12)):
        (films / f"f{number}.png").write_bytes(encode_png(film))
        rows.append(f"f{number}.png,p{number},{TEXTS[number % 3]}")
    (films / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(films, "films", licence="CC BY 4.0", title="Small films", modality="chest radiograph")
    spec = retrieve_run("films", words="large left effusion", k=3)
    assert spec.settings["model"] == f"toy-{model}"
    run = run_inline(spec)
    assert run.state == "done" and run.result is not None, run.error
    opened, train = open_named(f"toy-{model}"), open_dataset("films").subset("train")
    vectors = opened.embed_images([train.image(name) for name in train.ids()])
    scores = vectors @ opened.embed_texts(["large left effusion"])[0]
    best = [train.ids()[row] for row in np.argsort(-scores)[:3]]
    assert [one["image_id"] for one in run.result["found"]] == best
    image = write_artifact(encode_png(blobs(31, 12)[0]), ".image")
    back = run_inline(retrieve_run("films", image=image, k=2))
    assert back.state == "done" and back.result is not None, back.error
    assert {one["caption"] for one in back.result["found"]} <= set(TEXTS)
