"""The StyleGAN2 generator as functions of its tensors: from a latent to styles, from styles to a picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from lab.generators.stylegan2_config import StyleGan2Config
from lab.generators.stylegan2_layers import dense, modulated, rectified, resample_filter, upsampled

MAPPING_RATE = 0.01
# (name of the layer, side in pixels) to noise (n or 1, 1, side, side), or None for none.
Noise = Callable[[str, int], Any]
BUFFERS = ("resample_filter", "noise_const", "w_avg")


def mapped(t: Mapping[str, Any], config: StyleGan2Config, z: Any, classes: Any | None = None) -> Any:
    """The mapping network.

    Args:
        t: tensors by name.
        config: the architecture.
        z: (n, z_dim) standard normal latents; only their direction counts.
        classes: (n, c_dim) one-hot rows, for a class-conditional generator.

    Returns:
        (n, w_dim) style vectors.
    """
    import torch

    x = _normalised(z)
    if config.c_dim:
        x = torch.cat([x, _normalised(dense(t, "mapping.embed", classes))], dim=1)
    for k in range(config.mapping_layers):
        x = rectified(dense(t, f"mapping.fc{k}", x, MAPPING_RATE))
    return x


def truncated(w: Any, average: Any, styles: int, psi: float, cutoff: int) -> Any:
    """One style vector for each layer, the first `cutoff` drawn towards the average: (n, styles, w_dim)."""
    each = w[:, None].repeat(1, styles, 1)
    if psi != 1:
        each[:, :cutoff] = average.lerp(each[:, :cutoff], psi)
    return each


def synthesised(t: Mapping[str, Any], config: StyleGan2Config, styles: Any, noise: Noise) -> Any:
    """Pictures (n, img_channels, side, side), mostly within -1..1, from (n, styles, w_dim) style vectors."""
    x, image, turn = None, None, 0
    for resolution in config.resolutions:
        block = f"synthesis.b{resolution}"
        residual = None
        if x is None:
            x = t[f"{block}.const"].expand(len(styles), -1, -1, -1)
        else:
            if config.architecture == "resnet":
                residual = _shortcut(t, block, x)
            x = _layer(t, config, f"{block}.conv0", x, styles[:, turn], noise, resolution, up=True)
            turn += 1
        gain = 1.0 if residual is None else math.sqrt(0.5)
        x = _layer(t, config, f"{block}.conv1", x, styles[:, turn], noise, resolution, gain=gain)
        x = x if residual is None else residual + x
        turn += 1
        image = image if image is None else upsampled(image, t[f"{block}.resample_filter"])
        if config.paints(resolution):
            painted = _painted(t, config, f"{block}.torgb", x, styles[:, turn])
            image = painted if image is None else image + painted
    return image


def no_noise(name: str, side: int) -> Any:
    """Layers without noise."""
    return None


def initial(config: StyleGan2Config, seed: int) -> dict[str, Any]:
    """Random tensors of an untrained generator, the same for the same seed."""
    import torch

    draw, found = torch.Generator().manual_seed(seed), dict[str, Any]()
    for name, shape in config.shapes().items():
        last = name.rsplit(".", 1)[-1]
        if last == "resample_filter":
            found[name] = resample_filter()
        elif last in ("noise_strength", "w_avg"):
            found[name] = torch.zeros(shape)
        elif last == "bias":
            found[name] = torch.full(shape, 1.0 if ".affine." in name else 0.0)
        else:
            rate = MAPPING_RATE if name.startswith("mapping.fc") else 1.0
            found[name] = torch.randn(shape, generator=draw) / rate
    return found


def _normalised(x: Any) -> Any:
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


def _layer(
    t: Mapping[str, Any],
    config: StyleGan2Config,
    name: str,
    x: Any,
    w: Any,
    noise: Noise,
    side: int,
    up: bool = False,
    gain: float = 1.0,
) -> Any:
    taps = t[f"{name}.resample_filter"] if up else None
    x = modulated(x, t[f"{name}.weight"], dense(t, f"{name}.affine", w), taps)
    drawn = noise(name, side) if config.use_noise else None
    if drawn is not None:
        x = x + drawn * t[f"{name}.noise_strength"]
    return rectified(x + t[f"{name}.bias"].view(1, -1, 1, 1), gain, config.conv_clamp)


def _painted(t: Mapping[str, Any], config: StyleGan2Config, name: str, x: Any, w: Any) -> Any:
    styles = dense(t, f"{name}.affine", w) / math.sqrt(x.shape[1])
    y = modulated(x, t[f"{name}.weight"], styles, demodulate=False) + t[f"{name}.bias"].view(1, -1, 1, 1)
    return y if config.conv_clamp is None else y.clamp(-config.conv_clamp, config.conv_clamp)


def _shortcut(t: Mapping[str, Any], block: str, x: Any) -> Any:
    from torch.nn import functional

    y = functional.conv2d(x, t[f"{block}.skip.weight"] / math.sqrt(x.shape[1]))
    return upsampled(y, t[f"{block}.skip.resample_filter"]) * math.sqrt(0.5)
