"""The Fréchet distance of two sets as Gaussians: moments, roots, and how it moves when patients are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics import dense

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Features = NDArray[np.floating]
_ROWS = 2048
_SMALL = 64
# Eigenvalues below this share of the largest are rounding.
_RANK = 1e-12


def moments(features: Features) -> tuple[Floats, Floats]:
    """Mean (d,) and unbiased covariance (d, d) of (n, d) features, float64."""
    mean = features.mean(axis=0, dtype=np.float64)
    return mean, scatter(features, mean) / (len(features) - 1)


def scatter(features: Features, mean: Floats) -> Floats:
    """(d, d) sum of the outer products of centred rows."""
    if features.shape[1] <= _SMALL:
        centred = np.subtract(features, mean, dtype=np.float64)
        return np.asarray(centred.T @ centred)
    return dense.scatter(features, mean)


def frechet(mean_a: Floats, cov_a: Floats, mean_b: Floats, cov_b: Floats) -> float:
    """The distance of two Gaussians, from the eigenvalues of R' B R with A = R R'; singular covariances are safe.

    R is the Cholesky factor where there is one, which is much the faster, else it comes from eigenvectors.
    """
    spread = np.trace(cov_a), np.trace(cov_b)
    factor = dense.cholesky(cov_a) if len(cov_a) > _SMALL else None
    if factor is None:
        values, vectors = eigen(cov_a)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        return _distance(mean_a - mean_b, *spread, _overlap(_conjugated(root, cov_b)))
    return _distance(mean_a - mean_b, *spread, _overlap(dense.conjugated(factor, cov_b)))


def frechet_of(a: Features, b: Features) -> float:
    """The distance of two sets on all their features, whatever their numbers of rows.

    With fewer rows than features the rows themselves are a root of the covariance: the work shrinks to their number.
    """
    a, b = (a, b) if len(a) <= len(b) else (b, a)
    if len(a) > a.shape[1]:
        return frechet(*moments(a), *moments(b))
    mean_a, mean_b = (side.mean(axis=0, dtype=np.float64) for side in (a, b))
    one, two = (
        np.subtract(side, mean, dtype=np.float64) / np.sqrt(len(side) - 1)
        for side, mean in ((a, mean_a), (b, mean_b))
    )
    across = _product(one, two.T)
    spread = float(np.sum(one * one)), float(np.sum(two * two))
    return _distance(mean_a - mean_b, *spread, _overlap(_product(across, across.T)))


def _distance(gap: Floats, spread_a: float, spread_b: float, overlap: float) -> float:
    return max(float(gap @ gap + spread_a + spread_b - 2.0 * overlap), 0.0)


def _overlap(inner: Floats) -> float:
    """Sum of the square roots of a symmetric matrix's eigenvalues; its lower triangle is read."""
    values = np.linalg.eigvalsh(inner) if len(inner) <= _SMALL else dense.eigenvalues(inner)
    return float(np.sqrt(np.maximum(values, 0.0)).sum())


def _conjugated(root: Floats, covariance: Floats) -> Floats:
    return _product(_product(root.T, covariance), root)


def _product(a: Floats, b: Floats) -> Floats:
    if min(*a.shape, *b.shape) <= _SMALL:
        return np.asarray(a @ b)
    import torch

    return np.asarray((torch.from_numpy(a) @ torch.from_numpy(b)).numpy())


def eigen(symmetric: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues, smallest first, and eigenvectors in columns."""
    if len(symmetric) <= _SMALL:
        values, vectors = np.linalg.eigh(symmetric)
        return values, vectors
    import torch

    found = torch.linalg.eigh(torch.from_numpy(symmetric))
    return found.eigenvalues.numpy(), found.eigenvectors.numpy()


@dataclass(frozen=True, eq=False)
class _Part:
    """A set's sums by group, under the quadratic form that its overlap answers to."""

    sizes: IntArray
    means: Floats
    spread: Floats
    form: Floats
    weights: Any

    def left_out(self, group: int) -> tuple[Floats, float, float]:
        """Shift of the mean, trace of the covariance and of form times covariance, without a group."""
        n = self.sizes.sum() - self.sizes[group]
        shift = -self.means[group] / n
        tilted = shift @ self.weights
        spread = (self.spread.sum() - self.spread[group] - n * shift @ shift) / (n - 1)
        form = (self.form.sum() - self.form[group] - n * tilted @ tilted) / (n - 1)
        return shift, float(spread), float(form)


def frechet_left_out(
    a: Features, b: Features, groups_a: IntArray, groups_b: IntArray, count: int
) -> tuple[float, Floats]:
    """The distance and its values with each group left out of both sets, from one decomposition.

    Means and traces are exact. The overlap tr (A B)^(1/2) follows its derivative, 1/2 (M dA + M^-1 dB) with M the
    linear map that carries one Gaussian onto the other: groups are small, so what is left out is of second order and
    alike for all groups, and the jackknife's standard error agrees with the exact one's (tests: within 5 % at 40
    groups).

    Returns:
        the exact distance, and (count,) values without group 0 .. count - 1.
    """
    (mean_a, cov_a), (mean_b, cov_b) = moments(a), moments(b)
    values, vectors = eigen(cov_a)
    kept = values > _RANK * values[-1]
    scale = np.sqrt(np.where(kept, values, 0.0))
    root = vectors * scale
    back = vectors * np.divide(1.0, scale, out=np.zeros_like(scale), where=kept)
    inner, turns = eigen(_conjugated(root, cov_b))
    held = inner > _RANK * max(float(inner[-1]), 0.0)
    quarter = np.where(held, np.maximum(inner, 0.0), 1.0) ** 0.25 * held
    overlap = float((quarter**2).sum())
    value = _distance(mean_a - mean_b, np.trace(cov_a), np.trace(cov_b), overlap)
    inverse = np.divide(1.0, quarter, out=np.zeros_like(quarter), where=held)
    parts = (
        _part(a, mean_a, groups_a, count, _product(back, turns) * quarter),
        _part(b, mean_b, groups_b, count, _product(root, turns) * inverse),
    )
    left = np.empty(count)
    for group in range(count):
        (shift_a, spread_a, form_a), (shift_b, spread_b, form_b) = (part.left_out(group) for part in parts)
        gap = mean_a + shift_a - mean_b - shift_b
        left[group] = gap @ gap + spread_a + spread_b - (form_a + form_b)
    return value, left


def _part(features: Features, mean: Floats, groups: IntArray, count: int, weights: Floats) -> _Part:
    spread, form = np.empty(len(features)), np.empty(len(features))
    means = np.zeros((count, features.shape[1]))
    for start in range(0, len(features), _ROWS):
        at = slice(start, start + _ROWS)
        centred = np.subtract(features[at], mean, dtype=np.float64)
        tilted = _product(centred, weights)
        spread[at] = np.einsum("nd,nd->n", centred, centred)
        form[at] = np.einsum("nd,nd->n", tilted, tilted)
        means += np.eye(count)[groups[at]].T @ centred
    by_group = [
        np.bincount(groups, weights=one, minlength=count).astype(np.float64) for one in (spread, form)
    ]
    return _Part(np.bincount(groups, minlength=count), means, by_group[0], by_group[1], weights)


def on_components(symbol: str, kept: int) -> str:
    """The title of a distance on principal components, such as "FD, 45 components"."""
    return f"{symbol}, {kept} component{'' if kept == 1 else 's'}"
