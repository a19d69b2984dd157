"""A small critic that judges patches of a picture, not the whole: it sees texture and edges, not anatomy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.generators.stylegan2_layers import convolved, halved, rectified, resample_filter

FIXED = ("resample_filter",)


def initial(image_channels: int, widths: tuple[int, ...], seed: int) -> dict[str, Any]:
    """Random tensors of an untrained critic with a stage for each width, the same for the same seed."""
    import torch

    draw = torch.Generator().manual_seed(seed)
    pairs = zip((image_channels, *widths), (*widths, 1), strict=True)
    found: dict[str, Any] = {"resample_filter": resample_filter()}
    for stage, (before, after) in enumerate(pairs):
        found[f"c{stage}.weight"] = torch.randn(after, before, 3, 3, generator=draw)
        found[f"c{stage}.bias"] = torch.zeros(after)
    return found


def judged(t: Mapping[str, Any], images: Any) -> Any:
    """Logits (n, 1, h, w) that the patches of pictures (n, C, H, W) in -1..1 are real."""
    stages = (len(t) - 1) // 2
    x = rectified(convolved(t, "c0", images))
    for stage in range(1, stages - 1):
        x = rectified(halved(t, f"c{stage}", x, t["resample_filter"]))
    return convolved(t, f"c{stages - 1}", x)
