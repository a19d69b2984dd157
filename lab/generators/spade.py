"""SPADE generators: a folder with `config.json` and `generator.safetensors`, one pass from mask and seed to picture.

The state dict of a published generator, saved as safetensors under its own names, loads as it is; where it was trained
with spectral normalisation `config.json` says so. Channel 0 of the mask is background, so `label_nc` is one more than
the card's structures.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import GeneratorError, WeightsError
from lab.generators.card import GeneratorCard
from lab.generators.contract import StepProgress
from lab.generators.mask_channels import one_hot, read_mask
from lab.generators.named_tensors import read_tensors
from lab.generators.one_pass import WithoutWords, as_images, once, reported
from lab.generators.request import GenerationRequest
from lab.generators.sample import Sample
from lab.generators.spade_config import SpadeConfig, read_config
from lab.generators.spade_network import folded, painted
from lab.generators.weights import weights_digest
from lab.generators.written import micro_batches, padded

WEIGHTS = "generator.safetensors"
SPREAD = "style_spread"


class SpadeGenerator(WithoutWords):
    """A generator that paints a mask; the seed draws the style.

    Attributes:
        card: the card it was loaded from; its knob "style_spread", where it has one, scales the drawn style.
        digest: SHA-256 over its weights and settings.
        config: its architecture.
        tensors: name to float32 tensor on its device.
    """

    def __init__(self, card: GeneratorCard, folder: Path, device: str) -> None:
        self.card, self.device = card, device
        self.config = read_config(folder)
        _check_card(card, self.config)
        self.tensors = folded(read_tensors(folder, WEIGHTS, self.config.shapes(), device))
        self.digest = weights_digest(folder)
        self._lock = threading.Lock()

    def generate(
        self, request: GenerationRequest, on_step: Callable[[StepProgress], None] | None = None
    ) -> Iterator[list[Sample]]:
        """Yield the samples of each micro-batch of 4; the last one is padded with its own last seed.

        Steps and guidance mean nothing here: the recipe holds the card's own.

        Raises:
            InputError: for a request outside the card's range, or without a mask.
            GeneratorError: when the values are not numbers.
        """
        request = once(request.checked(self.card), self.card)
        labels = read_mask(request.condition.mask, self.config.crop_size)
        channels = one_hot(labels, self.config.label_nc - 1)
        spread = request.condition.number(SPREAD, _default_spread(self.card))
        batches = micro_batches(request)
        for index, seeds in enumerate(batches):
            with self._lock:
                pixels = self._pixels(channels, padded(seeds, request.micro_batch), spread)[: len(seeds)]
            reported(on_step, request, index, len(batches), seeds)
            yield as_images(self.card, self.digest, request, seeds, pixels, self.device)

    def _pixels(
        self, channels: NDArray[np.float32], seeds: tuple[int, ...], spread: float
    ) -> NDArray[np.float32]:
        import torch

        width = max(self.config.z_dim, 1)
        draws = [torch.randn(width, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        mask = torch.from_numpy(channels)[None].expand(len(seeds), -1, -1, -1).to(self.device)
        z: Any = (torch.stack(draws) * spread).to(self.device)
        with torch.no_grad():
            return painted(self.tensors, self.config, mask, z).float().cpu().numpy()


def _default_spread(card: GeneratorCard) -> float:
    return next((knob.default for knob in card.knobs if knob.name == SPREAD), 1.0)


def _check_card(card: GeneratorCard, config: SpadeConfig) -> None:
    if card.dtype != "float32":
        raise GeneratorError(
            "SPADE generators are computed in float32; nothing was loaded; set dtype to float32 in the card."
        )
    if config.label_nc != 1 + len(card.structures):
        raise WeightsError(
            f"This generator was trained with {config.label_nc - 1} structures and its card names "
            f"{len(card.structures)}; nothing was loaded; name them all in the card, in the order of their numbers."
        )
    if card.allowed_sizes != (config.crop_size,):
        raise WeightsError(
            f"This generator makes {config.crop_size} pixels only and its card says otherwise; "
            "nothing was loaded; correct the size in the card."
        )
