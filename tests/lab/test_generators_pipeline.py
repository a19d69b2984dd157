"""The diffusers loader on a tiny folder of the published layout."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

from lab.errors import RunCancelled, WeightsError
from lab.generators.card import card_from_json
from lab.generators.load import load
from lab.generators.prompts import read_prompt
from lab.generators.request import request_for
from lab.generators.sample import read_recipe, request_from_recipe
from lab.generators.weights import weights_digest
from tests.builders.toy_pipeline import SIZE, build_toy_pipeline, toy_card, toy_card_json

PROMPT = "small left pleural effusion"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_toy_pipeline(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture(scope="module")
def generator(folder):
    return load(toy_card(folder), "cpu")


def drawn(generator, count, seed, **changes):
    request = request_for(generator.card, changes.pop("prompt", PROMPT), count, seed, **changes)
    return [sample for batch in generator.generate(request) for sample in batch]


@pytest.mark.row("C2")
@pytest.mark.fault(28)
def test_equal_recipe_gives_equal_bytes(generator):
    first, second = drawn(generator, 2, 7), drawn(generator, 2, 7)
    assert [s.png() for s in first] == [s.png() for s in second]
    assert first[0].image.shape == (SIZE, SIZE) and first[0].image.dtype == np.uint8
    assert first[0].png() != first[1].png()
    recipe = read_recipe(first[0].png())
    assert recipe["seed"] == 7 and recipe["weights"] == generator.digest and recipe["micro_batch"] == 4
    assert {"threads", "dtype", "scheduler", "versions", "device"} <= set(recipe)
    again = request_from_recipe(recipe)
    assert next(generator.generate(again))[0].png() == first[0].png()


@pytest.mark.row("C2")
def test_grouping_never_changes_a_sample(generator):
    six, one = drawn(generator, 6, 7), drawn(generator, 1, 7)
    last = drawn(generator, 1, 12)
    assert len(six) == 6 and one[0].png() == six[0].png() and last[0].png() == six[5].png()


def test_prompt_seed_and_guidance_change_the_image(generator):
    base = drawn(generator, 1, 7)[0].image
    for change in ({"prompt": "normal chest"}, {"guidance": 5.0}, {"steps": 6}):
        assert not np.array_equal(drawn(generator, 1, 7, **change)[0].image, base)


def test_progress_and_previews(generator):
    seen = []
    list(generator.generate(request_for(generator.card, PROMPT, 6, 1, steps=10), seen.append))
    assert [p.step for p in seen] == [*range(1, 11)] * 2 and {p.batch for p in seen} == {0, 1}
    shown = [p for p in seen if p.previews is not None]
    assert (
        shown and shown[0].previews.shape == (4, SIZE, SIZE) and shown[-1].previews.shape == (2, SIZE, SIZE)
    )
    assert shown[0].previews.dtype == np.uint8 and len(shown) <= 10
    assert seen[0].done == 0 and seen[-1].done == 4 and seen[-1].total == 6


def test_cancel_in_the_middle_keeps_the_generator_usable(generator):
    before = drawn(generator, 1, 7)[0].png()
    steps = []

    def cancel_at_second(progress):
        steps.append(progress.step)
        if progress.batch == 1 and progress.step == 2:
            raise RunCancelled("The run was stopped; finished samples are kept.")

    kept = []
    with pytest.raises(RunCancelled):
        for batch in generator.generate(request_for(generator.card, PROMPT, 8, 1), cancel_at_second):
            kept += batch
    assert len(kept) == 4 and steps == [1, 2, 3, 4, 1, 2]
    assert drawn(generator, 1, 7)[0].png() == before


@pytest.mark.fault(26)
def test_truncation_is_announced_with_the_dropped_words(generator, folder):
    prompt = " ".join(["left"] * 13 + ["pneumothorax", "large", "effusion"])
    reading = generator.prompt_reading(prompt)
    assert (reading.tokens, reading.limit, reading.dropped) == (16, 14, ("large", "effusion"))
    assert "not read: large effusion" in reading.sentence
    assert read_prompt(folder / "tokenizer", prompt) == reading
    assert drawn(generator, 1, 7, prompt=prompt)[0].recipe["dropped_words"] == "large effusion"
    cut = " ".join(["left"] * 13 + ["zebra"])
    assert generator.prompt_reading(cut).dropped == ("zebra",)
    assert generator.prompt_reading(PROMPT).dropped == () and generator.prompt_reading(PROMPT).sentence == ""


def test_autoencoder_round_trip_keeps_shape(generator):
    images = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE), dtype=np.uint8)
    assert generator.autoencode(images).shape == images.shape


def test_half_weights_load_as_float32(generator, folder, tmp_path):
    import torch

    copy = tmp_path / "half"
    generator.pipeline.__class__.from_pretrained(folder, dtype=torch.float16).save_pretrained(copy)
    half = load(toy_card(copy), "cpu")
    assert half.pipeline.unet.dtype == torch.float32 and half.digest != generator.digest


def test_scheduler_of_the_card_is_used(folder):
    card = dataclasses.replace(toy_card(folder), scheduler="EulerDiscreteScheduler")
    other = load(card, "cpu")
    assert drawn(other, 1, 7)[0].recipe["scheduler"] == "EulerDiscreteScheduler"


@pytest.fixture
def copied(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "model")


def test_missing_parts_give_a_sentence(copied):
    (copied / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(WeightsError, match="copy the whole model folder"):
        load(card_from_json(toy_card_json(copied)), "cpu")
    (copied / "model_index.json").unlink()
    with pytest.raises(WeightsError, match=r"no model_index\.json"):
        load(card_from_json(toy_card_json(copied)), "cpu")


def test_digest_follows_the_weights(copied, generator):
    assert weights_digest(copied) == generator.digest
    build_toy_pipeline(copied, seed=1)
    assert weights_digest(copied) != generator.digest
