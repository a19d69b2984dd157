"""The recipe: small batches drawn by step number, one checkpoint, so that resuming changes nothing."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.generators.training.small_network import Course, Step, follow
from lab.identification.changes import COPY, PATIENT, changed
from lab.identification.films import as_tensor
from lab.identification.network import Shape, build, pair_logits
from lab.identification.pairs import batch_rows
from lab.provenance import digest_json

TEMPERATURE = 0.07
GUIDE, GUIDE_TEMPERATURE = 0.3, 0.15
AVERAGE = 0.995
CHECKPOINT = "network.safetensors"


@dataclass(frozen=True)
class Recipe:
    """How a network learns.

    Args:
        shape: of the network.
        steps: of the optimiser.
        people: patients a step for a Siamese network (two films each), images a step for a copy embedding.
        rate: highest learning rate; a short warm-up, then half a cosine to zero.
        seed: of weights and draws.
        flips: whether pictures may be mirrored.
        half: compute in bfloat16 where the processor can.
    """

    shape: Shape = field(default_factory=Shape)
    steps: int = 1200
    people: int = 32
    rate: float = 1e-3
    seed: int = 0
    flips: bool = False
    half: bool = True


def recipe_for(shape: Shape, steps: int, seed: int, flips: bool) -> Recipe:
    """The recipe of a question: for copies the published one (NT-Xent, 64 images a step, rate 1e-4)."""
    if shape.question == "copy":
        return Recipe(shape, steps, people=64, rate=1e-4, seed=seed, flips=flips)
    return Recipe(shape, steps, seed=seed, flips=flips)


def learn(
    recipe: Recipe, films: NDArray[np.uint8], patients: NDArray[np.str_], place: Path
) -> Generator[Step, None, Any]:
    """Train until all steps are taken; returns the network with averaged weights, in evaluation mode.

    A checkpoint is written at the end, every 45 seconds, and when the generator is closed.

    Args:
        films: (n, size, size) uint8.
        patients: (n,) of them; a Siamese network learns from those with two films or more.
        place: folder of the checkpoint.
    """
    network = build(recipe.shape, recipe.seed)
    course = Course(
        recipe.steps,
        lambda step: rate_at(recipe, step),
        lambda step: _loss(recipe, network, films, patients, step),
        AVERAGE,
        decay=1e-3,
        after=lambda: keep_copies_on_top(network),
    )
    return (yield from follow(course, network, recipe.rate, place / CHECKPOINT))


def keep_copies_on_top(network: Any) -> None:
    """Hold the weights of a Siamese network's last layer at 0 or below.

    Free weights may reward a difference: then two films of one patient score above an exact copy, and a leak looks
    harmless. With this an exact copy gets the highest score there is.
    """
    import torch

    if network.question == "patient":
        with torch.no_grad():
            network.fc_end.weight.clamp_(max=0.0)


def rate_at(recipe: Recipe, step: int) -> float:
    """Learning rate of a step."""
    warm = min(1.0, (step + 1) / max(1, min(100, recipe.steps // 10)))
    return recipe.rate * warm * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))


def _loss(
    recipe: Recipe, network: Any, films: NDArray[np.uint8], patients: NDArray[np.str_], step: int
) -> Any:
    import torch

    draws = torch.Generator().manual_seed(int(digest_json([recipe.seed, "changes", step])[:12], 16))
    with _half(recipe):
        if recipe.shape.question == "copy":
            rng = np.random.default_rng(int(digest_json([recipe.seed, "batch", step])[:12], 16))
            chosen = as_tensor(films[rng.permutation(len(films))[: recipe.people]])
            ways = replace(COPY, flips=recipe.flips)
            twice = torch.cat([chosen, changed(chosen, ways, draws)])
            return nt_xent(network(twice), TEMPERATURE)
        rows = batch_rows(patients, recipe.people, recipe.seed, step)
        ways = replace(PATIENT, flips=recipe.flips)
        raw = network.model(changed(as_tensor(films[rows]), ways, draws)).float()
    # The contrast of directions shows the trunk the way from the first step; the score itself learns slowly alone.
    guide = nt_xent(torch.nn.functional.normalize(raw, dim=1), GUIDE_TEMPERATURE)
    return same_patient_loss(network, raw.sigmoid(), patients[rows]) + GUIDE * guide


def same_patient_loss(network: Any, rows: Any, patients: NDArray[np.str_]) -> Any:
    """Cross-entropy over all pairs of a batch, as if pairs of one patient and of two came equally often."""
    import torch
    from torch.nn import functional

    first, second = np.triu_indices(len(patients), 1)
    logits = pair_logits(network, rows[first], rows[second])
    same = torch.from_numpy(patients[first] == patients[second])
    losses = functional.binary_cross_entropy_with_logits(logits, same.float(), reduction="none")
    return 0.5 * (losses[same].mean() + losses[~same].mean())


def nt_xent(rows: Any, temperature: float) -> Any:
    """Normalised temperature-scaled cross-entropy (Chen et al. 2020) of unit rows (2n, d), i beside n + i."""
    import torch
    from torch.nn import functional

    n = len(rows) // 2
    alike = rows @ rows.T / temperature
    alike = alike.masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
    return functional.cross_entropy(alike, (torch.arange(2 * n) + n) % (2 * n))


def _half(recipe: Recipe) -> Any:
    import torch

    from lab.device import CPU

    able = recipe.half and torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(CPU, torch.bfloat16) if able else nullcontext()
