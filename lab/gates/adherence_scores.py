"""What the probe's readings of samples say about prompts: numbers between 0 and 1, intervals over prompts.

Samples stand in a table of prompts by seeds. Every statistic takes draws of prompts as (d, p) counts, how often each
of p prompts was drawn, and gives (d,) values, so that one bootstrap serves all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.auroc import drawn_aurocs
from lab.gates.probe import Reading, Targets

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Statistic = Callable[[Counts], Floats]
DRAWS = 1000
CHANCE = 0.5


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval; not-a-number where there is nothing to measure."""

    value: float
    low: float
    high: float
    n: int = 0


def estimate(statistic: Statistic, prompts: int, seed: int, n: int = 0) -> Estimate:
    """A statistic of all prompts, with the percentile interval of a bootstrap over prompts (Efron 1979).

    Draws that leave nothing to measure, such as those without a single positive, are left out.
    """
    rng = np.random.default_rng(seed)
    drawn = statistic(rng.multinomial(prompts, np.full(prompts, 1 / prompts), DRAWS))
    finite = drawn[np.isfinite(drawn)]
    low, high = np.percentile(finite, (2.5, 97.5)) if len(finite) else (np.nan, np.nan)
    return Estimate(whole(statistic, prompts), float(low), float(high), n)


def whole(statistic: Statistic, prompts: int) -> float:
    """A statistic of all prompts, each once."""
    return float(statistic(np.ones((1, prompts), dtype=np.int64))[0])


def auroc(scores: Floats, positive: NDArray[np.bool_]) -> Statistic:
    """Area under the ROC curve of (prompts, seeds) scores: how often a positive one lies above a negative one.

    Args:
        scores: (p, s).
        positive: (p,) whether the prompt names the finding.
    """
    flags, prompts = np.repeat(positive, scores.shape[1]), np.repeat(np.arange(len(scores)), scores.shape[1])
    return lambda counts: drawn_aurocs(scores.ravel(), flags, prompts, counts)


def share(hits: Floats) -> Statistic:
    """Share of hits among (p, s) or (p, s, k) entries 0, 1 or, where nothing was asked, not-a-number."""
    flat = hits.reshape(len(hits), -1)
    known = np.isfinite(flat)
    right, asked = np.where(known, flat, 0.0).sum(axis=1), known.sum(axis=1)

    return lambda counts: _ratio(counts @ right, counts @ asked)


def rank_correlation(scores: Floats, wanted: Floats) -> Statistic:
    """Spearman's rho between (p, s) size scores and the (p,) sizes asked for, not-a-number where none was."""
    asked = np.isfinite(wanted)
    chosen, sizes = scores[asked], np.repeat(wanted[asked], scores.shape[1])

    def value(counts: Counts) -> Floats:
        weights = np.repeat(counts[:, asked], scores.shape[1], axis=1).astype(float)
        return _correlation(_ranks(chosen.ravel(), weights), _ranks(sizes, weights), weights)

    return value


def mean_of(parts: list[Statistic]) -> Statistic:
    """Mean of several statistics over the same draw; those that say nothing are left out."""

    def value(counts: Counts) -> Floats:
        found = np.stack([part(counts) for part in parts])
        known = np.isfinite(found)
        return _ratio(np.where(known, found, 0.0).sum(axis=0), known.sum(axis=0))

    return value


def normalised(area: Statistic, ceiling: float) -> Statistic:
    """(AUROC - 0.5) / (ceiling - 0.5): 0 is chance, 1 is what films of held-out patients reach."""
    reach = ceiling - CHANCE if ceiling > CHANCE else float("nan")
    return lambda counts: (area(counts) - CHANCE) / reach


def side_hits(reading: Reading, targets: Targets, seeds: int) -> Floats:
    """(p, s, 6) 1 where the probe sees a finding on the side asked for, 0 on the other, else not-a-number."""
    wanted = np.repeat(targets.side, seeds, axis=0)
    hit = ((reading.side > 0) == (wanted == 1)).astype(float)
    hit[np.isnan(wanted)] = np.nan
    return hit.reshape(len(targets.side), seeds, -1)


def flips(before: Reading, after: Reading, targets: Targets, seeds: int) -> Floats:
    """(p, s, 6) 1 where the probe sees the other side once the words are swapped, 0 where not."""
    moved = ((before.side > 0) != (after.side > 0)).astype(float)
    moved[np.isnan(np.repeat(targets.side, seeds, axis=0))] = np.nan
    return moved.reshape(len(targets.side), seeds, -1)


def table(scores: Floats, seeds: int) -> Floats:
    """(p s, k) readings as (p, s, k)."""
    return scores.reshape(-1, seeds, scores.shape[1])


def _ranks(values: Floats, weights: Floats) -> Floats:
    """(d, n) mid-ranks of (n,) values, each as often in draw d as (d, n) `weights` says."""
    place = np.unique(values, return_inverse=True)[1].reshape(-1)
    member = np.eye(int(place.max(initial=-1)) + 1)[place]
    groups = weights @ member
    return np.asarray((np.cumsum(groups, axis=1) - groups / 2)[:, place])


def _correlation(first: Floats, second: Floats, weights: Floats) -> Floats:
    """(d,) weighted correlation of rows; 0 where the first do not vary, not-a-number where the second do not."""
    total = weights.sum(axis=1)
    one, two = (part - _ratio((weights * part).sum(axis=1), total)[:, None] for part in (first, second))
    spread = (weights * one**2).sum(axis=1), (weights * two**2).sum(axis=1)
    found = _ratio((weights * one * two).sum(axis=1), np.sqrt(spread[0] * spread[1]))
    return np.where(spread[1] <= 0, np.nan, np.where(spread[0] <= 0, 0.0, found))


def _ratio(above: Floats, below: NDArray[np.floating | np.integer]) -> Floats:
    """Not-a-number where there is nothing below the line."""
    return np.where(below > 0, above / np.where(below > 0, below, 1), np.nan)
