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


def _holds_objects(file: Path) -> bool:
    """Whether a file is a pickle, or torch's archive of one, whatever its name says."""
    with file.open("rb") as stream:
        head = stream.read(8)
    # Safetensors begin with the length of their header, which may look like anything but fits the file.
    fits = len(head) == 8 and int.from_bytes(head, "little") <= file.stat().st_size - 8
    return not fits and head.startswith((b"\x80", b"PK\x03\x04"))


def _objects(file: Path) -> WeightsError:
    return WeightsError(
        f"The weights file {file.name[:80]} holds more than tensors and could run code, so it was not opened; "
        "everything else works; where running it is safe, open it once with its own package, save its state_dict() "
        "with safetensors.torch.save_file, and put that file here."
    )


def _tensors(file: Path) -> dict[str, torch.Tensor]:
    from pickle import UnpicklingError  # what torch raises for more than tensors

    import torch

    if file.suffix == ".safetensors" and not _holds_objects(file):
        from safetensors.torch import load_file

        from lab.generators.weights import check_safetensors

        check_safetensors(file, file.name)
        return dict(load_file(file))
    try:
        with file.open("rb") as stream:  # by content: a file's name would choose another reader
            state: Any = torch.load(stream, map_location=CPU, weights_only=True)
    except UnpicklingError as error:
        raise _objects(file) from error
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
