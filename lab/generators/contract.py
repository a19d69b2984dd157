"""What every generator offers, whatever its family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lab.generators.card import GeneratorCard
from lab.generators.request import MICRO_BATCH as MICRO_BATCH
from lab.generators.request import GenerationRequest
from lab.generators.sample import Sample


@dataclass(frozen=True)
class StepProgress:
    """One denoising step is done.

    Attributes:
        step, steps: steps done and steps in all, in this micro-batch.
        batch, batches: micro-batch now running (from 0) and how many there are.
        done, total: samples finished and asked for.
        seeds: seeds of the samples in this micro-batch.
        previews: (n, h, w) uint8 pictures of the unfinished samples, or None at most steps.
    """

    step: int
    steps: int
    batch: int
    batches: int
    done: int
    total: int
    seeds: tuple[int, ...]
    previews: NDArray[np.uint8] | None = field(default=None, compare=False)


class Generator(Protocol):
    """A loaded generator. One request at a time; callers on other threads wait."""

    card: GeneratorCard
    digest: str

    def generate(
        self, request: GenerationRequest, on_step: Callable[[StepProgress], None] | None = None
    ) -> Iterator[list[Sample]]:
        """Yield the samples of each micro-batch of 4, in the order of the seeds.

        Raises whatever `on_step` raises: that is how a run is cancelled within one step.
        """
        ...

    def autoencode(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(n, H, W) uint8 images through the generator's own autoencoder, same shape.

        Raises:
            GeneratorError: when it has none.
        """
        ...

    def prompt_reading(self, prompt: str) -> Any:
        """How the text encoder reads a prompt: `lab.generators.prompts.PromptReading`."""
        ...
