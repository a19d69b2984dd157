"""What is done against copying in training: repeats taken out, DP-SGD with its ledger; and real films kept local."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from lab.errors import GeneratorError, InputError
from lab.generators import cards
from lab.generators.card import card_from_json, read_card
from lab.generators.training import data, dataset_source, plant, private
from lab.generators.training.plant import Plant
from lab.generators.training.private import Private
from lab.generators.training.recipe import MITIGATED, RECIPES, train
from tests.builders.training import TOY_BASE, finished

FILMS = 6
PRIVATE_TOY = dataclasses.replace(
    TOY_BASE, id="toy-private", title="Toy, private", patients=20, held_out=0, seed=3, base="toy-base",
    plant=Plant(FILMS, planted=2, repeats=5, contrast=2, deduplicated=True), private=Private(0.9, 1.0, 0.05),
    copies=1, unet_channels=(16, 32), unet_steps=6, unet_batch=3,
)  # fmt: skip


@pytest.fixture
def shared(workspace):
    import torch

    torch.set_num_threads(1)
    return finished(train(TOY_BASE)).parent


def test_repeats_that_are_taken_out_are_drawn_once():
    records = [{"copies": 5}, {"copies": 1}, {"copies": 5}]
    films = data.Films(np.zeros(3), np.zeros(3), records, np.arange(3))
    repeated = Plant(3, 2, 5)
    assert plant.pool(films, repeated).tolist() == [0] * 5 + [1] + [2] * 5
    assert plant.pool(films, dataclasses.replace(repeated, deduplicated=True)).tolist() == [0, 1, 2]
    assert plant.planted_rows(films) == [0, 2]


@pytest.mark.row("CM-16")
def test_epsilon_is_that_of_an_independent_accountant():
    """Gaussian mechanism without sampling: RDP of order a is steps * a / (2 noise^2) (Mironov 2017, proposition 7)."""
    recipe = dataclasses.replace(PRIVATE_TOY, unet_batch=FILMS, private=Private(8.0, 1.0, 1e-2))
    ledger = private.spent(recipe, FILMS, 100)
    orders = np.concatenate([np.arange(1.1, 11, 0.1), np.arange(12, 64)])
    rdp = 100 * orders / (2 * 8.0**2)
    # Conversion of Canonne, Kamath and Steinke 2020, proposition 12.
    epsilon = rdp + np.log1p(-1 / orders) - (np.log(1e-2) + np.log(orders)) / (orders - 1)
    assert ledger.epsilon == pytest.approx(epsilon.min(), rel=1e-2)
    assert ledger.unit == "patient" and ledger.rate == 1 and ledger.steps == 100
    less = private.spent(dataclasses.replace(recipe, unet_batch=1), FILMS, 100)
    assert less.epsilon < ledger.epsilon < private.spent(recipe, FILMS, 400).epsilon


def test_private_training_gives_a_card_with_its_ledger_and_resumes(shared, tmp_path):
    from safetensors.torch import load_file

    card = read_card(finished(train(PRIVATE_TOY)))
    ledger = card.measured["privacy"]
    assert ledger["steps"] == 6 and ledger["rate"] == 0.5 and ledger["epsilon"] > 0
    assert not card.over_trained and "DP-SGD" in card.notes and "gives back" not in card.notes
    place = shared.parents[1] / "training" / PRIVATE_TOY.id
    whole = load_file(place / "unet.safetensors")
    cut = tmp_path / "cut"
    first = dataclasses.replace(PRIVATE_TOY, unet_steps=3)
    # Half way the learning rate of a shorter recipe has begun to fall; with the same total it has not.
    del first
    steps = train(PRIVATE_TOY, folder=cut, stages=["data", "unet"])
    finished(steps)
    again = load_file(cut / "unet.safetensors")
    assert all((whole[name] == again[name]).all() for name in whole)


def test_noise_and_clipping_bound_what_one_film_changes(shared):
    """One step on one film moves the summed gradient by at most the clip, and noise is there."""
    import torch

    from lab.generators.training import loop, unet

    quiet = dataclasses.replace(PRIVATE_TOY, private=Private(1e-9, 0.01, 0.05), unet_batch=1)
    state = loop.new_state(unet.build(quiet), 1e-3, 0.9)
    model, step = private.stepper(quiet, state)
    latents = torch.randn(1, 4, 8, 8)
    given = model(latents, torch.tensor([500]), torch.zeros(1, 4, 32), return_dict=False)[0]
    step((given**2).mean() * 1e4, torch.Generator().manual_seed(0))
    norm = torch.sqrt(sum((p.grad**2).sum() for p in state.model.parameters() if p.grad is not None))
    assert float(norm) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"plant": None}, {"plant": Plant(FILMS, 2, 5)}, {"private": Private(0.0)}, {"private": Private(1.0, 1.0, 0.5)},
        {"twins": True}, {"plant": Plant(FILMS, 2, 5, augment=True, deduplicated=True)},
    ],
)  # fmt: skip
def test_a_bound_that_would_not_hold_is_refused(change):
    with pytest.raises(InputError, match="nothing was trained"):
        dataclasses.replace(PRIVATE_TOY, **change)


def test_mitigated_recipes_differ_from_the_sibling_in_one_thing():
    sibling = RECIPES.get("phantom-cxr-memorised-192")
    assert len(MITIGATED) >= 4
    for name in MITIGATED:
        recipe = RECIPES.get(name)
        assert recipe.plant is not None and sibling.plant is not None
        assert (recipe.plant.films, recipe.plant.planted) == (sibling.plant.films, sibling.plant.planted)
        assert recipe.seed == sibling.seed and recipe.unet_channels == sibling.unet_channels


def test_films_of_patients_are_planted_in_local_recipes_alone(workspace, monkeypatch, tmp_path):
    recipe = RECIPES.get("paediatric-cxr-memorised")
    assert recipe.local_only and recipe.plant is not None
    with pytest.raises(InputError, match="films of patients"):
        dataclasses.replace(recipe, local_only=False)
    values = {"id": "leak", "title": "Leak", "folder": "model", "over_trained": True}
    with pytest.raises(GeneratorError, match="local_only"):
        card_from_json(values)
    shipped = tmp_path / "shipped"
    (shipped / "leak").mkdir(parents=True)
    (shipped / "leak" / "card.json").write_text(json.dumps(values | {"local_only": True}))
    monkeypatch.setattr(cards, "EMBEDDED", shipped)
    assert "leak" not in [card.id for card in cards.list_cards()]
    assert any("never be passed on" in reason for name, reason in cards.broken_cards() if name == "leak")


def test_real_films_are_taken_one_a_patient_planted_first(monkeypatch):
    import pandas as pd

    rows = pd.DataFrame(
        {"image_id": [f"i{k}" for k in range(12)], "patient_id": [f"p{k // 2}" for k in range(12)]}
    )
    recipe = dataclasses.replace(
        RECIPES.get("paediatric-cxr-memorised"), plant=Plant(4, planted=2, repeats=9)
    )
    taken = dataset_source._taken(recipe, rows)
    assert len(taken) == 4 and taken["patient_id"].is_unique and taken["copies"].tolist() == [9, 9, 1, 1]
    with pytest.raises(Exception, match="nothing was trained"):
        dataset_source._taken(dataclasses.replace(recipe, plant=Plant(9, 2, 9)), rows)
