"""Unbiased squared MMD with five Gaussian kernels on features of length 1, by groups and under permuted sides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.comparison import Statistic
from lab.metrics.gram import Tile, tiles
from lab.metrics.kernel_table import KernelTable
from lab.metrics.patients import index_patients
from lab.metrics.points import Points, SetPair, squared_distances

Floats = NDArray[np.float64]
Tensor = Any
# Width of the narrowest kernel over the median squared distance; each further one is twice as wide.
NARROWEST, WIDTHS = 0.25, 5
MEDIAN_ROWS = 2000
PERMUTATIONS = 199
_ZERO = 1e-8


def unit_points(points: Points) -> Points:
    """The points with features of length 1; float64."""
    lengths = np.sqrt(points.norms)[:, None]
    unit = points.features / np.maximum(lengths, _ZERO)
    return Points(unit, points.patients, points.order, points.groups, points.group_count)


def median_distance(a: Points, b: Points, rng: np.random.Generator) -> float:
    """Median squared distance of the pooled points, of 2,000 of them at most, drawn alike from both."""
    pooled = np.concatenate([a.features, b.features])
    if len(pooled) > MEDIAN_ROWS:
        pooled = pooled[np.sort(rng.choice(len(pooled), MEDIAN_ROWS, replace=False))]
    found = [
        squared_distances(pooled[row + 1 :], pooled[row]).astype(np.float32) for row in range(len(pooled) - 1)
    ]
    values = np.concatenate(found)
    return max(float(np.partition(values, (len(values) - 1) // 2)[(len(values) - 1) // 2]), 1e-10)


def kernel_values(tile: Tile, median: float) -> Tensor:
    """Mean of the five kernels; a point with itself counts 0. Uses the tile's product up."""
    import torch

    widest = NARROWEST * 2.0 ** (WIDTHS - 1)
    value = tile.distances().clamp_(min=0.0).mul_(-0.5 / (median * widest)).exp_()
    total = value.clone()
    for _ in range(WIDTHS - 1):
        torch.mul(value, value, out=value)
        total += value
    return total.div_(WIDTHS)


def rbf_statistic(pair: SetPair, median: float) -> Statistic:
    """The distance and its values with one patient group left out of both sets; the widths stay as they are."""
    groups = pair.groups
    width = max(1, groups)
    sides = pair.real, pair.synthetic
    one, two = pair.real.screened, pair.synthetic.screened_like(pair.real.screened)
    of = [side.groups if groups else None for side in sides]
    tables = []
    for a, b, left, right in ((one, one, 0, 0), (two, two, 1, 1), (one, two, 0, 1)):
        table = KernelTable(a, b, of[left], of[right], width)
        for tile in tiles(a, b):
            table.add_values(tile, kernel_values(tile, median))
        tables.append(table.sums())
    sizes = [
        np.bincount(side.groups, minlength=groups)
        if groups and side.groups is not None
        else np.asarray([side.n])
        for side in sides
    ]
    deleted = [_left(tables, sizes, group) for group in range(groups)]
    return Statistic(_left(tables, sizes, None), np.asarray(deleted))


def _left(tables: list[Floats], sizes: list[Any], group: int | None) -> float:
    kept = np.ones(len(tables[0]), dtype=bool)
    if group is not None:
        kept[group] = False
    real, synthetic, across = (float(table[kept][:, kept].sum()) for table in tables)
    n, m = (float(size[kept].sum()) for size in sizes)
    return real / (n * (n - 1)) + synthetic / (m * (m - 1)) - 2.0 * across / (n * m)


def permutation_p(pair: SetPair, median: float, rng: np.random.Generator) -> float:
    """Share of label swaps, whole patients at a time, that give at least the distance found; (1 + hits) / (1 + swaps).

    One pass over the pooled kernel serves all swaps.
    """
    pooled = Points(
        np.concatenate([pair.real.features, pair.synthetic.features]),
        np.concatenate([np.char.add("r", pair.real.patients), np.char.add("s", pair.synthetic.patients)]),
        np.arange(pair.real.n + pair.synthetic.n),
        None,
        0,
    )
    side = pooled.screened
    sides = _swapped(pooled.patients, pair.real.n, rng)
    import torch

    flags = torch.from_numpy(sides).to(side.rows)
    hits = torch.zeros_like(flags)
    for tile in tiles(side, side):
        kernel = kernel_values(tile, median)
        hits[tile.at] += kernel @ flags[tile.to]
        if not tile.diagonal:
            hits[tile.to] += kernel.T @ flags[tile.at]
    weighted = hits.double().cpu().numpy()
    flagged = sides.astype(np.float64)
    rows = weighted[:, 0]
    inside = np.einsum("np,np->p", flagged, weighted)
    n = flagged.sum(axis=0)
    # The first column flags every row, the second is the pair as it is.
    whole, across = inside[0], rows @ flagged - inside
    m = len(flagged) - n
    with np.errstate(divide="ignore", invalid="ignore"):
        value = inside / (n * (n - 1)) + (whole - inside - 2 * across) / (m * (m - 1)) - 2 * across / (n * m)
    return float((1 + (value[2:] >= value[1]).sum()) / (1 + PERMUTATIONS))


def _swapped(patients: NDArray[np.str_], n: int, rng: np.random.Generator) -> Floats:
    """(rows, 2 + permutations): all, the real ones, then as many rows of randomly chosen patients."""
    codes, total = index_patients(patients)
    columns = [np.ones(len(codes)), (np.arange(len(codes)) < n).astype(np.float64)]
    films = np.bincount(codes, minlength=total)
    for _ in range(PERMUTATIONS):
        order = rng.permutation(total)
        chosen = np.zeros(total)
        chosen[order[: int(np.searchsorted(np.cumsum(films[order]), n)) + 1]] = 1.0
        columns.append(chosen[codes])
    return np.stack(columns, axis=1)
