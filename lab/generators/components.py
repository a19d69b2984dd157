"""The networks of a pipeline, opened one by one, so that a tensor that is missing or does not fit has a name."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

from lab.errors import WeightsError
from lab.generators.card import GeneratorCard

_LIBRARIES = ("diffusers", "transformers")


def open_components(card: GeneratorCard, folder: Path, index: dict[str, Any]) -> dict[str, Any]:
    """Every network of a pipeline, and whatever of it lies outside its folder, ready to be handed to it.

    Args:
        card: which generator.
        folder: its model folder.
        index: the parsed `model_index.json`: component to [library, class].

    Raises:
        WeightsError: naming the tensor that is missing, has another shape or holds NaN or infinity; or the
            shared part that is not there.
        OSError, ValueError, RuntimeError: as the libraries raise them for a folder that is not a model.
    """
    from torch import nn

    opened: dict[str, Any] = {}
    for name in sorted({*index, *card.part_folders}):
        library, kind = _entry(index.get(name))
        place = card.part_folders.get(name)
        if place is not None and (library not in _LIBRARIES or not place.is_dir()):
            raise WeightsError(
                f"The shared part {name[:40]!r} of {card.title} was not found; nothing was loaded; "
                "put its folder back or correct the card."
            )
        # The general-purpose safety checker blackens medical films; it is left out wherever a folder names one.
        if library not in _LIBRARIES or name == "safety_checker":
            continue
        part = getattr(importlib.import_module(library), kind, None)
        if isinstance(part, type) and issubclass(part, nn.Module):
            opened[name] = _network(part, place or folder / name, name, card.dtype)
        elif part is not None and place is not None:
            opened[name] = part.from_pretrained(place, local_files_only=True)
    return opened


def check_finite(name: str, network: Any) -> None:
    """Refuse a network with NaN or infinity among its numbers.

    Raises:
        WeightsError: with the tensor's name.
    """
    import torch

    for tensor, value in network.state_dict().items():
        # The extremes carry NaN along and need one pass and no copy; a mask of finite values needs both.
        if value.is_floating_point() and value.numel() and not all(map(math.isfinite, torch.aminmax(value))):
            raise _refused(name, tensor, "holds values that are not finite numbers")


def _entry(value: Any) -> tuple[str, str]:
    fits = isinstance(value, list) and len(value) == 2 and all(isinstance(item, str) for item in value)
    return (value[0], value[1]) if fits else ("", "")


def _network(part: Any, place: Path, name: str, dtype: str) -> Any:
    import torch

    wanted = {
        "local_files_only": True,
        "use_safetensors": True,
        "dtype": getattr(torch, dtype),
        "output_loading_info": True,
    }
    try:
        network, told = part.from_pretrained(place, **wanted)
    except (ValueError, RuntimeError):
        # The libraries name every misshapen tensor only when they are told to go on; the result is thrown away.
        tolerant: dict[str, Any] = {"ignore_mismatched_sizes": True}
        if part.__module__.startswith("diffusers."):
            tolerant["low_cpu_mem_usage"] = False
        _check_report(name, part.from_pretrained(place, **wanted, **tolerant)[1])
        raise
    # Both libraries fill what is missing with random numbers and only warn.
    _check_report(name, told)
    check_finite(name, network)
    return network


def _check_report(name: str, told: dict[str, Any]) -> None:
    for tensor in sorted(told["missing_keys"]):
        raise _refused(name, tensor, "is missing")
    for tensor, found, expected in sorted(told["mismatched_keys"]):
        raise _refused(name, tensor, f"has the shape {tuple(found)} where {tuple(expected)} is needed")


def _refused(name: str, tensor: str, reason: str) -> WeightsError:
    return WeightsError(
        f"The weights of {name[:40]!r} do not fit: tensor {tensor[:80]!r} {reason}; nothing was loaded; "
        "copy the whole model folder again."
    )
