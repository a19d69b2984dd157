"""Flow matching that is told a mask and a vendor: the mask decides the anatomy, the vendor the look of the scanner.

Beyond `flow`: the vendor is also left out alone, so that a mask may be asked for without one; and pixels in and near
the structures count more, since a heart covers a twentieth of the picture. The weight of a pixel depends on the mask
alone, which the network is told, so what it learns to predict at each pixel stays the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.generators.training.families import denoiser, flow
from lab.generators.training.families.films import About
from lab.generators.training.families.recipe import FamilyRecipe
from lab.generators.training.families.trainer import Batch, Trainer

DEFAULTS: dict[str, Any] = {
    **flow.DEFAULTS,
    "drop": 0.1,
    "drop_vendor": 0.1,
    "focus": 3.0,
    "near": 2,
    "varied": True,
}
SHEET_ROWS = 6
TIMES = flow.TIMES


class MaskFlowTrainer(flow.FlowTrainer):
    """A `UNet2DModel` on the velocity, with masks under the noisy picture and vendors as classes."""

    def __init__(self, recipe: FamilyRecipe, about: About, device: str) -> None:
        super().__init__(recipe, about, device)
        self.columns = 1 + max(1, len(about.vendors))

    def loss(self, turn: str, batch: Batch) -> Any:
        """Mean squared error of the velocity, weighted around the structures."""
        import torch

        options, images = self.recipe.options, batch.images
        normal = torch.randn(len(images), generator=batch.draw, device=images.device)
        share = torch.sigmoid(normal * options["spread"]).view(-1, 1, 1, 1)
        noise = torch.randn(images.shape, generator=batch.draw, device=images.device)
        numbers, layers = denoiser.told(self.recipe, self.about, batch, options["drop"])
        numbers = self._without_some_vendors(numbers, batch)
        noisy = (1 - share) * images + share * noise
        predicted = denoiser.ask(self.network, noisy, share.flatten() * TIMES, numbers, layers).float()
        weight = weights(layers, options["focus"], int(options["near"]))
        return ((predicted - (noise - images)).square() * weight).mean()

    def _without_some_vendors(self, numbers: Any, batch: Batch) -> Any:
        """Class numbers with the vendor left out of some pictures that keep their mask."""
        import torch

        if numbers is None:
            return None
        left_out = torch.rand(len(numbers), generator=batch.draw, device=numbers.device)
        none = denoiser.kinds_of(self.recipe, self.about)
        return torch.where(left_out < self.recipe.options["drop_vendor"], none, numbers)

    def sheet(self, draw: Any) -> Any:
        """As `Trainer.sheet`: rows of a mask, drawn at random, and a picture of each vendor after it."""
        import torch

        masks, vendors = _sheet_masks(self.recipe, self.about), max(1, len(self.about.vendors))
        layers = denoiser.mask_layers(masks.to(self.device), len(self.about.structures))
        layers = layers.repeat_interleave(vendors, 0)
        count = len(layers)
        noisy = torch.randn((count, 1, self.recipe.size, self.recipe.size), generator=draw).to(self.device)
        told = torch.arange(count, device=self.device) % vendors
        numbers = told if denoiser.kinds_of(self.recipe, self.about) else None
        scheduler = self.scheduler()
        scheduler.set_timesteps(min(self.recipe.sample_steps, 25), device=self.device)
        for time in scheduler.timesteps:
            predicted = denoiser.ask(self.network, noisy, time.expand(count), numbers, layers)
            noisy = scheduler.step(predicted, time, noisy).prev_sample
        shown = masks[:, None].to(self.device).float() * (2 / len(self.about.structures)) - 1
        return torch.cat([shown[:, None], noisy.view(len(masks), vendors, *noisy.shape[1:])], 1).flatten(0, 1)

    def save(self, folder: Path) -> Mapping[str, Any]:
        """As `Trainer.save`."""
        return {**super().save(folder), "conditioning": "mask"}

    def words(self) -> str:
        """As `Trainer.words`."""
        options = self.recipe.options
        drawn = (
            " The pictures were drawn anew: each training patient on every vendor's scanner, at any slice, moment, "
            "turn and place; the set itself shows each on one scanner at two moments."
            if options["varied"]
            else ""
        )
        return (
            f"{super().words()}{drawn} The vendor alone is left out for a further {options['drop_vendor']:.0%}. Pixels "
            f"within {options['near']} pixels of a structure count {1 + options['focus']:g} times. The mask is laid "
            "under the noisy picture, one channel a structure; the vendor is a class embedding."
        )


def weights(layers: Any, focus: float, near: int) -> Any:
    """(n, 1, H, W): 1, and `focus` more within `near` pixels of a structure; mean 1 in each picture."""
    from torch.nn import functional

    inside = layers.amax(1, keepdim=True)
    around = functional.max_pool2d(inside, 2 * near + 1, stride=1, padding=near)
    weight = 1 + focus * around
    return weight / weight.mean((1, 2, 3), keepdim=True)


def _sheet_masks(recipe: FamilyRecipe, about: About) -> Any:
    """(n, size, size) uint8 tensor of masks no training picture has: random hearts, else rings of every structure."""
    import numpy as np
    import torch

    from lab.generators.mask_hearts import drawable, sample_heart

    if drawable(about.structures):
        found = [sample_heart(seed, recipe.size, about.structures) for seed in range(SHEET_ROWS)]
    else:
        rows, columns = np.mgrid[: recipe.size, : recipe.size] / recipe.size - 0.5
        rings = np.hypot(rows, columns)
        parts = len(about.structures)
        found = [
            np.clip(parts - np.floor(rings / (0.1 + 0.03 * turn) * parts), 0, parts).astype(np.uint8)
            for turn in range(SHEET_ROWS)
        ]
    return torch.from_numpy(np.stack(found))


def build(recipe: FamilyRecipe, about: About, device: str) -> Trainer:
    """A trainer with fresh networks on a device."""
    return MaskFlowTrainer(recipe, about, device)
