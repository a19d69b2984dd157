"""LLM-CXR as the lab sees it: a folder of finished images, found by prompt and seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lab.errors import GeneratorError, InputError, WeightsError
from lab.generators.external_folder import folder_digest, read_manifest
from lab.generators.load import load, model_digest
from lab.generators.request import request_for
from lab.generators.sample import read_recipe
from tests.builders.published import published_card

ROWS = (
    "file,prompt,seed,note\na.png,Large  left effusion.,1,x\nb.png,Large left effusion.,2,x\n"
    "sub/c.jpg,No finding.,1,x\n"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (3, 256, 256), dtype=np.uint8)
    for name, film in zip(("a.png", "b.png", "sub/c.jpg"), pixels, strict=True):
        Image.fromarray(film).save(tmp_path / name)
    (tmp_path / "manifest.csv").write_text("\ufeff" + ROWS, "utf-8")
    return tmp_path


@pytest.fixture
def card(folder):
    return replace(published_card("llm-cxr"), published=False, folder=str(folder))


@pytest.mark.row("C3")
def test_images_are_handed_out_by_prompt_and_seed(card, folder):
    generator, seen = load(card, "cpu"), []
    samples = next(iter(generator.generate(request_for(card, "Large left effusion.", 2, 1), seen.append)))
    for sample, name in zip(samples, ("a.png", "b.png"), strict=True):
        assert np.array_equal(sample.image, np.asarray(Image.open(folder / name)))
    recipe = read_recipe(samples[0].png())
    assert set(recipe["external"]) == {"sha256"} and recipe["weights"] == generator.digest == model_digest(
        card
    )
    assert (seen[0].step, seen[0].steps, seen[0].total) == (1, 1, 2)
    assert generator.prompt_reading("x").dropped == ()
    with pytest.raises(GeneratorError, match="no autoencoder"):
        generator.autoencode(np.zeros((1, 8, 8), np.uint8))


@pytest.mark.row("C3")
def test_what_is_not_there_is_answered_by_what_is(card):
    generator = load(card, "cpu")
    with pytest.raises(InputError, match="with the seeds 1, 2, not with 3; nothing was generated"):
        list(generator.generate(request_for(card, "Large left effusion.", 2, 2)))
    with pytest.raises(
        InputError, match="holds no image of this prompt; it holds 3 images of 2 other prompts"
    ):
        list(generator.generate(request_for(card, "Zebra.", 1, 1)))


def test_the_digest_follows_every_image(card, folder):
    before = folder_digest(folder)
    Image.fromarray(np.zeros((256, 256), np.uint8)).save(folder / "b.png")
    assert folder_digest(folder) != before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,prompt\na.png,x\n", "no column 'seed'"),
        (ROWS + "../a.png,Other.,3,x\n", "line 5 names no file within the folder"),
        (ROWS + "a.png,Other.,-1,x\n", "line 5 has no seed"),
        (ROWS + "a.png, ,3,x\n", "line 5 has no prompt"),
        (ROWS + "a.png,No finding.,1,x\n", "line 5 gives a prompt and seed a second time"),
    ],
)
def test_a_manifest_that_is_not_valid_is_refused_by_line(folder, text, words):
    (folder / "manifest.csv").write_text(text, "utf-8")
    with pytest.raises(WeightsError, match=words):
        read_manifest(folder)


def test_a_listed_image_that_cannot_be_used_is_named_by_its_line(card, folder):
    generator = load(card, "cpu")
    (folder / "a.png").unlink()
    with pytest.raises(GeneratorError, match="image of line 2 .* is missing or cannot be read") as caught:
        list(generator.generate(request_for(card, "Large left effusion.", 1, 1)))
    assert "a.png" not in str(caught.value)
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(folder / "b.png")
    with pytest.raises(GeneratorError, match="line 3 has 64 x 64 pixels and the card of LLM-CXR says 256"):
        list(generator.generate(request_for(card, "Large left effusion.", 1, 2)))
    (folder / "manifest.csv").unlink()
    with pytest.raises(WeightsError, match=r"it has no manifest\.csv"):
        load(card, "cpu")
