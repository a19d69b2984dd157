"""The discriminator of StyleGAN2: residual blocks from the picture's side down to 4, then one number a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.generators.stylegan2_layers import (
    convolved,
    dense,
    filtered,
    halved,
    rectified,
    resample_filter,
)

GROUP = 4
BUFFERS = ("resample_filter",)


@dataclass(frozen=True)
class CriticConfig:
    """A block of side r has min(base / r, most) channels."""

    size: int
    image_channels: int
    base: int
    most: int

    def channels(self, side: int) -> int:
        """Channels of the block of that side."""
        return min(self.base // side, self.most)

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides of the blocks, the picture's first; 4 has an end of its own."""
        return tuple(2**k for k in range(int(math.log2(self.size)), 2, -1))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor by its name."""
        first, last = self.channels(self.size), self.channels(4)
        found: dict[str, tuple[int, ...]] = {
            "resample_filter": (4, 4),
            "fromrgb.weight": (first, self.image_channels, 1, 1),
            "fromrgb.bias": (first,),
        }
        for side in self.sides:
            before, after = self.channels(side), self.channels(side // 2)
            found |= {f"b{side}.conv0.weight": (before, before, 3, 3), f"b{side}.conv0.bias": (before,)}
            found |= {f"b{side}.conv1.weight": (after, before, 3, 3), f"b{side}.conv1.bias": (after,)}
            found |= {f"b{side}.skip.weight": (after, before, 1, 1)}
        found |= {"b4.conv.weight": (last, last + 1, 3, 3), "b4.conv.bias": (last,)}
        found |= {"b4.fc.weight": (last, last * 16), "b4.fc.bias": (last,)}
        return found | {"b4.out.weight": (1, last), "b4.out.bias": (1,)}


def initial(config: CriticConfig, seed: int) -> dict[str, Any]:
    """Random tensors of an untrained critic, the same for the same seed."""
    import torch

    draw = torch.Generator().manual_seed(seed)
    return {
        name: resample_filter()
        if name == "resample_filter"
        else torch.zeros(shape)
        if name.endswith(".bias")
        else torch.randn(shape, generator=draw)
        for name, shape in config.shapes().items()
    }


def judged(t: Mapping[str, Any], config: CriticConfig, images: Any) -> Any:
    """Logits (n,) that pictures (n, C, size, size) in -1..1 are real; n is a multiple of 4 or below it."""
    taps, half = t["resample_filter"], math.sqrt(0.5)
    x = rectified(convolved(t, "fromrgb", images))
    for side in config.sides:
        block = f"b{side}"
        beside = convolved(t, f"{block}.skip", filtered(x, taps, 1, 1, step=2)) * half
        x = rectified(convolved(t, f"{block}.conv0", x))
        x = rectified(halved(t, f"{block}.conv1", x, taps), half)
        x = x + beside
    x = rectified(convolved(t, "b4.conv", _with_spread(x)))
    x = rectified(dense(t, "b4.fc", x.flatten(1)))
    return dense(t, "b4.out", x)[:, 0]


def _with_spread(x: Any) -> Any:
    """One more channel: how much each group of four neighbours in the batch differs, which shows a collapse.

    Neighbours, so that a batch of real pictures followed by generated ones never mixes both in one group.
    """
    import torch

    n, channels, height, width = x.shape
    groups = x.reshape(-1, min(GROUP, n), channels, height, width)
    spread = (groups - groups.mean(dim=1, keepdim=True)).square().mean(dim=1)
    level = (spread + 1e-8).sqrt().mean(dim=(1, 2, 3))
    extra = level.repeat_interleave(min(GROUP, n)).view(n, 1, 1, 1).expand(n, 1, height, width)
    return torch.cat([x, extra], dim=1)
