"""Statistics of a set at several resolutions and in several feature spaces: one table, one mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement, Statistic, compare_sets
from lab.metrics.inputs import Space
from lab.metrics.points import Points, SetPair
from lab.metrics.spec import MetricOption

Floats = NDArray[np.float64]
PREFIX = "resolution:"
FACTORS = (8, 4, 2, 1)
LARGEST = MetricOption(
    "largest",
    "Largest side",
    256,
    64,
    1024,
    "Pictures are brought to this side and to a half, a quarter and an eighth of it; the publication took 1,024.",
)


@dataclass(frozen=True, eq=False)
class Cell:
    """One resolution in one feature space; features scaled to length 1, so that spaces can be averaged."""

    side: int
    extractor: str
    space: Space

    def pair(self, comparison: Comparison, pair: SetPair) -> SetPair:
        """The same images of a pair, here."""
        return SetPair(self._points(comparison, pair.real), self._points(comparison, pair.synthetic))

    def _points(self, comparison: Comparison, points: Points) -> Points:
        features = self.space.real
        if points is comparison.synthetic:
            features = self.space.synthetic
        elif not _is_training(comparison, points):
            if self.space.held_out is None:
                raise NotComputable(
                    "The held-out images have no features at these resolutions; measure again."
                )
            features = self.space.held_out
        return replace(points, features=unit_rows(features[points.order]))


def cells(comparison: Comparison) -> list[Cell]:
    """Every resolution and feature space of a run, extractor by extractor, small pictures first.

    Raises:
        NotComputable: when there are none.
    """
    found = []
    for name, space in comparison.given.spaces.items():
        if name.startswith(PREFIX):
            side, _, extractor = name.removeprefix(PREFIX).partition(":")
            found.append(Cell(int(side), extractor or space.extractor, space))
    if not found:
        raise NotComputable(
            "There are no features at several resolutions; measure again with this metric chosen."
        )
    return sorted(found, key=lambda cell: (cell.extractor, cell.side))


def compare_cells(
    comparison: Comparison, statistic: Callable[[SetPair, Cell], Statistic], symbol: str
) -> Measurement:
    """Mean of a statistic over all cells, with interval, control and floor of that mean, and the table.

    Args:
        comparison: the sets.
        statistic: of a pair of sets in one cell.
        symbol: heading of the numbers.
    """
    every = cells(comparison)
    table: dict[tuple[int, str], float] = {}

    def mean(pair: SetPair) -> Statistic:
        found = [statistic(cell.pair(comparison, pair), cell) for cell in every]
        if pair is comparison.main:
            table.update({(c.side, c.extractor): s.value for c, s in zip(every, found, strict=True)})
        deleted = np.mean([one.deleted for one in found], axis=0)
        return Statistic(float(np.mean([one.value for one in found])), deleted)

    measured = compare_sets(comparison, mean)
    spread = float(np.std(list(table.values())))
    extractors = sorted({extractor for _, extractor in table})
    note = (
        f"Mean of {len(table)} values ± {spread:.4g}: {len({side for side, _ in table})} resolutions in"
        f" {' and '.join(extractors)}; features scaled to length 1."
    )
    return replace(
        measured,
        note=f"{note} {measured.note}".strip(),
        extractor=" + ".join(extractors),
        details={"table": _rows(table, extractors), "symbol": symbol, "standard_deviation": spread},
    )


def normalised_rows(groups: Mapping[str, list[Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    """Compared groups on one scale, as published: each extractor's row of values scaled to length 1, then averaged.

    Args:
        groups: `details["table"]` of each group; all have the same resolutions and extractors.

    Returns:
        by group: "mean" and "sd" over resolutions and extractors.
    """
    names = list(groups)
    rows: list[Floats] = []
    for at, line in enumerate(next(iter(groups.values()), [])):
        for column in (name for name in line if name != "side"):
            values = np.asarray([float(groups[name][at][column]) for name in names])
            rows.append(values / max(float(np.linalg.norm(values)), 1e-300))
    table = np.asarray(rows).reshape(len(rows), len(names))
    return {
        name: {"mean": float(table[:, at].mean()), "sd": float(table[:, at].std())}
        for at, name in enumerate(names)
    }


def unit_rows(features: NDArray[np.floating]) -> Floats:
    """Rows scaled to length 1, float64; a row of zeros stays."""
    wide = np.asarray(features, dtype=np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-300)


def _is_training(comparison: Comparison, points: Points) -> bool:
    """Whether points of a pair are training images: held-out ones only occur where there are some."""
    return points is comparison.real or comparison.held_out is None


def _rows(table: Mapping[tuple[int, str], float], extractors: list[str]) -> list[dict[str, Any]]:
    sides = sorted({side for side, _ in table})
    return [{"side": side} | {name: table[side, name] for name in extractors} for side in sides]
