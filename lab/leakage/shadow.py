"""Small diffusion models trained in seconds on a few dozen films, to attack one of them with the others (LiRA).

Pixels, 32 px, a U-Net of about 0.16 million parameters, DDPM's own noise schedule; nothing of the weights is kept.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import InputError
from lab.leakage.attacks.denoiser import Denoiser, Floats

SIZE = 32
FEWEST, MOST = 16, 256


@dataclass(frozen=True)
class Recipe:
    """How each model is trained.

    Attributes:
        steps: training steps.
        batch: films in a step, each at another noise level.
        rate: learning rate, reached after a short warm-up and let fall to nothing.
        threads: of the training; more of them change the last digits.
    """

    steps: int = 400
    batch: int = 8
    rate: float = 4e-3
    threads: int = 1

    def __post_init__(self) -> None:
        if not (10 <= self.steps <= 20_000 and 1 <= self.batch <= 256 and 1 <= self.threads <= 64):
            raise InputError(
                "A small model takes 10 to 20,000 steps of 1 to 256 films; nothing was trained; correct them."
            )


def new_model(seed: int) -> Any:
    """An untrained U-Net for grey films of 32 px."""
    import torch
    from diffusers import UNet2DModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet2DModel(
            sample_size=SIZE, in_channels=1, out_channels=1, block_out_channels=(8, 16, 32), layers_per_block=1,
            norm_num_groups=8, down_block_types=("DownBlock2D",) * 3, up_block_types=("UpBlock2D",) * 3,
            add_attention=False,
        )  # fmt: skip


def trained(films: NDArray[np.uint8], recipe: Recipe, seed: int) -> Generator[int, None, Any]:
    """Train a model on films and give it back; yields the number of steps taken after each.

    The same films, recipe and seed give the same model on the same machine.

    Args:
        films: (n, 32, 32) uint8.
    """
    import torch
    from diffusers import DDPMScheduler

    torch.set_num_threads(recipe.threads)
    model = new_model(seed).train()
    alphas = DDPMScheduler().alphas_cumprod
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.rate)
    draw = torch.Generator().manual_seed(seed)
    clean = torch.from_numpy(np.array(films)).float()[:, None] / 127.5 - 1
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * min(1.0, (step + 1) / 20) * (1.0 - step / recipe.steps)
        rows = torch.randint(len(clean), (recipe.batch,), generator=draw)
        # One noise level in each of as many equal parts: every step sees weak and strong noise alike.
        parts = (
            torch.randperm(recipe.batch, generator=draw) + torch.rand(recipe.batch, generator=draw)
        ) / recipe.batch
        times = (parts * len(alphas)).long().clamp_max(len(alphas) - 1)
        noise = torch.randn(clean[rows].shape, generator=draw)
        signal = alphas[times].view(-1, 1, 1, 1)
        given = model(signal.sqrt() * clean[rows] + (1 - signal).sqrt() * noise, times, return_dict=False)[0]
        loss = ((given - noise) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield step + 1
    return model.eval()


def denoiser_of(model: Any) -> Denoiser:
    """A trained model as attacks ask it."""
    from diffusers import DDPMPipeline, DDPMScheduler

    from lab.leakage.attacks.open_denoiser import open_denoiser

    return open_denoiser(DDPMPipeline(model, DDPMScheduler()), str(model.device))


def scores(model: Any, films: NDArray[np.uint8]) -> Floats:
    """(n,) minus the denoising loss of each film, over fixed noise levels and noises: higher where it was learnt."""
    from lab.leakage.attacks.catalogue import ATTACKS, BATCH, measured

    denoiser, attack = denoiser_of(model), ATTACKS["loss"]
    parts = [
        measured(denoiser, [attack], list(films[start : start + BATCH]), [])["loss"]
        for start in range(0, len(films), BATCH)
    ]
    return np.asarray(-np.concatenate(parts).mean(1), np.float64)
