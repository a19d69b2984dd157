"""How much memory a resident object holds, in this machine and on the accelerator."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.device import is_host

_DEPTH = 6
_PLAIN = (str, bytes, int, float, bool, complex, type(None), type)


@dataclass(frozen=True)
class Footprint:
    """Bytes of an object's arrays and tensors, each counted once."""

    host: int
    device: int

    @property
    def total(self) -> int:
        """Bytes wherever they lie."""
        return self.host + self.device

    def on(self, host: bool) -> int:
        """Bytes in this machine's own memory, or on the accelerator."""
        return self.host if host else self.device


def footprint(thing: Any) -> Footprint:
    """The arrays, tensors and networks that an object holds, through its attributes, tables and lists."""
    found: dict[int, tuple[bool, int]] = {}
    _walk(thing, found, set(), _DEPTH)
    return Footprint(
        sum(size for here, size in found.values() if here),
        sum(size for here, size in found.values() if not here),
    )


def _walk(thing: Any, found: dict[int, tuple[bool, int]], seen: set[int], depth: int) -> None:
    if isinstance(thing, _PLAIN) or id(thing) in seen or depth < 0:
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        if not isinstance(thing, np.memmap):
            found[id(thing)] = (True, thing.nbytes)
        return
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(thing, torch.Tensor):
        if not thing.is_meta:
            found[thing.data_ptr()] = (is_host(thing.device.type), thing.numel() * thing.element_size())
        return
    if torch is not None and isinstance(thing, torch.nn.Module):
        for tensor in (*thing.parameters(), *thing.buffers()):
            _walk(tensor, found, seen, depth)
        return
    if isinstance(thing, dict):
        parts = list(thing.values())
    elif isinstance(thing, (list, tuple, set, frozenset)):
        parts = list(thing)
    else:
        parts = list(vars(thing).values()) if hasattr(thing, "__dict__") else []
        parts += [
            getattr(thing, name) for name in getattr(type(thing), "__slots__", ()) if hasattr(thing, name)
        ]
    for part in parts:
        _walk(part, found, seen, depth - 1)
