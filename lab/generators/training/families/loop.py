"""The loop that every small generator shares: pictures on the device, turns, averages, checkpoints, the clock."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.generators.training.contact_sheet import write_sheet
from lab.generators.training.driven import Clock, TrainingProgress
from lab.generators.training.families import state as states
from lab.generators.training.families.augment import augmented
from lab.generators.training.families.films import Films
from lab.generators.training.families.kept import keep
from lab.generators.training.families.recipe import FamilyRecipe
from lab.generators.training.families.state import FamilyState
from lab.generators.training.families.trainer import Batch, Trainer

STAGE = "train"
FILE = "train.safetensors"
WARM_UP = 200
DECAY_SHARE = 0.4
REPORT_S = 1.0


def rate_at(step: int, share: float, peak: float) -> float:
    """Learning rate: short warm-up, constant, then a straight line to a fiftieth over the last 40 %.

    Args:
        step: number of the step.
        share: how much of the run is over, 0 to 1, by steps or by the clock, whichever is further.
        peak: highest rate.
    """
    return peak * min(1.0, (step + 1) / WARM_UP) * max(0.02, min(1.0, (1 - share) / DECAY_SHARE))


def generator_at(recipe: FamilyRecipe, name: str, step: int, device: str) -> Any:
    """A torch generator that depends on the address of a step alone, so that resuming changes nothing."""
    import torch

    from lab.provenance import digest_json

    seed = int(digest_json([recipe.seed, name, step])[:12], 16)
    return torch.Generator(device=device).manual_seed(seed)


def run(
    recipe: FamilyRecipe, trainer: Trainer, films: Films, place: Path, clock: Clock
) -> Generator[TrainingProgress, None, bool]:
    """Take the steps that are left; returns True when all are taken or the time given is used up.

    A checkpoint is written at the end, every `recipe.save_s` seconds, and when the run is stopped. With a clock, the
    learning rate falls by the clock, so that what is there when time is over has been brought to rest.
    """
    state = FamilyState(trainer.turns, recipe.average, recipe.rate)
    states.restore(state, place / FILE)
    saved = drawn = told = began = time.monotonic()
    spent, window, sheet = state.seconds, list[Any](), newest_sheet(place)
    weights = weights_of(recipe, films)
    given = clock.deadline - began
    try:
        while state.step < recipe.steps and not clock.out_of_time():
            now = time.monotonic()
            share = max(state.step / recipe.steps, (now - began) / max(given, 1e-9))
            window.append(_step(recipe, trainer, films, state, weights, share))
            state.seconds = spent + now - began
            if now - saved > recipe.save_s:
                states.save(state, place / FILE)
                saved = now
            if now - drawn > recipe.sheet_s:
                sheet, drawn = draw_sheet(recipe, trainer, state, place), time.monotonic()
                keep(state, place)
            if now - told > REPORT_S or state.step == recipe.steps:
                told = now
                # The one moment at which the device is waited for.
                loss = _mean(window)
                window.clear()
                state.losses.append((state.step, round(loss, 5)))
                yield TrainingProgress(STAGE, state.step, recipe.steps, loss, state.seconds, sheet)
    finally:
        states.save(state, place / FILE)
    sheet = draw_sheet(recipe, trainer, state, place) if state.step else None
    last = state.losses[-1][1] if state.losses else None
    yield TrainingProgress(STAGE, state.step, recipe.steps, last, state.seconds, sheet)
    return True


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
    recipe: FamilyRecipe, trainer: Trainer, films: Films, state: FamilyState, weights: Any, share: float
) -> Any:
    """Every turn once; returns the sum of the losses, not waited for."""
    import torch

    batch, losses = batch_at(recipe, films, weights, state.step), []
    for name, turn in trainer.turns.items():
        if state.step % turn.every:
            continue
        optimizer = state.optimizers[name]
        for group in optimizer.param_groups:
            group["lr"] = rate_at(state.step, share, recipe.rate * turn.rate)
        # Shapes never change: the fastest convolution is worth looking for.
        with torch.backends.cudnn.flags(enabled=True, benchmark=True):
            with half_where(recipe, trainer.device):
                loss = trainer.loss(name, batch)
            optimizer.zero_grad()
            loss.backward()
        if turn.clip:
            torch.nn.utils.clip_grad_norm_(turn.network.parameters(), turn.clip)
        optimizer.step()
        losses.append(loss.detach().float())
    state.step += 1
    state.update_averages()
    with torch.no_grad():
        trainer.after(batch)
    return torch.stack(losses).sum()


def half_where(recipe: FamilyRecipe, device: str) -> contextlib.AbstractContextManager[Any]:
    """bfloat16 where the recipe allows it and the device is an accelerator."""
    import torch

    from lab.device import CPU

    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=recipe.half and kind != CPU)


def _mean(losses: list[Any]) -> float:
    import torch

    return float(torch.stack(losses).mean())


def draw_sheet(recipe: FamilyRecipe, trainer: Trainer, state: FamilyState, place: Path) -> Path:
    """Write a contact sheet of the averaged networks; always the same noise, so that two sheets can be compared."""
    from lab.device import CPU

    with state.averaged():
        pictures = pixels_of(trainer.sheet(generator_at(recipe, "sheet", 0, CPU)))
    return write_sheet(pictures, place / "sheets" / f"{STAGE}-{state.step:07d}.png", trainer.columns)


def pixels_of(pictures: Any) -> NDArray[np.uint8]:
    """(n, C, H, W) in -1..1 to (n, H, W) or (n, H, W, 3) uint8."""
    values = pictures.detach().float().cpu().numpy().transpose(0, 2, 3, 1)
    pixels = np.rint(np.clip(values / 2 + 0.5, 0, 1) * 255).astype(np.uint8)
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def newest_sheet(place: Path) -> Path | None:
    """The last contact sheet of a training folder."""
    return max((place / "sheets").glob(f"{STAGE}-*.png"), default=None)
