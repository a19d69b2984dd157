"""The captioned images of each side of a comparison, in its order, with whom they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison
from lab.metrics.pairs import Pairs
from lab.metrics.patients import MINIMUM_PATIENTS, bootstrap_means
from lab.metrics.points import Points

FEWEST = 10


@dataclass(frozen=True, eq=False)
class Side:
    """Captioned images only.

    Args:
        pairs: (n) of them.
        rows: (n,) their rows in the caller's arrays.
        patients: (n,) patient of each; each sample its own.
        left_out: how many images of the side carry no caption.
    """

    pairs: Pairs
    rows: NDArray[np.int64]
    patients: NDArray[np.str_]
    left_out: int


def captioned(comparison: Comparison, title: str) -> tuple[Side, Side]:
    """Samples and held-out films that have captions.

    Raises:
        NotComputable: in one sentence, when either has fewer than 10.
    """
    given, held_out = comparison.given, comparison.held_out
    if given.synthetic_pairs is None or given.held_out_pairs is None or held_out is None:
        raise NotComputable(
            given.no_pairs
            or f"{title} needs a prompt for each sample, captions of held-out films and a text-image model."
        )
    samples = _side(given.synthetic_pairs, comparison.synthetic)
    films = _side(given.held_out_pairs, held_out)
    if min(len(samples.pairs), len(films.pairs)) < FEWEST:
        raise NotComputable(
            f"{title} needs {FEWEST} samples with prompts and as many held-out films with captions; here are "
            f"{len(samples.pairs)} and {len(films.pairs)}."
        )
    return samples, films


def interval(
    scores: NDArray[np.float64], groups: NDArray[np.str_], rng: np.random.Generator
) -> tuple[float | None, float | None]:
    """95 % interval of a mean by bootstrap over groups; none with fewer than 20."""
    if len(np.unique(groups)) < MINIMUM_PATIENTS:
        return None, None
    low, high = np.percentile(bootstrap_means(scores, groups, rng), (2.5, 97.5))
    return float(low), float(high)


def _side(pairs: Pairs, points: Points) -> Side:
    ordered = pairs.take(points.order)
    kept = np.flatnonzero(ordered.told)
    return Side(ordered.take(kept), points.order[kept], points.patients[kept], len(pairs) - len(kept))
