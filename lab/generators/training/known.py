"""Every training recipe under one door: those of the text-to-image generators and the recipe files of small ones."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import NotFoundError
from lab.generators.training.families.recipe import FamilyRecipe, find_recipe, names, recipe_from

if TYPE_CHECKING:
    from lab.generators.training.clip import ClipRecipe
    from lab.generators.training.driven import TrainingProgress
    from lab.generators.training.recipe import TrainingRecipe

    Recipe = TrainingRecipe | ClipRecipe | FamilyRecipe


# Stages as people read them.
_TITLES = {
    "data": "Preparing training images",
    "latents": "Encoding training images",
    "train": "Training",
    "vae": "Training the autoencoder",
    "decoder": "Training the decoder",
    "text": "Training the text encoder",
    "unet": "Training the denoiser",
    "clip": "Training both encoders",
    "export": "Writing the generator",
}


def stage_title(stage: str) -> str:
    """What a stage does, in a few words."""
    return _TITLES.get(stage, stage)


def recipe_names() -> list[str]:
    """Names that `find` knows: recipe files first."""
    from lab.generators.training.clip import PHANTOM_CLIP
    from lab.generators.training.recipe import RECIPES

    return [*names(), *RECIPES.names(), PHANTOM_CLIP.id]


def find(name: str, values: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of that name or in that YAML file.

    Args:
        values: a small generator's recipe as JSON; where given, the name is not looked up.

    Raises:
        NotFoundError: with the names that exist.
        InputError: for a file that is no recipe.
    """
    from lab.generators.training.clip import PHANTOM_CLIP
    from lab.generators.training.recipe import RECIPES

    if values:
        return recipe_from(dict(values))
    if name.endswith((".yaml", ".yml")) or name in names():
        return find_recipe(name)
    if name == PHANTOM_CLIP.id:
        return PHANTOM_CLIP
    if name not in RECIPES.names():
        raise NotFoundError(
            "There is no training recipe of that name; nothing was started; "
            f"choose one of: {', '.join(recipe_names())}, or give the path of a YAML file."
        )
    return RECIPES.get(name)


def stages_of(recipe: Recipe) -> tuple[str, ...]:
    """The stages that a run of this recipe takes, in order."""
    from lab.generators.training import clip
    from lab.generators.training.families.train import STAGES

    if isinstance(recipe, FamilyRecipe):
        return STAGES
    return clip.STAGES if isinstance(recipe, clip.ClipRecipe) else recipe.stages


def train(
    recipe: Recipe,
    minutes: float | None = None,
    resume: bool = False,
    folder: Path | None = None,
    stages: Sequence[str] | None = None,
) -> Generator[TrainingProgress, None, Path | None]:
    """Train by any recipe; yields, returns and raises as `lab.generators.training.recipe.train` does."""
    from lab.generators.training import clip
    from lab.generators.training import recipe as recipes
    from lab.generators.training.families import train as families

    if isinstance(recipe, FamilyRecipe):
        return (yield from families.train(recipe, minutes, resume, None, folder, stages))
    if isinstance(recipe, clip.ClipRecipe):
        return (yield from clip.train(recipe, minutes, resume, None, folder, stages))
    return (yield from recipes.train(recipe, minutes, resume, None, folder, stages))
