"""What a family brings to the shared loop: its networks, the loss of each turn, pictures to look at, a model folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.generators.training.checkpoint import Turn
from lab.generators.training.families.films import About
from lab.generators.training.families.recipe import FamilyRecipe


@dataclass(frozen=True, eq=False)
class Batch:
    """The pictures of one step, on the device.

    Attributes:
        images: (n, C, H, W) float32 in -1..1, augmented.
        labels, vendors: (n,) int64 numbers of `About.classes` and `About.vendors`; -1 where there is none.
        masks: (n, H, W) uint8 structure numbers, moved with the picture; None unless the recipe is told masks.
        step: number of the step from 0; `steps`: of how many.
        draw: torch generator on the device, seeded by the address of the step: every random number comes from it.
    """

    images: Any
    labels: Any
    vendors: Any
    masks: Any
    step: int
    steps: int
    draw: Any


class Trainer(ABC):
    """A family in training. Built by the family module's `build(recipe, about, device)`.

    Args:
        recipe: with every option filled in.
        about: of the training pictures.
        device: as torch names it.
    """

    turns: dict[str, Turn]
    columns: int = 8  # pictures a row of the sheet

    def __init__(self, recipe: FamilyRecipe, about: About, device: str) -> None:
        self.recipe, self.about, self.device = recipe, about, device

    @abstractmethod
    def loss(self, turn: str, batch: Batch) -> Any:
        """The loss of a turn, a tensor of one number; runs under autocast where the recipe says half."""

    @abstractmethod
    def sheet(self, draw: Any) -> Any:
        """Some pictures (n, C, H, W) in -1..1 from the networks as they stand; called with the averaged weights.

        `draw` is a torch generator on the processor, equally seeded at each call.
        """

    @abstractmethod
    def save(self, folder: Path) -> Mapping[str, Any]:
        """Write the model into an empty folder, float16 safetensors; returns fields of the card.

        Called with the averaged weights. Fields are those of `GeneratorCard` that the frame cannot know: family,
        loader, conditioning, steps, guidance, scheduler, classes, vendors, structures, knobs, measured.
        """

    @abstractmethod
    def words(self) -> str:
        """How it was trained, a sentence or two of Markdown for the model card."""

    def after(self, batch: Batch) -> None:  # noqa: B027 - most families have nothing to do here
        """Called after the turns of each step, without gradients: for what follows the networks."""
