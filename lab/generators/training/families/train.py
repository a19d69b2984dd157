"""A small generator from its recipe to its folder: pictures, training, export."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lab.config import settings
from lab.generators.training.driven import Clock, TrainingProgress, driven
from lab.generators.training.families.recipe import FamilyRecipe, trainer_module

if TYPE_CHECKING:
    from lab.generators.training.families.trainer import Trainer

STAGES = ("data", "train", "export")


def train(
    recipe: FamilyRecipe,
    minutes: float | None = None,
    resume: bool = False,
    on_progress: Callable[[TrainingProgress], None] | None = None,
    folder: Path | None = None,
    stages: Sequence[str] | None = None,
) -> Generator[TrainingProgress, None, Path | None]:
    """Train a generator; yields about every second, returns the exported card's path.

    Args:
        recipe: what to train.
        minutes: for the training; when they are over, what is there is exported. None takes all steps.
        resume: go on from the last checkpoint; otherwise an earlier run's folder is kept under another name.
        on_progress: called with what is yielded; what it raises stops the run, checkpointed.
        folder: where checkpoints and contact sheets go; by default in the workspace.
        stages: take only these of data, train and export; without data, the folder must hold the pictures.

    Returns:
        (through `StopIteration.value`) the card's path, or None where export was not asked for.

    Raises:
        InputError: for minutes out of range.
        DatasetError: when there are no training pictures.
        WeightsError: when the checkpoint belongs to another recipe.
    """
    wanted = stages or STAGES
    # Pictures that were written beforehand are no earlier run: nothing has to be put aside for them.
    fresh = folder is not None and {path.name for path in folder.glob("*")} <= {"data.safetensors", "parts"}
    return (
        yield from driven(
            recipe.id,
            lambda place, clock: _stages(recipe, place, clock, wanted),
            minutes,
            resume or fresh,
            on_progress,
            folder,
        )
    )


def target_of(recipe: FamilyRecipe) -> Path:
    """Where a training in this workspace puts the generator."""
    return settings().workspace / "generators" / f"{recipe.id}-local"


def built(recipe: FamilyRecipe, place: Path, device: str) -> Trainer:
    """The family's trainer with fresh networks, equal for equal recipes."""
    import torch

    from lab.generators.training.families import films

    # First weights come from torch's own generator; what it held before is put back.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        trainer: Trainer = trainer_module(recipe).build(recipe, films.read_about(place), device)
    return trainer


def _stages(
    recipe: FamilyRecipe, place: Path, clock: Clock, stages: Sequence[str]
) -> Generator[TrainingProgress, None, Path | None]:
    from lab.device import pick
    from lab.generators.training.families import export, films, loop

    if "data" in stages:
        for progress in films.prepare(recipe, place):
            yield progress
            # Finished parts are kept: the next call goes on with the pictures that are missing.
            if progress.done < progress.total and clock.out_of_time():
                return None
    if "train" in stages:
        device = pick()
        trainer = built(recipe, place, device)
        yield from loop.run(recipe, trainer, films.load(place, device), place, clock)
    if "export" not in stages:
        return None
    yield TrainingProgress("export", 0, 1)
    card = export.export(recipe, place, target_of(recipe))
    yield TrainingProgress("export", 1, 1)
    return card
