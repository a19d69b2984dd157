"""Over-training before one's eyes: a denoiser learns a few films by heart in about a minute, and is forgotten again.

It starts from a well-trained generator, whose weights are copied in memory and never written. No film is moved or
re-windowed, no caption is reworded, nothing is dropped: all that usually hinders copying is left out.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import GeneratorError, InputError

if TYPE_CHECKING:
    from lab.generators.contract import Generator as LoadedGenerator

FEWEST, MOST = 4, 12
TRAIN_STEPS = 1000
REAL = (
    "Films of patients are never over-trained on; nothing was started; choose a phantom dataset, whose films belong to "
    "nobody."
)


@dataclass(frozen=True)
class Drill:
    """How hard a few films are learnt.

    Attributes:
        steps: training steps; every step sees every film at `draws` noise levels.
        every: samples are drawn before the first step and after each so many.
        rate: learning rate, reached after a short warm-up.
        draws: noise levels of each film in a step.
        denoising: steps of a sample; few, as only its likeness to a film is measured.
        seed: of noise levels, noise and samples.
    """

    steps: int = 192
    every: int = 24
    rate: float = 6e-4
    draws: int = 1
    denoising: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if not (1 <= self.every <= self.steps <= 5000 and 1 <= self.denoising <= 50 and 1 <= self.draws <= 8):
            raise InputError(
                "Over-training takes 1 to 5,000 steps and samples at least once; nothing was started; correct them."
            )


@dataclass(frozen=True, eq=False)
class Lesson:
    """One training step.

    Attributes:
        step: steps taken.
        loss: mean squared error of this step; None before the first.
        samples: (n, H, W) uint8, one a film by its own caption, or None at most steps.
    """

    step: int
    loss: float | None
    samples: NDArray[np.uint8] | None = None


def checked_films(names: Sequence[str]) -> list[str]:
    """The films, when as many can be learnt.

    Raises:
        InputError: for fewer than 4 or more than 12, or one that is named twice.
    """
    if not FEWEST <= len(names) <= MOST or len(set(names)) != len(names):
        raise InputError(
            f"Over-training takes {FEWEST} to {MOST} different films; nothing was trained; choose others."
        )
    return list(names)


def lessons(
    generator: LoadedGenerator, films: NDArray[np.uint8], captions: Sequence[str], drill: Drill
) -> Generator[Lesson, None, None]:
    """Train a copy of the generator's denoiser on the films and yield after every step.

    The same films, captions, drill and threads give the same samples; the generator itself is not changed.

    Args:
        films: (n, H, W) uint8 at the generator's size, 4 to 12.
        captions: n, one a film.

    Raises:
        InputError: for too few or too many films, or captions that are not one a film.
        GeneratorError: for a generator without a text-conditional latent denoiser.
    """
    import torch

    _check(generator, films, captions)
    pipeline = _copied(generator)
    clean, words = _known(generator, films, captions)
    alphas = pipeline.scheduler.alphas_cumprod.to(clean.device)
    optimizer = torch.optim.AdamW(
        pipeline.unet.parameters(), lr=drill.rate, betas=(0.9, 0.99), weight_decay=0.0
    )
    draw = torch.Generator().manual_seed(drill.seed)
    yield Lesson(0, None, _sampled(generator, pipeline, captions, drill))
    for step in range(1, drill.steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = drill.rate * min(1.0, step / 10)
        loss = _step(pipeline.unet, optimizer, clean, words, alphas, drill.draws, draw)
        shown = step % drill.every == 0 or step == drill.steps
        yield Lesson(step, loss, _sampled(generator, pipeline, captions, drill) if shown else None)


def _check(generator: LoadedGenerator, films: NDArray[np.uint8], captions: Sequence[str]) -> None:
    if not FEWEST <= len(films) <= MOST or len(films) != len(captions):
        raise InputError(
            f"Over-training takes {FEWEST} to {MOST} films with a caption each; nothing was trained; correct them."
        )
    parts = getattr(getattr(generator, "pipeline", None), "components", {})
    if not {"unet", "vae", "text_encoder", "tokenizer"} <= set(parts):
        raise GeneratorError(
            f"{generator.card.title} has no latent denoiser that reads text; nothing was trained; choose another."
        )


def _copied(generator: Any) -> Any:
    """A pipeline of the generator's parts with a copy of its denoiser that may be trained."""
    from copy import deepcopy

    import torch

    from lab.generators.training.base import Parts
    from lab.generators.training.unet import pipeline_of

    parts = generator.pipeline.components
    unet = deepcopy(parts["unet"]).float().requires_grad_(True).to(memory_format=torch.channels_last)
    pipeline = pipeline_of(Parts(parts["vae"], parts["tokenizer"], parts["text_encoder"]), unet)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _known(generator: Any, films: NDArray[np.uint8], captions: Sequence[str]) -> tuple[Any, Any]:
    """Latents (n, c, h, w) of the films and text features (n, length, width) of their captions."""
    import torch

    from lab.generators.training import text

    pipeline = generator.pipeline
    pixels = torch.from_numpy(np.array(films)).to(generator.device).float()[:, None] / 127.5 - 1
    with torch.no_grad():
        clean = pipeline.vae.encode(pixels).latent_dist.mean * pipeline.vae.config.scaling_factor
        tokens = text.tokens_of(pipeline.tokenizer, list(captions)).to(generator.device)
        return clean, pipeline.text_encoder(tokens).last_hidden_state


def _step(unet: Any, optimizer: Any, clean: Any, words: Any, alphas: Any, draws: int, draw: Any) -> float:
    import torch

    from lab.generators.training.unet import velocity_loss

    unet.train()
    clean, words = clean.repeat(draws, 1, 1, 1), words.repeat(draws, 1, 1)
    noise = torch.randn(clean.shape, generator=draw).to(clean.device)
    # One noise level in each of n equal parts: every step sees weak and strong noise alike.
    count = len(clean)
    parts = (torch.randperm(count, generator=draw) + torch.rand(count, generator=draw)) / count
    times = (parts * TRAIN_STEPS).long().clamp_max(TRAIN_STEPS - 1).to(clean.device)
    inside = torch.zeros_like(clean[:, :1])
    loss = velocity_loss(unet, clean, noise, times, words, inside, alphas)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
    optimizer.step()
    return float(loss.detach())


def _sampled(generator: Any, pipeline: Any, captions: Sequence[str], drill: Drill) -> NDArray[np.uint8]:
    """One sample a caption, always by the same seeds; without guidance, which would double the cost."""
    import torch

    from lab.generators.previews import to_pixels

    pipeline.unet.eval()
    seeds = [torch.Generator().manual_seed(drill.seed + 1 + turn) for turn in range(len(captions))]
    with torch.no_grad():
        given = pipeline(
            prompt=list(captions), num_inference_steps=drill.denoising, guidance_scale=1.0, generator=seeds,
            height=generator.card.size, width=generator.card.size, output_type="np",
        ).images  # fmt: skip
    return to_pixels(given.mean(axis=3))
