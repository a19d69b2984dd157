"""One safetensors file read against a table of names and shapes: whatever does not fit is named, all of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.errors import WeightsError
from lab.generators.weights import check_folder, check_safetensors

NAMED = 12


def read_tensors(
    folder: Path, file: str, shapes: Mapping[str, tuple[int, ...]], device: str
) -> dict[str, Any]:
    """The tensors of a model in float32, checked before any of them is read.

    Args:
        folder: a model folder; everything in it must be safetensors, JSON or text.
        file: name of its weights file.
        shapes: name to shape of every tensor the model has; others are refused.
        device: where the tensors go.

    Raises:
        WeightsError: names every tensor that is missing, has another shape, is not known, or holds a value that is
            not a finite number (the first 12 of each).
    """
    import torch
    from safetensors.torch import load_file

    if not (folder / file).is_file():
        raise WeightsError(
            f"This model folder has no {file}; nothing was loaded; copy the whole folder again."
        )
    check_folder(folder)
    header = check_safetensors(folder / file, file)
    found = {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}
    _refuse_misfits(found, shapes)
    tensors = {name: value.float() for name, value in load_file(folder / file).items()}
    # The extremes carry NaN along and need one pass and no copy; a mask of finite values needs both.
    broken = [n for n, v in tensors.items() if v.numel() and not all(map(math.isfinite, torch.aminmax(v)))]
    if broken:
        raise _refused([f"{_listed(broken)} holds values that are not finite numbers"])
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def _refuse_misfits(found: Mapping[str, tuple[int, ...]], shapes: Mapping[str, tuple[int, ...]]) -> None:
    missing = [name for name in shapes if name not in found]
    unknown = [name for name in found if name not in shapes]
    shared = [name for name in shapes if name in found and found[name] != shapes[name]]
    misshapen = [f"{name} {found[name]} where {shapes[name]} is needed" for name in shared]
    reasons = [
        f"{_listed(names)} {reason}"
        for names, reason in (
            (missing, "is missing"),
            (misshapen, "has another shape"),
            (unknown, "is not part of this architecture"),
        )
        if names
    ]
    if reasons:
        raise _refused(reasons)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return "tensor " + ", ".join(name[:80] for name in sorted(names)[:NAMED]) + more


def _refused(reasons: list[str]) -> WeightsError:
    return WeightsError(
        f"The weights do not fit: {'; '.join(reasons)}; nothing was loaded; "
        "copy the model folder again or correct its config.json."
    )
