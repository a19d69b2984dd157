"""The autoencoder: 128 px films to 16 x 16 latents and back."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from lab.generators.training import checkpoint, loop
from lab.generators.training.augment import augmented, tensors_of
from lab.generators.training.checkpoint import TrainingState
from lab.generators.training.contact_sheet import write_sheet
from lab.generators.training.data import load_films
from lab.generators.training.driven import Clock, TrainingProgress
from lab.generators.training.films import Films, drawn_rows
from lab.generators.training.recipe import TrainingRecipe
from lab.generators.training.steps import file_of, generator_at

STAGE = "vae"
KL_WEIGHT = 2e-7
PYRAMID = (2.0, 1.5, 1.0, 1.0)
EMA = 0.998
# Films by which the latents are brought to mean 0 and deviation 1.
SCALE_FILMS = 200


def build(recipe: TrainingRecipe) -> Any:
    """An untrained `AutoencoderKL` of the recipe, its weights drawn from the recipe's seed."""
    import torch
    from diffusers import AutoencoderKL

    torch.manual_seed(recipe.seed)
    scales = len(recipe.vae_channels)
    return AutoencoderKL(
        in_channels=1,
        out_channels=1,
        down_block_types=("DownEncoderBlock2D",) * scales,
        up_block_types=("UpDecoderBlock2D",) * scales,
        block_out_channels=recipe.vae_channels,
        layers_per_block=1,
        latent_channels=recipe.latent_channels,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=recipe.size,
        scaling_factor=1.0,
    )


def pyramid_loss(wanted: Any, given: Any, weights: tuple[float, ...] = PYRAMID) -> Any:
    """L1 between Laplacian pyramids of (n, 1, H, W) images, a weight for each band, the finest first."""
    from torch.nn import functional

    difference, total = wanted - given, 0.0
    for level, weight in enumerate(weights):
        last = level == len(weights) - 1 or difference.shape[-1] < 16
        coarse = None if last else functional.avg_pool2d(difference, 2)
        band = difference if coarse is None else difference - functional.interpolate(coarse, scale_factor=2.0)
        total = total + weight * band.abs().mean()
        if coarse is None:
            break
        difference = coarse
    return total


def train(recipe: TrainingRecipe, place: Path, clock: Clock) -> Generator[TrainingProgress, None, bool]:
    """Train the autoencoder on the training films; True when finished."""
    import torch

    films = load_films(recipe, place, "train")
    state = loop.new_state(build(recipe), recipe.vae_rate, EMA)

    def loss_at(step: int) -> Any:
        draw = generator_at(recipe, STAGE, step)
        pixels = tensors_of(films.images, drawn_rows(films, recipe.vae_batch, draw), signed=True)
        pixels, _ = augmented(pixels, torch.zeros_like(pixels), draw)
        posterior = state.model.encode(pixels).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=draw)
        decoded = state.model.decode(posterior.mean + posterior.std * noise).sample
        return pyramid_loss(pixels, decoded) + KL_WEIGHT * posterior.kl().mean()

    def sheet(path: Path) -> None:
        shown = sheet_films(load_films(recipe, place, "held-out"))
        with state.averaged():
            write_sheet(both_rows(state.model, shown), path, len(shown))

    return loop.run(
        recipe, STAGE, state, place, clock, total=recipe.vae_steps, peak=recipe.vae_rate,
        loss_at=loss_at, sheet=sheet,
    )  # fmt: skip


def sheet_films(films: Films, count: int = 8) -> Any:
    """A few (n, H, W) films of every source for a contact sheet."""
    sources = films.sources()
    return films.images[np.concatenate([rows[: count // len(sources)] for rows in sources])]


def both_rows(model: Any, films: Any) -> Any:
    """Films and, below them, their reconstructions: (2n, H, W) uint8."""
    return np.concatenate([films, reconstructed(model, films)])


def reconstructed(model: Any, images: Any, batch: int = 8) -> Any:
    """(n, H, W) uint8 films through the autoencoder, from the mean of the posterior."""
    import torch

    from lab.generators.previews import to_pixels

    parts = []
    with torch.no_grad():
        for start in range(0, len(images), batch):
            pixels = tensors_of(images, np.arange(start, min(start + batch, len(images))), signed=True)
            decoded = model.decode(model.encode(pixels).latent_dist.mode()).sample
            parts.append(to_pixels((decoded[:, 0] / 2 + 0.5).numpy()))
    return np.concatenate(parts)


def trained(recipe: TrainingRecipe, place: Path) -> tuple[Any, TrainingState]:
    """The averaged autoencoder, its latents scaled to mean 0 and deviation 1 a channel, and its counters.

    A decoder that was trained further takes the place of the first one.
    """
    from lab.generators.training import decoder

    state = loop.new_state(build(recipe), recipe.vae_rate, EMA)
    checkpoint.restore(state, file_of(place, STAGE))
    state.settle()
    model = decoder.overlaid(recipe, place, state.model).eval().requires_grad_(False)
    films = load_films(recipe, place, "train")
    fold_scale(model, films.images[drawn_rows(films, SCALE_FILMS, generator_at(recipe, "scale", 0))])
    return model, state


def fold_scale(model: Any, images: Any) -> None:
    """Fold mean and deviation of each latent channel into the 1 x 1 convolutions around the latents."""
    import torch

    with torch.no_grad():
        means = [
            model.encode(tensors_of(images, [k], signed=True)).latent_dist.mean for k in range(len(images))
        ]
        latents = torch.cat(means)
        mean, sd = latents.mean((0, 2, 3)), latents.std((0, 2, 3)).clamp_min(1e-6)
        channels = len(mean)
        before, after = model.quant_conv, model.post_quant_conv
        before.weight[:channels] /= sd.view(-1, 1, 1, 1)
        before.bias[:channels] = (before.bias[:channels] - mean) / sd
        before.bias[channels:] -= 2 * sd.log()
        after.bias += (after.weight[:, :, 0, 0] * mean).sum(1)
        after.weight *= sd.view(1, -1, 1, 1)
