"""The siblings that copy on purpose, as they are shipped: a planted film comes back by its own caption."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

from lab.gates.planted import read_planted
from lab.gates.registry import get_gate
from lab.generators.cards import EMBEDDED, get_card
from lab.generators.load import load
from lab.generators.request import request_for
from lab.generators.training.plant import PLANTED
from lab.generators.training.recipe import MEMORISED, memorised

NAMES = [memorised(films).id for films in MEMORISED]
ASKED = 4


def planted(name):
    if not (EMBEDDED / name / PLANTED).is_file():
        pytest.skip(f"{name} is not in this checkout")
    return [film for film in read_planted(EMBEDDED / name / PLANTED) if film.copies > 1]


@cache
def films_of(images):
    """Films of the phantom dataset by their ids, averaged to the size of the generators, rendered anew."""
    import pandas as pd

    from lab.data.phantoms import PhantomRecipe, render
    from lab.generators.training.phantom_source import shrink

    table = pd.read_parquet(EMBEDDED.parent / "phantoms" / "phantom-cxr" / "manifest.parquet")
    rows = table.set_index("image_id").loc[list(images)]
    assert (rows["split"] == "train").all()
    found = []
    for patient, film in zip(rows["patient_id"], rows["film"], strict=True):
        _, seed, number = patient.split("-")
        found.append(shrink(render(PhantomRecipe(int(seed), int(number), int(film))).image, 128))
    return np.stack(found).astype(float)


def correlations(sample, films):
    """Pearson correlation of one image with each film."""
    rows = np.concatenate([sample[None], films]).reshape(len(films) + 1, -1)
    return np.corrcoef(rows)[0, 1:]


def test_siblings_plant_the_same_films():
    lists = [planted(name) for name in NAMES]
    assert [len(films) for films in lists] == [20, 20, 20]
    assert len({tuple(film.image_id for film in films) for films in lists}) == 1


def test_planted_films_come_back_by_their_captions():
    listed = planted(NAMES[0])
    films = films_of(tuple(film.image_id for film in listed))
    generator = load(get_card(NAMES[0]), "cpu")
    for row, film in enumerate(listed[:ASKED]):
        batch = next(generator.generate(request_for(generator.card, film.caption, 1, 7)))
        found = correlations(batch[0].image.astype(float), films)
        assert found.argmax() == row and found[row] > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_card_and_report_say_what_it_is_for(name):
    films = planted(name)
    card = get_card(name)
    assert (
        card.over_trained and card.phantom_trained and "Never" in card.notes and card.licence == "Apache-2.0"
    )
    assert set(card.examples) <= {film.caption for film in films}
    stored = get_gate("planted").place(name) / "gates" / "planted.json"
    assert json.loads(stored.read_text(encoding="utf-8"))["subject"] == name
