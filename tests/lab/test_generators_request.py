"""The border of a generation request, and the recipe inside a PNG."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from lab.errors import ImageError, InputError
from lab.generators.card import card_from_json
from lab.generators.request import MAX_SEED, GenerationRequest, draw_seeds, request_for
from lab.generators.sample import (
    RECIPE_KEY,
    parse_recipe,
    read_recipe,
    request_from_recipe,
    write_png,
)

CARD = card_from_json({"id": "toy", "title": "Toy", "folder": "model", "size": 128, "sizes": [128, 256]})
GOOD = GenerationRequest("toy", "small left pleural effusion", (1, 2), 20, 2.5, 128)


def refused(**changes: object) -> str:
    with pytest.raises(InputError) as caught:
        dataclasses.replace(GOOD, **changes).checked(CARD)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and "nothing was started" in sentence
    return sentence


def test_good_request_is_unchanged():
    assert GOOD.checked(CARD) == GOOD


@pytest.mark.fault(27)
@pytest.mark.parametrize("seed", [-1, 2**32, 2**63, 2**64, 1.5, float("nan"), "7", None, True])
def test_seed_outside_range_is_refused(seed):
    assert "0 to 4294967295" in refused(seeds=(1, seed))


@pytest.mark.fault(27)
@pytest.mark.parametrize("steps", [0, -1, 1001, 10**6, 2.5, float("nan"), None, True])
def test_steps_outside_range_are_refused(steps):
    assert "1 to 1000" in refused(steps=steps)


@pytest.mark.fault(27)
@pytest.mark.parametrize("guidance", [-1, 30.01, 1e9, float("nan"), float("inf"), "3", None, True])
def test_guidance_outside_range_is_refused(guidance):
    assert "0 to 30" in refused(guidance=guidance)


@pytest.mark.fault(27)
def test_guidance_zero_is_in_range():
    assert dataclasses.replace(GOOD, guidance=0).checked(CARD).guidance == 0.0


@pytest.mark.fault(27)
@pytest.mark.parametrize("size", [7, 513, 10**5, 0, -128, 128.0, True])
def test_size_outside_the_cards_is_refused(size):
    assert "128, 256 pixels" in refused(size=size)


@pytest.mark.fault(27)
@pytest.mark.parametrize("count", [0, -1, 65, 10**4, 1.5, float("nan"), None])
def test_count_outside_range_is_refused(count):
    with pytest.raises(InputError, match="1 to 64"):
        draw_seeds(count)


@pytest.mark.fault(27)
@pytest.mark.parametrize("seeds", [(), tuple(range(65)), 5])
def test_number_of_seeds_outside_range_is_refused(seeds):
    assert "1 to 64" in refused(seeds=seeds)


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    "prompt", ["", "   ", "\n\t", "x" * 10_000, "a\x00b", "a\x1bb", "abc\u202edef", "\ud800", 5]
)
def test_unusable_prompt_is_refused(prompt):
    sentence = refused(prompt=prompt)
    assert "prompt" in sentence and "x" * 50 not in sentence


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    "prompt",
    [
        "<script>alert(1)</script>",
        "[a](javascript:b)",
        "$\\frac{1}{2}$",
        "انصباب جنبي",
        "effusion 🫁",
        "x" * 2000,
    ],
)
def test_strange_but_harmless_prompt_is_kept_word_for_word(prompt):
    assert dataclasses.replace(GOOD, prompt=prompt).checked(CARD).prompt == prompt


def test_blanks_in_a_prompt_are_tidied():
    assert dataclasses.replace(GOOD, prompt="  left \n effusion ").checked(CARD).prompt == "left effusion"


def test_seeds_follow_the_first_and_wrap():
    assert draw_seeds(3, MAX_SEED - 1) == (MAX_SEED - 1, MAX_SEED, 0)
    drawn = draw_seeds(64)
    assert len(set(drawn)) == 64 and all(0 <= seed <= MAX_SEED for seed in drawn)


def test_defaults_come_from_the_card():
    request = request_for(CARD, "effusion", 2, 5)
    assert (request.steps, request.guidance, request.size, request.seeds) == (50, 7.5, 128, (5, 6))


RECIPE = {
    "version": 1, "generator": "toy", "weights": "0" * 64, "prompt": "große <b> 🫁", "negative_prompt": "",
    "seed": 7, "steps": 20, "guidance": 2.5, "size": 128,
}  # fmt: skip


@pytest.mark.row("C2")
def test_recipe_travels_inside_the_png():
    image = np.random.default_rng(0).integers(0, 256, (128, 128), dtype=np.uint8)
    png = write_png(image, RECIPE)
    assert png == write_png(image, RECIPE)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), image)
    assert read_recipe(png) == RECIPE
    request = request_from_recipe(RECIPE).checked(CARD)
    assert (request.prompt, request.seeds, request.guidance) == (RECIPE["prompt"], (7,), 2.5)


def test_png_without_recipe_has_none():
    stream = io.BytesIO()
    Image.new("L", (4, 4)).save(stream, "PNG")
    assert read_recipe(stream.getvalue()) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"version": 2}', "[" * 50_000, '{"version": 1}', "x" * 70_000]
)
def test_recipe_from_outside_is_distrusted(text):
    with pytest.raises(InputError, match="kept"):
        parse_recipe(text)
    chunk = PngImagePlugin.PngInfo()
    chunk.add_text(RECIPE_KEY, text)
    stream = io.BytesIO()
    Image.new("L", (4, 4)).save(stream, "PNG", pnginfo=chunk)
    with pytest.raises((InputError, ImageError)):
        read_recipe(stream.getvalue())


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_damaged_png_gives_a_sentence(tail):
    for data in (
        tail,
        b"\x89PNG\r\n\x1a\n" + tail,
        write_png(np.zeros((4, 4), np.uint8), RECIPE)[:-20] + tail,
    ):
        try:
            read_recipe(data)
        except (ImageError, InputError) as error:
            assert str(error).endswith(".")
