"""What generators without denoising steps share: GANs and autoencoders answer in one pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import GeneratorError
from lab.generators.card import GeneratorCard
from lab.generators.contract import StepProgress
from lab.generators.previews import to_pixels
from lab.generators.prompts import PromptReading
from lab.generators.request import GenerationRequest
from lab.generators.sample import Sample
from lab.generators.written import recipe_of


class WithoutWords:
    """What a family that reads no prompt and has no autoencoder says when it is asked for either."""

    card: GeneratorCard

    def prompt_reading(self, prompt: str) -> PromptReading:
        """It reads no prompt: nothing is counted and nothing is cut."""
        return PromptReading(0, 0, ())

    def autoencode(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """There is no autoencoder.

        Raises:
            GeneratorError: always.
        """
        raise GeneratorError(
            f"{self.card.title} has no autoencoder; nothing was computed; choose a latent generator."
        )


def once(request: GenerationRequest, card: GeneratorCard) -> GenerationRequest:
    """The request with the card's own steps and guidance: whatever was asked, they change nothing."""
    return replace(request, steps=card.steps, guidance=card.guidance)


def reported(
    on_step: Callable[[StepProgress], None] | None,
    request: GenerationRequest,
    batch: int,
    batches: int,
    seeds: tuple[int, ...],
) -> None:
    """Tell that the one step of a micro-batch is done; what `on_step` raises goes through."""
    if on_step is not None:
        on_step(StepProgress(1, 1, batch, batches, batch * request.micro_batch, len(request.seeds), seeds))


def as_images(
    card: GeneratorCard,
    digest: str,
    request: GenerationRequest,
    seeds: tuple[int, ...],
    pixels: NDArray[np.float32],
    device: str,
) -> list[Sample]:
    """Samples from (n, channels, H, W) values in -1..1, one a seed.

    Raises:
        GeneratorError: when a value is not a finite number.
    """
    if not np.isfinite(pixels).all():
        raise GeneratorError(
            f"{card.title} gave values that are not numbers; finished samples are kept; try other settings."
        )
    return [
        Sample(_image(picture, card.colour), recipe_of(card, digest, request, seed, device))
        for picture, seed in zip(pixels, seeds, strict=True)
    ]


def _image(picture: NDArray[Any], colour: str) -> NDArray[np.uint8]:
    """(C, H, W) in -1..1 to (H, W) uint8, or (H, W, 3) where the card says rgb."""
    values = picture / 2 + 0.5
    if colour != "rgb":
        return to_pixels(values.mean(axis=0))
    return to_pixels(np.repeat(values, 3 // len(values), axis=0).transpose(1, 2, 0))
