"""Diffusion and flow matching in pixels: what they learn, their folders in the real loaders, classes, seeds."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from lab.errors import InputError, WeightsError
from lab.generators.card import card_from_json, read_card
from lab.generators.condition import Condition, encode_mask
from lab.generators.load import load
from lab.generators.request import request_for
from lab.generators.training.families import films, loop
from lab.generators.training.families.export import export
from lab.generators.training.families.train import built
from tests.builders.families import NEVER, toy_recipe, write_toy_films
from tests.builders.training import finished

LEARN = {"steps": 110, "batch": 8, "rate": 4e-3, "average": 0.9, "augment": [], "sample_steps": 8}


def _trained(place, recipe):
    """The card of a recipe trained on made-up pictures."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    write_toy_films(place, recipe, 16)
    finished(loop.run(recipe, built(recipe, place, "cpu"), films.load(place, "cpu"), place, NEVER))
    card = read_card(export(recipe, place, place / "out", recipe.id))
    torch.set_num_threads(threads)
    return card


@pytest.fixture(scope="module")
def by_class(tmp_path_factory):
    """A flow-matching generator that has learnt two classes: bright above, bright below."""
    recipe = toy_recipe("flow", conditioning=["class"], guidance=2.0, **LEARN)
    return _trained(tmp_path_factory.mktemp("by-class"), recipe)


def _pictures(generator, card, count=4, seed=5, **asked):
    request = request_for(card, "", count, seed, **asked)
    return [sample for batch in generator.generate(request) for sample in batch]


def _upper_share(samples) -> float:
    """How much brighter the upper half is, in grey levels, on average."""
    return float(np.mean([s.image[:8].mean() - s.image[8:].mean() for s in samples]))


def test_a_class_is_drawn_as_it_was_learnt_and_guidance_pulls(by_class):
    generator = load(by_class, "cpu")
    up = _pictures(generator, by_class, condition=Condition(label="up"))
    down = _pictures(generator, by_class, condition=Condition(label="down"))
    assert _upper_share(up) > 60 and _upper_share(down) < -60
    assert all((a.image != b.image).any() for a, b in zip(up, down, strict=True)), (
        "the same noise, another class"
    )
    freely = _pictures(generator, by_class, condition=Condition(label="up"), guidance=1.0)
    assert any((a.image != b.image).any() for a, b in zip(up, freely, strict=True))
    assert up[0].recipe["condition"] == {"label": "up"} and up[0].recipe["scheduler"].startswith("FlowMatch")


def test_the_same_seed_gives_the_same_bytes_whatever_stands_beside_it(by_class):
    generator, asked = load(by_class, "cpu"), Condition(label="up")
    four = [s.png() for s in _pictures(generator, by_class, condition=asked)]
    assert [s.png() for s in _pictures(load(by_class, "cpu"), by_class, condition=asked)] == four
    assert len(set(four)) == 4
    alone = _pictures(generator, by_class, count=1, seed=7, condition=asked)
    assert alone[0].png() == four[2]


def test_what_the_card_does_not_know_is_refused(by_class):
    with pytest.raises(InputError, match="valid are down, up"):
        request_for(by_class, "", 1, 1, condition=Condition(label="sideways"))
    wrong = dataclasses.replace(by_class, classes=("down", "up", "sideways"))
    with pytest.raises(WeightsError, match="not trained for the classes"):
        load(wrong, "cpu")


def test_noise_is_told_from_the_picture(tmp_path):
    """A diffusion model's samples are as bright and as dark as its pictures, in halves."""
    card = _trained(tmp_path, toy_recipe("ddpm", **LEARN))
    assert (card.loader, card.scheduler, card.family) == ("diffusers", "DDIMScheduler", "diffusion")
    samples = _pictures(load(card, "cpu"), card, count=8)
    shares = [abs(s.image[:8].mean() - s.image[8:].mean()) for s in samples]
    assert np.median(shares) > 60 and samples[0].image.shape == (16, 16)


@pytest.mark.row("CM-05")
@pytest.mark.row("CM-06")
def test_a_mask_and_a_vendor_reach_the_network(tmp_path):
    recipe = toy_recipe("flow", conditioning=["vendor", "mask"], guidance=2.0, **LEARN | {"steps": 12})
    card = _trained(tmp_path, recipe)
    assert (
        card.vendors == ("A", "B") and card.structures == ("inner", "outer") and card.conditioning == "mask"
    )
    generator = load(card, "cpu")
    upper, lower = np.zeros((2, 16, 16), np.uint8)
    upper[:8], lower[8:] = 2, 1
    drawn = {
        (vendor, k): _pictures(generator, card, condition=Condition(vendor=vendor, mask=encode_mask(mask)))
        for vendor in "AB"
        for k, mask in enumerate((upper, lower))
    }
    again = _pictures(generator, card, condition=Condition(vendor="A", mask=encode_mask(upper)))
    assert [s.png() for s in again] == [s.png() for s in drawn["A", 0]]
    assert len({s.png() for samples in drawn.values() for s in samples}) == 16
    # A mask of another size means the same outline.
    large = encode_mask(upper.repeat(2, 0).repeat(2, 1))
    same = _pictures(generator, card, condition=Condition(vendor="A", mask=large))
    assert all((a.image == b.image).all() for a, b in zip(same, again, strict=True))


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A DDPM folder as diffusers' own unconditional training leaves it: model, scheduler, and averages beside it."""
    import torch
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
    from diffusers.training_utils import EMAModel

    folder = tmp_path_factory.mktemp("published")
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=16, in_channels=3, out_channels=3, layers_per_block=1, block_out_channels=(8, 16),
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    average = EMAModel(unet.parameters(), decay=0.5, model_cls=UNet2DModel, model_config=unet.config)
    DDPMPipeline(unet=unet, scheduler=DDPMScheduler(num_train_timesteps=1000)).save_pretrained(folder)
    with torch.no_grad():
        for parameter in unet.parameters():
            parameter.add_(0.1)
    for _ in range(20):
        average.step(unet.parameters())
    average.save_pretrained(folder / "unet_ema")
    values = {
        "id": "anybodys-ddpm", "title": "Anybody's", "conditioning": "none", "folder": str(folder), "size": 16,
        "steps": 6, "colour": "rgb", "guidance": 1.0,
    }  # fmt: skip
    return folder, card_from_json(values)


@pytest.mark.row("SG-06")
def test_anybodys_ddpm_folder_is_sampled_by_seed_and_steps(published):
    folder, card = published
    generator = load(card, "cpu")
    told = []
    request = request_for(card, "", 6, 40)
    batches = list(
        generator.generate(request, on_step=lambda step: told.append((step.batch, step.step, step.steps)))
    )
    samples = [sample for batch in batches for sample in batch]
    assert [len(batch) for batch in batches] == [4, 2] and len({s.png() for s in samples}) == 6
    assert told == [(batch, step, 6) for batch in (0, 1) for step in range(1, 7)]
    assert [s.png() for s in _pictures(load(card, "cpu"), card, 6, 40)] == [s.png() for s in samples]
    assert samples[0].image.shape == (16, 16, 3) and samples[0].recipe["seed"] == 40
    assert _pictures(generator, card, 1, 40, steps=9)[0].png() != samples[0].png()
    # It is the pipeline of diffusers that answers: called by hand, it gives the same picture.
    import torch
    from diffusers import DDPMPipeline

    pipeline = DDPMPipeline.from_pretrained(folder, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    draws = [torch.Generator().manual_seed(seed) for seed in range(40, 44)]
    wanted = pipeline(batch_size=4, generator=draws, num_inference_steps=6, output_type="np").images
    assert (np.rint(wanted[2] * 255).astype(np.uint8) == samples[2].image).all()


@pytest.mark.row("SG-06")
def test_averaged_weights_are_taken_where_the_card_names_them(published):
    folder, card = published
    averaged = dataclasses.replace(card, parts={"unet": str(folder / "unet_ema")})
    plain, moved = load(card, "cpu"), load(averaged, "cpu")
    assert plain.digest != moved.digest
    weights = [next(iter(g.pipeline.unet.parameters())).detach().numpy() for g in (plain, moved)]
    assert 0 < float((weights[1] - weights[0]).mean()) <= 0.1001
    assert _pictures(plain, card, 1, 3)[0].png() != _pictures(moved, averaged, 1, 3)[0].png()


@pytest.mark.row("SG-06")
@pytest.mark.gpu
def test_a_thousand_steps_finish_on_an_accelerator(published):
    _, card = published
    steps = []
    request = request_for(card, "", 4, 0, steps=1000)
    samples = [s for batch in load(card, "cuda").generate(request, on_step=steps.append) for s in batch]
    assert len(samples) == 4 and steps[-1].step == 1000


@pytest.mark.row("SG-08")
@pytest.mark.parametrize("batches", [1, 2])
def test_an_interrupted_sampling_job_goes_on_where_it_stopped(published, workspace, monkeypatch, batches):
    from lab.errors import GeneratorError
    from lab.generators import diffusers_pipeline
    from lab.runs.inline import run_inline
    from lab.runs.requests import generate_run
    from lab.runs.store import RunStore

    _, card = published
    (workspace / "generators").mkdir(parents=True)
    (workspace / "generators" / f"{card.id}.json").write_text(json.dumps(card.to_json()))
    spec = generate_run(request_for(card, "", 10, 70), None)
    limit, asked, own = [batches], [], diffusers_pipeline.DiffusersGenerator._run

    def run(self, requests, seeds, report):
        if len(asked) == limit[0]:
            raise GeneratorError("The machine went away; finished samples are kept; resume.")
        asked.append(seeds)
        return own(self, requests, seeds, report)

    monkeypatch.setattr(diffusers_pipeline.DiffusersGenerator, "_run", run)
    first = run_inline(spec)
    assert first.state == "failed" and len(asked) == batches
    limit[0] = 99
    RunStore.open().resume(first.id)
    again = run_inline(spec)
    assert again.state == "done", again.error
    assert asked == [(70, 71, 72, 73), (74, 75, 76, 77), (78, 79)], "no micro-batch was computed twice"
    seeds = [sample["seed"] for sample in again.result["samples"]]
    assert seeds == list(range(70, 80)) and len({s["artifact"] for s in again.result["samples"]}) == 10


@pytest.mark.row("CM-13")
def test_attacks_read_the_new_folders(by_class, tmp_path):
    from lab.leakage.attacks.open_denoiser import open_denoiser, why_closed

    generator = load(by_class, "cpu")
    assert why_closed(generator.pipeline) == ""
    denoiser = open_denoiser(generator.pipeline, "cpu")
    clean = denoiser.encode([np.full((16, 16), 90, np.uint8)] * 2)
    import torch

    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    predicted, target = denoiser.error(clean, noise, 500, denoiser.condition(["", ""]))
    assert predicted.shape == target.shape == clean.shape
    # It is the answer without a class.
    untold = torch.full((2,), 2)
    own = generator.pipeline.unet(
        denoiser.noised(clean, noise, 500), torch.full((2,), 500), class_labels=untold
    ).sample
    assert torch.allclose(predicted, own, atol=1e-5)
    masked = toy_recipe("flow", conditioning=["mask"], **LEARN | {"steps": 2})
    assert "more than the image" in why_closed(load(_trained(tmp_path, masked), "cpu").pipeline)


def _halves(images):
    return np.array([[image[:8].mean(), image[8:].mean()] for image in images], np.float64)


def _shown(place):
    from lab.gates.class_fidelity import Shown

    got = films.load(write_toy_films(place, toy_recipe("flow"), 24), "cpu")
    return Shown(got.images[:, 0].numpy(), got.labels.numpy())


def test_the_class_gate_passes_a_generator_that_obeys_and_fails_one_that_does_not(by_class, tmp_path):
    from lab.gates.class_fidelity import ASKED, HELD_OUT, TAUGHT, measure_on

    shown = {split: _shown(tmp_path / split) for split in ("train", "held-out")}
    generator = load(by_class, "cpu")
    report = measure_on(by_class, generator, shown, _halves, lambda *told: None, count=6)
    figures = {figure.name: figure for figure in report.figures}
    assert figures[HELD_OUT].value == figures[TAUGHT].value == 1.0 and figures[ASKED].value >= 0.8
    assert figures[ASKED].met and figures[ASKED].n == 12 and not report.missed
    # Against pictures whose classes are exchanged, every sample shows the other class.
    other = {split: dataclasses.replace(part, labels=1 - part.labels) for split, part in shown.items()}
    wrong = measure_on(by_class, generator, other, _halves, lambda *told: None, count=6)
    figures = {figure.name: figure for figure in wrong.figures}
    assert figures[HELD_OUT].value == 1.0 and figures[ASKED].value <= 0.2 and wrong.missed
