"""What is timed: ours and a peer on the same arrays, which must also agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Work = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """One comparison.

    Args:
        name: what is computed, on how much.
        ours, peer: do the same work and return comparable numbers.
        peer_name: whose code the peer is.
        agrees: whether two answers are the same.
        others: further peers by name, timed in the same rounds.
    """

    name: str
    ours: Work
    peer: Work
    peer_name: str
    agrees: Callable[[Any, Any], bool]
    others: Mapping[str, Work] = field(default_factory=dict)
