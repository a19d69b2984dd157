"""The decoder alone, trained further on settled latents: pictures sharpen and cached latents stay valid.

A loss on texture joins the one on pixels: pixels alone draw the mean of all films that fit a latent, which is blurred.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from lab.generators.training import checkpoint, loop, vae
from lab.generators.training.augment import regained, tensors_of
from lab.generators.training.checkpoint import TrainingState
from lab.generators.training.contact_sheet import write_sheet
from lab.generators.training.data import load_films
from lab.generators.training.driven import Clock, TrainingProgress
from lab.generators.training.films import drawn_rows
from lab.generators.training.recipe import TrainingRecipe
from lab.generators.training.steps import file_of, generator_at
from lab.generators.training.texture import WEIGHT, texture_loss

STAGE = "decoder"
# Share of the posterior noise kept: the denoiser learns the mean, so the decoder is tuned near it.
NOISE = 0.3
RATE = 5e-4
# Less on the finest band than the autoencoder has: grain in the wrong place is better than none.
PYRAMID = (0.25, 1.0, 1.0, 1.0)
PARTS = ("post_quant_conv", "decoder")


def train(recipe: TrainingRecipe, place: Path, clock: Clock) -> Generator[TrainingProgress, None, bool]:
    """Train the decoder of the averaged autoencoder; True when finished."""
    import torch

    films = load_films(recipe, place, "train")
    model = _autoencoder(recipe, place)
    model.requires_grad_(False)
    for part in PARTS:
        getattr(model, part).requires_grad_(True)
    state = _state(recipe, model)

    def loss_at(step: int) -> Any:
        draw = generator_at(recipe, STAGE, step)
        pixels = tensors_of(films.images, drawn_rows(films, recipe.vae_batch, draw), signed=True)
        # Not moved: what interpolation takes from the finest detail, the decoder would learn to leave out.
        pixels = regained(pixels, draw)
        with torch.no_grad():
            posterior = model.encode(pixels).latent_dist
            noise = torch.randn(posterior.mean.shape, generator=draw)
            latents = posterior.mean + NOISE * posterior.std * noise
        given = model.decode(latents).sample
        return vae.pyramid_loss(pixels, given, PYRAMID) + WEIGHT * texture_loss(pixels, given)

    def sheet(path: Path) -> None:
        shown = vae.sheet_films(load_films(recipe, place, "held-out"))
        with state.averaged():
            write_sheet(vae.both_rows(model, shown), path, len(shown))

    return loop.run(
        recipe,
        STAGE,
        state,
        place,
        clock,
        total=recipe.decoder_steps,
        peak=RATE,
        loss_at=loss_at,
        sheet=sheet,
    )


def overlaid(recipe: TrainingRecipe, place: Path, model: Any) -> Any:
    """The autoencoder `model` with the further trained decoder, where there is one."""
    state = _state(recipe, model)
    if checkpoint.restore(state, file_of(place, STAGE)):
        state.settle()
    return model


def counters(recipe: TrainingRecipe, place: Path) -> TrainingState:
    """Steps, seconds and losses of this stage."""
    state = _state(recipe, vae.build(recipe))
    checkpoint.restore(state, file_of(place, STAGE))
    return state


def _autoencoder(recipe: TrainingRecipe, place: Path) -> Any:
    """The autoencoder to start from: this run's own, or that of the base it refines."""
    from lab.generators.training import base

    if recipe.refines:
        return base.read(base.folder_of(recipe.refines)).autoencoder
    state = loop.new_state(vae.build(recipe), recipe.vae_rate, vae.EMA)
    checkpoint.restore(state, file_of(place, vae.STAGE))
    state.settle()
    return state.model


def _state(recipe: TrainingRecipe, model: Any) -> TrainingState:
    import torch

    parts = torch.nn.ModuleDict({name: getattr(model, name) for name in PARTS})
    return loop.new_state(parts, RATE, vae.EMA)
