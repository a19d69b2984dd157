"""Any text-to-image pipeline of diffusers as a generator: one way to load, step, preview and cancel."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import GeneratorError
from lab.generators.card import GeneratorCard
from lab.generators.contract import MICRO_BATCH, StepProgress
from lab.generators.open_pipeline import open_pipeline
from lab.generators.previews import latent_previews, to_pixels
from lab.generators.prompts import PromptReading, read_with
from lab.generators.request import GenerationRequest
from lab.generators.sample import Sample
from lab.generators.weights import check_folder, weights_digest
from lab.generators.written import micro_batches, padded, recipe_of

PREVIEWS = 4


class DiffusersGenerator:
    """A diffusers pipeline in a folder of its standard layout.

    Attributes:
        card: the card it was loaded from.
        digest: SHA-256 over its weights and settings.
        pipeline: the loaded `DiffusionPipeline`.
    """

    def __init__(self, card: GeneratorCard, folder: Path, device: str) -> None:
        self.card = card
        self.device = device
        check_folder(folder)
        for part, place in card.part_folders.items():
            # One that is not there is named when the pipeline is opened.
            if place.is_dir():
                check_folder(place, weights="tokenizer" not in part)
        self.digest = weights_digest(folder, card.part_folders)
        self.pipeline = open_pipeline(card, folder, device)
        self._lock = threading.Lock()

    def prompt_reading(self, prompt: str) -> PromptReading:
        """How the pipeline's first tokenizer reads a prompt."""
        tokenizer = getattr(self.pipeline, "tokenizer", None)
        return PromptReading(0, 0, ()) if tokenizer is None else read_with(tokenizer, prompt)

    def generate(
        self, request: GenerationRequest, on_step: Callable[[StepProgress], None] | None = None
    ) -> Iterator[list[Sample]]:
        """Yield the samples of each micro-batch of 4; the last one is padded with its own last seed.

        Args:
            request: checked against this card here once more.
            on_step: called after each denoising step; what it raises ends the generation.

        Raises:
            InputError: for a request outside the card's range.
            GeneratorError: when the pipeline fails or gives no image.
        """
        request = request.checked(self.card)
        reading = self.prompt_reading(request.prompt)
        batches = micro_batches(request)
        for index, seeds in enumerate(batches):
            with self._lock:
                report = _Reporter(self.pipeline, on_step, request, index, len(batches), seeds)
                images = self._run(request, seeds, report)
                scheduler = type(self.pipeline.scheduler).__name__
            yield [
                Sample(
                    image,
                    recipe_of(self.card, self.digest, request, seed, self.device, scheduler, reading.dropped),
                )
                for image, seed in zip(images, seeds, strict=True)
            ]

    def autoencode(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(n, H, W) uint8 grey images encoded (mean of the posterior) and decoded again, same shape."""
        import torch

        vae = getattr(self.pipeline, "vae", None)
        if vae is None:
            raise GeneratorError(
                f"{self.card.title} has no autoencoder; nothing was computed; choose a latent generator."
            )
        pixels = torch.from_numpy(np.array(images)).to(self.device, vae.dtype)[:, None] / 127.5 - 1
        with torch.no_grad(), self._lock:
            coded = vae.encode(pixels.expand(-1, vae.config.in_channels, -1, -1)).latent_dist.mode()
            decoded = vae.decode(coded).sample
        return to_pixels((decoded.float() / 2 + 0.5).mean(1).cpu().numpy())

    def _run(
        self, request: GenerationRequest, seeds: tuple[int, ...], report: _Reporter
    ) -> list[NDArray[np.uint8]]:
        import torch

        arguments = self._arguments(request)
        arguments["generator"] = [torch.Generator().manual_seed(seed) for seed in padded(seeds)]
        try:
            with torch.no_grad(), _steps_reported(self.pipeline.scheduler, report):
                pixels = self.pipeline(**arguments).images
        except (RuntimeError, ValueError, TypeError, KeyError, IndexError) as error:
            raise GeneratorError(
                f"{self.card.title} could not answer this request ({type(error).__name__}); "
                "finished samples are kept; try the card's own size, steps and guidance."
            ) from error
        if not np.isfinite(pixels).all():
            raise GeneratorError(
                f"{self.card.title} gave values that are not numbers; finished samples are kept; "
                "try a lower guidance or float32 weights."
            )
        return [_as_image(image, self.card.colour) for image in pixels[: len(seeds)]]

    def _arguments(self, request: GenerationRequest) -> dict[str, Any]:
        known = inspect.signature(self.pipeline.__call__).parameters
        wanted: dict[str, Any] = {
            "prompt": [request.prompt] * MICRO_BATCH,
            "num_inference_steps": request.steps,
            "guidance_scale": request.guidance,
            "height": request.size,
            "width": request.size,
            "output_type": "np",
        }
        if self.card.conditioning == "none":
            wanted["batch_size"] = MICRO_BATCH
        if request.negative_prompt:
            wanted["negative_prompt"] = [request.negative_prompt] * MICRO_BATCH
        wanted |= self.card.options
        return {name: value for name, value in wanted.items() if name in known}


class _Reporter:
    """Counts the steps of one micro-batch and passes them on, with previews at a few of them."""

    def __init__(
        self,
        pipeline: Any,
        on_step: Callable[[StepProgress], None] | None,
        request: GenerationRequest,
        batch: int,
        batches: int,
        seeds: tuple[int, ...],
    ) -> None:
        self._pipeline, self._on_step, self._seeds = pipeline, on_step, seeds
        self._done, self._total = batch * MICRO_BATCH, len(request.seeds)
        self._batch, self._batches, self._step = batch, batches, 0

    def __call__(self, latents: Any) -> None:
        self._step += 1
        if self._on_step is None:
            return
        steps = len(self._pipeline.scheduler.timesteps)
        every = max(1, steps // (PREVIEWS + 1))
        shown = self._step % every == 0 and self._step < steps
        previews = latent_previews(self._pipeline, latents[: len(self._seeds)]) if shown else None
        self._on_step(
            StepProgress(
                self._step, steps, self._batch, self._batches, self._done, self._total, self._seeds, previews
            )
        )


@contextmanager
def _steps_reported(scheduler: Any, report: Callable[[Any], None]) -> Iterator[None]:
    """Report each `scheduler.step`: the one hook that every diffusers pipeline passes through."""
    step = scheduler.step

    def reported(*args: Any, **kwargs: Any) -> Any:
        result = step(*args, **kwargs)
        # DDIM and its kin also give the predicted clean latents: a far better preview than the noisy ones.
        if isinstance(result, tuple):
            latents = result[1] if len(result) > 1 and result[1] is not None else result[0]
        else:
            latents = getattr(result, "pred_original_sample", None)
            latents = result.prev_sample if latents is None else latents
        report(latents)
        return result

    scheduler.step = reported
    try:
        yield
    finally:
        del scheduler.step


def _as_image(pixels: NDArray[np.floating[Any]], colour: str) -> NDArray[np.uint8]:
    """(H, W, C) in 0..1 to (H, W) uint8, or (H, W, 3) when the card says rgb."""
    image = np.asarray(pixels, dtype=np.float32)
    if image.ndim == 3:
        image = image[..., 0] if image.shape[2] == 1 else image if colour == "rgb" else image.mean(axis=2)
    return to_pixels(image)
