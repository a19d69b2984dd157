"""The decoder alone, trained further on settled latents: pictures sharpen and cached latents stay valid."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from lab.generators.training import checkpoint, loop, vae
from lab.generators.training.augment import augmented, tensors_of
from lab.generators.training.checkpoint import StageState
from lab.generators.training.contact_sheet import write_sheet
from lab.generators.training.data import load_films
from lab.generators.training.recipe import Clock, TrainingProgress, TrainingRecipe

STAGE = "decoder"
# Share of the posterior noise kept: the denoiser learns the mean, so the decoder is tuned near it.
NOISE = 0.3
PARTS = ("post_quant_conv", "decoder")


def train(recipe: TrainingRecipe, place: Path, clock: Clock) -> Generator[TrainingProgress, None, bool]:
    """Train the decoder of the averaged autoencoder; True when finished."""
    import torch

    films = load_films(recipe, place, "train")
    model = _autoencoder(recipe, place)
    model.encoder.requires_grad_(False)
    model.quant_conv.requires_grad_(False)
    state = _state(recipe, model)

    def loss_at(step: int) -> Any:
        draw = loop.generator_at(recipe, STAGE, step)
        rows = torch.randint(0, len(films.images), (recipe.vae_batch,), generator=draw).numpy()
        pixels = tensors_of(films.images, rows, signed=True)
        pixels, _ = augmented(pixels, torch.zeros_like(pixels), draw)
        with torch.no_grad():
            posterior = model.encode(pixels).latent_dist
            noise = torch.randn(posterior.mean.shape, generator=draw)
            latents = posterior.mean + NOISE * posterior.std * noise
        return vae.pyramid_loss(pixels, model.decode(latents).sample)

    def sheet(at: StageState, path: Path) -> None:
        held_out = load_films(recipe, place, "held-out")
        with at.averaged():
            given = vae.reconstructed(model, held_out.images[:8])
            write_sheet(np.concatenate([held_out.images[:8], given]), path, 8)

    return loop.run(
        recipe, STAGE, state, place, clock, total=recipe.decoder_steps, peak=recipe.vae_rate,
        loss_at=loss_at, sheet=sheet,
    )  # fmt: skip


def overlaid(recipe: TrainingRecipe, place: Path, model: Any) -> Any:
    """The autoencoder `model` with the further trained decoder, where there is one."""
    state = _state(recipe, model)
    if checkpoint.restore(state, place / f"{STAGE}.safetensors"):
        checkpoint.copy_into(state.model, state.average)
    return model


def counters(recipe: TrainingRecipe, place: Path) -> StageState:
    """Steps, seconds and losses of this stage."""
    state = _state(recipe, vae.build(recipe))
    checkpoint.restore(state, place / f"{STAGE}.safetensors")
    return state


def _autoencoder(recipe: TrainingRecipe, place: Path) -> Any:
    state = loop.new_state(vae.build(recipe), recipe.vae_rate, vae.EMA)
    checkpoint.restore(state, place / f"{vae.STAGE}.safetensors")
    checkpoint.copy_into(state.model, state.average)
    return state.model


def _state(recipe: TrainingRecipe, model: Any) -> StageState:
    import torch

    parts = torch.nn.ModuleDict({name: getattr(model, name) for name in PARTS})
    return loop.new_state(parts, recipe.vae_rate, vae.EMA)
