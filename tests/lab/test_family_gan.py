"""Training a StyleGAN2: critic, penalty, adaptive changes, resuming, and the way from recipe to run."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from lab.errors import InputError
from lab.generators.training.families.recipe import find_recipe, recipe_from
from tests.builders.toy_films import toy_films, write_toy_films

VALUES = {
    "id": "toy-gan", "title": "Toy GAN", "family": "gan", "dataset": "phantom-cxr", "size": 16, "batch": 8,
    "channels": [8, 16, 16], "steps": 6, "rate": 2.5e-3, "average": 0.5, "half": False, "sample_steps": 1,
    "guidance": 0, "save_s": 3600, "sheet_s": 3600,
    "options": {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "critic_base": 128, "critic_most": 16, "r1_every": 4},
}  # fmt: skip


def changed_recipe(**changes):
    options = {**VALUES["options"], **changes.pop("options", {})}
    return recipe_from({**VALUES, **changes, "options": options})


@pytest.fixture
def place(tmp_path):
    write_toy_films(tmp_path / "run", toy_films())
    return tmp_path / "run"


def trained(recipe, place, **arguments):
    from lab.generators.training.families.train import train

    return list(train(recipe, folder=place, stages=("train",), **arguments))


def trainer_of(recipe, place):
    from lab.device import CPU
    from lab.generators.training.families.train import built

    return built(recipe, place, CPU)


def batch_of(images, step=0, steps=10, seed=0):
    import torch

    from lab.generators.training.families.trainer import Batch

    pixels = torch.from_numpy(images).float() / 127.5 - 1
    return Batch(pixels, None, None, None, step, steps, torch.Generator().manual_seed(seed))


def test_the_shipped_recipe_is_a_small_stylegan2():
    from lab.generators.training.families.gan import config_of

    recipe = find_recipe("phantom-cxr-gan")
    config = config_of(recipe)
    numbers = sum(math.prod(shape) for shape in config.shapes().values())
    assert config.img_resolution == 64 and numbers <= 480_000
    assert not {"flip", "turn"} & set(recipe.augment)  # side is part of a radiograph
    assert [config.channels(side) for side in (64, 32, 4)] == [recipe.channels[0], recipe.channels[1], 64]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"channels": [8, 16]}, "one number of channels for each side"),
        ({"channels": [8, 24, 16]}, "one number of channels for each side"),
        ({"batch": 6}, "multiple of 4"),
        ({"conditioning": ["class"]}, "told no condition"),
    ],
)
def test_what_is_no_stylegan2_is_refused(place, changes, said):
    with pytest.raises(InputError, match=said):
        trainer_of(changed_recipe(**changes), place)


def test_the_critic_sees_how_alike_a_group_is_and_never_mixes_groups(place):
    import torch

    from lab.generators.training.families.gan_critic import _with_spread, judged

    alike, varied = (
        torch.ones(4, 2, 4, 4),
        torch.randn(4, 2, 4, 4, generator=torch.Generator().manual_seed(0)),
    )
    spread = _with_spread(torch.cat([alike, varied]))[:, 2]
    assert spread.shape == (8, 4, 4) and float(spread[:4].max()) < 1e-3
    expected = varied.std(dim=0, unbiased=False).mean()
    torch.testing.assert_close(spread[4:], expected.expand(4, 4, 4), atol=1e-5, rtol=1e-4)
    trainer = trainer_of(changed_recipe(), place)
    films = batch_of(toy_films(8)).images
    together, alone = (judged(trainer.critic, trainer.judge, x) for x in (films, films[:4]))
    torch.testing.assert_close(together[:4], alone)


def test_the_penalty_is_the_squared_slope_on_real_pictures_at_every_so_many_steps(place):
    import torch

    from lab.generators.training.families.gan_critic import judged

    with_it, without = (trainer_of(changed_recipe(options={"r1": r1}), place) for r1 in (0.7, 0.0))
    images = toy_films(8)
    plain, punished = (float(t.loss("critic", batch_of(images)).detach()) for t in (without, with_it))
    real = batch_of(images).images
    slopes = torch.autograd.functional.jacobian(
        lambda x: judged(with_it.critic, with_it.judge, x).sum(), real
    )
    expected = 0.7 / 2 * 4 * float(slopes.flatten(1).square().sum(dim=1).mean())
    assert expected > 0 and punished - plain == pytest.approx(expected, rel=1e-3)
    between = [float(t.loss("critic", batch_of(images, step=3)).detach()) for t in (without, with_it)]
    assert between[0] == pytest.approx(between[1], rel=1e-6)


def test_adaptive_changes_leave_pictures_alone_at_0_and_follow_the_critic():
    import torch

    from lab.generators.training.families.gan_augment import adapt, changed

    images = batch_of(toy_films(16)).images
    same = changed(images, torch.zeros(()), torch.Generator().manual_seed(0))
    torch.testing.assert_close(same, images, atol=1e-5, rtol=0)
    images.requires_grad_()
    other = changed(images, torch.ones(()), torch.Generator().manual_seed(0))
    assert (other - images).abs().mean() > 0.02
    other.sum().backward()
    assert float(images.grad.abs().sum()) > 0  # the generator learns through the changes
    p = torch.tensor(0.3)
    adapt(p, torch.tensor(0.9), 0.6, 8, 100, 0.7)
    assert float(p) == pytest.approx(0.38)
    adapt(p, torch.tensor(0.1), 0.6, 8, 100, 0.7)
    assert float(p) == pytest.approx(0.30)
    for _ in range(20):
        adapt(p, torch.tensor(1.0), 0.6, 8, 100, 0.7)
    assert float(p) == pytest.approx(0.7)


def test_changes_never_mirror_a_picture():
    import torch

    from lab.generators.training.families.gan_augment import changed

    left = torch.full((64, 1, 16, 16), -1.0)
    left[..., :4] = 1.0
    moved = changed(left, torch.ones(()), torch.Generator().manual_seed(1))
    assert bool((moved[..., :6].mean(dim=(1, 2, 3)) > moved[..., 10:].mean(dim=(1, 2, 3))).all())


def test_the_generators_turn_leaves_the_critic_alone(place):
    trainer = trainer_of(changed_recipe(), place)
    batch = batch_of(toy_films(8))
    trainer.loss("generator", batch).backward()
    assert all(p.grad is None for p in trainer.turns["critic"].network.parameters())
    made = dict(trainer.turns["generator"].network.named_parameters())
    reached = {name for name, p in made.items() if p.grad is not None and float(p.grad.abs().sum()) > 0}
    # The strengths of noise start at 0 and get a slope all the same.
    assert reached == set(made)
    before = trainer.generator["mapping.w_avg"].clone()
    trainer.after(batch)
    assert float((trainer.generator["mapping.w_avg"] - before).abs().sum()) > 0


def test_an_interrupted_training_ends_in_the_same_numbers(place, tmp_path, monkeypatch):
    import torch
    from safetensors.torch import load_file

    from lab.generators.training import steps as shared
    from lab.generators.training.families.train import train

    monkeypatch.setattr(shared, "REPORT_S", 0.0)
    write_toy_films(tmp_path / "cut", toy_films())
    trained(changed_recipe(), place)
    steps = train(changed_recipe(), folder=tmp_path / "cut", stages=("train",))
    assert [next(steps).done for _ in range(3)] == [1, 2, 3]
    steps.close()
    assert trained(changed_recipe(), tmp_path / "cut", resume=True)[0].done == 4
    one, two = (load_file(p / "train.safetensors") for p in (place, tmp_path / "cut"))
    assert set(one) == set(two) and "network.critic.p" in one and "network.generator.mapping.w_avg" in one
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=0, rtol=0, msg=name)


@pytest.mark.row("SG-07", "C2")
def test_from_recipe_to_a_run_with_psi(place, workspace):
    from lab.data.images import decode
    from lab.generators.cards import get_card
    from lab.generators.condition import condition_from_json
    from lab.generators.request import request_for
    from lab.generators.training.families.export import export
    from lab.runs.artifacts import read_artifact
    from lab.runs.inline import run_inline
    from lab.runs.requests import generate_run

    trained(changed_recipe(), place)
    export(changed_recipe(), place, workspace / "generators" / "toy-gan")
    card = get_card("toy-gan")
    assert (card.family, card.loader, card.conditioning, card.steps, card.guidance) == (
        "GAN", "stylegan2", "none", 1, 0.0,
    )  # fmt: skip
    assert [knob.name for knob in card.knobs] == ["psi", "cutoff", "noise"] and card.phantom_trained
    assert "augmentation" in card.measured and (workspace / "generators/toy-gan/README.md").is_file()
    results = []
    for psi in (0.7, 0.0):
        condition = condition_from_json({"numbers": {"psi": psi}})
        request = request_for(card, "", 5, 3, condition=condition)
        results.append(run_inline(generate_run(request, None)).result)
    first = results[0]["samples"]
    assert [s["seed"] for s in first] == [3, 4, 5, 6, 7]
    assert first[0]["recipe"]["condition"] == {"numbers": {"psi": 0.7}} and first[0]["recipe"]["steps"] == 1
    pngs = [[read_artifact(sample["artifact"]) for sample in result["samples"]] for result in results]
    several, one = ({decode(png).array.tobytes() for png in group} for group in pngs)
    assert len(several) == 5 and len(one) == 1


def test_a_few_steps_draw_what_the_pictures_have_in_common(place):
    """All discs lie in the lower half: after a short training so does the light of the samples."""
    import torch

    recipe = changed_recipe(steps=70, average=0.9, batch=16, rate=5e-3)
    before = _light(trainer_of(recipe, place))
    trained(recipe, place)
    trainer = trainer_of(recipe, place)
    from lab.generators.training import checkpoint as states

    state = states.TrainingState(trainer.turns, recipe.average, recipe.rate)
    assert states.restore(state, place / "train.safetensors") and state.step == 70
    with state.averaged():
        after = _light(trainer)
    films = toy_films()[:, 0].astype(float)
    wanted = films[:, 8:].mean() - films[:, :8].mean()
    assert wanted > 20 and after > before + 0.3 * wanted
    assert torch.isfinite(trainer.critic["p"]) and 0 <= float(trainer.critic["p"]) <= 0.7


def _light(trainer):
    """Grey levels by which the lower half of the samples is brighter."""
    import torch

    with torch.no_grad():
        pixels = trainer.sheet(torch.Generator().manual_seed(0)).numpy()[:, 0] * 127.5
    return float(np.clip(pixels[:, 8:], -127, 127).mean() - np.clip(pixels[:, :8], -127, 127).mean())


def test_the_last_states_are_kept_to_choose_from(place):
    from lab.generators.training import checkpoint as states
    from lab.generators.training.families.kept import keep

    recipe = changed_recipe()
    trainer = trainer_of(recipe, place)
    state = states.TrainingState(trainer.turns, recipe.average, recipe.rate)
    for step in (10, 20, 30, 40):
        state.step = step
        keep(state, place)
    kept = sorted((place / "kept").glob("*"))
    assert [path.stem for path in kept] == ["0000020", "0000030", "0000040"]
    fresh = states.TrainingState(trainer_of(recipe, place).turns, recipe.average, recipe.rate)
    assert states.restore(fresh, kept[0]) and fresh.step == 20


def test_options_of_another_family_are_refused():
    with pytest.raises(InputError, match="has no option 'latent'"):
        changed_recipe(options={"latent": 4})
    assert dataclasses.asdict(changed_recipe())["options"]["r1_every"] == 4
