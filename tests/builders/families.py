"""Recipes of small generators at toy size, with pictures made up on the spot, so that nothing has to be rendered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lab.generators.training.driven import Clock
from lab.generators.training.families.recipe import FamilyRecipe, recipe_from

NEVER = Clock(float("inf"))


class StopAfter(Clock):
    """A clock that is out of time after some steps; its deadline is never near, so the rate falls by steps."""

    def __init__(self, steps: int) -> None:
        super().__init__(float("inf"))
        object.__setattr__(self, "left", steps)

    def out_of_time(self) -> bool:
        object.__setattr__(self, "left", self.left - 1)
        return self.left < 0


def toy_recipe(family: str, **changes: Any) -> FamilyRecipe:
    """A recipe of 16 px, about 40 thousand parameters and a dozen steps."""
    values: dict[str, Any] = {
        "id": f"toy-{family}", "title": "Toy", "family": family, "dataset": "phantom-cxr", "size": 16,
        "channels": [8, 16], "steps": 10, "batch": 4, "rate": 1e-3, "augment": ["move", "gain"], "sample_steps": 3,
        "options": {"attention": 1},
    }  # fmt: skip
    return recipe_from(values | changes)


def write_toy_films(place: Path, recipe: FamilyRecipe, count: int = 12) -> Path:
    """Write data.safetensors as the data stage would: a bright square whose place tells the class."""
    from safetensors.numpy import save_file

    colours = 3 if recipe.colour == "rgb" else 1
    draw = np.random.default_rng(0)
    images = draw.integers(0, 40, (count, colours, recipe.size, recipe.size)).astype(np.uint8)
    labels = np.arange(count) % 2
    masks = np.zeros((count, recipe.size, recipe.size), np.uint8)
    for row, label in enumerate(labels):
        side = slice(0, recipe.size // 2) if label else slice(recipe.size // 2, recipe.size)
        images[row, :, side] += 150
        masks[row, side] = 1 + row % 2
    tensors = {"images": images, "labels": labels.astype(np.int64), "vendors": (np.arange(count) // 2 % 2)}
    if "mask" in recipe.conditioning:
        tensors["masks"] = masks
    about = {
        "films": count, "patients": count, "classes": ["down", "up"], "vendors": ["A", "B"],
        "structures": ["inner", "outer"], "modality": "toy", "digest": "0" * 64, "phantom": True,
    }  # fmt: skip
    place.mkdir(parents=True, exist_ok=True)
    save_file(tensors, place / "data.safetensors", metadata={"about": json.dumps(about)})
    return place
