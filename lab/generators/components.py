"""The networks of a pipeline, opened one by one, so that a tensor that is missing or does not fit has a name."""

from __future__ import annotations

import importlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.errors import WeightsError
from lab.generators.card import GeneratorCard

_LIBRARIES = ("diffusers", "transformers")
_VARIANT = re.compile(r"\.(fp16|bf16|non_ema)(?=[.-])")
# Autoencoders that overflow in float16: they stay in float32, and what comes to them is widened.
_WIDE = ("AutoencoderDC",)


def open_components(
    card: GeneratorCard, folder: Path, index: dict[str, Any], parts: Mapping[str, Path] | None = None
) -> dict[str, Any]:
    """Every network of a pipeline, and whatever of it lies outside its folder, ready to be handed to it.

    Args:
        card: which generator.
        folder: its model folder.
        index: the parsed `model_index.json`: component to [library, class].
        parts: folders of the components that lie elsewhere; None takes the card's own.

    Raises:
        WeightsError: naming the tensor that is missing, has another shape or holds NaN or infinity; or the
            shared part that is not there.
        OSError, ValueError, RuntimeError: as the libraries raise them for a folder that is not a model.
    """
    from torch import nn

    outside = card.part_folders if parts is None else parts
    opened: dict[str, Any] = {}
    for name in sorted({*index, *outside}):
        library, kind = _entry(index.get(name))
        place = outside.get(name)
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
            opened[name] = open_network(part, place or folder / name, name, card.dtype)
        elif part is not None and place is not None:
            opened[name] = part.from_pretrained(place, local_files_only=True)
    return opened


def open_network(part: Any, place: Path, name: str, dtype: str) -> Any:
    """One network from its folder: safetensors, whole or in shards, in the precision that is there.

    Args:
        part: class of diffusers or transformers.
        place: its folder.
        name: what it is called in sentences.
        dtype: that of the card; a part that would overflow in float16 takes a wider one.

    Raises:
        WeightsError: naming the tensor that is missing, has another shape, or holds NaN or infinity.
        OSError, ValueError, RuntimeError: as the libraries raise them for a folder that is not a model.
    """
    import torch

    wanted = {
        "local_files_only": True,
        "use_safetensors": True,
        "dtype": getattr(torch, _precision(part, place, dtype)),
        "output_loading_info": True,
        "variant": _variant(place),
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


def widen_autoencoder(pipeline: Any, dtype: str) -> None:
    """Let an autoencoder that stayed in a wider precision than the card's take what the pipeline gives it."""
    import torch

    network = getattr(pipeline, "vae", None)
    if network is None or network.dtype in (getattr(torch, dtype), None):
        return
    for method in ("encode", "decode"):
        setattr(network, method, _widened(getattr(network, method), network.dtype))


def _widened(method: Any, dtype: Any) -> Any:
    def call(values: Any, *args: Any, **kwargs: Any) -> Any:
        return method(values.to(dtype), *args, **kwargs)

    return call


def _precision(part: Any, place: Path, dtype: str) -> str:
    """The card's dtype, but a wider one for what was made in a wider range than float16 has."""
    file = place / "config.json"
    if dtype != "float16" or not file.is_file():
        return dtype
    config = json.loads(file.read_text(encoding="utf-8"))
    if part.__name__ in _WIDE or config.get("force_upcast") is True:
        return "float32"
    saved = config.get("dtype", config.get("torch_dtype"))
    return "bfloat16" if saved == "bfloat16" else dtype


def _variant(place: Path) -> str | None:
    """Which precision's files to take where a folder has no plain ones, such as "fp16"."""
    names = [file.name for file in sorted(place.glob("*.safetensors"))]
    found = [_VARIANT.search(name) for name in names]
    if not names or not all(found):
        return None
    variants = {match[1] for match in found if match}
    return next(name for name in ("fp16", "bf16", "non_ema") if name in variants)


def _entry(value: Any) -> tuple[str, str]:
    fits = isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(v, str) for v in value)
    return (value[0], value[1]) if fits else ("", "")


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
