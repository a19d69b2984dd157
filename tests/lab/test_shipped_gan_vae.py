"""The GAN and the autoencoder that come with the program: what their knobs promise, equal bytes, size, honest cards."""

from __future__ import annotations

import numpy as np
import pytest

from lab.config import ASSETS
from lab.generators.cards import get_card
from lab.generators.condition import Condition
from lab.generators.load import load
from lab.generators.request import request_for

SHIPPED = {"phantom-cxr-gan": "psi", "phantom-cxr-vae": "temperature"}


@pytest.fixture(scope="module", params=sorted(SHIPPED))
def generator(request):
    return load(get_card(request.param), "cpu")


def drawn(generator, count, seed, **numbers):
    condition = Condition(numbers=tuple(sorted(numbers.items())))
    request = request_for(generator.card, "", count, seed, condition=condition)
    return [sample for batch in generator.generate(request) for sample in batch]


@pytest.mark.row("SG-07")
def test_the_knob_goes_from_one_picture_to_more_and_more_variety(generator):
    knob, spreads = SHIPPED[generator.card.id], []
    for value in (0.0, 0.5, 1.0):
        images = np.stack([s.image for s in drawn(generator, 24, 0, **{knob: value})]).astype(float)
        # In cells of 8 pixels: an autoencoder's fine noise is drawn at any temperature.
        cells = images.reshape(24, 8, 8, 8, 8).mean(axis=(2, 4))
        spreads.append(float(cells.var(axis=0).mean()))
        if knob == "psi" and value == 0:
            assert len({s.tobytes() for s in images}) == 1
    assert spreads[0] < 2 and spreads[1] > 20 and spreads[2] > 1.5 * spreads[1]


@pytest.mark.row("C2")
def test_equal_recipe_gives_equal_bytes(generator):
    six, last = drawn(generator, 6, 40), drawn(generator, 1, 45)
    assert [s.png() for s in six] == [s.png() for s in drawn(generator, 6, 40)]
    assert last[0].png() == six[5].png() and len({s.digest for s in six}) == 6


def test_samples_are_neither_blank_nor_all_alike(generator):
    images = np.stack([s.image for s in drawn(generator, 32, 100)]).astype(float)
    assert images.shape == (32, 64, 64)
    assert images.reshape(32, -1).std(axis=1).min() > 15  # grey levels
    flat = (images - images.mean(axis=(1, 2), keepdims=True)).reshape(32, -1)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    alike = (flat @ flat.T)[np.triu_indices(32, 1)]
    assert alike.max() < 0.999 and alike.mean() < 0.95


def test_the_card_is_honest_and_the_folder_small(generator):
    card = generator.card
    assert card.phantom_trained and not card.over_trained and card.training_dataset == "phantom-cxr"
    assert card.licence == "Apache-2.0" and "SYNTHETIC (phantom-trained)" in card.notes
    assert {"training", "kernel_distance", "coverage", "near_copies"} <= set(card.measured)
    folder = ASSETS / "generators" / card.id
    files = [file for file in folder.rglob("*") if file.is_file() and file.parent.name != "gates"]
    assert sum(file.stat().st_size for file in files) < 1_020_000
    assert {"README.md", "card.json", "contact_sheet.png"} <= {file.name for file in files}


def test_the_autoencoder_gives_held_out_films_back():
    from lab.data.phantom_families import FAMILIES
    from lab.generators.training.families.recipe import find_recipe
    from lab.generators.training.families.source import small

    recipe, family = find_recipe("phantom-cxr-vae"), FAMILIES["phantom-cxr"]
    held_out = [number for number in range(40) if _split(number) == "held-out"][:8]
    films = np.stack([small(family.render(0, number, 0).image, recipe)[0] for number in held_out])
    back = load(get_card("phantom-cxr-vae"), "cpu").autoencode(films)
    error = np.abs(back.astype(float) - films).mean()
    mean = np.abs(films - films.mean(axis=0)).mean()
    assert error < 0.45 * mean


def _split(number):
    from lab.data.phantom_dataset import phantom_split

    return phantom_split(f"phantom-0-{number:05d}")
