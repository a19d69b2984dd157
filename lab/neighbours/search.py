"""Exact nearest neighbours by cosine distance: FAISS on the CPU, torch elsewhere, the same answers from both.

Either engine only proposes; the proposed distances are recomputed in float64 as |a - b|^2 / 2 of unit
vectors, which is exactly 0 for equal vectors, and ordered by (distance, row). No engine copies the reference
on the CPU: rows that lie in a memory-mapped file are searched where they lie.
"""

# The search of pages and detectors: unit rows that may lie in a file larger than memory, any k, a query's own group
# left out. `lab.metrics` may not import it and needs another: lengths count there, and groups are left out in turn.
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.device import CPU, pick
from lab.errors import InputError

SPARE = 8
# FAISS multiplies up to 4096 queries at once; in smaller blocks it loses a sixth of its speed.
BLOCK = 4096
# Values of float32 held at once: similarities of a torch block, and gaps that are squared.
VALUES = 64_000_000
# Values squared at once: 2 MB in float64.
CACHED = 262_144
# With more equal rows than this, which of them are named is left to the engine.
MOST = 4096
# Engines compute in float32: a row beyond the proposals may be this much nearer than it seemed.
ROUNDING = 4e-6


@dataclass(frozen=True)
class Neighbours:
    """Nearest rows (m, k) int64 of each query and their distances (m, k) ascending; -1 and inf where none."""

    distances: NDArray[np.float64]
    rows: NDArray[np.int64]


class ExactIndex:
    """Exact search over unit rows.

    Args:
        reference: (n, d) float32 unit rows, in memory or memory-mapped; not copied where it is contiguous.
        groups: (n,) group of each row, for searches that leave the query's own group out.
        engine: "auto", "faiss" or "torch".
    """

    def __init__(
        self, reference: NDArray[np.float32], groups: NDArray[Any] | None = None, engine: str = "auto"
    ) -> None:
        if engine not in ("auto", "faiss", "torch"):
            raise InputError("There is no such search engine; nothing was searched; take faiss or torch.")
        self.reference = np.ascontiguousarray(reference, dtype=np.float32)
        self.groups = None if groups is None else np.asarray(groups)
        self._engine = engine

    @cached_property
    def engine(self) -> str:
        """The engine in use: FAISS on the CPU where it is installed, else torch."""
        if self._engine != "auto":
            return self._engine
        from importlib.util import find_spec

        return "faiss" if pick() == CPU and find_spec("faiss") else "torch"

    @cached_property
    def largest_group(self) -> int:
        """Rows in the largest group; 0 without groups."""
        if self.groups is None or not len(self.groups):
            return 0
        return int(np.unique(self.groups, return_counts=True)[1].max())

    def search(
        self, queries: NDArray[np.float32], k: int, query_groups: NDArray[Any] | None = None
    ) -> Neighbours:
        """The `k` nearest rows of each query.

        Args:
            queries: (m, d) float32 unit rows.
            query_groups: (m,); rows of the query's own group are left out. For real-to-real baselines only.

        Raises:
            InputError: for k < 1 or another dimension.
        """
        n, d = self.reference.shape
        if k < 1 or queries.ndim != 2 or queries.shape[1] != d:
            raise InputError(
                "Neighbours need k of 1 or more and features of one kind; nothing was searched; check both."
            )
        distances = np.full((len(queries), k), np.inf)
        rows = np.full((len(queries), k), -1, dtype=np.int64)
        wanted = min(n, k + SPARE + (0 if query_groups is None else self.largest_group))
        open_rows = np.arange(len(queries) if n else 0)
        while len(open_rows):
            unsure: list[NDArray[np.int64]] = []
            for start in range(0, len(open_rows), BLOCK):
                chosen = open_rows[start : start + BLOCK]
                block = np.ascontiguousarray(queries[chosen], dtype=np.float32)
                own = None if query_groups is None else np.asarray(query_groups)[chosen]
                near, names, sure = self._block(block, k, wanted, own)
                distances[chosen, : near.shape[1]], rows[chosen, : near.shape[1]] = near, names
                unsure.append(chosen[~sure])
            open_rows = np.concatenate(unsure)
            wanted = min(n, 4 * wanted)
        return Neighbours(distances, rows)

    def proposed(self, queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """About the `k` nearest rows (m, min(k, n)) of each query, by the engine alone: no order, no distances.

        For candidates that are compared again by other means; exact distances of hundreds of rows cost more.
        """
        wide = np.ascontiguousarray(queries, dtype=np.float32)
        blocks = [wide[start : start + BLOCK] for start in range(0, len(wide), BLOCK)]
        wanted = min(k, len(self.reference))
        found = [self._propose(block, wanted) for block in blocks if wanted]
        return np.concatenate(found) if found else np.empty((len(wide), 0), dtype=np.int64)

    def _block(
        self, block: NDArray[np.float32], k: int, wanted: int, own: NDArray[Any] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
        """Nearest of `wanted` proposals, and whether no row beyond them could be as near (ties, rounding)."""
        proposed = self._propose(block, wanted)
        exact = self._exact(block, proposed)
        exact[np.asarray(~block.any(axis=1))[:, None] | self._zero[proposed]] = 1.0
        farthest = exact.max(axis=1)
        if own is not None and self.groups is not None:
            exact[self.groups[proposed] == own[:, None]] = np.inf
        order = np.lexsort((proposed, exact), axis=1)[:, :k]
        kept = np.take_along_axis(exact, order, axis=1)
        found = np.where(np.isfinite(kept), np.take_along_axis(proposed, order, axis=1), -1)
        sure = (kept[:, -1] + ROUNDING < farthest) | (wanted >= min(MOST, len(self.reference)))
        return kept, found, np.asarray(sure)

    def _exact(self, block: NDArray[np.float32], proposed: NDArray[np.int64]) -> NDArray[np.float64]:
        """Distances (m, c) of the proposed rows, a few queries at a time: their rows then stay in the cache."""
        out = np.empty(proposed.shape, dtype=np.float64)
        step = max(1, CACHED // (proposed.shape[1] * block.shape[1]))
        for start in range(0, len(block), step):
            rows = slice(start, start + step)
            out[rows] = half_squared(block[rows], self.reference[proposed[rows]])
        return out

    @cached_property
    def _zero(self) -> NDArray[np.bool_]:
        """Rows without direction: they are at distance 1 from everything. A unit row has a large value somewhere."""
        found = np.zeros(len(self.reference), dtype=bool)
        for start in range(0, len(found), BLOCK):
            found[start : start + BLOCK] = ~self.reference[start : start + BLOCK].any(axis=1)
        return found

    def _propose(self, block: NDArray[np.float32], wanted: int) -> NDArray[np.int64]:
        if self.engine == "faiss":
            import faiss

            found = faiss.knn(block, self.reference, wanted, metric=faiss.METRIC_INNER_PRODUCT)[1]
            return np.asarray(found, dtype=np.int64)
        import torch

        step = max(1, VALUES // len(self.reference))
        with torch.inference_mode():
            asked = torch.from_numpy(block).to(self._tensor.device)
            parts = [
                (asked[start : start + step] @ self._tensor.T).topk(wanted, dim=1).indices.to(CPU)
                for start in range(0, len(asked), step)
            ]
        return np.asarray(torch.cat(parts).numpy(), dtype=np.int64)

    @cached_property
    def _tensor(self) -> Any:
        import torch

        return torch.from_numpy(self.reference).to(pick())


def half_squared(queries: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """|q - r|^2 / 2 in float64 for queries (m, d) and rows (m, c, d): cosine distance of unit vectors."""
    gap = (rows - queries[:, None]).astype(np.float64)
    return np.asarray(np.einsum("mcd,mcd->mc", gap, gap) / 2.0)
