"""Models kept in the process between runs: the few used last."""

from __future__ import annotations

import gc
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
GENERATOR = "generator:"


class Residents:
    """At most `budget` built objects; the one used longest ago leaves first.

    Args:
        budget: how many objects may be resident at once: a prompt alone needs seven (generator, extractor, two
            references, labels, map, text-image model).
        generators: how many of them may be generators, which are large; their keys begin with "generator:".
    """

    def __init__(self, budget: int = 12, generators: int = 2) -> None:
        self._budget = max(1, budget)
        self._generators = max(1, generators)
        self._kept: OrderedDict[str, Any] = OrderedDict()

    def get(self, key: str, build: Callable[[], T]) -> T:
        """The object under `key`, built when absent, after room was made for it."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        while len(self._kept) >= self._budget:
            self._drop(next(iter(self._kept)))
        large = [name for name in self._kept if name.startswith(GENERATOR)]
        if key.startswith(GENERATOR) and len(large) >= self._generators:
            self._drop(large[0])
        built = build()
        self._kept[key] = built
        return built

    def _drop(self, key: str) -> None:
        del self._kept[key]
        free_memory()

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
