"""The recipe: batches drawn by step number, one checkpoint, so a resumed training equals an uninterrupted one."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.generators.training.small_network import Course, Step, follow
from lab.provenance import digest_json
from lab.segmentation.network import WIDTHS, build

AVERAGE = 0.99
CHECKPOINT = "segmenter.safetensors"
TURN, SCALE, SHIFT = math.radians(20.0), 0.15, 0.08


@dataclass(frozen=True)
class Recipe:
    """How a segmenter learns.

    Args:
        classes: structures and background.
        size: side of the square it sees, a multiple of 8.
        steps: of the optimiser.
        batch: images a step.
        rate: highest learning rate; a short warm-up, then half a cosine to zero.
        widths: channels of the stages.
        seed: of weights and draws.
    """

    classes: int
    size: int = 80
    steps: int = 800
    batch: int = 8
    rate: float = 3e-3
    widths: tuple[int, ...] = WIDTHS
    seed: int = 0


def learn(
    recipe: Recipe, films: NDArray[np.uint8], masks: NDArray[np.uint8], place: Path
) -> Generator[Step, None, Any]:
    """Train until all steps are taken; returns the network with averaged weights, in evaluation mode.

    A checkpoint is written at the end, every 45 seconds, and when the generator is closed.

    Args:
        films: (n, size, size) uint8 grey.
        masks: (n, size, size) uint8 class numbers.
        place: folder of the checkpoint.
    """
    network = build(recipe.widths, recipe.classes, recipe.seed)

    def loss_at(step: int) -> Any:
        seen, wanted = batch(recipe, films, masks, step)
        return loss(network(seen), wanted)

    course = Course(recipe.steps, lambda step: rate_at(recipe, step), loss_at, AVERAGE, decay=1e-3)
    return (yield from follow(course, network, recipe.rate, place / CHECKPOINT))


def rate_at(recipe: Recipe, step: int) -> float:
    """Learning rate of a step."""
    warm = min(1.0, (step + 1) / max(1, min(50, recipe.steps // 10)))
    return recipe.rate * warm * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))


def batch(recipe: Recipe, films: NDArray[np.uint8], masks: NDArray[np.uint8], step: int) -> tuple[Any, Any]:
    """Images (b, 1, S, S) in -1..1 and classes (b, S, S) of a step: turned, scaled and moved a little, other contrast.

    No mirroring: a picture of the body has a left and a right.
    """
    import torch
    from torch.nn import functional

    seed = int(digest_json([recipe.seed, "batch", step])[:12], 16)
    rows = np.random.default_rng(seed).permutation(len(films))[: recipe.batch]
    draws = torch.Generator().manual_seed(seed)

    def drawn(reach: float) -> Any:
        return (2 * torch.rand(len(rows), generator=draws) - 1) * reach

    angle, scale = drawn(TURN), 1 + drawn(SCALE)
    across, down = drawn(SHIFT), drawn(SHIFT)
    turn = torch.stack(
        [
            torch.stack([scale * angle.cos(), -scale * angle.sin(), across], dim=1),
            torch.stack([scale * angle.sin(), scale * angle.cos(), down], dim=1),
        ],
        dim=1,
    )
    grey = as_tensor(films[rows])
    grid = functional.affine_grid(turn, list(grey.shape), align_corners=False)
    seen = functional.grid_sample(grey, grid, padding_mode="border", align_corners=False)
    classes = torch.from_numpy(masks[rows]).float()[:, None]
    wanted = functional.grid_sample(classes, grid, mode="nearest", padding_mode="border", align_corners=False)
    gain, lift = 1 + drawn(0.25)[:, None, None, None], drawn(0.2)[:, None, None, None]
    return (seen * gain + lift).clamp(-1, 1), wanted[:, 0].round().long()


def loss(scores: Any, wanted: Any) -> Any:
    """Half cross-entropy, half 1 - Dice of the structures, background excluded."""
    from torch.nn import functional

    shares = scores.softmax(1)[:, 1:]
    ones = functional.one_hot(wanted, scores.shape[1]).movedim(-1, 1)[:, 1:].float()
    shared, both = (shares * ones).sum((0, 2, 3)), (shares + ones).sum((0, 2, 3))
    return 0.5 * functional.cross_entropy(scores, wanted) + 0.5 * (1 - (2 * shared + 1) / (both + 1)).mean()


def as_tensor(films: NDArray[np.uint8]) -> Any:
    """(n, S, S) uint8 as (n, 1, S, S) float32 in -1..1."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(films)).float()[:, None] / 127.5 - 1
