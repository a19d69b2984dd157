"""What a StyleGAN2 generator looks like: `config.json` of its folder, and the name and shape of every tensor.

The names are those of the state dict of the widely used PyTorch release, so that its converted weights load by name.
`config.json` is one JSON object:

| field | what it says | without it |
| --- | --- | --- |
| `z_dim`, `w_dim` | width of the latent and of the style vectors | 512 |
| `c_dim` | classes it was trained with, in the card's order; 0 for none | 0 |
| `img_resolution` | side in pixels: 8, 16, ... 1024 | must be there |
| `img_channels` | 1 grey, 3 colour | 3 |
| `mapping_layers` | layers of the mapping network | 8 |
| `channel_base`, `channel_max` | a block of side r has min(channel_base / r, channel_max) channels | 32768, 512 |
| `architecture` | "skip", "resnet" or "orig": how a block reaches the picture | "skip" |
| `use_noise` | whether its layers take noise | true |
| `conv_clamp` | values of a layer are held within plus and minus this; null for none | null |
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.generators.config_file import ConfigFile

ARCHITECTURES = ("skip", "resnet", "orig")


@dataclass(frozen=True)
class StyleGan2Config:
    """The architecture of one generator; the fields are those of `config.json`."""

    img_resolution: int
    z_dim: int = 512
    c_dim: int = 0
    w_dim: int = 512
    img_channels: int = 3
    mapping_layers: int = 8
    channel_base: int = 32768
    channel_max: int = 512
    architecture: str = "skip"
    use_noise: bool = True
    conv_clamp: float | None = None

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Sides of the blocks in pixels: 4, 8, ... up to the picture's."""
        return tuple(2**k for k in range(2, int(math.log2(self.img_resolution)) + 1))

    @property
    def styles(self) -> int:
        """How many style vectors a picture takes: one for each convolution and one for the last block's colours."""
        return 2 * len(self.resolutions)

    def channels(self, resolution: int) -> int:
        """Channels of the block of that side."""
        return min(self.channel_base // resolution, self.channel_max)

    def paints(self, resolution: int) -> bool:
        """Whether the block of that side adds to the picture."""
        return self.architecture == "skip" or resolution == self.img_resolution

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor of the generator by its name."""
        found = self._mapping_shapes()
        for resolution in self.resolutions:
            found |= self._block_shapes(resolution)
        return found

    def _mapping_shapes(self) -> dict[str, tuple[int, ...]]:
        embedded = self.w_dim if self.c_dim else 0
        widths = [self.z_dim + embedded] + [self.w_dim] * self.mapping_layers
        found = _dense("mapping.embed", self.c_dim, self.w_dim) if self.c_dim else {}
        for k, (before, after) in enumerate(itertools.pairwise(widths)):
            found |= _dense(f"mapping.fc{k}", before, after)
        return {**found, "mapping.w_avg": (self.w_dim,)}

    def _block_shapes(self, resolution: int) -> dict[str, tuple[int, ...]]:
        block, after = f"synthesis.b{resolution}", self.channels(resolution)
        found: dict[str, tuple[int, ...]] = {f"{block}.resample_filter": (4, 4)}
        if resolution == 4:
            found[f"{block}.const"] = (after, 4, 4)
        else:
            before = self.channels(resolution // 2)
            found |= self._layer_shapes(f"{block}.conv0", before, after, resolution)
            if self.architecture == "resnet":
                found |= {f"{block}.skip.weight": (after, before, 1, 1)}
                found |= {f"{block}.skip.resample_filter": (4, 4)}
        found |= self._layer_shapes(f"{block}.conv1", after, after, resolution)
        if self.paints(resolution):
            found |= {f"{block}.torgb.weight": (self.img_channels, after, 1, 1)}
            found |= {f"{block}.torgb.bias": (self.img_channels,)}
            found |= _dense(f"{block}.torgb.affine", self.w_dim, after)
        return found

    def _layer_shapes(self, name: str, before: int, after: int, side: int) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {
            f"{name}.weight": (after, before, 3, 3),
            f"{name}.bias": (after,),
            f"{name}.resample_filter": (4, 4),
            **_dense(f"{name}.affine", self.w_dim, before),
        }
        if self.use_noise:
            found |= {f"{name}.noise_const": (side, side), f"{name}.noise_strength": ()}
        return found


def _dense(name: str, before: int, after: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (after, before), f"{name}.bias": (after,)}


# Whole numbers far beyond any published generator, and small enough to be refused early.
FILE = ConfigFile(
    StyleGan2Config,
    title="StyleGAN2",
    remedy="write it as the conversion recipe does",
    ranges={
        "z_dim": (1, 4096), "c_dim": (0, 4096), "w_dim": (1, 4096), "img_resolution": (8, 1024),
        "mapping_layers": (1, 64), "channel_base": (8, 2**20), "channel_max": (1, 4096),
    },
    choices={"img_channels": (1, 3), "architecture": ARCHITECTURES},
)  # fmt: skip


def config_from_json(values: Any) -> StyleGan2Config:
    """A checked architecture from parsed JSON.

    Raises:
        WeightsError: names the first field that is missing, unknown or out of range.
    """
    config = FILE.parsed(values)
    side, clamp = config.img_resolution, config.conv_clamp
    if side & (side - 1):
        raise FILE.refused("img_resolution must be a power of two")
    if config.channel_base < side:
        raise FILE.refused("channel_base leaves the last block without channels")
    if not (clamp is None or _positive(clamp)):
        raise FILE.refused("conv_clamp must be a positive number or null")
    return config


def read_config(folder: Path) -> StyleGan2Config:
    """The architecture that a model folder describes.

    Raises:
        WeightsError: when `config.json` is missing or says what cannot be.
    """
    return config_from_json(FILE.read(folder))


def _positive(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value > 0
