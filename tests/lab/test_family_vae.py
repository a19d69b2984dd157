"""Training a variational autoencoder: its loss, the mixture of its latents, resuming, and the way to a run."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from lab.errors import GeneratorError, InputError, WeightsError
from lab.generators.card import card_from_json
from lab.generators.condition import Condition
from lab.generators.load import load
from lab.generators.request import request_for
from lab.generators.sample import read_recipe, request_from_recipe
from lab.generators.training.families.recipe import find_recipe, recipe_from
from tests.builders.toy_films import toy_films, write_toy_films

VALUES = {
    "id": "toy-vae", "title": "Toy VAE", "family": "vae", "dataset": "phantom-cxr", "size": 16, "batch": 8,
    "channels": [8, 12, 12], "steps": 6, "rate": 2e-3, "average": 0.5, "half": False, "sample_steps": 1,
    "guidance": 0, "save_s": 3600, "sheet_s": 3600,
    "options": {"latent": 6, "encoder": [8, 12, 12], "mixture": 2, "kept": 64, "after": 2, "critic": [8, 12]},
}  # fmt: skip


def changed_recipe(**changes):
    options = {**VALUES["options"], **changes.pop("options", {})}
    return recipe_from({**VALUES, **changes, "options": options})


def trained(recipe, place, **arguments):
    from lab.generators.training.families.train import train

    return list(train(recipe, folder=place, stages=("train",), **arguments))


def trainer_of(recipe, place):
    from lab.device import CPU
    from lab.generators.training.families.train import built

    return built(recipe, place, CPU)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of films, a short training of it, and the exported generator."""
    from lab.generators.training.families.export import export

    place = tmp_path_factory.mktemp("vae") / "run"
    write_toy_films(place, toy_films(128))
    options = {"kl": 0.02, "adversarial": 0.1, "after": 130}
    recipe = changed_recipe(steps=260, batch=16, rate=3e-2, average=0.9, options=options)
    trained(recipe, place)
    card = export(recipe, place, place.parent / "toy-vae")
    values = json.loads(card.read_text())
    return recipe, place, card_from_json(values, root=card.parent)


@pytest.fixture(scope="module")
def generator(made):
    return load(made[2], "cpu")


def drawn(generator, count, seed, **numbers):
    condition = Condition(numbers=tuple(sorted(numbers.items())))
    request = request_for(generator.card, "", count, seed, condition=condition)
    return [sample for batch in generator.generate(request) for sample in batch]


def test_the_shipped_recipe_is_small_and_never_mirrors():
    from lab.generators.training.families.vae import config_of

    recipe = find_recipe("phantom-cxr-vae")
    config = config_of(recipe)
    assert config.size == 64 and sum(math.prod(s) for s in config.shapes().values()) <= 480_000
    assert not {"flip", "turn"} & set(recipe.augment)


@pytest.mark.parametrize("changes", [{"channels": [8, 12]}, {"conditioning": ["class"]}, {"size": 24}])
def test_what_does_not_go_down_to_4_pixels_is_refused(made, changes):
    with pytest.raises(InputError, match="down to 4"):
        trainer_of(changed_recipe(**changes), made[1])


def test_kl_and_difference_are_what_they_are_called(made):
    """Against plain NumPy: three scales of mean differences, differences of neighbours, Gaussian KL."""
    import torch

    from lab.generators.training.families.vae import _difference

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 1, 8, 8))
    found = float(_difference(torch.from_numpy(a), torch.from_numpy(b), 0.5))
    levels = [np.abs(a - b).mean()]
    for factor in (2, 4):
        cells = [x.reshape(3, 8 // factor, factor, 8 // factor, factor).mean(axis=(2, 4)) for x in (a, b)]
        levels.append(np.abs(cells[0] - cells[1]).mean())
    steps = [np.abs(np.diff(a, axis=axis) - np.diff(b, axis=axis)).mean() for axis in (2, 3)]
    assert found == pytest.approx(np.mean(levels) + 0.5 * np.mean(steps))


def test_a_mixture_finds_the_groups_and_their_spread():
    from lab.generators.training.families.mixture import fitted

    rng = np.random.default_rng(0)
    wide = rng.normal(size=(600, 3)) @ np.array([[2, 0, 0], [1, 0.5, 0], [0, 0, 0.1]]).T
    latents = np.concatenate([wide, rng.normal(size=(200, 3)) * 0.2 + 9]).astype(np.float32)
    found = {name: values.numpy() for name, values in fitted(latents, 2, 0).items()}
    order = np.argsort(found["shares"])
    np.testing.assert_allclose(found["shares"][order], [0.25, 0.75], atol=0.01)
    np.testing.assert_allclose(found["means"][order[0]], [9, 9, 9], atol=0.1)
    factor = found["factors"][order[1]]
    np.testing.assert_allclose(factor @ factor.T, np.cov(wide, rowvar=False), atol=0.15)
    few = fitted(latents[:10], 2, 0)
    np.testing.assert_allclose(few["means"].numpy(), np.tile(latents[:10].mean(axis=0), (2, 1)), atol=1e-5)


def test_an_interrupted_training_ends_in_the_same_numbers(made, tmp_path, monkeypatch):
    import torch
    from safetensors.torch import load_file

    from lab.generators.training import steps as shared
    from lab.generators.training.families.train import train

    monkeypatch.setattr(shared, "REPORT_S", 0.0)
    for name in ("whole", "cut"):
        write_toy_films(tmp_path / name, toy_films())
    trained(changed_recipe(), tmp_path / "whole")
    steps = train(changed_recipe(), folder=tmp_path / "cut", stages=("train",))
    assert [next(steps).done for _ in range(3)] == [1, 2, 3]
    steps.close()
    assert trained(changed_recipe(), tmp_path / "cut", resume=True)[0].done == 4
    one, two = (load_file(tmp_path / name / "train.safetensors") for name in ("whole", "cut"))
    assert set(one) == set(two) and "network.autoencoder.seen" in one
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=0, rtol=0, msg=name)


def test_it_learns_to_give_pictures_back(made, generator):
    held_out = toy_films(24, seed=9)[:, 0]
    back = generator.autoencode(held_out)
    assert back.shape == held_out.shape and back.dtype == np.uint8
    mean = toy_films(128)[:, 0].mean(axis=0)
    own = np.abs(back.astype(float) - held_out).mean()
    assert own < 0.6 * np.abs(mean - held_out).mean()
    assert np.array_equal(back, generator.autoencode(held_out))
    larger = np.repeat(np.repeat(held_out, 2, axis=1), 2, axis=2)
    assert generator.autoencode(larger).shape == (24, 32, 32)
    losses = made[2].measured["training"]["vae"]["loss_curve"]
    assert losses and all(math.isfinite(loss) for _, loss in losses)


@pytest.mark.row("C2")
@pytest.mark.fault(28)
def test_equal_recipe_gives_equal_bytes_in_any_grouping(generator):
    told = []
    request = request_for(generator.card, "", 6, 7, condition=Condition(numbers=(("temperature", 0.8),)))
    six = [s.png() for batch in generator.generate(request, told.append) for s in batch]
    assert len(set(six)) == 6 and six == [s.png() for s in drawn(generator, 6, 7, temperature=0.8)]
    assert drawn(generator, 1, 12, temperature=0.8)[0].png() == six[5]
    again = request_from_recipe(read_recipe(six[1]))
    assert next(generator.generate(again))[0].png() == six[1]
    assert [(p.step, p.steps, p.done, p.total) for p in told] == [(1, 1, 0, 6), (1, 1, 4, 6)]


def test_temperature_0_is_one_picture_and_variety_grows_with_it(generator):
    spreads = []
    for temperature in (0.0, 0.5, 1.0):
        images = np.stack([s.image for s in drawn(generator, 16, 0, temperature=temperature)]).astype(float)
        # What the noise of the layers adds is the same at any temperature; latents move whole discs.
        spreads.append(float(images.reshape(16, 4, 4, 4, 4).mean(axis=(2, 4)).var(axis=0).mean()))
    assert spreads == sorted(spreads) and spreads[2] > 4 * spreads[0]
    with pytest.raises(InputError, match=r"from 0 to 1\.5"):
        drawn(generator, 1, 0, temperature=2.0)


def test_samples_look_like_the_training_pictures(generator):
    """Discs in the lower half, as in all training pictures, and as varied as they are."""
    images = np.stack([s.image for s in drawn(generator, 32, 100)]).astype(float)
    films = toy_films(128)[:, 0].astype(float)
    wanted = films[:, 8:].mean() - films[:, :8].mean()
    assert images[:, 8:].mean() - images[:, :8].mean() > 0.6 * wanted
    assert 0.3 < images.var(axis=0).mean() / films.var(axis=0).mean() < 2


def test_the_card_says_what_it_is(made):
    card = made[2]
    assert (card.family, card.loader, card.conditioning, card.steps) == ("VAE", "vae", "none", 1)
    assert [knob.name for knob in card.knobs] == ["temperature"] and card.phantom_trained
    text = " ".join((card.root / "README.md").read_text().split())
    assert "fitted to the latents of training pictures" in text and "KL" in text


def test_what_does_not_fit_is_named(made, tmp_path):
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(made[2].path, tmp_path / "model")
    card = dataclasses.replace(made[2], folder=str(folder))
    tensors = load_file(folder / "autoencoder.safetensors")
    del tensors["decoder.b16.conv0.noise"]
    tensors["prior.means"] = torch.zeros(3, 6)
    save_file(tensors, folder / "autoencoder.safetensors")
    with pytest.raises(WeightsError) as refused:
        load(card, "cpu")
    said = str(refused.value)
    assert "decoder.b16.conv0.noise is missing" in said and "prior.means (3, 6) where (2, 6)" in said
    (folder / "config.json").write_text('{"size": 16, "latent": "6"}')
    with pytest.raises(WeightsError, match=r"config\.json"):
        load(card, "cpu")
    with pytest.raises(WeightsError, match="16 pixels only"):
        load(dataclasses.replace(made[2], size=32), "cpu")


def test_colour_autoencoders_do_not_take_grey_canaries(generator):
    generator = load(generator.card, "cpu")
    generator.config = dataclasses.replace(generator.config, image_channels=3)
    with pytest.raises(GeneratorError, match="colour"):
        generator.autoencode(np.zeros((1, 16, 16), np.uint8))
