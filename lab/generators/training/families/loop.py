"""How a small generator is trained: pictures on the device, every network's turn, contact sheets."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.generators.training import steps
from lab.generators.training.checkpoint import TrainingState
from lab.generators.training.contact_sheet import write_sheet
from lab.generators.training.driven import Clock, TrainingProgress
from lab.generators.training.families.augment import augmented
from lab.generators.training.families.films import Films
from lab.generators.training.families.kept import keep
from lab.generators.training.families.recipe import FamilyRecipe
from lab.generators.training.families.trainer import Batch, Trainer
from lab.generators.training.steps import generator_at

STAGE = "train"
FILE = "train.safetensors"
WARM_UP = 200
FALLING = 0.4


def run(
    recipe: FamilyRecipe, trainer: Trainer, films: Films, place: Path, clock: Clock
) -> Generator[TrainingProgress, None, bool]:
    """Take the steps that are left; yields, returns and raises as `lab.generators.training.steps.taken`.

    With a clock, the learning rate falls by the clock, so that what is there when time is over has been brought to
    rest.
    """
    state = TrainingState(trainer.turns, recipe.average, recipe.rate)
    weights = weights_of(recipe, films)

    def take(step: int, share: float) -> Any:
        return _step(recipe, trainer, films, state, weights, step, max(step / recipe.steps, share))

    def sheet(path: Path) -> None:
        draw_sheet(recipe, trainer, state, path)
        keep(state, place)

    plan = steps.Plan(STAGE, recipe.steps, take, recipe.save_s, recipe.sheet_s, sheet)
    return steps.taken(plan, state, place, clock)


def weights_of(recipe: FamilyRecipe, films: Films) -> Any:
    """(n,) how often each picture is drawn, relative to the others."""
    import torch

    if not recipe.balanced:
        return torch.ones(len(films.images), device=films.images.device)
    return 1.0 / torch.bincount(films.labels.clamp(min=0)).to(torch.float32)[films.labels.clamp(min=0)]


def batch_at(recipe: FamilyRecipe, films: Films, weights: Any, step: int) -> Batch:
    """The pictures of one step, drawn and changed by the step's own generator."""
    import torch

    draw = generator_at(recipe, STAGE, step, str(films.images.device))
    rows = torch.multinomial(weights, recipe.batch, replacement=True, generator=draw)
    images = films.images[rows].float() / 127.5 - 1
    masks = None if films.masks is None else films.masks[rows]
    images, masks = augmented(images, masks, recipe.augment, draw)
    return Batch(images, films.labels[rows], films.vendors[rows], masks, step, recipe.steps, draw)


def _step(
    recipe: FamilyRecipe,
    trainer: Trainer,
    films: Films,
    state: TrainingState,
    weights: Any,
    step: int,
    share: float,
) -> Any:
    """Every turn once; returns the sum of the losses, not waited for."""
    import torch

    batch, losses = batch_at(recipe, films, weights, step), list[Any]()
    for name, turn in trainer.turns.items():
        if step % turn.every:
            continue

        def loss_of(name: str = name) -> Any:
            with half_where(recipe, trainer.device):
                return trainer.loss(name, batch)

        rate = steps.rate_at(step, share, recipe.rate * turn.rate, WARM_UP, FALLING)
        losses.append(steps.take_turn(state, name, loss_of, rate))
    with torch.no_grad():
        trainer.after(batch)
    return torch.stack(losses).sum()


def half_where(recipe: FamilyRecipe, device: str) -> contextlib.AbstractContextManager[Any]:
    """bfloat16 where the recipe allows it and the device is an accelerator."""
    import torch

    from lab.device import CPU

    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=recipe.half and kind != CPU)


def draw_sheet(recipe: FamilyRecipe, trainer: Trainer, state: TrainingState, path: Path) -> None:
    """Write a contact sheet of the averaged networks; always the same noise, so that two sheets can be compared."""
    with state.averaged():
        pictures = pixels_of(trainer.sheet(generator_at(recipe, "sheet", 0)))
    write_sheet(pictures, path, trainer.columns)


def pixels_of(pictures: Any) -> NDArray[np.uint8]:
    """(n, C, H, W) in -1..1 to (n, H, W) or (n, H, W, 3) uint8."""
    values = pictures.detach().float().cpu().numpy().transpose(0, 2, 3, 1)
    pixels = np.rint(np.clip(values / 2 + 0.5, 0, 1) * 255).astype(np.uint8)
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels
