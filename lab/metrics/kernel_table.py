"""Sums of kernel values from group to group, gathered tile by tile in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.gram import Screen, Tile

Floats = NDArray[np.float64]
Groups = NDArray[np.int64] | None
Tensor = Any


class KernelTable:
    """A (g, g) table that tiles are added to.

    Args:
        a, b: the screened sets.
        of_a, of_b: group of each row; None for one group.
        width: g.
    """

    def __init__(self, a: Screen, b: Screen, of_a: Groups, of_b: Groups, width: int) -> None:
        import torch

        self._sums = torch.zeros((width, width), dtype=torch.float64, device=a.rows.device)
        self._rows = _members(a, of_a, width, torch.float64)
        self._columns = _members(b, of_b, width, a.rows.dtype)

    def add(self, tile: Tile) -> None:
        """Add a tile; one above the diagonal of a set with itself counts for its mirror image too."""
        self.add_values(tile, tile.kernel())

    def add_values(self, tile: Tile, kernel: Tensor) -> None:
        """The same with kernel values of the caller's."""
        if self._columns is None:
            across = kernel.sum(dim=1).double().sum().reshape(1, 1)
        else:
            across = self._rows[tile.at].T @ (kernel @ self._columns[tile.to]).double()
        self._sums += across
        if tile.a is tile.b and not tile.diagonal:
            self._sums += across.T

    def sums(self) -> Floats:
        """The table, float64."""
        return np.asarray(self._sums.cpu().numpy())


def _members(side: Screen, groups: Groups, width: int, kind: Any) -> Tensor:
    import torch

    if width == 1:
        return None
    members = np.zeros((len(side.rows), width))
    members[np.arange(len(members)), np.zeros(len(members), np.int64) if groups is None else groups] = 1.0
    return torch.from_numpy(members).to(kind).to(side.rows.device)
