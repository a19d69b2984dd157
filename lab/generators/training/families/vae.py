"""Training a variational autoencoder: differences at three scales, edges, a KL term, and a small critic of patches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.atomic import write_json
from lab.errors import InputError
from lab.generators import vae_network as network
from lab.generators.config_file import CONFIG
from lab.generators.training.checkpoint import Turn
from lab.generators.training.families import patch_critic as critic
from lab.generators.training.families.films import About
from lab.generators.training.families.mixture import fitted
from lab.generators.training.families.recipe import FamilyRecipe
from lab.generators.training.families.tensor_module import as_module, tensors_of
from lab.generators.training.families.trainer import Batch, Trainer
from lab.generators.vae_decoder import TEMPERATURE, WEIGHTS

DEFAULTS: dict[str, Any] = {
    "latent": 64,
    "encoder": [24, 32, 48, 48, 48],
    "mixture": 6,
    "kept": 8192,
    "kl": 0.2,
    "edges": 0.5,
    "adversarial": 0.4,
    "after": 1000,
    "critic": [32, 48, 64],
}
LEVELS = 3
SHEET = 32


def build(recipe: FamilyRecipe, about: About, device: str) -> Trainer:
    """The trainer of an autoencoder recipe.

    Raises:
        InputError: for channels that do not go down to 4 pixels, or a condition, which this family is not told.
    """
    return VaeTrainer(recipe, about, device)


def config_of(recipe: FamilyRecipe) -> network.VaeConfig:
    """The architecture; `recipe.channels` are the decoder's at each side, the picture's first.

    Raises:
        InputError: when size and channels do not fit.
    """
    encoder, decoder = tuple(recipe.options["encoder"]), recipe.channels
    if len(encoder) != len(decoder) or recipe.size != 4 << (len(decoder) - 1) or recipe.conditioning:
        raise InputError(
            "This training recipe was not taken because an autoencoder is told no condition here and needs one "
            "number of channels, in encoder and decoder, for each side from the picture's down to 4; nothing was "
            "started; correct the file."
        )
    grey = recipe.colour == "grey"
    return network.VaeConfig(
        recipe.size, 1 if grey else 3, recipe.options["latent"], encoder, decoder, recipe.options["mixture"]
    )


class VaeTrainer(Trainer):
    """Autoencoder, and a critic of patches that joins after some steps."""

    def __init__(self, recipe: FamilyRecipe, about: About, device: str) -> None:
        super().__init__(recipe, about, device)
        import torch

        self.config = config_of(recipe)
        widths = tuple(recipe.options["critic"])
        # The latents seen last are kept with the network: the mixture is fitted to them when it is written.
        seen = torch.zeros(recipe.options["kept"], self.config.latent)
        tensors = {**network.initial(self.config, recipe.seed), "seen": seen, "count": torch.zeros(())}
        made = as_module(tensors, (*network.FIXED, "seen", "count")).to(device)
        patches = critic.initial(self.config.image_channels, widths, recipe.seed + 1)
        judge = as_module(patches, critic.FIXED).to(device)
        # Tensors are changed in place by optimisers, averages and checkpoints: these tables stay true.
        self.tensors, self.critic = tensors_of(made), tensors_of(judge)
        self.turns = {"autoencoder": Turn(made), "critic": Turn(judge, betas=(0.5, 0.99), averaged=False)}
        self._made: Any = None
        self._latents: Any = None

    def loss(self, turn: str, batch: Batch) -> Any:
        """The autoencoder's loss, or the critic's on the pictures that the autoencoder has just made."""
        import torch
        from torch.nn import functional

        for parameter in self.turns["critic"].network.parameters():
            parameter.requires_grad_(turn == "critic")
        if turn == "autoencoder":
            return self._autoencoder_loss(batch)
        logits = critic.judged(self.critic, torch.cat([batch.images, self._made]))
        real, made = logits.chunk(2)
        return functional.relu(1 - real).mean() + functional.relu(1 + made).mean()

    def _autoencoder_loss(self, batch: Batch) -> Any:
        import torch

        images, chosen = batch.images, self.recipe.options
        mean, spread = network.encoded(self.tensors, self.config, images)
        mean, spread = mean.float(), spread.float()
        z = mean + (spread / 2).exp() * _normal(mean.shape, batch)
        made = network.decoded(
            self.tensors, self.config, z, lambda _, side: _normal((len(z), 1, side, side), batch)
        )
        made = made.float()
        self._latents, self._made = z.detach(), made.detach()
        loss = _difference(made, images, chosen["edges"])
        kl = (mean.square() + spread.exp() - spread - 1).sum(dim=1).mean() / 2
        weighed = kl * (chosen["kl"] / math.prod(images.shape[1:]))
        if batch.step < chosen["after"]:
            return loss + weighed
        judged = -critic.judged(self.critic, made).float().mean()
        # The critic's pull on each pixel is a fixed share of the difference's, however sharp its slope is.
        (near,) = torch.autograd.grad(loss, made, retain_graph=True)
        (far,) = torch.autograd.grad(judged, made, retain_graph=True)
        ratio = (near.norm() / (far.norm() + 1e-8)).clamp(max=1e3).detach()
        return loss + weighed + chosen["adversarial"] * ratio * judged

    def after(self, batch: Batch) -> None:
        """Keep the latents of this step in place of the oldest."""
        import torch

        rows = len(self.tensors["seen"])
        at = (batch.step * len(self._latents) + torch.arange(len(self._latents), device=self.device)) % rows
        self.tensors["seen"][at] = self._latents
        self.tensors["count"].add_(len(self._latents)).clamp_(max=rows)

    def sheet(self, draw: Any) -> Any:
        """32 pictures of latents from one Gaussian fitted to what was seen last; the mixture comes at the end."""
        import torch

        self._fit(1)
        z = torch.randn(SHEET, self.config.latent, generator=draw).to(self.device)
        chosen = torch.rand(SHEET, generator=draw).to(self.device)

        def noise(name: str, side: int) -> Any:
            return torch.randn(SHEET, 1, side, side, generator=draw).to(self.device)

        z = network.latents(self.tensors, z, chosen, 1.0)
        return network.decoded(self.tensors, self.config, z, noise)

    def save(self, folder: Path) -> Mapping[str, Any]:
        """Write `config.json` and `autoencoder.safetensors`, the mixture fitted to the latents seen last."""
        from safetensors.torch import save_file

        self._fit(self.config.mixture)
        names = self.config.shapes()
        save_file({n: self.tensors[n].detach().cpu().half().contiguous() for n in names}, folder / WEIGHTS)
        write_json(folder / CONFIG, asdict(self.config))
        return {
            "family": "VAE",
            "loader": "vae",
            "conditioning": "none",
            "steps": 1,
            "guidance": 0.0,
            "knobs": [asdict(TEMPERATURE)],
        }

    def _fit(self, parts: int) -> None:
        seen = self.tensors["seen"][: int(self.tensors["count"])].float().cpu().numpy()
        for name, values in fitted(seen, parts, self.recipe.seed).items():
            self.tensors[f"prior.{name}"].copy_(values.expand_as(self.tensors[f"prior.{name}"]))

    def words(self) -> str:
        """How it was trained."""
        count = sum(math.prod(shape) for shape in self.config.shapes().values())
        return (
            f"A convolutional autoencoder ({count / 1e3:.0f} k numbers, {self.config.latent} latents). Loss: mean "
            "difference at three scales and of edges, a KL term, and after some steps a small critic of patches. "
            f"Samples are drawn from {self.config.mixture} Gaussians fitted to the latents of training pictures, not "
            "from the standard normal. No pretrained network took part."
        )


def _normal(shape: Any, batch: Batch) -> Any:
    import torch

    return torch.randn(tuple(shape), generator=batch.draw, device=batch.images.device)


def _difference(made: Any, images: Any, edges: float) -> Any:
    """Mean absolute difference over three scales, and that of neighbouring pixels' steps at the finest."""
    from torch.nn import functional

    steps = [(p[..., 1:, :] - p[..., :-1, :], p[..., :, 1:] - p[..., :, :-1]) for p in (made, images)]
    total = edges * sum((a - b).abs().mean() for a, b in zip(*steps, strict=True)) / 2
    for _ in range(LEVELS):
        total = total + (made - images).abs().mean() / LEVELS
        made, images = functional.avg_pool2d(made, 2), functional.avg_pool2d(images, 2)
    return total
