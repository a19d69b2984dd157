"""Which samples become cases, in which order they are asked, and on which side the training film stands.

Half of the cases are the samples that came closest, half are drawn from the rest, and held-out films are asked as
samples too. All of them are shuffled by a digest, so the place of a case says nothing about it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lab.provenance import digest_json

MOST = 16
LEAST_CATCHES = 2


def picked(nearness: NDArray[np.float64], nearest: Sequence[str], seed: str) -> list[int]:
    """Which of m samples become cases: all of them up to `MOST`, else half closest and half drawn from the rest.

    Args:
        nearness: (m,) smaller is closer to a training film.
        nearest: (m,) that film; among the closest no film is taken twice while there are others.
        seed: any text; another one draws others.

    Returns:
        Positions, ascending.
    """
    count = len(nearness)
    if count <= MOST:
        return list(range(count))
    order = [int(at) for at in np.argsort(nearness, kind="stable")]
    first: dict[str, int] = {}
    for at in order:
        first.setdefault(nearest[at], at)
    once = list(first.values())
    close = [*once, *(at for at in order if at not in set(once))][: MOST // 2]
    rest = sorted(set(order) - set(close), key=lambda at: _rank(seed, str(at)))
    return sorted([*close, *rest[: MOST - len(close)]])


def catches(cases: int) -> int:
    """How many held-out films are asked beside that many samples: a third of them, two at least."""
    return max(LEAST_CATCHES, round(cases / 3))


def shuffled(codes: Sequence[str], seed: str) -> list[str]:
    """The codes in an order that depends on `seed` and on nothing else about the cases."""
    return sorted(codes, key=lambda code: _rank(seed, code))


def training_first(case: str, reader: str) -> bool:
    """Whether the training film stands on the left for this reader: drawn once by digest, so it stays."""
    return int(digest_json([case, reader])[:8], 16) % 2 == 0


def case_code(sample: str, training: str, control: str) -> str:
    """An opaque code of 12 digits for a sample beside two films: equal for equal films, whatever set they are in.

    Args:
        sample: digest of the sample's file.
        training, control: image ids of both films.
    """
    return digest_json([sample, training, control])[:12]


def _rank(seed: str, name: str) -> str:
    return digest_json([seed, name])
