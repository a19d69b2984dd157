"""StyleGAN2 generators: a folder with `config.json` and `generator.safetensors`, one pass from seed to picture.

`lab.generators.stylegan2_conversion` tells how a published generator becomes such a folder. A seed gives the latent
that the original program draws for it, so that seed 85 is the picture known there as seed 85.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import GeneratorError, InputError, WeightsError
from lab.generators.card import GeneratorCard, Knob
from lab.generators.contract import StepProgress
from lab.generators.named_tensors import read_tensors
from lab.generators.one_pass import WithoutWords, as_images, once, reported
from lab.generators.request import GenerationRequest
from lab.generators.sample import Sample
from lab.generators.stylegan2_config import StyleGan2Config, read_config
from lab.generators.stylegan2_network import Noise, mapped, no_noise, synthesised, truncated
from lab.generators.weights import weights_digest
from lab.generators.written import micro_batches, padded

WEIGHTS = "generator.safetensors"
NONE, CONSTANT, SEEDED = 0, 1, 2


def knobs(config: StyleGan2Config, psi: float = 1.0) -> tuple[Knob, ...]:
    """The numbers that a StyleGAN2 card offers; a card may leave them out and keep their defaults."""
    psi_help = "0 always gives the average picture, 1 the full variety, more than 1 the unusual"
    cutoff_help = "How many layers truncation reaches, from coarse to fine; all of them by default"
    noise_help = (
        "Fine detail that no style decides: 0 none, 1 the same in every sample, 2 drawn from the seed"
    )
    return (
        Knob("psi", "Truncation", 0.0, 1.5, psi, 0.05, psi_help),
        Knob("cutoff", "Truncated layers", 0, config.styles, config.styles, 1, cutoff_help),
        Knob("noise", "Noise", NONE, SEEDED, CONSTANT, 1, noise_help),
    )


class StyleGan2Generator(WithoutWords):
    """A StyleGAN2 generator with moving-average weights.

    Attributes:
        card: the card it was loaded from.
        digest: SHA-256 over its weights and settings.
        config: its architecture.
        tensors: name to float32 tensor on its device.
    """

    def __init__(self, card: GeneratorCard, folder: Path, device: str) -> None:
        self.card, self.device = card, device
        self.config = read_config(folder)
        _check_card(card, self.config)
        self.tensors = read_tensors(folder, WEIGHTS, self.config.shapes(), device)
        self.digest = weights_digest(folder)
        self._lock = threading.Lock()

    def generate(
        self, request: GenerationRequest, on_step: Callable[[StepProgress], None] | None = None
    ) -> Iterator[list[Sample]]:
        """Yield the samples of each micro-batch of 4; the last one is padded with its own last seed.

        Steps and guidance mean nothing here: the recipe holds the card's own.

        Raises:
            InputError: for a request outside the card's range, or without a class where one is needed.
            GeneratorError: when the values are not numbers.
        """
        request = once(request.checked(self.card), self.card)
        if self.config.c_dim and not request.condition.label:
            raise InputError("This generator needs a class; nothing was started; choose one.")
        batches = micro_batches(request)
        for index, seeds in enumerate(batches):
            with self._lock:
                pixels = self._pixels(request, padded(seeds, request.micro_batch))[: len(seeds)]
            reported(on_step, request, index, len(batches), seeds)
            yield as_images(self.card, self.digest, request, seeds, pixels, self.device)

    def _pixels(self, request: GenerationRequest, seeds: tuple[int, ...]) -> NDArray[np.float32]:
        import torch

        chosen = {knob.name: knob.default for knob in (*knobs(self.config), *self.card.knobs)}
        chosen |= dict(request.condition.numbers)
        z = torch.from_numpy(np.stack([latent(seed, self.config.z_dim) for seed in seeds])).to(self.device)
        with torch.no_grad():
            w = mapped(self.tensors, self.config, z, self._classes(request.condition.label, len(seeds)))
            average, cutoff = self.tensors["mapping.w_avg"], round(chosen["cutoff"])
            styles = truncated(w, average, self.config.styles, chosen["psi"], cutoff)
            noise = self._noise(round(chosen["noise"]), seeds)
            return synthesised(self.tensors, self.config, styles, noise).cpu().numpy()

    def _classes(self, label: str, count: int) -> Any:
        import torch

        if not self.config.c_dim:
            return None
        rows = torch.zeros(count, self.config.c_dim, device=self.device)
        rows[:, self.card.classes.index(label)] = 1
        return rows

    def _noise(self, mode: int, seeds: tuple[int, ...]) -> Noise:
        import torch

        if mode == NONE:
            return no_noise
        if mode == CONSTANT:
            return lambda name, side: self.tensors[f"{name}.noise_const"][None, None]
        draws = [torch.Generator().manual_seed(seed) for seed in seeds]

        def seeded(name: str, side: int) -> Any:
            return torch.stack([torch.randn(1, side, side, generator=draw) for draw in draws]).to(self.device)

        return seeded


def latent(seed: int, width: int) -> NDArray[np.float32]:
    """The (width,) standard normal latent of a seed, as the original program draws it."""
    # NumPy keeps this legacy stream bit for bit for ever, which is what repeating old seeds needs.
    return np.random.RandomState(seed).randn(width).astype(np.float32)


def _check_card(card: GeneratorCard, config: StyleGan2Config) -> None:
    if card.dtype != "float32":
        raise GeneratorError(
            "StyleGAN2 generators are computed in float32; nothing was loaded; set dtype to float32 in the card."
        )
    if config.c_dim != len(card.classes):
        raise WeightsError(
            f"This generator was trained with {config.c_dim} classes and its card names {len(card.classes)}; "
            "nothing was loaded; name them all in the card, in the order of training."
        )
    if card.allowed_sizes != (config.img_resolution,):
        raise WeightsError(
            f"This generator makes {config.img_resolution} pixels only and its card says otherwise; "
            "nothing was loaded; correct the size in the card."
        )
