"""Where a pipeline's networks lie and in which numbers they compute: chosen by what the device has, and recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lab.device import free_bytes, half_types, is_host
from lab.generators.card import GeneratorCard
from lab.generators.contract import MICRO_BATCH
from lab.generators.memory import room

WHOLE, SLICED, BY_PART, BY_LAYER = "whole", "sliced", "offloaded by part", "offloaded by layer"
# Bytes a pixel of one image while it is computed, with guidance, in 16-bit numbers: about 1.3 GB at 512 pixels.
_PIXEL_BYTES = 5_000
# Small networks need less than that: never more than four times their weights.
_MOST_TIMES_WEIGHTS = 4
_SLICED_SHARE = 0.25


@dataclass(frozen=True)
class Need:
    """What a pipeline takes, in bytes: all weights, its largest part, and the images being computed."""

    weights: int
    largest: int
    images: int


def usable(card: GeneratorCard, device: str) -> GeneratorCard:
    """The card with a number type that the device has: its own, else float32. Recipes record this one."""
    kept = card.dtype == "float32" or card.dtype in half_types(device)
    return card if kept else replace(card, dtype="float32")


def need_of(pipeline: Any, size: int) -> Need:
    """What a pipeline in memory needs for a micro-batch of 4 images of that side in pixels."""
    from torch import nn

    parts = [
        sum(tensor.numel() * tensor.element_size() for tensor in part.parameters())
        for part in getattr(pipeline, "components", {}).values()
        if isinstance(part, nn.Module)
    ]
    weights = sum(parts)
    images = min(MICRO_BATCH * size * size * _PIXEL_BYTES, _MOST_TIMES_WEIGHTS * weights)
    return Need(weights, max(parts, default=0), images)


def choose(need: Need, available: int, host: bool) -> str:
    """The first way that fits: whole, in slices, one part at a time, one layer at a time.

    Args:
        need: of the pipeline.
        available: bytes on the device.
        host: the device has no memory of its own, so nothing can be moved out of its way.
    """
    sliced = int(need.images * _SLICED_SHARE)
    if need.weights + need.images <= available:
        return WHOLE
    if host or need.weights + sliced <= available:
        return SLICED
    return BY_PART if need.largest + sliced <= available else BY_LAYER


def placed(pipeline: Any, device: str, size: int = 512) -> Any:
    """The pipeline on its device, as much of it as fits; how is kept as `pipeline.placement`.

    Args:
        pipeline: loaded, not moved yet.
        device: as `lab.device.pick` gives it.
        size: side in pixels of the images it will be asked for.
    """
    way = choose(need_of(pipeline, size), room(free_bytes(device)), is_host(device))
    if way != WHOLE:
        _slice(pipeline)
    if way == BY_PART:
        pipeline.enable_model_cpu_offload(device=device)
    elif way == BY_LAYER:
        pipeline.enable_sequential_cpu_offload(device=device)
    else:
        pipeline = pipeline.to(device)
    pipeline.placement = way
    return pipeline


def _slice(pipeline: Any) -> None:
    """Attention and decoding in slices: slower, in less memory. Parts that cannot are left as they are."""
    if hasattr(pipeline, "enable_attention_slicing"):
        pipeline.enable_attention_slicing()
    vae = getattr(pipeline, "vae", None)
    if vae is not None and hasattr(vae, "enable_slicing"):
        vae.enable_slicing()
