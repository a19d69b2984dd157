"""Reading a weights file: safetensors, or a state dictionary that torch opens without running code."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.device import CPU
from lab.errors import WeightsError

if TYPE_CHECKING:
    import torch


def read_state(file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by name, on the processor.

    Raises:
        WeightsError: when the file is missing, damaged, would run code, or holds anything but finite tensors.
    """
    import torch

    if not file.is_file():
        raise WeightsError(
            f"The weights file {file.name[:80]} was not found; nothing was computed; put it back."
        )
    state = _tensors(file)
    for name, tensor in state.items():
        if tensor.is_floating_point() and tensor.numel() and not bool(torch.isfinite(tensor).all()):
            raise WeightsError(
                f"The weights file {file.name[:80]} holds values that are not finite numbers, in {name[:80]!r}; "
                "nothing was computed; copy it again."
            )
    return state


def _tensors(file: Path) -> dict[str, torch.Tensor]:
    from pickle import UnpicklingError  # what torch raises for more than tensors

    import torch

    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        from lab.generators.weights import check_safetensors

        check_safetensors(file, file.name)
        return dict(load_file(file))
    try:
        state: Any = torch.load(file, map_location=CPU, weights_only=True)
    except UnpicklingError as error:
        raise WeightsError(
            f"The weights file {file.name[:80]} holds more than tensors and could run code, so it was not opened; "
            "save its state dictionary as safetensors."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise WeightsError(
            f"The weights file {file.name[:80]} is damaged; nothing was computed; copy it again."
        ) from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping):
        raise WeightsError(
            f"The weights file {file.name[:80]} holds no state dictionary; nothing was computed; "
            "save its state dictionary as safetensors."
        )
    return {str(name): value for name, value in state.items() if isinstance(value, torch.Tensor)}
