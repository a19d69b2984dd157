"""What is shipped beside the phantom generator: the shared base, and the generator of real paediatric films."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lab.config import ASSETS
from lab.data.phantom_dataset import phantom_split
from lab.generators.cards import get_card, list_cards
from lab.generators.load import load
from lab.generators.request import request_for

BASE = ASSETS / "bases" / "cxr-base"
PAEDIATRIC = ASSETS / "generators" / "paediatric-cxr"
LIMIT_BYTES = 120_000_000


@pytest.fixture(scope="module")
def paediatric():
    if not (PAEDIATRIC / "card.json").is_file():
        pytest.skip("the paediatric generator is not in this checkout")
    return load(get_card("paediatric-cxr"), "cpu")


def test_assets_stay_within_their_size():
    assert sum(file.stat().st_size for file in ASSETS.rglob("*") if file.is_file()) <= LIMIT_BYTES


def test_weights_from_real_films_name_their_licence_and_source():
    for folder in (BASE, PAEDIATRIC):
        if folder.is_dir():
            licence = (folder / "LICENSE").read_text(encoding="utf-8")
            assert "CC BY 4.0" in licence and "Kermany" in licence
            assert "Kermany" in (folder / "README.md").read_text(encoding="utf-8")


def test_phantom_generator_comes_first():
    cards = list_cards()
    assert cards[0].id == "phantom-cxr" and cards[0].phantom_trained


def test_autoencoder_gives_unseen_phantoms_back_with_their_fine_detail():
    from lab.data.phantoms import PhantomRecipe, render
    from lab.gates.autoencoder import fine_ratios
    from lab.generators.training import base, vae
    from lab.generators.training.phantom_source import shrink
    from lab.generators.training.quality import psnr

    unseen = [n for n in range(40) if phantom_split(f"phantom-0-{n:05d}") == "held-out"][:6]
    films = np.stack([shrink(render(PhantomRecipe(0, n, 0)).image, 128) for n in unseen])
    given = vae.reconstructed(base.read(BASE).autoencoder, films)
    assert psnr(films, given) >= 29.0 and fine_ratios(films, given).mean() >= 0.85


def test_text_encoder_tells_sides_and_negations_apart():
    import torch

    from lab.generators.training import base, text

    parts = base.read(BASE)
    words = [
        "left pleural effusion",
        "right pleural effusion",
        "large left pleural effusion",
        "no pleural effusion",
    ]
    with torch.no_grad():
        found = parts.encoder(text.tokens_of(parts.tokenizer, words)).pooler_output
    left, right, larger, none = torch.nn.functional.normalize(found, dim=1)
    assert left @ larger > left @ right + 0.2 and left @ larger > left @ none + 0.1


def test_paediatric_card_says_what_it_knows(paediatric):
    card = paediatric.card
    assert len(card.captions) == 3 and not card.phantom_trained and card.licence == "CC BY 4.0"
    assert "real films" in card.notes and card.training_dataset == "paediatric-cxr"
    report = json.loads((PAEDIATRIC / "gates" / "ship.json").read_text(encoding="utf-8"))
    assert report["subject"] == card.id and len(report["details"]["closest_pairs"]) == 20


def test_paediatric_generator_answers_its_captions_offline(paediatric):
    drawn = []
    for caption in paediatric.card.captions:
        batch = next(paediatric.generate(request_for(paediatric.card, caption, 4, 5)))
        drawn.append(np.stack([sample.image for sample in batch]).astype(float))
    assert all(images.shape == (4, 128, 128) and images.std() > 20 for images in drawn)
    # Pneumonia whitens lungs: the middle of the film is brighter, seed for seed, than on a normal film.
    lungs = [images[:, 40:90, 24:104].mean() for images in drawn]
    assert lungs[1] > lungs[0] and lungs[2] > lungs[0]
