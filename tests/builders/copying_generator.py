"""A generator that has learnt some films by heart: it answers their captions with noisy copies of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.generators.card import GeneratorCard
from lab.generators.contract import MICRO_BATCH, StepProgress
from lab.generators.prompts import PromptReading
from lab.generators.request import GenerationRequest
from lab.generators.sample import Sample
from lab.provenance import digest_json
from tests.builders.memory_set import blobs


class CopyingGenerator:
    """Implements the generator contract without weights.

    Args:
        learnt: caption to film, (H, W) uint8; any other caption gets a film of its own, drawn by the seed.
        noise: grey levels of the Gaussian noise laid over a copy.
    """

    def __init__(
        self, card: GeneratorCard, learnt: Mapping[str, NDArray[np.uint8]], noise: float = 6.0
    ) -> None:
        self.card = card
        self.digest = digest_json(["copying", noise, sorted(learnt), [f.tolist() for f in learnt.values()]])
        self.asked: list[tuple[str, tuple[int, ...]]] = []
        self._learnt, self._noise = dict(learnt), noise

    def generate(
        self, request: GenerationRequest, on_step: Callable[[StepProgress], None] | None = None
    ) -> Iterator[list[Sample]]:
        request = request.checked(self.card)
        self.asked.append((request.prompt, request.seeds))
        for start in range(0, len(request.seeds), MICRO_BATCH):
            seeds = request.seeds[start : start + MICRO_BATCH]
            yield [Sample(self._image(request.prompt, seed), {"seed": seed}) for seed in seeds]

    def autoencode(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return images

    def prompt_reading(self, prompt: str) -> Any:
        return PromptReading(0, 0, ())

    def _image(self, prompt: str, seed: int) -> NDArray[np.uint8]:
        film = self._learnt.get(prompt)
        if film is None:
            return blobs(seed, 1)[0]
        noise = np.random.default_rng(seed).normal(0, self._noise, film.shape)
        return np.clip(np.rint(film + noise), 0, 255).astype(np.uint8)
