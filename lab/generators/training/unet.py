"""The denoiser: a text-conditional UNet on cached latents, trained on velocity."""

from __future__ import annotations

import random
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from lab.errors import GeneratorError
from lab.generators.training import base, checkpoint, data, latents, loop, plant, private, text
from lab.generators.training.checkpoint import TrainingState
from lab.generators.training.contact_sheet import write_sheet
from lab.generators.training.driven import Clock, TrainingProgress
from lab.generators.training.films import Films
from lab.generators.training.recipe import TrainingRecipe
from lab.generators.training.steps import file_of, generator_at
from lab.generators.training.wording import reworded

STAGE = "unet"
EMA = 0.9985
GAMMA = 5.0
INSIDE = 3.0
FOCUS_LIMIT = 6.0
CAPTION_DROP = 0.1
TRAIN_STEPS = 1000
SHEET_PROMPTS = (
    "No acute finding.",
    "Large right pleural effusion.",
    "Large left pleural effusion.",
    "Small right pleural effusion.",
    "Large left pneumothorax.",
    "Large right pneumothorax.",
    "Severe cardiomegaly.",
    "Large consolidation in the right upper lobe.",
)


def build(recipe: TrainingRecipe) -> Any:
    """An untrained `UNet2DConditionModel`; attention everywhere but at the latents' own size."""
    import torch
    from diffusers import UNet2DConditionModel

    torch.manual_seed(recipe.seed + 2)
    depth = len(recipe.unet_channels) - 1
    return UNet2DConditionModel(
        sample_size=recipe.size // 2 ** (len(recipe.vae_channels) - 1),
        in_channels=recipe.latent_channels,
        out_channels=recipe.latent_channels,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * depth,
        up_block_types=("CrossAttnUpBlock2D",) * depth + ("UpBlock2D",),
        block_out_channels=recipe.unet_channels,
        layers_per_block=1,
        cross_attention_dim=recipe.text_width,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def _started(recipe: TrainingRecipe) -> Any:
    """The denoiser to start from: an untrained one, or that of the generator which the recipe goes on with.

    Raises:
        NotFoundError: when that generator is not here.
        GeneratorError: when its weights are not here or its denoiser is of another shape.
        WeightsError: when they may not be opened.
    """
    model = build(recipe)
    if not recipe.starts:
        return model
    from lab.device import CPU
    from lab.generators.cards import get_card
    from lab.generators.load import model_folder
    from lab.generators.open_pipeline import open_pipeline

    card = get_card(recipe.starts)
    try:
        model.load_state_dict(open_pipeline(card, model_folder(card), CPU).unet.state_dict())
    except RuntimeError as error:
        raise GeneratorError(
            f"The denoiser of {recipe.starts} is not of this recipe's shape; nothing was trained; "
            "give the recipe the same channels."
        ) from error
    return model


def scheduler_of() -> Any:
    """Squared-cosine betas with zero terminal signal, velocity prediction, trailing steps."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        num_train_timesteps=TRAIN_STEPS,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


def train(recipe: TrainingRecipe, place: Path, clock: Clock) -> Generator[TrainingProgress, None, bool]:
    """Train the denoiser; True when finished."""
    import torch

    yield from latents.prepare(recipe, place)
    copies = latents.load(recipe, place)
    films = data.load_films(recipe, place, "train")
    pool = plant.pool(films, recipe.plant)
    shared = base.parts_of(recipe, place)
    alphas = scheduler_of().alphas_cumprod
    state = loop.new_state(_started(recipe), recipe.unet_rate, EMA)
    if recipe.private is None:
        state.model.to(memory_format=torch.channels_last)
    channels = recipe.latent_channels
    model, take = private.stepper(recipe, state) if recipe.private else (state.model, None)

    def loss_at(step: int) -> Any:
        draw = generator_at(recipe, STAGE, step)
        rows = (
            private.poisson_batch(len(films.images), recipe.unet_batch, draw)
            if recipe.private
            else drawn_batch(films, pool, recipe.unet_batch, draw)
        )
        copy = int(torch.randint(0, len(copies), (1,), generator=draw))
        cached = torch.from_numpy(copies[copy][rows]).float()
        captions = told(recipe, [films.records[row]["caption"] for row in rows], step)
        with torch.no_grad():
            words = shared.encoder(text.tokens_of(shared.tokenizer, captions)).last_hidden_state
        # The mean of the posterior: a channel that the autoencoder hardly uses has noise far above its signal.
        clean = cached[:, :channels]
        # A film and its twin meet under the same noise: what differs between them is what their captions say.
        pairs = (len(rows) + 1) // 2
        noise = torch.randn((pairs, *clean.shape[1:]), generator=draw).repeat_interleave(2, 0)[: len(rows)]
        times = torch.randint(0, TRAIN_STEPS, (pairs,), generator=draw).repeat_interleave(2)[: len(rows)]
        inside = focused(cached[:, -1:], recipe.focus)
        return velocity_loss(model, clean, noise, times, words, inside, alphas)

    def sheet(path: Path) -> None:
        with state.averaged():
            _draw_sheet(recipe, shared, state.model, path, films)

    return (
        yield from loop.run(
            recipe, STAGE, state, place, clock, total=recipe.unet_steps, peak=recipe.unet_rate,
            loss_at=loss_at, sheet=sheet, take=take,
        )
    )  # fmt: skip


def velocity_loss(
    model: Any, clean: Any, noise: Any, times: Any, words: Any, inside: Any, alphas: Any
) -> Any:
    """Squared error of the velocity, weighted by min-SNR (+ 1: pure noise counts too) and by the mask.

    Args:
        model: the UNet.
        clean, noise: (n, c, h, w) latents and standard normal noise.
        times: (n,) steps, 0 to 999.
        words: (n, length, width) text features.
        inside: (n, 1, h, w) share of each cell inside a finding, 0..1, or more where small ones are focused on.
        alphas: (1000,) cumulative signal shares.
    """
    signal = alphas[times].view(-1, 1, 1, 1)
    noisy = signal.sqrt() * clean + (1 - signal).sqrt() * noise
    velocity = signal.sqrt() * noise - (1 - signal).sqrt() * clean
    given = model(noisy, times, words, return_dict=False)[0]
    ratio = signal / (1 - signal).clamp_min(1e-8)
    weight = (ratio.clamp_max(GAMMA) + 1) / (ratio + 1) * (1 + (INSIDE - 1) * inside)
    return (weight * (given - velocity) ** 2).mean()


def focused(inside: Any, cells: float) -> Any:
    """The mask (n, 1, h, w) of findings, raised where they take up fewer than `cells` cells in all, at most sixfold."""
    found = inside.sum((1, 2, 3), keepdim=True).clamp_min(1e-3)
    return inside * (cells / found).clamp(1.0, FOCUS_LIMIT)


def drawn_batch(films: Films, pool: Any, count: int, draw: Any) -> Any:
    """Rows of a batch: each drawn film is followed by its twin, or by another film where it has none.

    Args:
        films: all training films.
        pool: (m,) rows to draw from, a film as often as it is to be drawn.
        count: films in the batch.
        draw: torch generator.
    """
    import torch

    first = pool[torch.randint(0, len(pool), ((count + 1) // 2,), generator=draw).numpy()]
    other = pool[torch.randint(0, len(pool), ((count + 1) // 2,), generator=draw).numpy()]
    second = np.where(films.twins[first] == first, other, films.twins[first])
    return np.stack([first, second], 1).ravel()[:count]


def told(recipe: TrainingRecipe, captions: list[str], step: int) -> list[str]:
    """The captions of a batch as a step sees them: some left out, the others reworded where the recipe does so."""
    rng = random.Random(f"{recipe.seed} {step}")  # noqa: S311 - words, not secrets
    return [
        "" if rng.random() < CAPTION_DROP else reworded(caption, rng) if recipe.rewords else caption
        for caption in captions
    ]


def pipeline_of(shared: base.Parts, unet: Any) -> Any:
    """A `StableDiffusionPipeline` of the shared parts and this UNet."""
    from diffusers import StableDiffusionPipeline

    return StableDiffusionPipeline(
        vae=shared.autoencoder, text_encoder=shared.encoder, tokenizer=shared.tokenizer, unet=unet,
        scheduler=scheduler_of(), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def _draw_sheet(recipe: TrainingRecipe, shared: base.Parts, unet: Any, path: Path, films: Films) -> None:
    import torch

    from lab.generators.previews import to_pixels

    pipeline = pipeline_of(shared, unet)
    pipeline.set_progress_bar_config(disable=True)
    prompts = [caption for _, caption in recipe.captions] * 2 or list(SHEET_PROMPTS)
    rows = []
    if planted := plant.planted_rows(films)[: len(SHEET_PROMPTS)]:
        # The planted films themselves on top: what stands below them is to be compared with them.
        prompts = [films.records[row]["caption"] for row in planted]
        rows.append(films.images[planted])
    for seed in (1, 2, 3):
        # One seed a row: what changes along it is the prompt alone.
        draws = [torch.Generator().manual_seed(seed) for _ in prompts]
        given = pipeline(
            prompt=prompts, num_inference_steps=20, guidance_scale=recipe.guidance, generator=draws,
            height=recipe.size, width=recipe.size, output_type="np",
        ).images  # fmt: skip
        rows.append(to_pixels(given[..., 0]))
    write_sheet(np.concatenate(rows), path, len(prompts))


def trained(recipe: TrainingRecipe, place: Path) -> tuple[Any, TrainingState]:
    """The averaged UNet and the counters of its training."""
    state = loop.new_state(build(recipe), recipe.unet_rate, EMA)
    checkpoint.restore(state, file_of(place, STAGE))
    state.settle()
    return state.model.eval().requires_grad_(False), state
