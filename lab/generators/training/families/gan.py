"""Training a StyleGAN2 on small sets: non-saturating loss, lazy R1, adaptive augmentation of what the critic sees."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.atomic import write_json
from lab.errors import InputError
from lab.generators import stylegan2_network as network
from lab.generators.config_file import CONFIG
from lab.generators.stylegan2 import WEIGHTS, knobs
from lab.generators.stylegan2_config import StyleGan2Config
from lab.generators.training.checkpoint import Turn
from lab.generators.training.families import gan_critic as critic
from lab.generators.training.families.films import About
from lab.generators.training.families.gan_augment import adapt, changed
from lab.generators.training.families.recipe import FamilyRecipe
from lab.generators.training.families.tensor_module import as_module, tensors_of
from lab.generators.training.families.trainer import Batch, Trainer

DEFAULTS: dict[str, Any] = {
    "z_dim": 80,
    "w_dim": 80,
    "mapping_layers": 4,
    "critic_base": 2048,
    "critic_most": 96,
    "r1": 0.3,
    "r1_every": 16,
    "sure": 0.6,
    "adapt_images": 150_000,
    "most": 0.7,
    "psi": 0.8,
}
BETAS = (0.0, 0.99)
AVERAGE_W = 0.998
SHEET = 32


def build(recipe: FamilyRecipe, about: About, device: str) -> Trainer:
    """The trainer of a GAN recipe.

    Raises:
        InputError: for channels that are no StyleGAN2, or a condition, which this family is not told.
    """
    return GanTrainer(recipe, about, device)


def config_of(recipe: FamilyRecipe) -> StyleGan2Config:
    """The generator's architecture; `recipe.channels` are those at each scale, the finest first.

    Raises:
        InputError: when size and channels do not fit StyleGAN2.
    """
    base, most = recipe.channels[0] * recipe.size, max(recipe.channels)
    scales = [recipe.size >> k for k in range(len(recipe.channels))]
    if scales[-1] != 4 or [min(base // side, most) for side in scales] != list(recipe.channels):
        raise InputError(
            "This training recipe was not taken because a GAN needs one number of channels for each side from the "
            "picture's down to 4, each twice the one before it or the most; nothing was started; correct the file."
        )
    return StyleGan2Config(
        recipe.size,
        z_dim=recipe.options["z_dim"],
        w_dim=recipe.options["w_dim"],
        img_channels=1 if recipe.colour == "grey" else 3,
        mapping_layers=recipe.options["mapping_layers"],
        channel_base=base,
        channel_max=most,
    )


class GanTrainer(Trainer):
    """Generator and critic in turn."""

    def __init__(self, recipe: FamilyRecipe, about: About, device: str) -> None:
        super().__init__(recipe, about, device)
        import torch

        if recipe.conditioning or recipe.batch % critic.GROUP:
            raise InputError(
                "This training recipe was not taken because a GAN is told no condition here and needs a batch that "
                "is a multiple of 4; nothing was started; correct the file."
            )
        chosen = recipe.options
        self.config = config_of(recipe)
        self.judge = critic.CriticConfig(
            recipe.size, self.config.img_channels, chosen["critic_base"], chosen["critic_most"]
        )
        made = as_module(network.initial(self.config, recipe.seed), network.BUFFERS).to(device)
        seen = {**critic.initial(self.judge, recipe.seed + 1), "p": torch.zeros(())}
        judge = as_module(seen, (*critic.BUFFERS, "p")).to(device)
        # Tensors are changed in place by optimisers, averages and checkpoints: these tables stay true.
        self.generator, self.critic = tensors_of(made), tensors_of(judge)
        self.turns = {
            "critic": Turn(judge, betas=BETAS, clip=0.0, averaged=False),
            "generator": Turn(made, betas=BETAS, clip=0.0),
        }
        self._styles = torch.zeros(self.config.w_dim, device=device)

    def loss(self, turn: str, batch: Batch) -> Any:
        """The critic's loss with R1 at some steps, or the generator's."""
        for parameter in self.turns["critic"].network.parameters():
            parameter.requires_grad_(turn == "critic")
        return self._critic_loss(batch) if turn == "critic" else self._generator_loss(batch)

    def after(self, batch: Batch) -> None:
        """Follow the average style vector."""
        self.generator["mapping.w_avg"].lerp_(self._styles, 1 - AVERAGE_W)

    def _critic_loss(self, batch: Batch) -> Any:
        import torch
        from torch.nn import functional

        with torch.no_grad():
            fake = changed(self._made(batch), self.critic["p"], batch.draw)
            real = changed(batch.images, self.critic["p"], batch.draw)
        with_penalty = batch.step % self.recipe.options["r1_every"] == 0
        real.requires_grad_(with_penalty)
        logits = critic.judged(self.critic, self.judge, torch.cat([real, fake]))
        on_real, on_fake = logits.chunk(2)
        loss = functional.softplus(-on_real).mean() + functional.softplus(on_fake).mean()
        if with_penalty:
            (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
            weight = self.recipe.options["r1"] / 2 * self.recipe.options["r1_every"]
            loss = loss + weight * slope.square().sum(dim=(1, 2, 3)).mean()
        chosen = self.recipe.options
        with torch.no_grad():
            sign = on_real.sign().mean()
            adapt(
                self.critic["p"], sign, chosen["sure"], len(on_real), chosen["adapt_images"], chosen["most"]
            )
        return loss

    def _generator_loss(self, batch: Batch) -> Any:
        from torch.nn import functional

        fake = changed(self._made(batch), self.critic["p"], batch.draw)
        return functional.softplus(-critic.judged(self.critic, self.judge, fake)).mean()

    def _made(self, batch: Batch) -> Any:
        """As many pictures as the batch has, from new latents and new noise."""
        import torch

        n, draw = len(batch.images), batch.draw
        z = torch.randn(n, self.config.z_dim, generator=draw, device=self.device)
        w = network.mapped(self.generator, self.config, z)
        self._styles = w.detach().mean(dim=0)

        def noise(name: str, side: int) -> Any:
            return torch.randn(n, 1, side, side, generator=draw, device=self.device)

        styles = w[:, None].expand(-1, self.config.styles, -1)
        return network.synthesised(self.generator, self.config, styles, noise)

    def sheet(self, draw: Any) -> Any:
        """32 pictures at the card's truncation."""
        import torch

        z = torch.randn(SHEET, self.config.z_dim, generator=draw).to(self.device)
        w = network.mapped(self.generator, self.config, z)
        styles, psi = self.config.styles, self.recipe.options["psi"]
        each = network.truncated(w, self.generator["mapping.w_avg"], styles, psi, styles)
        constant = lambda name, side: self.generator[f"{name}.noise_const"][None, None]  # noqa: E731
        return network.synthesised(self.generator, self.config, each, constant)

    def save(self, folder: Path) -> Mapping[str, Any]:
        """Write `config.json` and `generator.safetensors` by the names of the published release."""
        from safetensors.torch import save_file

        half = {name: t.detach().cpu().half().contiguous() for name, t in self.generator.items()}
        save_file(half, folder / WEIGHTS)
        write_json(folder / CONFIG, asdict(self.config))
        offered = knobs(self.config, self.recipe.options["psi"])
        return {
            "family": "GAN",
            "loader": "stylegan2",
            "conditioning": "none",
            "steps": 1,
            "guidance": 0.0,
            "knobs": [json.loads(json.dumps(asdict(knob))) for knob in offered],
            "measured": {"augmentation": round(float(self.critic["p"]), 3)},
        }

    def words(self) -> str:
        """How it was trained."""
        chosen = self.recipe.options
        count = sum(math.prod(t.shape) for t in self.generator.values())
        return (
            f"StyleGAN2 ({count / 1e3:.0f} k numbers) against a residual critic: non-saturating loss, R1 of "
            f"{chosen['r1']} at every {chosen['r1_every']}th step, what the critic sees shifted, zoomed, turned and "
            "re-windowed with a probability that follows how sure it is of real pictures; never flipped. No "
            "pretrained network took part."
        )
