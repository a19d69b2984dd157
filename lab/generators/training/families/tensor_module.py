"""A table of named tensors as a torch module, so that functions of tensors are trained, averaged and kept like any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_module(tensors: Mapping[str, Any], fixed: tuple[str, ...] = ()) -> Any:
    """A module whose state dict has exactly these names.

    Args:
        tensors: name with dots to tensor.
        fixed: last parts of the names that are no parameters and are kept as buffers.
    """
    from torch import nn

    root = nn.Module()
    for name, tensor in tensors.items():
        *path, last = name.split(".")
        place = root
        for part in path:
            if not hasattr(place, part):
                place.add_module(part, nn.Module())
            place = getattr(place, part)
        if last in fixed:
            place.register_buffer(last, tensor)
        else:
            place.register_parameter(last, nn.Parameter(tensor))
    return root


def tensors_of(module: Any) -> dict[str, Any]:
    """Name to tensor of everything in a module; optimisers and checkpoints change them in place."""
    return dict(module.named_parameters()) | dict(module.named_buffers())
