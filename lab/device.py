"""Which device computes: the only module that names one."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from lab.allocation import give_back_freed_memory
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


def host_threads() -> int:
    """Threads of a network on the processor, set as `limit_threads` does; 0 where an accelerator computes."""
    return limit_threads() if is_host(pick()) else 0


def half_types(device: str) -> tuple[str, ...]:
    """The 16-bit number types that this device computes with as fast as it should; none is none.

    A processor without instructions for a type emulates it dozens of times slower, so there it counts as absent.
    """
    import torch

    if device.startswith("cuda"):
        return ("float16", "bfloat16") if torch.cuda.is_bf16_supported() else ("float16",)
    if device == "mps":
        return ("float16",)
    tests = {"bfloat16": "_is_mkldnn_bf16_supported", "float16": "_is_mkldnn_fp16_supported"}
    found = {name: getattr(torch.ops.mkldnn, test, None) for name, test in tests.items()}
    return tuple(name for name, test in found.items() if test is not None and test())


def is_host(device: str) -> bool:
    """Whether models on this device lie in the machine's own memory."""
    return device == CPU


def free_bytes(device: str) -> int:
    """Memory in bytes that a model could still take on this device."""
    import psutil

    here = int(psutil.virtual_memory().available)
    if is_host(device):
        return min(here, _container_bytes())
    import torch

    if device == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return int(torch.cuda.mem_get_info(device)[0])


def _container_bytes() -> int:
    """What the limit of this container leaves, a very large number where there is none."""
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = (int((group / name).read_text("ascii")) for name in ("memory.max", "memory.current"))
        kept = dict(line.split() for line in (group / "memory.stat").read_text("ascii").splitlines())
    except (OSError, ValueError):
        return 1 << 62
    # Pages of files that were read count as used, and are given back at once when they are needed.
    return max(0, limit - used + int(kept.get("inactive_file", 0)))


def free_memory(whole: bool = True) -> None:
    """Give memory that nothing refers to back, on the accelerator too when torch is loaded.

    Args:
        whole: look through all objects, which takes a good part of a second with models loaded; else the young ones.
    """
    gc.collect(2 if whole else 1)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if whole:
        give_back_freed_memory()
