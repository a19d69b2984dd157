"""A small U-Net: four scales, two convolutions each, group normalisation, so that no running statistics are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

WIDTHS = (12, 24, 48, 96)


def build(widths: Sequence[int], classes: int, seed: int = 0) -> Any:
    """A U-Net from (n, 1, S, S) grey in -1..1 to (n, classes, S, S) scores; S is a multiple of 2 ** (stages - 1).

    Args:
        widths: channels of the stages, multiples of 4, the finest first.
        classes: structures and background.
        seed: of the first weights.
    """
    import torch
    from torch import nn

    def twice(before: int, after: int) -> Any:
        layers: list[Any] = []
        for channels in (before, after):
            layers += [nn.Conv2d(channels, after, 3, padding=1), nn.GroupNorm(4, after), nn.SiLU()]
        return nn.Sequential(*layers)

    class Unet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            inputs = (1, *widths[:-1])
            self.down = nn.ModuleList(twice(a, b) for a, b in zip(inputs, widths, strict=True))
            pairs = list(zip(widths[1:], widths[:-1], strict=True))[::-1]
            self.up = nn.ModuleList(twice(deep + fine, fine) for deep, fine in pairs)
            self.head = nn.Conv2d(widths[0], classes, 1)

        def forward(self, x: Any) -> Any:
            kept = []
            for stage, block in enumerate(self.down):
                x = block(nn.functional.max_pool2d(x, 2) if stage else x)
                kept.append(x)
            for block, fine in zip(self.up, kept[-2::-1], strict=True):
                x = nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
                x = block(torch.cat([x, fine], dim=1))
            return self.head(x)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Unet()
