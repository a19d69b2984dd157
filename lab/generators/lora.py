"""A LoRA laid over a base pipeline: loaded from one local safetensors file, its strength set for each request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.errors import WeightsError
from lab.generators.components import check_finite

NAME = "lora"
SCALE = "lora_scale"


def lay_over(pipeline: Any, file: Path) -> None:
    """Load a LoRA file into a pipeline under the name "lora".

    Raises:
        WeightsError: when the base has no layer for some tensor of the file, or takes no LoRA at all.
        OSError, ValueError, RuntimeError, KeyError: as the libraries raise them.
    """
    from torch import nn

    if not hasattr(pipeline, "load_lora_weights"):
        raise _refused(f"{type(pipeline).__name__} takes no LoRA")
    pipeline.load_lora_weights(
        str(file.parent),
        weight_name=file.name,
        adapter_name=NAME,
        use_safetensors=True,
        local_files_only=True,
    )
    loaded = sum(
        NAME in tensor.split(".")
        for part in pipeline.components.values()
        if isinstance(part, nn.Module)
        for tensor, _ in part.named_parameters()
    )
    # The libraries leave out what finds no layer and only warn; other trainers' names are rewritten on the way in.
    names = _names(file)
    plain = [name for name in names if name.endswith((".lora_A.weight", ".lora_B.weight"))]
    if not loaded or (len(plain) == len(names) and loaded != len(plain)):
        raise _refused(f"{loaded} of its {len(names)} tensors find a layer in this base model")
    for name, part in pipeline.components.items():
        if isinstance(part, nn.Module):
            check_finite(name, part)


def set_scale(pipeline: Any, scale: float) -> None:
    """Set how strongly the LoRA acts: 1 as trained, 0 not at all, and then the pixels are those of the base.

    With 0 the layers are switched off rather than multiplied, so that nothing of them is computed.
    """
    if scale == 0:
        pipeline.disable_lora()
        return
    pipeline.enable_lora()
    pipeline.set_adapters([NAME], adapter_weights=[scale])


def _names(file: Path) -> list[str]:
    from safetensors import safe_open

    with safe_open(file, framework="numpy") as tensors:
        return list(tensors.keys())


def _refused(reason: str) -> WeightsError:
    return WeightsError(
        f"The LoRA of this card does not fit: {reason}; nothing was loaded; check the base model in the card."
    )
