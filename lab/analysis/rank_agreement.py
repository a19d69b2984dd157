"""Whether feature extractors put the same sets in the same order, metric by metric and over all of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.analysis.goals import goal
from lab.metrics.result import MetricResult
from lab.metrics.spec import MetricSpec

ByExtractor = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Values by extractor, then metric, then set."""


@dataclass(frozen=True)
class RankAgreement:
    """One cell.

    Args:
        metric: its name, "" for all metrics together.
        tau: Kendall's tau-b, the mean over pairs of extractors; None where there is nothing to order.
        same, opposite, tied: pairs of sets in the same order, in opposite orders, and equal for one extractor.
        sets: sets that all extractors measured.
        extractors: how many.
    """

    metric: str
    tau: float | None
    same: int
    opposite: int
    tied: int
    sets: int
    extractors: int

    @property
    def sentence(self) -> str:
        """What the cell says."""
        if self.tau is None:
            return "Two sets and two extractors are needed to compare their orders."
        total = self.same + self.opposite + self.tied
        return (
            f"{self.extractors} extractors put {self.same} of {total} pairs of sets in the same order and "
            f"{self.opposite} in opposite orders (Kendall's tau {self.tau:+.2f}, {self.sets} sets)."
        )


def by_extractor(results: Mapping[str, Sequence[MetricResult]], group: str = "all") -> ByExtractor:
    """Values from results by name of a set, whichever extractors they were measured with."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, items in results.items():
        for one in items:
            if one.value is not None and one.group == group:
                found.setdefault(one.extractor, {}).setdefault(one.metric, {})[name] = one.value
    return found


def rank_agreements(values: ByExtractor, specs: Mapping[str, MetricSpec]) -> list[RankAgreement]:
    """A cell for each metric that two extractors measured, in the order of `specs`; the overall cell last.

    Sets are ordered from worse to better by the metric's own direction, so that a metric that is best at its null line
    is ordered by the distance from it. The overall cell counts pairs of sets of all metrics together.
    """
    cells = [
        cell
        for name, spec in specs.items()
        if (cell := _cell(spec, {one: told[name] for one, told in values.items() if name in told}))
        is not None
    ]
    counted = [cell for cell in cells if cell.tau is not None]
    same, opposite, tied = (
        sum(getattr(cell, part) for cell in counted) for part in ("same", "opposite", "tied")
    )
    tau = (same - opposite) / (same + opposite) if same + opposite else None
    extractors = max((cell.extractors for cell in cells), default=0)
    sets = max((cell.sets for cell in cells), default=0)
    return [*cells, RankAgreement("", tau, same, opposite, tied, sets, extractors)]


def kendall(first: Sequence[float], second: Sequence[float]) -> tuple[float | None, int, int, int]:
    """Kendall's tau-b, as `scipy.stats.kendalltau`, with pairs in the same order, in opposite orders, and tied."""
    same = opposite = tied = ties_first = ties_second = 0
    for (a, b), (c, d) in itertools.combinations(list(zip(first, second, strict=True)), 2):
        ties_first += a == c
        ties_second += b == d
        if a == c or b == d:
            tied += 1
        elif (a - c) * (b - d) > 0:
            same += 1
        else:
            opposite += 1
    total = same + opposite + tied
    below = math.sqrt((total - ties_first) * (total - ties_second))
    return ((same - opposite) / below if below else None), same, opposite, tied


def _cell(spec: MetricSpec, told: Mapping[str, Mapping[str, float]]) -> RankAgreement | None:
    if len(told) < 2:
        return None
    sets = sorted(set.intersection(*(set(values) for values in told.values())))
    orders = [[goal(spec, values[name]) for name in sets] for values in told.values()]
    found = [kendall(first, second) for first, second in itertools.combinations(orders, 2)]
    taus = [tau for tau, *_ in found if tau is not None]
    same, opposite, tied = (sum(counts) for counts in zip(*(one[1:] for one in found), strict=True))
    return RankAgreement(
        spec.name, sum(taus) / len(taus) if taus else None, same, opposite, tied, len(sets), len(told)
    )
