"""The small U-Net in pixels that diffusion and flow matching share, and how it is told class, vendor and mask.

Class and vendor are one number for `class_labels`: class times vendors plus vendor; the last number stands for "not
told". A mask is laid under the noisy picture as one channel a structure; "not told" is all zeros.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from lab.generators.training.families.films import About
from lab.generators.training.families.recipe import FamilyRecipe
from lab.generators.training.families.trainer import Batch

SHEET = 24


def kinds_of(recipe: FamilyRecipe, about: About) -> int:
    """How many combinations of class and vendor there are; 0 where it is told neither."""
    classes = len(about.classes) if "class" in recipe.conditioning else 1
    vendors = len(about.vendors) if "vendor" in recipe.conditioning else 1
    return classes * vendors if {"class", "vendor"} & set(recipe.conditioning) else 0


def build_unet(recipe: FamilyRecipe, about: About, layers: int, attention: int) -> Any:
    """An untrained `UNet2DModel`; attention at the `attention` lowest scales."""
    from diffusers import UNet2DModel

    depth, colours = len(recipe.channels), 3 if recipe.colour == "rgb" else 1
    attention = min(attention, depth)
    kinds = kinds_of(recipe, about)
    structures = len(about.structures) if "mask" in recipe.conditioning else 0
    return UNet2DModel(
        sample_size=recipe.size,
        in_channels=colours + structures,
        out_channels=colours,
        layers_per_block=layers,
        block_out_channels=recipe.channels,
        norm_num_groups=math.gcd(8, *recipe.channels),
        attention_head_dim=math.gcd(16, *recipe.channels),
        down_block_types=("DownBlock2D",) * (depth - attention) + ("AttnDownBlock2D",) * attention,
        up_block_types=("AttnUpBlock2D",) * attention + ("UpBlock2D",) * (depth - attention),
        num_class_embeds=kinds + 1 if kinds else None,
    )


def told(recipe: FamilyRecipe, about: About, batch: Batch, drop: float) -> tuple[Any, Any]:
    """Class numbers (n,) and mask channels (n, structures, H, W) of a batch, left out in a share `drop` of pictures.

    None for what the network is not told. Class and mask are left out together: that is what guidance compares with.
    """
    import torch

    images = batch.images
    left_out = torch.rand(len(images), generator=batch.draw, device=images.device) < drop
    kinds, numbers, layers = kinds_of(recipe, about), None, None
    if kinds:
        numbers = torch.zeros_like(batch.labels)
        if "class" in recipe.conditioning:
            numbers = batch.labels.clone()
        if "vendor" in recipe.conditioning:
            numbers = numbers * len(about.vendors) + batch.vendors
        numbers = torch.where(left_out, kinds, numbers)
    if batch.masks is not None:
        layers = mask_layers(batch.masks, len(about.structures))
        layers = layers * ~left_out[:, None, None, None]
    return numbers, layers


def mask_layers(masks: Any, structures: int) -> Any:
    """(n, H, W) structure numbers to (n, structures, H, W) float32 of 0 and 1; background is all zeros."""
    import torch

    wanted = torch.arange(1, structures + 1, device=masks.device).view(1, -1, 1, 1)
    return (masks[:, None] == wanted).float()


def ask(network: Any, noisy: Any, times: Any, numbers: Any, layers: Any) -> Any:
    """The network's prediction (n, C, H, W) for noisy pictures at their times."""
    import torch

    taken = noisy if layers is None else torch.cat([noisy, layers.to(noisy.dtype)], 1)
    return network(taken, times, class_labels=numbers).sample


def save_model(network: Any, scheduler: Any, folder: Path) -> None:
    """Write the diffusers folder of an unconditional pipeline: index, scheduler, float16 network."""
    import copy

    from diffusers import DDPMPipeline
    from diffusers.utils import logging

    logging.disable_progress_bar()
    pipeline = DDPMPipeline(unet=copy.deepcopy(network).half(), scheduler=scheduler)
    pipeline.save_pretrained(folder, safe_serialization=True)


def sheet_of(recipe: FamilyRecipe, about: About, network: Any, scheduler: Any, draw: Any, device: str) -> Any:
    """`SHEET` pictures by a few steps, without guidance; classes and vendors in turn, no mask told."""
    import torch

    kinds, colours = kinds_of(recipe, about), network.config.out_channels
    # Drawn on the processor: the same noise wherever it trains.
    noisy = torch.randn((SHEET, colours, recipe.size, recipe.size), generator=draw).to(device)
    numbers = torch.arange(SHEET, device=device) * kinds // SHEET if kinds else None
    extra = network.config.in_channels - colours
    layers = torch.zeros((SHEET, extra, *noisy.shape[2:]), device=device) if extra else None
    scheduler.set_timesteps(min(recipe.sample_steps, 25), device=device)
    for time in scheduler.timesteps:
        predicted = ask(network, noisy, time.expand(SHEET), numbers, layers)
        noisy = scheduler.step(predicted, time, noisy).prev_sample
    return noisy
