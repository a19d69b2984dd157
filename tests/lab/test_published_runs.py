"""Every published architecture generates at toy size: equal bytes, a report each step, an end within one step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lab.errors import InputError, RunCancelled
from lab.generators.load import load
from lab.generators.request import request_for
from tests.builders.published import PROMPT, drawn, published  # noqa: F401

# the card, the reports of two steps (PNDM takes one more), and whether previews are decoded
KINDS = {"roentgen-v2": 3, "radedit": 2, "pixart-sigma": 2, "sana": 2, "sd-v3-5": 2, "lumina": 2, "flux": 2}


@pytest.mark.row("C2", "C3")
@pytest.mark.parametrize("name", KINDS)
def test_equal_recipes_give_equal_bytes_and_every_step_is_told(published, name):  # noqa: F811
    generator = load(published.card(name), "cpu")
    seen = []
    first, second = drawn(generator, on_step=seen.append), drawn(generator)
    assert first.png() == second.png() and first.image.shape == (512, 512)
    assert not np.array_equal(drawn(generator, seed=8).image, first.image)
    assert [told.step for told in seen] == [*range(1, KINDS[name] + 1)]
    assert {told.steps for told in seen} == {KINDS[name]}
    assert first.recipe["weights"] == generator.digest and first.recipe["generator"] == name
    previews = [told.previews for told in seen if told.previews is not None]
    assert previews and previews[0].shape[0] == 1 and previews[0].dtype == np.uint8


@pytest.mark.parametrize("name", ["pixart-sigma", "flux"])
def test_cancelling_ends_within_one_step(published, name):  # noqa: F811
    generator, steps = load(published.card(name), "cpu"), []

    def cancel(told):
        steps.append(told.step)
        raise RunCancelled("The run was stopped.")

    with pytest.raises(RunCancelled):
        drawn(generator, on_step=cancel, steps=20)
    assert steps == [1]
    assert drawn(generator).png() == drawn(generator).png()


def test_requests_that_go_together_have_the_bytes_they_have_alone(published):  # noqa: F811
    generator = load(published.card("pixart-sigma"), "cpu")
    asked = [
        replace(request_for(generator.card, prompt, 1, seed, steps=1), micro_batch=2)
        for seed, prompt in enumerate((PROMPT, "no effusion"), 3)
    ]
    together = generator.generate_together(asked)
    alone = [next(iter(generator.generate(request)))[0] for request in asked]
    assert [sample.png() for sample in together] == [sample.png() for sample in alone]
    with pytest.raises(InputError, match="go together"):
        generator.generate_together([asked[0], replace(asked[1], steps=2)])
    with pytest.raises(InputError, match="go together"):
        generator.generate_together([request_for(generator.card, PROMPT, 2, 1)])


def test_a_large_autoencoder_is_previewed_by_a_map_learnt_from_the_first_images(published, monkeypatch):  # noqa: F811
    from lab.generators import previews

    monkeypatch.setattr(previews, "SMALL_DECODER", 0)
    generator, shown = load(published.card("pixart-sigma"), "cpu"), []
    sample = drawn(generator)
    drawn(generator, on_step=lambda told: shown.append(told.previews), steps=6)
    pictures = [picture for picture in shown if picture is not None]
    assert pictures[0].shape == (1, 64, 64)
    weights = generator.pipeline.latent_map
    assert len(weights) == 5
    # The map is a fit: at its own latents it comes nearer to the image than the image's mean does.
    assert abs(float(pictures[-1].mean()) - float(sample.image.mean())) < 20
