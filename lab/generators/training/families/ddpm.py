"""Denoising diffusion in pixels: noise is mixed in by a schedule, and a U-Net tells it from the picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.generators.training.checkpoint import Turn
from lab.generators.training.families import denoiser
from lab.generators.training.families.films import About
from lab.generators.training.families.recipe import FamilyRecipe
from lab.generators.training.families.trainer import Batch, Trainer

DEFAULTS: dict[str, Any] = {
    "schedule": "squaredcos_cap_v2", "prediction": "v_prediction", "noise_steps": 1000, "zero_end": True,
    "gamma": 5.0, "drop": 0.15, "layers": 1, "attention": 2, "sampler": "DDIMScheduler",
}  # fmt: skip


class DdpmTrainer(Trainer):
    """A `UNet2DModel` on noise or velocity, weighted by the signal-to-noise ratio up to `gamma`."""

    def __init__(self, recipe: FamilyRecipe, about: About, device: str) -> None:
        super().__init__(recipe, about, device)
        options = recipe.options
        network = denoiser.build_unet(recipe, about, options["layers"], options["attention"]).to(device)
        self.turns = {"unet": Turn(network)}
        self.network = network
        self.alphas = self.scheduler("DDPMScheduler").alphas_cumprod.to(device)

    def scheduler(self, kind: str) -> Any:
        """A diffusers scheduler of this recipe's schedule."""
        import diffusers

        options = self.recipe.options
        return getattr(diffusers, kind)(
            num_train_timesteps=options["noise_steps"],
            beta_schedule=options["schedule"],
            prediction_type=options["prediction"],
            # Without signal at the end, sampling starts where training ended: no grey veil over dark films.
            rescale_betas_zero_snr=options["zero_end"] and options["prediction"] == "v_prediction",
            timestep_spacing="trailing",
            clip_sample=True,
        )

    def loss(self, turn: str, batch: Batch) -> Any:
        """Mean squared error of the prediction, times weighted by min-SNR."""
        import torch

        options, images = self.recipe.options, batch.images
        times = torch.randint(
            0, options["noise_steps"], (len(images),), generator=batch.draw, device=images.device
        )
        noise = torch.randn(images.shape, generator=batch.draw, device=images.device)
        signal, spread = (x.sqrt().view(-1, 1, 1, 1) for x in (self.alphas[times], 1 - self.alphas[times]))
        numbers, layers = denoiser.told(self.recipe, self.about, batch, options["drop"])
        noisy = signal * images + spread * noise
        predicted = denoiser.ask(self.network, noisy, times, numbers, layers).float()
        velocity = options["prediction"] == "v_prediction"
        target = signal * noise - spread * images if velocity else noise
        ratio = (signal / spread).square().flatten()
        weight = ratio.clamp(max=options["gamma"]) / (ratio + 1 if velocity else ratio.clamp(min=1e-6))
        return ((predicted - target).square().mean((1, 2, 3)) * weight).mean()

    def sheet(self, draw: Any) -> Any:
        """As `Trainer.sheet`: by DDIM."""
        scheduler = self.scheduler("DDIMScheduler")
        return denoiser.sheet_of(self.recipe, self.about, self.network, scheduler, draw, self.device)

    def save(self, folder: Path) -> Mapping[str, Any]:
        """As `Trainer.save`: the layout of `DDPMPipeline`, which diffusers itself can open."""
        denoiser.save_model(self.network, self.scheduler("DDPMScheduler"), folder)
        return {
            "family": "diffusion",
            "loader": "unet2d" if self.recipe.conditioning else "diffusers",
            "scheduler": self.recipe.options["sampler"],
        }

    def words(self) -> str:
        """As `Trainer.words`."""
        options = self.recipe.options
        what = {"v_prediction": "velocity", "epsilon": "noise"}.get(
            options["prediction"], options["prediction"]
        )
        dropped = (
            f" The condition is left out for {options['drop']:.0%} of the pictures, so that guidance can compare."
            if self.recipe.conditioning
            else ""
        )
        return (
            f"Denoising diffusion in pixels: {options['noise_steps']:,} noise levels of the schedule "
            f"`{options['schedule']}`, {what} predicted, min-SNR {options['gamma']:g}; "
            f"{self.recipe.sample_steps} DDIM steps.{dropped}"
        )


def build(recipe: FamilyRecipe, about: About, device: str) -> Trainer:
    """A trainer with fresh networks on a device."""
    return DdpmTrainer(recipe, about, device)
