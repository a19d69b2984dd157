"""Models kept in the process between runs: the few used last."""

from __future__ import annotations

import gc
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Residents:
    """At most `budget` built objects; the one used longest ago leaves first.

    Args:
        budget: how many models may be resident at once.
    """

    def __init__(self, budget: int = 3) -> None:
        self._budget = max(1, budget)
        self._kept: OrderedDict[str, Any] = OrderedDict()

    def get(self, key: str, build: Callable[[], T]) -> T:
        """The object under `key`, built when absent, after room was made for it."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        while len(self._kept) >= self._budget:
            self._kept.popitem(last=False)
            free_memory()
        built = build()
        self._kept[key] = built
        return built

    def clear(self) -> None:
        """Drop everything."""
        self._kept.clear()
        free_memory()


def free_memory() -> None:
    """Give memory that nothing refers to back, on the accelerator too when torch is loaded."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
