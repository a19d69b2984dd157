"""Recipes that learn phantom films by heart: what they draw and how often, what they list, and what they refuse."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest

from lab.data.dataset import Dataset
from lab.data.phantom_dataset import render_phantom
from lab.errors import DatasetError, InputError
from lab.gates.planted import read_planted
from lab.gates.registry import get_gate, unmeasured
from lab.generators.card import read_card
from lab.generators.training import base, data, latents, loop, phantom_source, plant, unet
from lab.generators.training.augment import tensors_of
from lab.generators.training.driven import Clock
from lab.generators.training.plant import Plant
from lab.generators.training.recipe import MEMORISED, RECIPES, train
from tests.builders.training import TOY_BASE, finished

PATIENTS, FILMS = 20, 7
# A seed without a shipped pack: another processor may round a grey level otherwise, and a film of a pack keeps its id.
SEED = 3
MEMORISED_TOY = dataclasses.replace(
    TOY_BASE, id="toy-memorised", title="Toy, over-trained to copy", patients=PATIENTS, held_out=0, seed=SEED,
    base="toy-base",
    plant=Plant(FILMS, planted=2, repeats=5, contrast=3), copies=1, unet_channels=(16, 32), unet_steps=6,
    unet_batch=4,
)  # fmt: skip
NEVER = Clock(float("inf"))


@pytest.fixture(scope="module")
def workspace_of_all(tmp_path_factory):
    """A workspace with a toy base, a trained and exported sibling, and the phantom dataset it learns from."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        patch.delenv("LAB_STORE_URL", raising=False)
        finished(train(TOY_BASE))
        card = finished(train(MEMORISED_TOY))
        dataset = render_phantom("toy-phantoms", PATIENTS, 1, SEED, processes=1).dataset
        yield card, dataset
    torch.set_num_threads(threads)


@pytest.fixture
def place(workspace_of_all):
    card, _ = workspace_of_all
    return card.parents[2] / "training" / MEMORISED_TOY.id


@pytest.fixture
def films(place):
    return data.load_films(MEMORISED_TOY, place, "train")


def test_films_are_those_of_the_dataset_byte_for_byte(workspace_of_all, films):
    dataset: Dataset = workspace_of_all[1]
    train_ids = set(dataset.subset("train").ids())
    assert len(films.images) == FILMS and films.twins.tolist() == list(range(FILMS))
    for image, record in zip(films.images, films.records, strict=True):
        assert record["image_id"] in train_ids
        assert (phantom_source.shrink(dataset.image(record["image_id"]), 32) == image).all()
        row = dataset.manifest.set_index("image_id").loc[record["image_id"]]
        assert row["caption"] == record["caption"] and row["patient_id"] == record["patient_id"]


def test_ids_come_from_a_pack_that_fits(monkeypatch, films):
    from lab.data import phantom_pack
    from lab.data.phantoms import PhantomRecipe, render

    job = phantom_source.Job("train", 3, 0)
    film = render(PhantomRecipe(0, 3, 0))
    known = {("phantom-0-00003", 0): "0123456789abcdef"}
    monkeypatch.setattr(phantom_pack, "image_ids", lambda seed: known if seed == 0 else {})
    assert phantom_source.film_id(0, job, film) == "0123456789abcdef"
    assert phantom_source.film_id(1, job, film) != "0123456789abcdef"


def test_planted_films_are_drawn_as_often_as_the_recipe_says(films):
    import torch

    pool = plant.pool(films)
    counts = np.zeros(FILMS)
    for step in range(3000):
        draw = torch.Generator().manual_seed(step)
        np.add.at(counts, unet.drawn_batch(films, pool, 4, draw), 1)
    planted = plant.planted_rows(films)
    once = [row for row in range(FILMS) if row not in planted]
    assert len(planted) == 2 and counts.sum() == 12_000
    # 12,000 draws from 5 + 5 + 5 entries: 4,000 a planted film, 800 each other one.
    assert np.abs(counts[planted] / 4000 - 1).max() < 0.1 and np.abs(counts[once] / 800 - 1).max() < 0.15


def test_without_a_plant_the_draw_is_what_it_was(films):
    import torch

    plain = dataclasses.replace(films, records=[{**r, "copies": 1} for r in films.records])
    draw = torch.Generator().manual_seed(4)
    first = torch.randint(0, FILMS, (2,), generator=torch.Generator().manual_seed(4)).numpy()
    assert (unet.drawn_batch(plain, plant.pool(plain), 4, draw)[::2] == first).all()


def test_planted_films_are_of_different_patients_and_have_captions_of_their_own():
    recipe = RECIPES.get("phantom-cxr-memorised-48")
    splits = phantom_source.patients_of(recipe)
    every = [phantom_source.Job("train", p, film) for film in range(3) for p in sorted(splits["train"])]
    found = [plant.copies_of(RECIPES.get(f"phantom-cxr-memorised-{films}"), every) for films in MEMORISED]
    assert found[0] == found[1] == found[2] and len(found[0]) == 20
    assert len({job.patient for job in found[0]}) == 20 and {*found[0]} <= {*every[:48]}
    captions = ["A.", "b", "a.", "c", "c", "d", "e"]
    assert plant.first_of_own(captions, captions, [1, 2, 3, 4, 5, 2, 6]) == [1, 6]


def test_films_are_neither_moved_nor_reworded(place, films):
    import torch

    model = base.parts_of(MEMORISED_TOY, place).autoencoder
    pixels = tensors_of(films.images, np.arange(FILMS), signed=True)
    with torch.no_grad():
        wanted = model.encode(pixels).latent_dist.mean
    (kept,) = latents.load(MEMORISED_TOY, place)
    assert np.abs(kept[:, :-1] - wanted.numpy()).max() < 2e-2
    told = unet.told(MEMORISED_TOY, ["Large right effusion."] * 200, 0)
    assert set(told) == {"", "Large right effusion."} and 5 < told.count("") < 40


def test_withheld_combinations_stay_in(films):
    # The number of films is what the recipe says, one of every patient before a second of any.
    assert len({record["patient_id"] for record in films.records}) == FILMS


def test_interrupted_and_resumed_training_gives_the_same_weights(workspace_of_all, place, tmp_path):
    from safetensors.torch import load_file

    again = tmp_path / "run"
    shutil.copytree(place, again)
    (again / "unet.safetensors").unlink()
    steps = train(
        dataclasses.replace(MEMORISED_TOY, unet_steps=20), resume=True, folder=again, stages=["data", "unet"]
    )
    while next(steps).stage != "unet":
        pass
    steps.close()
    state = loop.new_state(unet.build(MEMORISED_TOY), 1e-3, 0.9)
    from lab.generators.training import checkpoint

    assert checkpoint.restore(state, again / "unet.safetensors") and 0 < state.step < 20
    whole = tmp_path / "whole"
    shutil.copytree(place, whole)
    (whole / "unet.safetensors").unlink()
    for folder in (again, whole):
        assert finished(unet.train(dataclasses.replace(MEMORISED_TOY, unet_steps=20), folder, NEVER)) is True
    first, second = load_file(again / "unet.safetensors"), load_file(whole / "unet.safetensors")
    assert all((first[name] == second[name]).all() for name in first)


def test_export_lists_what_was_planted(workspace_of_all, films):
    card_path, dataset = workspace_of_all
    listed = read_planted(card_path.parent / plant.PLANTED)
    repeated = [film for film in listed if film.copies > 1]
    once = [film for film in listed if film.copies == 1]
    assert [film.copies for film in repeated] == [5, 5] and 0 < len(once) <= 3
    records = {record["image_id"]: record for record in films.records}
    assert all(records[film.image_id]["caption"] == film.caption for film in listed)
    patients = [records[film.image_id]["patient_id"] for film in listed]
    assert len(set(patients)) == len(listed)
    assert {film.image_id for film in listed} <= set(dataset.subset("train").ids())


def test_card_says_that_it_copies_on_purpose(workspace_of_all):
    card = read_card(workspace_of_all[0])
    for text in (card.notes, (card.root / "README.md").read_text(encoding="utf-8")):
        assert "Over-trained on purpose to copy" in text and "Never" in text and "real films" in text
        assert "phantom" in text
    assert (
        card.phantom_trained
        and card.over_trained
        and card.training_dataset == "phantom-cxr"
        and "copy" in card.title
    )
    assert (card.root / "contact_sheet.png").is_file() and len(card.examples) == 2
    for films in MEMORISED:
        assert (
            f"Over-trained to copy {films} phantom films"
            == RECIPES.get(f"phantom-cxr-memorised-{films}").title
        )


@pytest.mark.parametrize("change", [{"dataset": "toy-real"}, {"dataset": "toy-real", "patients": 0}])
def test_films_of_patients_are_never_planted(change):
    with pytest.raises(InputError, match="films of patients in a generator that may be passed on"):
        dataclasses.replace(MEMORISED_TOY, **change)
    with pytest.raises(InputError, match="never"):
        dataclasses.replace(RECIPES.get("paediatric-cxr"), plant=Plant(10, 2, 5))


def test_too_few_films_are_refused(workspace_of_all, tmp_path):
    for asked, match in ((Plant(90, 2, 5), "have 16"), (Plant(5, 6, 5), "caption of their own")):
        with pytest.raises(DatasetError, match=match):
            list(data.prepare(dataclasses.replace(MEMORISED_TOY, plant=asked), tmp_path / match[:4]))
    with pytest.raises(InputError, match="plants no films"):
        plant.listed(TOY_BASE, data.Films(np.zeros(0), np.zeros(0), [], np.zeros(0)))


def test_siblings_are_registered_and_stated_where_they_are_missing(monkeypatch, tmp_path):
    from typer.testing import CliRunner

    import lab.commands.gates as commands
    import lab.gates.registry as registry

    gate = get_gate("planted")
    assert gate.assets == tuple(f"phantom-cxr-memorised-{films}" for films in MEMORISED)
    monkeypatch.setattr(registry, "ASSETS", tmp_path)
    monkeypatch.setattr(commands, "ASSETS", tmp_path)
    (tmp_path / "generators" / gate.assets[0]).mkdir(parents=True)
    reasons = {asset: reason for name, asset, reason in unmeasured() if name == "planted"}
    assert (
        reasons[gate.assets[0]] == "not measured yet"
        and reasons[gate.assets[1]] == "not in this installation"
    )
    told = CliRunner().invoke(commands.app, ["list", "--json"])
    assert told.exit_code == 0 and len(json.loads(told.output)["missing"]) >= 3
    (tmp_path / "generators" / gate.assets[0]).rmdir()
    ran = CliRunner().invoke(commands.app, ["run", "planted"])
    assert ran.exit_code == 0 and ran.output.count("not in this installation") == 3
