"""The copying test of Meehan et al. 2020: within clusters of training images, are samples nearer than held-out ones?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.auroc import mann_whitney_u
from lab.metrics.blocks import products

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
COMPONENTS, CLUSTERS, FEWEST = 64, 3, 20
STARTS = 10


@dataclass(frozen=True)
class Cell:
    """One cluster of training images.

    Args:
        z: standardised Mann-Whitney U of samples' against held-out images' distances; None where the cell is left out.
        share: share of the held-out images that lie in it.
        training, held_out, samples: images in it.
    """

    z: float | None
    share: float
    training: int
    held_out: int
    samples: int


def principal(train: Floats, *others: Floats, components: int = COMPONENTS) -> list[Floats]:
    """All sets on the leading principal components of `train`; as they are where they have no more features."""
    if train.shape[1] <= components:
        return [train, *others]
    centre = train.mean(axis=0)
    axes = np.linalg.svd(train - centre, full_matrices=False)[2][:components].T
    return [np.ascontiguousarray((part - centre) @ axes) for part in (train, *others)]


def clusters(train: Floats, count: int, seed: int) -> Floats:
    """Centres (count, d) of k-means on the training images, best of ten starts."""
    from sklearn.cluster import KMeans

    return np.asarray(
        KMeans(count, n_init=STARTS, random_state=seed).fit(train).cluster_centers_, dtype=np.float64
    )


def copying_test(train: Floats, held_out: Floats, samples: Floats, centres: Floats) -> list[Cell]:
    """Each cell of the test; distances go to the training images of the same cell.

    A cell counts where it holds more than 20 samples and any held-out image.
    """
    homes = [_home(part, centres) for part in (train, held_out, samples)]
    found = []
    for number in range(len(centres)):
        inside = [part[home == number] for part, home in zip((train, held_out, samples), homes, strict=True)]
        counts = [len(part) for part in inside]
        kept = counts[2] > FEWEST and min(counts[0], counts[1]) > 0
        z = _standardised(_nearest(inside[1], inside[0]), _nearest(inside[2], inside[0])) if kept else None
        found.append(Cell(z, counts[1] / len(held_out), counts[0], counts[1], counts[2]))
    return found


def weighted(cells: list[Cell]) -> float | None:
    """Mean of z over the cells that count, weighted by their share of held-out images; None without any."""
    kept = [(cell.z, cell.share) for cell in cells if cell.z is not None]
    total = sum(share for _, share in kept)
    return sum(z * share for z, share in kept) / total if total else None


def _home(images: Floats, centres: Floats) -> IntArray:
    norms = np.einsum("kd,kd->k", centres, centres)
    return np.concatenate(
        [(norms[None] - 2.0 * product).argmin(axis=1) for _, product in products(images, centres)]
    )


def _nearest(images: Floats, train: Floats) -> Floats:
    """(n,) squared distances: their order is all that counts."""
    norms, own = np.einsum("nd,nd->n", train, train), np.einsum("nd,nd->n", images, images)
    best = [(norms[None] - 2.0 * product).min(axis=1) for _, product in products(images, train)]
    found = np.concatenate(best) + own
    # Exact copies: rounding would order them at random among each other.
    return np.where(found < 1e-11 * (1.0 + own), 0.0, found)


def _standardised(held_out: Floats, samples: Floats) -> float:
    """(U - mean) / deviation; far below 0 where samples are nearer."""
    n, m = len(held_out), len(samples)
    u = mann_whitney_u(samples, held_out)
    return (u - (n * m / 2.0 - 0.5)) / float(np.sqrt(n * m * (n + m + 1) / 12.0))
