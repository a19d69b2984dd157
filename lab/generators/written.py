"""The recipe that every family writes beside a sample, and the micro-batches that keep it repeatable."""

from __future__ import annotations

from typing import Any

from lab.generators.card import GeneratorCard
from lab.generators.contract import MICRO_BATCH
from lab.generators.request import GenerationRequest
from lab.generators.sample import RECIPE_VERSION
from lab.provenance import versions


def micro_batches(request: GenerationRequest) -> list[tuple[int, ...]]:
    """The seeds of each micro-batch, in their order; the last may be shorter."""
    size = request.micro_batch
    return [request.seeds[k : k + size] for k in range(0, len(request.seeds), size)]


def padded(seeds: tuple[int, ...], size: int = MICRO_BATCH) -> tuple[int, ...]:
    """Always `size` seeds, the last one repeated: a sample depends on the size of its batch, so that never changes."""
    return seeds + seeds[-1:] * (size - len(seeds))


def recipe_of(
    card: GeneratorCard,
    digest: str,
    request: GenerationRequest,
    seed: int,
    device: str,
    scheduler: str = "",
    dropped: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Everything that gives one sample again, as plain JSON.

    Args:
        card, digest: the generator and its weights.
        request: what was asked.
        seed: of this sample.
        device: where it was made.
        scheduler: class that took the steps; empty for families without one.
        dropped: words that the text encoder did not read.
    """
    import torch

    recipe: dict[str, Any] = {
        "version": RECIPE_VERSION,
        "generator": card.id,
        "weights": digest,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seed": seed,
        "steps": request.steps,
        "guidance": request.guidance,
        "scheduler": scheduler,
        "size": request.size,
        "options": card.options,
        "device": device,
        "threads": torch.get_num_threads(),
        "dtype": card.dtype,
        "micro_batch": request.micro_batch,
        "versions": versions(),
        "phantom_trained": card.phantom_trained,
    }
    if request.condition:
        recipe["condition"] = request.condition.to_json()
    if dropped:
        recipe["dropped_words"] = " ".join(dropped)
    return recipe
