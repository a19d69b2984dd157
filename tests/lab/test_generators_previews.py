"""Previews, step reporting and pixel conversion, without any model."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lab.errors import RunCancelled
from lab.generators.diffusers_pipeline import _as_image, _steps_reported
from lab.generators.previews import latent_previews, to_pixels
from lab.generators.prompts import read_offsets


def test_pixels_are_clipped_and_rounded():
    assert to_pixels(np.array([-1.0, 0.0, 0.5, 1.0, 7.0])).tolist() == [0, 0, 128, 255, 255]


def test_colour_follows_the_card():
    pixels = np.stack([np.zeros((4, 4)), np.full((4, 4), 0.5), np.ones((4, 4))], axis=-1)
    assert _as_image(pixels, "rgb").shape == (4, 4, 3)
    assert _as_image(pixels, "grey").tolist() == np.full((4, 4), 128).tolist()
    assert _as_image(pixels[..., :1], "grey").shape == (4, 4)


def test_large_decoders_are_not_run_for_a_preview():
    import torch

    def forbidden(*args, **kwargs):
        raise AssertionError("decoded")

    weights = [SimpleNamespace(numel=lambda: 50_000_000)]
    vae = SimpleNamespace(
        config=SimpleNamespace(scaling_factor=1.0), parameters=lambda: iter(weights), decode=forbidden
    )
    latents = torch.linspace(-1, 1, 2 * 4 * 8 * 8).reshape(2, 4, 8, 8)
    previews = latent_previews(SimpleNamespace(vae=vae), latents)
    assert previews.shape == (2, 8, 8) and previews.dtype == np.uint8 and previews.std() > 10
    assert latent_previews(SimpleNamespace(), torch.zeros(2, 64, 16)) is None


@pytest.mark.parametrize("kind", ["tuple", "pair", "object", "predicted"])
def test_every_kind_of_scheduler_reports_its_steps(kind):
    answers = {
        "tuple": ("noisy",), "pair": ("noisy", "clean"), "object": SimpleNamespace(prev_sample="noisy"),
        "predicted": SimpleNamespace(prev_sample="noisy", pred_original_sample="clean"),
    }  # fmt: skip

    class Scheduler:
        def step(self, *args, **kwargs):
            return answers[kind]

    scheduler, seen = Scheduler(), []
    with _steps_reported(scheduler, seen.append):
        assert scheduler.step(1, t=2) is answers[kind]
    assert seen == ["clean" if kind in ("pair", "predicted") else "noisy"]
    scheduler.step()
    assert len(seen) == 1


def test_the_scheduler_is_itself_again_after_a_cancel():
    class Scheduler:
        def step(self):
            return ("noisy",)

    scheduler = Scheduler()

    def cancel(latents):
        raise RunCancelled("The run was stopped.")

    with pytest.raises(RunCancelled), _steps_reported(scheduler, cancel):
        scheduler.step()
    assert "step" not in vars(scheduler)


@pytest.mark.fault(26)
def test_a_word_cut_in_two_counts_as_dropped():
    text = "left effusion here"
    offsets = [(0, 4), (5, 9), (9, 13), (14, 18)]
    assert read_offsets(text, offsets, 2).dropped == ("effusion", "here")
    assert read_offsets(text, offsets, 1).dropped == ("effusion", "here")
    assert read_offsets(text, offsets, 3).dropped == ("here",)
    assert read_offsets(text, offsets, 4).dropped == ()
