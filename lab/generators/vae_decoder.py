"""Variational autoencoders as generators: a latent is drawn from the mixture fitted to the training latents."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import GeneratorError, WeightsError
from lab.generators.card import GeneratorCard, Knob
from lab.generators.contract import MICRO_BATCH, StepProgress
from lab.generators.named_tensors import read_tensors
from lab.generators.one_pass import WithoutWords, as_images, once, reported
from lab.generators.previews import to_pixels
from lab.generators.request import GenerationRequest
from lab.generators.sample import Sample
from lab.generators.vae_network import decoded, encoded, latents, read_config
from lab.generators.weights import weights_digest
from lab.generators.written import micro_batches, padded

WEIGHTS = "autoencoder.safetensors"
TEMPERATURE = Knob(
    "temperature", "Temperature", 0.0, 1.5, 1.0, 0.05,
    "0 always gives the average picture, 1 the variety of the training images, more than 1 the unusual",
)  # fmt: skip


class VaeGenerator(WithoutWords):
    """An autoencoder whose decoder makes pictures of drawn latents.

    Attributes:
        card: the card it was loaded from.
        digest: SHA-256 over its weights and settings.
        config: its architecture.
        tensors: name to float32 tensor on its device.
    """

    def __init__(self, card: GeneratorCard, folder: Path, device: str) -> None:
        self.card, self.device = card, device
        self.config = read_config(folder)
        if card.dtype != "float32" or card.allowed_sizes != (self.config.size,):
            raise WeightsError(
                f"This autoencoder is computed in float32 and makes {self.config.size} pixels only; nothing was "
                "loaded; correct dtype and size in the card."
            )
        self.tensors = read_tensors(folder, WEIGHTS, self.config.shapes(), device)
        self.digest = weights_digest(folder)
        self._lock = threading.Lock()

    def autoencode(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(n, H, W) uint8 grey images encoded (mean of the posterior) and decoded again, same shape.

        They are scaled to the autoencoder's own side and back; nothing is drawn.

        Raises:
            GeneratorError: when it was made for colour.
        """
        import torch
        from torch.nn import functional

        if self.config.image_channels != 1:
            raise GeneratorError(
                f"{self.card.title} is for colour images; nothing was computed; choose a generator of grey ones."
            )
        side, shape = self.config.size, images.shape[1:]
        made = [np.zeros((0, *shape), np.uint8)]
        for start in range(0, len(images), MICRO_BATCH):
            pixels = torch.from_numpy(np.array(images[start : start + MICRO_BATCH])).to(self.device)
            values = pixels.float()[:, None] / 127.5 - 1
            with torch.no_grad(), self._lock:
                small = functional.interpolate(values, (side, side), mode="bilinear", antialias=True)
                mean, _ = encoded(self.tensors, self.config, small)
                back = decoded(self.tensors, self.config, mean, lambda name, side: None)
                full = functional.interpolate(back, tuple(shape), mode="bilinear", antialias=True)
            made.append(to_pixels((full[:, 0] / 2 + 0.5).cpu().numpy()))
        return np.concatenate(made)

    def generate(
        self, request: GenerationRequest, on_step: Callable[[StepProgress], None] | None = None
    ) -> Iterator[list[Sample]]:
        """Yield the samples of each micro-batch of 4; the last one is padded with its own last seed.

        Steps and guidance mean nothing here: the recipe holds the card's own.

        Raises:
            InputError: for a request outside the card's range.
            GeneratorError: when the values are not numbers.
        """
        request = once(request.checked(self.card), self.card)
        batches = micro_batches(request)
        for index, seeds in enumerate(batches):
            with self._lock:
                pixels = self._pixels(request, padded(seeds, request.micro_batch))[: len(seeds)]
            reported(on_step, request, index, len(batches), seeds)
            yield as_images(self.card, self.digest, request, seeds, pixels, self.device)

    def _pixels(self, request: GenerationRequest, seeds: tuple[int, ...]) -> NDArray[np.float32]:
        import torch

        default = next(
            (k.default for k in self.card.knobs if k.name == TEMPERATURE.name), TEMPERATURE.default
        )
        temperature = request.condition.number(TEMPERATURE.name, default)
        draws = [torch.Generator().manual_seed(seed) for seed in seeds]

        def drawn(shape: tuple[int, ...]) -> Any:
            return torch.stack([torch.randn(shape, generator=draw) for draw in draws]).to(self.device)

        with torch.no_grad():
            chosen = torch.cat([torch.rand(1, generator=draw) for draw in draws]).to(self.device)
            z = latents(self.tensors, drawn((self.config.latent,)), chosen, temperature)
            noise = lambda name, side: drawn((1, side, side))  # noqa: E731
            return decoded(self.tensors, self.config, z, noise).cpu().numpy()
