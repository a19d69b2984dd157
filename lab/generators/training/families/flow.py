"""Flow matching in pixels: a U-Net learns the straight way from noise to picture (rectified flow)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.generators.training.checkpoint import Turn
from lab.generators.training.families import denoiser
from lab.generators.training.families.films import About
from lab.generators.training.families.recipe import FamilyRecipe
from lab.generators.training.families.trainer import Batch, Trainer

DEFAULTS: dict[str, Any] = {"drop": 0.15, "layers": 1, "attention": 2, "shift": 1.0, "spread": 1.0}
TIMES = 1000


class FlowTrainer(Trainer):
    """A `UNet2DModel` on the velocity noise - picture, times drawn most often in the middle (logit-normal)."""

    def __init__(self, recipe: FamilyRecipe, about: About, device: str) -> None:
        super().__init__(recipe, about, device)
        options = recipe.options
        self.network = denoiser.build_unet(recipe, about, options["layers"], options["attention"]).to(device)
        self.turns = {"unet": Turn(self.network)}

    def scheduler(self) -> Any:
        """The Euler scheduler of diffusers for flow matching."""
        from diffusers import FlowMatchEulerDiscreteScheduler

        return FlowMatchEulerDiscreteScheduler(num_train_timesteps=TIMES, shift=self.recipe.options["shift"])

    def loss(self, turn: str, batch: Batch) -> Any:
        """Mean squared error of the velocity."""
        import torch

        options, images = self.recipe.options, batch.images
        normal = torch.randn(len(images), generator=batch.draw, device=images.device)
        share = torch.sigmoid(normal * options["spread"]).view(-1, 1, 1, 1)
        noise = torch.randn(images.shape, generator=batch.draw, device=images.device)
        numbers, layers = denoiser.told(self.recipe, self.about, batch, options["drop"])
        noisy = (1 - share) * images + share * noise
        predicted = denoiser.ask(self.network, noisy, share.flatten() * TIMES, numbers, layers).float()
        return (predicted - (noise - images)).square().mean()

    def sheet(self, draw: Any) -> Any:
        """As `Trainer.sheet`: by Euler steps."""
        return denoiser.sheet_of(self.recipe, self.about, self.network, self.scheduler(), draw, self.device)

    def save(self, folder: Path) -> Mapping[str, Any]:
        """As `Trainer.save`: U-Net and scheduler in the layout of an unconditional diffusers pipeline."""
        denoiser.save_model(self.network, self.scheduler(), folder)
        return {"family": "flow matching", "loader": "unet2d"}

    def words(self) -> str:
        """As `Trainer.words`."""
        dropped = (
            f" The condition is left out for {self.recipe.options['drop']:.0%} of the pictures, so that guidance can "
            "compare."
            if self.recipe.conditioning
            else ""
        )
        return (
            "Flow matching in pixels (rectified flow): the network predicts the velocity from picture to noise at "
            f"logit-normal times; {self.recipe.sample_steps} Euler steps.{dropped}"
        )


def build(recipe: FamilyRecipe, about: About, device: str) -> Trainer:
    """A trainer with fresh networks on a device."""
    return FlowTrainer(recipe, about, device)
