"""The SPADE generator as functions of its tensors (Park et al., CVPR 2019, section 3 and appendix A).

Activations are normalised without parameters of their own; scale and offset at each pixel come from the mask, so that
no block can wash the mask out. Blocks are residual: normalise, leaky rectifier, convolve, twice; where the number of
channels changes the shortcut is normalised and convolved as well. Between blocks the picture is doubled by repeating
pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.generators.spade_config import SpadeConfig

SLOPE = 0.2
EPSILON = 1e-5


def painted(tensors: Mapping[str, Any], config: SpadeConfig, mask: Any, z: Any) -> Any:
    """Pictures (n, C, S, S) in -1..1.

    Args:
        tensors: by the names of `SpadeConfig.shapes`, spectral norms folded in.
        mask: (n, label_nc, S, S) one channel a structure, 0 or 1, background first.
        z: (n, z_dim) latents; not read where z_dim is 0.
    """
    import torch
    from torch.nn import functional

    x = _first(tensors, config, mask, z)
    doubled = _doublings(config)
    for name, before, after in config.blocks:
        if name in doubled:
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
        x = _block(tensors, config, name, x, mask, before != after)
    return torch.tanh(_convolved(tensors, "conv_img", functional.leaky_relu(x, SLOPE)))


def folded(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors with every spectrally normalised weight divided by its largest singular value, as in evaluation."""
    import torch

    found = {name: value for name, value in tensors.items() if not name.endswith(("_orig", "_u", "_v"))}
    for name, weight in tensors.items():
        if name.endswith(".weight_orig"):
            stem = name.removesuffix("_orig")
            sigma = torch.dot(
                tensors[f"{stem}_u"], torch.mv(weight.reshape(len(weight), -1), tensors[f"{stem}_v"])
            )
            found[stem] = weight / sigma
    return found


def _doublings(config: SpadeConfig) -> frozenset[str]:
    """The blocks before which the picture is doubled."""
    found = {"G_middle_0", "up_0", "up_1", "up_2", "up_3"}
    found |= {"G_middle_1"} if config.upsampling in ("more", "most") else set()
    return frozenset(found | ({"up_4"} if config.upsampling == "most" else set()))


def _first(tensors: Mapping[str, Any], config: SpadeConfig, mask: Any, z: Any) -> Any:
    from torch.nn import functional

    if not config.z_dim:
        small = functional.interpolate(mask, size=(config.start, config.start), mode="nearest")
        return _convolved(tensors, "fc", small)
    dense = functional.linear(z, tensors["fc.weight"], tensors["fc.bias"])
    return dense.view(len(z), -1, config.start, config.start)


def _block(
    tensors: Mapping[str, Any], config: SpadeConfig, name: str, x: Any, mask: Any, changes: bool
) -> Any:
    from torch.nn import functional

    def modulated(part: str, value: Any) -> Any:
        return _modulated(tensors, config, f"{name}.{part}", value, mask)

    y = _convolved(tensors, f"{name}.conv_0", functional.leaky_relu(modulated("norm_0", x), SLOPE))
    y = _convolved(tensors, f"{name}.conv_1", functional.leaky_relu(modulated("norm_1", y), SLOPE))
    shortcut = _convolved(tensors, f"{name}.conv_s", modulated("norm_s", x)) if changes else x
    return shortcut + y


def _modulated(tensors: Mapping[str, Any], config: SpadeConfig, name: str, x: Any, mask: Any) -> Any:
    """Spatially-adaptive normalisation: every pixel's scale and offset are read from the mask around it."""
    from torch.nn import functional

    seen = functional.interpolate(mask, size=x.shape[-2:], mode="nearest")
    shared = functional.relu(_convolved(tensors, f"{name}.mlp_shared.0", seen))
    gamma, beta = (_convolved(tensors, f"{name}.{part}", shared) for part in ("mlp_gamma", "mlp_beta"))
    return _plain(tensors, config, f"{name}.param_free_norm", x) * (1 + gamma) + beta


def _plain(tensors: Mapping[str, Any], config: SpadeConfig, name: str, x: Any) -> Any:
    from torch.nn import functional

    if config.normalisation == "batch":
        mean, variance = tensors[f"{name}.running_mean"], tensors[f"{name}.running_var"]
        return functional.batch_norm(x, mean, variance, eps=EPSILON)
    return functional.instance_norm(x, eps=EPSILON)


def _convolved(tensors: Mapping[str, Any], name: str, x: Any) -> Any:
    from torch.nn import functional

    weight = tensors[f"{name}.weight"]
    return functional.conv2d(x, weight, tensors.get(f"{name}.bias"), padding=weight.shape[-1] // 2)
