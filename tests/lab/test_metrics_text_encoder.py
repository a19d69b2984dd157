"""The text-encoder probe: on toy vectors, and with the encoder of a generator in a whole run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput, Space
from tests.builders.memory_set import blobs
from tests.builders.toy_pipeline import build_toy_pipeline, toy_card_json

NAME = "text-encoder-probe"


def given(strength: float, base: float | None = None, captions: int = 80, **changes) -> MetricInput:
    """Two findings; the tuned encoder writes them into two axes, `strength` times as far as its noise."""
    rng = np.random.default_rng(0)
    has = rng.random((captions, 2)) < 0.5
    told = np.asarray(["|".join(np.asarray(["effusion", "nodule"])[row]) or "normal" for row in has])
    held = rng.random((50, 2)) < 0.5
    held_told = np.asarray(["|".join(np.asarray(["effusion", "nodule"])[row]) or "normal" for row in held])

    def vectors(flags: np.ndarray, reach: float, seed: int) -> np.ndarray:
        found = np.random.default_rng(seed).normal(size=(len(flags), 6)).astype(np.float32)
        found[:, :2] += reach * flags
        return found

    def space(reach: float, seed: int) -> Space:
        return Space(
            vectors(has, reach, seed),
            vectors(has[:30], reach, seed + 1),
            vectors(held, reach, seed + 2),
            "toy",
        )

    spaces = {"text:tuned": space(strength, 3)} | ({"text:base": space(base, 7)} if base is not None else {})
    features = rng.normal(size=(captions, 4))
    return MetricInput(
        **{
            "real": features, "real_patients": np.asarray([f"p{n // 2}" for n in range(captions)]),
            "synthetic": features[:30] + 5.0, "held_out": rng.normal(size=(50, 4)),
            "held_out_patients": np.asarray([f"q{n}" for n in range(50)]), "spaces": spaces,
            "real_labels": told, "synthetic_labels": told[:30], "held_out_labels": held_told,
            "real_findings": told, "held_out_findings": held_told, "synthetic_findings": told[:30], **changes,
        }
    )  # fmt: skip


@pytest.mark.row("R14")
def test_separable_vectors_give_one_and_the_gain_of_tuning_is_told() -> None:
    (found,) = evaluate([NAME], given(40.0, base=0.0))
    rows = {row["finding"]: row for row in found.details["table"]}
    assert rows["effusion"]["after tuning"] == rows["nodule"]["after tuning"] == 1.0
    assert found.value > 0.95 and found.control > 0.9
    assert abs(found.floor - 0.5) < 0.15 and found.floor_n == 80
    assert abs(rows["effusion"]["before tuning"] - 0.5) < 0.2
    assert (
        f"changes it by {found.value - found.floor:+.3f} (+" in found.note
        and "80 different captions" in found.note
    )
    assert found.low <= found.value <= found.high and found.extractor == "toy"
    only = given(40.0)
    labels = np.asarray(["effusion" if "effusion" in text else "normal" for text in only.real_findings])
    two = replace(only, real_findings=labels, held_out_findings=None, held_out_labels=None)
    (exact,) = evaluate([NAME], replace(two, held_out=None, held_out_patients=None, spaces={
        "text:tuned": replace(only.spaces["text:tuned"], held_out=None)}))  # fmt: skip
    assert exact.value == 1.0 and exact.floor is None and exact.control is None


@pytest.mark.fault(32)
def test_vectors_that_say_nothing_give_a_guess_and_weak_ones_lie_between() -> None:
    value = {reach: next(evaluate([NAME], given(reach))).value for reach in (0.0, 1.5, 40.0)}
    assert abs(value[0.0] - 0.5) < 0.12 and value[0.0] < value[1.5] < value[40.0]


def test_equal_captions_count_once_and_empty_ones_not_at_all() -> None:
    whole = given(40.0)
    space = whole.spaces["text:tuned"]
    vectors = space.real.copy()
    vectors[1::2] = vectors[::2]
    vectors[:10] = 0.0
    (found,) = evaluate([NAME], replace(whole, spaces={"text:tuned": replace(space, real=vectors)}))
    assert "35 different captions" in found.note


def test_few_captions_and_no_encoder_are_told() -> None:
    whole = given(40.0)
    (none,) = evaluate([NAME], replace(whole, spaces={}))
    assert none.value is None and "text encoder of the generator" in none.note
    vectors = whole.spaces["text:tuned"].real.copy()
    vectors[6:] = 0.0
    space = replace(whole.spaces["text:tuned"], real=vectors)
    (few,) = evaluate([NAME], replace(whole, spaces={"text:tuned": space}))
    assert few.value is None and "6 different captions" in few.note


@pytest.fixture
def place(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a toy generator, samples of it and a dataset with captions."""
    from lab.data.samples import NewSample, SampleSetWriter

    monkeypatch.setenv("LAB_THREADS", "1")
    folder = build_toy_pipeline(tmp_path / "model")
    (workspace / "generators").mkdir(parents=True)
    (workspace / "generators" / "toy-cxr.json").write_text(json.dumps(toy_card_json(folder)), "utf-8")
    writer = SampleSetWriter("toy-set", "toy-cxr", parent="films")
    writer.append(NewSample(at, film, {"seed": at}, "large effusion") for at, film in enumerate(blobs(1, 4)))
    writer.finalise()
    return folder


def test_the_encoder_of_the_generator_reads_captions_as_its_pipeline_does(place: Path) -> None:
    import torch
    from diffusers import StableDiffusionPipeline

    from lab.data.resolve import resolve
    from lab.generators.cards import get_card
    from lab.runs.kinds.providers.text_encoder import encoder_digest, open_encoders

    own, before = open_encoders(get_card("toy-cxr"))
    whole = StableDiffusionPipeline.from_pretrained(place, local_files_only=True, safety_checker=None)
    text = "small left effusion"
    told = whole.tokenizer([text], padding="max_length", max_length=16, return_tensors="pt")
    with torch.inference_mode():
        hidden = whole.text_encoder(
            told["input_ids"], attention_mask=told["attention_mask"]
        ).last_hidden_state[0]
    read = told["attention_mask"][0].bool()
    np.testing.assert_allclose(own.embed([text, "normal"])[0], hidden[read].mean(dim=0).numpy(), atol=1e-5)
    again, other = (one.embed([text]) for one in (open_encoders(get_card("toy-cxr"))[1], before))
    np.testing.assert_array_equal(again, other)
    assert np.abs(other - own.embed([text])).max() > 1e-3 and "random weights" in before.name
    samples = resolve("toy-set")
    assert encoder_digest(samples) != "none" == encoder_digest(_unknown(samples))


def test_a_base_named_by_the_card_is_what_the_encoder_was_before(place: Path, tmp_path: Path) -> None:
    from lab.generators.card import card_from_json
    from lab.runs.kinds.providers.text_encoder import open_encoders

    base = build_toy_pipeline(tmp_path / "base", seed=5)
    own, before = open_encoders(card_from_json({**toy_card_json(place), "base": str(base)}))
    theirs, _ = open_encoders(card_from_json(toy_card_json(base, "other")))
    np.testing.assert_array_equal(before.embed(["normal"]), theirs.embed(["normal"]))
    assert np.abs(before.embed(["normal"]) - own.embed(["normal"])).max() > 1e-3


def test_why_there_is_no_encoder_is_one_sentence(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lab.data import resolve as resolving
    from lab.runs.kinds.providers import text_encoder

    samples = resolving.resolve("toy-set")
    captioned = pytest.MonkeyPatch()
    captioned.setattr(resolving, "resolve", lambda _: samples)
    try:
        assert text_encoder.absent("films", samples, "") == ""
        assert "no generator" in text_encoder.absent("films", _unknown(samples), "")
        (place / "text_encoder").rename(place / "moved")
        assert "has no text encoder" in text_encoder.absent("films", samples, "")
    finally:
        captioned.undo()


def _unknown(samples):
    from tests.builders.memory_set import MemorySet

    return MemorySet("folder", [samples.image(samples.ids()[0])])
