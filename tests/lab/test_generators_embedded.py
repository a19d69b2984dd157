"""The embedded generator as it is shipped: it opens offline and a chest follows the prompt's side."""

from __future__ import annotations

import numpy as np
import pytest

from lab.generators.cards import EMBEDDED, get_card
from lab.generators.load import load
from lab.generators.prompts import read_prompt
from lab.generators.request import request_for
from lab.generators.training import quality


@pytest.fixture(scope="module")
def generator():
    if not (EMBEDDED / "phantom-cxr" / "card.json").is_file():
        pytest.skip("the embedded generator is not in this checkout")
    return load(get_card("phantom-cxr"), "cpu")


def drawn(generator, prompt):
    request = request_for(generator.card, prompt, 4, 21)
    return np.stack([s.image for batch in generator.generate(request) for s in batch])


def test_card_states_what_it_is(generator):
    card = generator.card
    assert card.phantom_trained and card.training_dataset == "phantom-cxr" and card.size == 128
    assert card.measured["training_patients"] == 600 and card.measured["training"]["unet"]["seconds"] > 0
    for prompt in card.examples:
        reading = read_prompt(card.part_folders["tokenizer"], prompt)
        assert reading is not None and not reading.dropped and reading.tokens <= 12


def test_effusion_whitens_the_side_of_the_prompt(generator):
    right, left = (drawn(generator, f"Large {side} pleural effusion.") for side in ("right", "left"))
    assert right.shape == (4, 128, 128) and right.dtype == np.uint8
    # The patient's right is the viewer's left.
    lower = slice(50, 100)
    change = right.astype(float) - left
    assert (change[:, lower, 20:55].mean((1, 2)) > 10).sum() >= 3
    assert (change[:, lower, 75:110].mean((1, 2)) < -10).sum() >= 3


def test_fine_energy_ignores_the_edges_of_a_film():
    from scipy.ndimage import gaussian_filter

    ramp = np.linspace(0, 200, 64)[:, None] + np.zeros((64, 64))
    film = np.clip(ramp + np.random.default_rng(0).normal(0, 8, (4, 64, 64)), 0, 255)
    blurred = np.stack([gaussian_filter(one, 2) for one in film]).astype(np.uint8)
    assert quality.fine_energy(film.astype(np.uint8), film.astype(np.uint8)) == pytest.approx(1.0)
    assert quality.fine_energy(film.astype(np.uint8), blurred) < 0.05
