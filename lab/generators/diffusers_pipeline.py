"""Any text-to-image pipeline of diffusers as a generator: one way to load, step, preview and cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.config import settings
from lab.errors import GeneratorError, InputError
from lab.generators.arguments import call_arguments, with_knobs
from lab.generators.assembly import is_cxr_bert
from lab.generators.card import GeneratorCard
from lab.generators.contract import StepProgress
from lab.generators.lora import SCALE, set_scale
from lab.generators.open_pipeline import open_pipeline
from lab.generators.pipeline_prompts import pipeline_reading
from lab.generators.places import digest, part_folders
from lab.generators.previews import latent_previews, learn_map, to_pixels
from lab.generators.prompts import PromptReading
from lab.generators.request import GenerationRequest
from lab.generators.sample import Sample
from lab.generators.weights import check_folder
from lab.generators.written import micro_batches, padded, recipe_of

PREVIEWS = 4


class DiffusersGenerator:
    """A diffusers pipeline in a folder of its standard layout, or put together from parts; a LoRA may lie over it.

    Attributes:
        card: the card it was loaded from.
        digest: SHA-256 over its weights and settings.
        pipeline: the loaded `DiffusionPipeline`.
    """

    def __init__(self, card: GeneratorCard, folder: Path, device: str) -> None:
        self.card = card
        self.device = device
        check_folder(folder)
        for part, place in part_folders(card).items():
            # One that is not there is named when the pipeline is opened; of CXR-BERT only plain files are read.
            if place.is_dir() and not is_cxr_bert(place):
                check_folder(place, weights="tokenizer" not in part)
        self.digest = digest(card)
        self.pipeline = open_pipeline(card, folder, device)
        self._lock = threading.Lock()

    def prompt_reading(self, prompt: str) -> PromptReading:
        """How the pipeline's tokenizer reads a prompt; of several, the one whose encoder reads it whole."""
        return pipeline_reading(self.pipeline, self.card, prompt)

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
        request = with_knobs(request.checked(self.card), self.card)
        batches = micro_batches(request)
        for index, seeds in enumerate(batches):
            done = index * request.micro_batch
            report = _Reporter(self.pipeline, on_step, index, len(batches), done, len(request.seeds), seeds)
            yield self._made([request] * len(seeds), seeds, report)

    def generate_together(
        self, requests: Sequence[GenerationRequest], on_step: Callable[[StepProgress], None] | None = None
    ) -> list[Sample]:
        """The samples of up to a micro-batch of requests of one seed each, with the bytes each would have alone.

        Args:
            requests: alike in everything but prompt, class, vendor, mask and seed.
            on_step: as in `generate`.

        Raises:
            InputError: for requests that differ in more, or more of them than fit one micro-batch.
            GeneratorError: when the pipeline fails or gives no image.
        """
        checked = [with_knobs(request.checked(self.card), self.card) for request in requests]
        fits = 0 < len(checked) <= (checked[0].micro_batch if checked else 0)
        if (
            not fits
            or len({_shared(one) for one in checked}) > 1
            or any(len(one.seeds) > 1 for one in checked)
        ):
            raise InputError(
                "Only requests of one seed each that agree in steps, guidance, size and settings go together; "
                "nothing was generated; ask for them one by one."
            )
        seeds = tuple(request.seeds[0] for request in checked)
        return self._made(checked, seeds, _Reporter(self.pipeline, on_step, 0, 1, 0, len(seeds), seeds))

    def autoencode(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(n, H, W) uint8 grey images encoded (mean of the posterior) and decoded again, same shape."""
        import torch

        vae = getattr(self.pipeline, "vae", None) or getattr(self.pipeline, "vqvae", None)
        if vae is None:
            raise GeneratorError(
                f"{self.card.title} has no autoencoder; nothing was computed; choose a latent generator."
            )
        pixels = torch.from_numpy(np.array(images)).to(self.device, vae.dtype)[:, None] / 127.5 - 1
        with torch.no_grad(), self._lock:
            coded = _coded(vae.encode(pixels.expand(-1, vae.config.in_channels, -1, -1)))
            decoded = vae.decode(coded).sample
        return to_pixels((decoded.float() / 2 + 0.5).mean(1).cpu().numpy())

    def _made(
        self, requests: list[GenerationRequest], seeds: tuple[int, ...], report: _Reporter
    ) -> list[Sample]:
        readings = {request.prompt: self.prompt_reading(request.prompt) for request in requests}
        with self._lock:
            images = self._run(requests, seeds, report)
            scheduler = type(self.pipeline.scheduler).__name__
        return [
            Sample(
                image,
                recipe_of(
                    self.card, self.digest, request, seed, self.device, scheduler,
                    readings[request.prompt].dropped,
                ),
            )
            for image, request, seed in zip(images, requests, seeds, strict=True)
        ]  # fmt: skip

    def _run(
        self, requests: list[GenerationRequest], seeds: tuple[int, ...], report: _Reporter
    ) -> list[NDArray[np.uint8]]:
        import torch

        size = requests[0].micro_batch
        whole = requests + requests[-1:] * (size - len(requests))
        arguments = call_arguments(self.pipeline, self.card, whole)
        arguments["generator"] = [torch.Generator().manual_seed(seed) for seed in padded(seeds, size)]
        try:
            if self.card.lora:
                set_scale(self.pipeline, requests[0].condition.number(SCALE, 1.0))
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
        learn_map(self.pipeline, report.latents, pixels)
        return [_as_image(image, self.card.colour) for image in pixels[: len(seeds)]]


class _Reporter:
    """Counts the steps of one micro-batch and passes them on, with previews at a few of them."""

    def __init__(
        self,
        pipeline: Any,
        on_step: Callable[[StepProgress], None] | None,
        batch: int,
        batches: int,
        done: int,
        total: int,
        seeds: tuple[int, ...],
    ) -> None:
        self._pipeline, self._on_step, self._seeds = pipeline, on_step, seeds
        self._done, self._total = done, total
        self._batch, self._batches, self._step = batch, batches, 0
        self._previews = settings().previews
        self.latents: Any = None

    def __call__(self, latents: Any) -> None:
        self._step += 1
        self.latents = latents
        if self._on_step is None:
            return
        steps = len(self._pipeline.scheduler.timesteps)
        every = max(1, steps // (PREVIEWS + 1))
        shown = self._previews and self._step % every == 0 and self._step < steps
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


def _shared(request: GenerationRequest) -> tuple[Any, ...]:
    """What requests that go together agree in."""
    settings = (request.steps, request.guidance, request.size, request.negative_prompt, request.micro_batch)
    return (*settings, request.condition.numbers)


def _coded(encoded: Any) -> Any:
    """The latents of an encoding: the mean of a posterior, the codes of a quantised or a plain autoencoder."""
    if hasattr(encoded, "latent_dist"):
        return encoded.latent_dist.mode()
    return encoded.latents if hasattr(encoded, "latents") else encoded.latent


def _as_image(pixels: NDArray[np.floating[Any]], colour: str) -> NDArray[np.uint8]:
    """(H, W, C) in 0..1 to (H, W) uint8, or (H, W, 3) when the card says rgb."""
    image = np.asarray(pixels, dtype=np.float32)
    if image.ndim == 3:
        image = image[..., 0] if image.shape[2] == 1 else image if colour == "rgb" else image.mean(axis=2)
    return to_pixels(image)
