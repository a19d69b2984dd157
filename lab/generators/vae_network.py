"""A convolutional variational autoencoder as functions of its tensors, with a mixture fitted to its latents.

`config.json` of its folder is one JSON object: `size` (pixels), `image_channels` (1 or 3), `latent` (numbers a picture
becomes), `encoder` and `decoder` (channels at each side, the picture's first, down to 4), `mixture` (Gaussians).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.generators.config_file import ConfigFile
from lab.generators.stylegan2_layers import convolved, dense, doubled, halved, rectified, resample_filter

FIXED = ("resample_filter", "shares", "means", "factors")
LOWEST, HIGHEST = -12.0, 3.0
# (name of the layer, side in pixels) to noise (n or 1, 1, side, side), or None for none.
Noise = Callable[[str, int], Any]


@dataclass(frozen=True)
class VaeConfig:
    """The architecture of one autoencoder; the fields are those of `config.json`."""

    size: int
    image_channels: int
    latent: int
    encoder: tuple[int, ...]
    decoder: tuple[int, ...]
    mixture: int

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides of the scales, the picture's first, the last 4."""
        return tuple(self.size >> k for k in range(len(self.encoder)))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor by its name."""
        down, up, latent = self.encoder, self.decoder, self.latent
        found: dict[str, tuple[int, ...]] = {"resample_filter": (4, 4)}
        found |= _conv("encoder.first", self.image_channels, down[0])
        for side, before, after in zip(self.sides, down, down[1:], strict=False):
            found |= _conv(f"encoder.b{side}", before, after)
        found |= {"encoder.last.weight": (2 * latent, down[-1] * 16), "encoder.last.bias": (2 * latent,)}
        found |= {"decoder.first.weight": (up[-1] * 16, latent), "decoder.first.bias": (up[-1] * 16,)}
        for side, after, before in zip(self.sides, up, up[1:], strict=False):
            found |= _conv(f"decoder.b{side}.conv0", before, after) | _conv(
                f"decoder.b{side}.conv1", after, after
            )
            found |= {f"decoder.b{side}.conv{k}.noise": () for k in (0, 1)}
        found |= _conv("decoder.last", up[0], self.image_channels)
        found |= {"prior.shares": (self.mixture,), "prior.means": (self.mixture, latent)}
        return found | {"prior.factors": (self.mixture, latent, latent)}


def _conv(name: str, before: int, after: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (after, before, 3, 3), f"{name}.bias": (after,)}


_WIDTHS = ("latent", "mixture", "encoder", "decoder")
FILE = ConfigFile(
    VaeConfig,
    title="autoencoder",
    remedy="correct the file",
    ranges={"size": (4, 2048), **dict.fromkeys(_WIDTHS, (1, 2048))},
    choices={"image_channels": (1, 3)},
)


def read_config(folder: Path) -> VaeConfig:
    """The architecture that a model folder describes.

    Raises:
        WeightsError: when `config.json` is missing or says what cannot be.
    """
    config = FILE.parsed(FILE.read(folder))
    sides = len(config.encoder)
    if not sides or sides != len(config.decoder) or config.size != 4 << (sides - 1):
        raise FILE.refused("encoder and decoder need one number for each side from the picture's down to 4")
    return config


def initial(config: VaeConfig, seed: int) -> dict[str, Any]:
    """Random tensors of an untrained autoencoder with a standard normal prior, the same for the same seed."""
    import torch

    draw, found = torch.Generator().manual_seed(seed), dict[str, Any]()
    for name, shape in config.shapes().items():
        last = name.rsplit(".", 1)[-1]
        found[name] = torch.randn(shape, generator=draw) if last == "weight" else torch.zeros(shape)
    found["resample_filter"] = resample_filter()
    found["prior.shares"] = torch.full((config.mixture,), 1 / config.mixture)
    found["prior.factors"] = torch.eye(config.latent).repeat(config.mixture, 1, 1)
    return found


def encoded(t: Mapping[str, Any], config: VaeConfig, images: Any) -> tuple[Any, Any]:
    """Mean and log-variance, (n, latent) each, of pictures (n, C, size, size) in -1..1."""
    x = rectified(convolved(t, "encoder.first", images))
    for side in config.sides[:-1]:
        x = rectified(halved(t, f"encoder.b{side}", x, t["resample_filter"]))
    mean, spread = dense(t, "encoder.last", x.flatten(1)).chunk(2, dim=1)
    return mean, spread.clamp(LOWEST, HIGHEST)


def decoded(t: Mapping[str, Any], config: VaeConfig, z: Any, noise: Noise) -> Any:
    """Pictures (n, C, size, size), mostly within -1..1, of latents (n, latent)."""
    x = rectified(dense(t, "decoder.first", z)).view(len(z), -1, 4, 4)
    for side in config.sides[-2::-1]:
        block = f"decoder.b{side}"
        x = rectified(
            _noised(t, f"{block}.conv0", doubled(t, f"{block}.conv0", x, t["resample_filter"]), noise)
        )
        x = rectified(_noised(t, f"{block}.conv1", convolved(t, f"{block}.conv1", x), noise))
    return convolved(t, "decoder.last", x)


def latents(t: Mapping[str, Any], draws: Any, chosen: Any, temperature: float) -> Any:
    """Latents (n, latent) of the mixture, drawn towards its middle.

    Args:
        t: tensors by name.
        draws: (n, latent) standard normal.
        chosen: (n,) uniform in 0..1: decides which Gaussian.
        temperature: 0 gives the middle of the mixture whatever is drawn, 1 the mixture itself.
    """
    import torch

    shares, means, factors = t["prior.shares"], t["prior.means"], t["prior.factors"]
    edges = (shares / shares.sum()).cumsum(0)
    rows = torch.searchsorted(edges, chosen).clamp(max=len(shares) - 1)
    middle = (shares[:, None] * means).sum(dim=0) / shares.sum()
    each = means[rows] + torch.einsum("nij,nj->ni", factors[rows], draws)
    return middle + temperature * (each - middle)


def _noised(t: Mapping[str, Any], name: str, x: Any, noise: Noise) -> Any:
    drawn = noise(name, x.shape[-1])
    return x if drawn is None else x + drawn * t[f"{name}.noise"]
