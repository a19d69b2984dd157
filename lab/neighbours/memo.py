"""What a long calculation has finished: blocks of numbers under a name, for an attempt that comes after a break."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float64]


def _nothing(key: str) -> Block | None:
    return None


def _forget(key: str, block: Block) -> None:
    return None


@dataclass(frozen=True)
class Memo:
    """Finished blocks; the default keeps none.

    Args:
        kept: the block under a name, float64, or None when it must be computed.
        keep: takes a finished block. Whoever keeps blocks keeps those of one calculation apart from another's.
    """

    kept: Callable[[str], Block | None] = _nothing
    keep: Callable[[str, Block], None] = _forget

    def block(self, key: str, shape: tuple[int, ...], compute: Callable[[], NDArray[Any]]) -> Block:
        """The kept block of that shape, or a computed one, which is kept."""
        found = self.kept(key)
        if found is None or found.shape != shape:
            found = np.asarray(compute(), dtype=np.float64)
            self.keep(key, found)
        return found
