"""The text-image model: a small open_clip model trained on phantom films and captions, told apart by single words."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.config import settings
from lab.features.text_image_folder import PHANTOM
from lab.generators.training.driven import Clock, TrainingProgress, driven
from lab.generators.training.recipe import TrainingRecipe

STAGES = ("data", "clip", "export")


@dataclass(frozen=True)
class ClipRecipe:
    """Everything a training of a text-image model depends on.

    Attributes:
        id, title: of the model.
        patients: phantom patients; those of the training split give one film and its counterfactual each.
        held_out: held-out patients kept to measure the model, one film each.
        size: image side in pixels, a multiple of 32.
        width, blocks: of the residual image tower.
        text_width, text_layers, text_length: of the text tower; tokens in all.
        dimension: length of the vectors.
        steps, batch, rate: optimiser steps, films in each (half of them counterfactuals), peak learning rate.
        save_s: seconds between checkpoints.
    """

    id: str = PHANTOM
    title: str = "Phantom chest radiographs and captions"
    patients: int = 2000
    held_out: int = 300
    seed: int = 0
    size: int = 128
    width: int = 16
    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    text_width: int = 128
    text_layers: int = 3
    text_length: int = 32
    dimension: int = 128
    steps: int = 6000
    batch: int = 28
    rate: float = 1.2e-3
    save_s: float = 180.0

    @property
    def schedule(self) -> TrainingRecipe:
        """What the shared training loop needs to know."""
        return TrainingRecipe(self.id, self.title, seed=self.seed, save_s=self.save_s)

    def config(self, words: int) -> dict[str, Any]:
        """The content of `open_clip_config.json` for a tokenizer of so many tokens."""
        text = {
            "context_length": self.text_length, "vocab_size": words, "hf_tokenizer_name": self.id,
            "width": self.text_width, "heads": max(1, self.text_width // 32), "layers": self.text_layers,
        }  # fmt: skip
        vision = {
            "image_size": self.size, "layers": list(self.blocks), "width": self.width, "head_width": 64,
        }  # fmt: skip
        return {
            "model_cfg": {"embed_dim": self.dimension, "vision_cfg": vision, "text_cfg": text},
            "preprocess_cfg": {
                "size": self.size, "mode": "RGB", "mean": [0.5] * 3, "std": [0.5] * 3,
                "interpolation": "bicubic", "resize_mode": "squash", "fill_color": 0,
            },
        }  # fmt: skip


PHANTOM_CLIP = ClipRecipe()


def train(
    recipe: ClipRecipe = PHANTOM_CLIP,
    minutes: float | None = None,
    resume: bool = False,
    on_progress: Callable[[TrainingProgress], None] | None = None,
    folder: Path | None = None,
    stages: Sequence[str] | None = None,
) -> Generator[TrainingProgress, None, Path | None]:
    """Train the model; yields and returns as `lab.generators.training.recipe.train` does.

    Raises:
        InputError: for minutes out of range.
        DatasetError: when the recipe has no training films.
    """
    wanted = stages or STAGES
    return (
        yield from driven(
            recipe.id,
            lambda place, clock: _steps(recipe, place, clock, wanted),
            minutes,
            resume,
            on_progress,
            folder,
        )
    )


def _steps(
    recipe: ClipRecipe, place: Path, clock: Clock, stages: Sequence[str]
) -> Generator[TrainingProgress, None, Path | None]:
    from lab.generators.training import clip_data, clip_fit
    from lab.generators.training.clip_export import export

    if "data" in stages:
        for done, total in clip_data.prepare(recipe, place):
            yield TrainingProgress("data", done, total)
            if done < total and clock.out_of_time():
                return None
    if clip_fit.STAGE in stages and not (yield from clip_fit.train(recipe, place, clock)):
        return None
    if "export" not in stages:
        return None
    yield TrainingProgress("export", 0, 1)
    card = export(recipe, place, settings().workspace / "extractors" / recipe.id)
    yield TrainingProgress("export", 1, 1)
    return card
