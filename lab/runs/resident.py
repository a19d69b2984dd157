"""Models kept in the process between runs, within a budget of memory: the one used longest ago leaves first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from lab.device import free_memory as free_memory
from lab.errors import GeneratorError, LabError
from lab.runs.footprint import Footprint, footprint

T = TypeVar("T")
GENERATOR = "generator:"


class Residents:
    """Built objects that together stay within a budget of memory; the one used longest ago leaves first.

    A generator's size is known from its files before it is loaded, so room is made first and two large ones are
    never here at once. Whatever is built is measured afterwards.

    Args:
        most: how many objects may be resident, however small.
        budget: bytes that models may take where they compute; None takes the setting `LAB_MODEL_MEMORY`, or a share
            of the memory that is free.
    """

    def __init__(self, most: int = 64, budget: int | None = None) -> None:
        self._most = max(1, most)
        self._budget = budget
        self._kept: OrderedDict[str, Any] = OrderedDict()
        self._sizes: dict[str, Footprint] = {}

    def get(self, key: str, build: Callable[[], T]) -> T:
        """The object under `key`, built when absent, after room was made for it.

        Raises:
            GeneratorError: when a generator alone is larger than the memory of this machine that models may take.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        while len(self._kept) >= self._most:
            self._drop(next(iter(self._kept)))
        needs = expected(key)
        if needs:
            self._make_room(key, needs)
        built = build()
        self._kept[key], self._sizes[key] = built, footprint(built)
        self._settle(key, self._here() if needs else True)
        return built

    def held(self) -> dict[str, int]:
        """Bytes of each resident, the one used longest ago first."""
        return {key: self._sizes[key].total for key in self._kept}

    def clear(self) -> None:
        """Drop everything."""
        self._kept.clear()
        self._sizes.clear()
        free_memory()

    def _make_room(self, key: str, needs: int) -> None:
        """Drop what was used longest ago until `needs` bytes fit; refuse what never will."""
        here = self._here()
        while self._used(here) + needs > self._limit(here) and self._droppable(here):
            self._drop(self._droppable(here)[0])
        limit = self._limit(here)
        # An accelerator can hold one part at a time, which the placement of the pipeline decides.
        if here and self._used(here) + needs > limit:
            raise _too_large(key, needs, limit)

    def _settle(self, newest: str, here: bool) -> None:
        """Measured, it may be larger than was expected: then the others go, never the one just built."""
        others = [key for key in self._droppable(here) if key != newest]
        while others and self._used(here) > self._limit(here):
            self._drop(others.pop(0))

    def _here(self) -> bool:
        """Whether models compute in this machine's own memory."""
        from lab.device import is_host, pick

        return is_host(pick())

    def _droppable(self, here: bool) -> list[str]:
        """Keys of what takes memory there, the one used longest ago first."""
        return [key for key in self._kept if self._sizes[key].on(here)]

    def _used(self, here: bool) -> int:
        return sum(size.on(here) for size in self._sizes.values())

    def _limit(self, here: bool) -> int:
        from lab.device import CPU, free_bytes, pick
        from lab.generators.memory import room

        return self._budget or room(free_bytes(CPU if here else pick()), self._used(here))

    def _drop(self, key: str) -> None:
        del self._kept[key], self._sizes[key]
        free_memory()


def expected(key: str) -> int:
    """Bytes that the generator under a key will take, told from its files; 0 for anything else."""
    from lab.generators.cards import get_card
    from lab.generators.memory import expected_bytes

    if not key.startswith(GENERATOR):
        return 0
    try:
        return expected_bytes(get_card(key.split(":")[1]))
    except LabError:  # absent or damaged: loading it says so in its own words
        return 0


def _too_large(key: str, needs: int, limit: int) -> GeneratorError:
    from lab.generators.memory import in_words

    return GeneratorError(
        f"The generator {key.split(':')[1]} takes about {in_words(needs)} of memory, and models may take "
        f"{in_words(limit)} here; nothing was loaded; close other programs, raise LAB_MODEL_MEMORY, or choose a "
        "smaller generator."
    )
