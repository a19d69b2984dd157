"""Samples and their prompts in whole runs: read, cached, and where it cannot be read, said in one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.features.text_image_words import fit_of, fit_sentence, lines
from tests.builders.memory_set import CoarsePixels
from tests.builders.toy_clip import build_toy_clip
from tests.builders.toy_pipeline import build_toy_pipeline, toy_card_json

ONE_SENTENCE = re.compile(r"^[^.]+(\.\w[^.]*)*\.$")
PROMPT = "small left pleural effusion"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_toy_pipeline(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture
def place(workspace: Path, pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a generator of phantoms and one of real films, and no model among the program's files."""
    import lab.features.text_image_folder

    monkeypatch.setattr(lab.features.text_image_folder, "ASSETS", workspace / "no assets")
    monkeypatch.setenv("LAB_THREADS", "1")
    (workspace / "generators").mkdir(parents=True)
    for name, phantom in (("toy-cxr", True), ("real-cxr", False)):
        card = {**toy_card_json(pipeline, name), "phantom_trained": phantom}
        (workspace / "generators" / f"{name}.json").write_text(json.dumps(card), "utf-8")
    return workspace


def model_folder(place: Path) -> Path:
    return place / "extractors" / "phantom-clip"


def answer(
    prompt: str = PROMPT, generator: str = "toy-cxr", count: int = 4, dataset: str | None = None
) -> dict[str, Any]:
    """The result of a generation run, here and now."""
    from lab.generators.request import GenerationRequest
    from lab.runs.inline import run_inline
    from lab.runs.requests import generate_run

    request = GenerationRequest(generator, prompt, tuple(range(count)), 2, 2.0, 32)
    run = run_inline(generate_run(request, dataset))
    assert run.state == "done" and run.result is not None, run.error
    return run.result


def unread(result: dict[str, Any]) -> str:
    """The sentence that says why nothing was read."""
    assert all(sample["alignment"] is None for sample in result["samples"])
    assert ONE_SENTENCE.match(result["text_image"]["why"]), result["text_image"]["why"]
    return result["text_image"]["why"]


@pytest.mark.row("C8")
def test_every_sample_gets_its_cosine_its_place_and_its_side(place: Path) -> None:
    from lab.data.samples import open_sample_set
    from lab.features.text_image import open_text_image

    folder = build_toy_clip(model_folder(place))
    told = answer()
    about = told["text_image"]
    assert (about["model"], about["why"], about["films"]) == ("phantom-clip", "", 300)
    assert about["tells_apart"] == 1.0 and (about["sides"], about["sides_films"]) == (0.9, 120)
    images = open_sample_set(told["sample_set"])
    pixels = [images.image(name) for name in images.ids()]
    model = open_text_image(folder)
    own = model.scores(pixels, [PROMPT] * 4)
    other = model.scores(pixels, ["small right pleural effusion"] * 4)
    for row, sample in enumerate(told["samples"]):
        assert sample["alignment"]["label"] is None, "no dataset, no classifier"
        reading = sample["alignment"]["text_image"]
        assert reading["cosine"] == pytest.approx(own[row], abs=1e-5)
        assert reading["swapped"] == pytest.approx(other[row], abs=1e-5)
        assert reading["side_as_asked"] is bool(reading["cosine"] > reading["swapped"])
        assert reading["matched"] == pytest.approx(np.interp(own[row], [0, 0.9], [0, 1]), abs=1e-4)
        assert reading["mismatched"] == pytest.approx(np.interp(own[row], [-0.9, 0], [0, 1]), abs=1e-4)
        assert reading["note"] == ""
    reading = answer("no zebra effusion")["samples"][0]["alignment"]["text_image"]
    assert reading["swapped"] is None and "zebra" in reading["note"]


def test_samples_are_embedded_once_and_the_answer_follows_the_model(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.features.text_image import TextImageModel
    from lab.runs.requests import generate_run
    from lab.runs.store import RunStore

    assert "not here" in unread(answer())
    folder = build_toy_clip(model_folder(place))
    first = answer()
    assert first["samples"][0]["alignment"], "the model has come: the same request is another run"
    run = RunStore.open().list(kinds=("generate",))[0]
    monkeypatch.setattr(TextImageModel, "embed_images", lambda *_: pytest.fail("embedded again"))
    (folder / "card.json").write_text((folder / "card.json").read_text().replace("300", "250"))
    again = answer()
    assert again["text_image"]["films"] == 250, "another reference is another answer, from the stored vectors"
    assert run.spec.inputs["text_image"] != generate_run_inputs(generate_run)


def generate_run_inputs(build: Any) -> str:
    from lab.generators.request import GenerationRequest

    return build(GenerationRequest("toy-cxr", PROMPT, (0,), 2, 2.0, 32), None).inputs["text_image"]


def test_what_the_model_cannot_judge_is_said_and_not_numbered(place: Path) -> None:
    assert "python -m lab train phantom-clip" in unread(answer())
    folder = build_toy_clip(model_folder(place))
    assert "knows phantom chest radiographs only" in unread(answer(generator="real-cxr"))
    assert "no word of it" in unread(answer("zebra stripes"))
    card = json.loads((folder / "card.json").read_text())
    blind = {**card, "reference": {"matched": [-0.9, 0.9], "mismatched": [-0.9, 0.9]}}
    (folder / "card.json").write_text(json.dumps(blind))
    assert "50 % of pairs only" in unread(answer())
    (folder / "card.json").write_text("{")
    assert "cannot be read" in unread(answer())
    (folder / "card.json").write_text(json.dumps(card))
    weights = folder / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])
    assert "nothing was loaded" in unread(answer())


def captioned_films(folder: Path) -> Path:
    """60 noise films of 30 patients with captions."""
    from lab.data.images import encode_png

    folder.mkdir()
    rng = np.random.default_rng(3)
    rows = ["image,patient_id,label,caption"]
    for number in range(60):
        (folder / f"{number}.png").write_bytes(encode_png(rng.integers(0, 256, (32, 32), dtype=np.uint8)))
        label = ("effusion", "pneumothorax")[number % 2]
        rows.append(f"{number}.png,p{number // 2},{label},small {label} {'left' if number % 3 else 'right'}")
    (folder / "metadata.csv").write_text("\n".join(rows), "utf-8")
    return folder


def test_both_readings_stand_side_by_side_where_the_training_images_are_here(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lab.features.extractors
    from lab.data.store import add_folder

    monkeypatch.setattr(lab.features.extractors, "get_extractor", lambda *_: CoarsePixels())
    add_folder(captioned_films(tmp_path / "films"), "small", origin="phantom", modality="chest radiograph")
    build_toy_clip(model_folder(place))
    told = answer(dataset="small")
    assert any(sample["alignment"] for sample in told["samples"])
    for sample in told["samples"]:
        assert len(sample["neighbours"]) == 5
        assert -1 <= sample["alignment"]["text_image"]["cosine"] <= 1
        if sample["off_map"]:
            assert sample["alignment"]["label"] is None, "the classifier was not made for such an image"
        else:
            assert sample["alignment"]["asked"] == "effusion"


def test_a_metric_run_measures_prompts_or_says_why_not(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lab.features.extractors
    from lab.data.store import add_folder
    from lab.runs.inline import run_inline
    from lab.runs.requests import evaluate_run

    monkeypatch.setattr(lab.features.extractors, "get_extractor", lambda *_: CoarsePixels())
    films = captioned_films(tmp_path / "films")
    add_folder(films, "small", origin="phantom", modality="chest radiograph")
    add_folder(films, "real", origin="real", modality="chest radiograph")

    def measured(real: str, synthetic: str) -> dict[str, Any]:
        run = run_inline(evaluate_run(real, synthetic, ["clip-score", "retrieval-recall"], copies="measure"))
        assert run.state == "done" and run.result is not None, run.error
        return run.result["results"][0]

    samples = answer(count=12)["sample_set"]
    assert "not here" in measured("small", samples)["note"]
    build_toy_clip(model_folder(place))
    found = measured("small", samples)
    assert -1 <= found["value"] <= 1 and found["control"] is not None and found["floor"] is not None
    assert (found["extractor"], found["n_synthetic"], found["n_held_out"]) == ("phantom-clip", 12, 18)
    assert "No interval" in found["note"], "twelve samples of one prompt"
    assert "knows phantom chest radiographs only" in measured("real", samples)["note"]
    other = answer(generator="real-cxr", count=12)["sample_set"]
    assert "these images are others" in measured("small", other)["note"]
    assert measured("small", "small:held-out")["value"] is None, "six test films are no control"


def test_the_words_say_where_a_sample_stands() -> None:
    reading = {"cosine": 0.4, "matched": 0.421, "mismatched": 0.984, "side_as_asked": True, "note": ""}
    assert fit_of(reading) == "fits"
    assert fit_sentence(reading) == (
        "It agrees with its prompt better than 98 of 100 films agree with a wrong caption, and better than 42 of 100 "
        "agree with their own."
    )
    assert lines(reading)[0] == "fits its prompt, side as asked."
    low = {**reading, "matched": 0.001, "mismatched": 0.3, "side_as_asked": False, "note": "A note."}
    assert fit_of(low) == "does not fit" and "but worse than 99 of 100 agree with their own" in fit_sentence(
        low
    )
    assert (
        lines(low)[0] == "prompt: does not fit, side: more like the other one."
        and lines(low)[-1] == "A note."
    )
    from lab.commands.generate import _lines

    samples = [{"alignment": None}, {"alignment": {"text_image": low}}]
    told = _lines({"samples": samples, "text_image": {"why": "Not compared."}}, ["a.png", "b.png"])
    assert told[:3] == ["a.png", "b.png", f"    {lines(low)[0]}"] and told[-1] == "Not compared."
    unclear = {**reading, "matched": 0.2, "mismatched": 0.8, "side_as_asked": None}
    assert fit_of(unclear) == "unclear" and lines(unclear)[0] == "prompt: unclear."
