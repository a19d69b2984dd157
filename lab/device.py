"""Which device computes: the only module that names one."""

from __future__ import annotations

from lab.config import settings
from lab.errors import InputError

CPU = "cpu"
TITLES = {"auto": "chosen by the worker", CPU: "processor", "mps": "Apple GPU"}


def pick(wanted: str | None = None) -> str:
    """Resolve `auto|cpu|cuda[:N]|mps` to a device torch can use.

    Args:
        wanted: the choice; None reads `LAB_DEVICE`.

    Returns:
        "cpu", "cuda:N" or "mps".

    Raises:
        InputError: when that device is not on this machine.
    """
    import torch

    choice = wanted or settings().device
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if choice == "auto":
        return "cuda:0" if cuda else "mps" if mps else CPU
    kind, _, index = choice.partition(":")
    present = {
        CPU: not index,
        "cuda": cuda and int(index or 0) < torch.cuda.device_count(),
        "mps": mps and not index,
    }
    if not present.get(kind, False):
        raise InputError(
            "The chosen device is not on this machine; nothing was started; set LAB_DEVICE to auto or cpu."
        )
    return f"cuda:{index or 0}" if kind == "cuda" else kind


def limit_threads() -> int:
    """Give torch the worker's threads; returns how many."""
    import torch

    count = settings().worker_threads
    torch.set_num_threads(count)
    return count
