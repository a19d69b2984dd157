"""What a SPADE generator looks like: `config.json` of its folder, and the name and shape of every tensor.

The names are those of the state dict of the paper's public release, so that its converted weights load by name.
`config.json` is one JSON object:

| field | what it says | without it |
| --- | --- | --- |
| `label_nc` | channels of the mask: background and every structure | must be there |
| `crop_size` | side of the picture in pixels | must be there |
| `z_dim` | width of the latent a seed draws; 0 where the picture begins with the small mask alone | 256 |
| `ngf` | channels of the last block; the first has sixteen times as many | 64 |
| `img_channels` | 1 grey, 3 colour | 3 |
| `hidden` | channels between mask and modulation | 128 |
| `normalisation` | "batch" (running statistics) or "instance" | "batch" |
| `upsampling` | "normal" 5 doublings, "more" 6, "most" 7 and one more block | "normal" |
| `spectral_norm` | weights are kept with their largest singular vectors, as in training | false |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.generators.config_file import ConfigFile

DOUBLINGS = {"normal": 5, "more": 6, "most": 7}


@dataclass(frozen=True)
class SpadeConfig:
    """The architecture of one generator; the fields are those of `config.json`."""

    label_nc: int
    crop_size: int
    z_dim: int = 256
    ngf: int = 64
    img_channels: int = 3
    hidden: int = 128
    normalisation: str = "batch"
    upsampling: str = "normal"
    spectral_norm: bool = False

    @property
    def start(self) -> int:
        """Side of the first block in pixels."""
        return self.crop_size // 2 ** DOUBLINGS[self.upsampling]

    @property
    def blocks(self) -> tuple[tuple[str, int, int], ...]:
        """Name, channels before and channels after of each block, in order."""
        n = self.ngf
        found = [("head_0", 16 * n, 16 * n), ("G_middle_0", 16 * n, 16 * n), ("G_middle_1", 16 * n, 16 * n)]
        found += [("up_0", 16 * n, 8 * n), ("up_1", 8 * n, 4 * n), ("up_2", 4 * n, 2 * n), ("up_3", 2 * n, n)]
        return (*found, *([("up_4", n, n // 2)] if self.upsampling == "most" else []))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor of the generator by its name."""
        first, last = self.blocks[0][1], self.blocks[-1][2]
        found: dict[str, tuple[int, ...]] = {"fc.bias": (first * (self.start**2 if self.z_dim else 1),)}
        found["fc.weight"] = (
            (first * self.start**2, self.z_dim) if self.z_dim else (first, self.label_nc, 3, 3)
        )
        for name, before, after in self.blocks:
            found |= dict(self._block(name, before, after))
        return found | {
            "conv_img.weight": (self.img_channels, last, 3, 3),
            "conv_img.bias": (self.img_channels,),
        }

    def _block(self, name: str, before: int, after: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        middle = min(before, after)
        convolutions = [("conv_0", before, middle, 3), ("conv_1", middle, after, 3)]
        norms = [("norm_0", before), ("norm_1", middle)]
        if before != after:
            convolutions.append(("conv_s", before, after, 1))
            norms.append(("norm_s", before))
        for part, inputs, outputs, side in convolutions:
            shape = (outputs, inputs, side, side)
            if part != "conv_s":
                yield f"{name}.{part}.bias", (outputs,)
            if self.spectral_norm:
                yield f"{name}.{part}.weight_orig", shape
                yield f"{name}.{part}.weight_u", (outputs,)
                yield f"{name}.{part}.weight_v", (inputs * side * side,)
            else:
                yield f"{name}.{part}.weight", shape
        for part, channels in norms:
            yield from self._norm(f"{name}.{part}", channels)

    def _norm(self, name: str, channels: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        for part, outputs, inputs in (
            ("mlp_shared.0", self.hidden, self.label_nc),
            ("mlp_gamma", channels, self.hidden),
            ("mlp_beta", channels, self.hidden),
        ):
            yield f"{name}.{part}.weight", (outputs, inputs, 3, 3)
            yield f"{name}.{part}.bias", (outputs,)
        if self.normalisation == "batch":
            yield f"{name}.param_free_norm.running_mean", (channels,)
            yield f"{name}.param_free_norm.running_var", (channels,)
            yield f"{name}.param_free_norm.num_batches_tracked", ()


FILE = ConfigFile(
    SpadeConfig,
    title="SPADE",
    remedy="correct the file",
    ranges={
        "label_nc": (1, 1024), "crop_size": (16, 1024), "z_dim": (0, 4096), "ngf": (2, 512), "hidden": (1, 1024),
    },
    choices={
        "img_channels": (1, 3), "upsampling": tuple(DOUBLINGS), "normalisation": ("batch", "instance"),
    },
)  # fmt: skip


def config_from_json(values: Any) -> SpadeConfig:
    """A checked architecture from parsed JSON.

    Raises:
        WeightsError: names the first field that is missing, unknown or out of range.
    """
    config = FILE.parsed(values)
    if config.ngf % 2 or config.start < 1:
        raise FILE.refused("ngf must be even, and crop_size large enough for the doublings")
    if config.normalisation == "instance" and config.start < 2:
        raise FILE.refused("instance normalisation needs a first block of two pixels a side or more")
    if config.crop_size % 2 ** DOUBLINGS[config.upsampling]:
        raise FILE.refused(f"crop_size must be a multiple of {2 ** DOUBLINGS[config.upsampling]}")
    return config


def read_config(folder: Path) -> SpadeConfig:
    """The architecture that a model folder describes.

    Raises:
        WeightsError: when `config.json` is missing or says what cannot be.
    """
    return config_from_json(FILE.read(folder))
