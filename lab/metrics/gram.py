"""Inner products of two sets, tile by tile in torch: single precision, with a bound on what rounding can do.

Features are centred first: distances do not change, and rounding is relative to the spread and not to the offset. The
cubic kernel does change, so its argument is put together from the centred product and one number an image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Tensor = Any
TILE = 1536
TILE_ON_ACCELERATOR = 8192
# Rows that are centred at a time: small enough to stay in a processor's cache.
_STRIP = 256
# Products of fewer numbers than this are cheap in double precision.
WORTH_SINGLE = 1 << 31
_DOUBLE = 2.0**-53
_SINGLE = 2.0**-24
_UNDERFLOW = 1e-30
_LARGEST, _SMALLEST = 1e18, 1e-18


@dataclass(frozen=True, eq=False)
class Screen:
    """One set, centred, ready to be multiplied.

    Args:
        rows: (n, d) tensor, single or double precision.
        norms: (n,) squared lengths of the rows, same precision.
        tilt: (n,) what an image adds to the kernel's argument beside product / d.
        centre: (d,) float64 that was taken off.
        error: e, so that a squared distance put together from `norms` and a product is wrong by no more than
            e x (sum of both squared lengths), whatever the order of the sum.
    """

    rows: Tensor
    norms: Tensor
    tilt: Tensor
    centre: Floats
    error: float

    @property
    def single(self) -> bool:
        """Whether rows are in single precision."""
        return bool(self.rows.element_size() == 4)


def worth_single(n: int, dimension: int) -> bool:
    """Whether a set is large enough for single precision to pay."""
    return n * n * dimension >= WORTH_SINGLE


def screen(features: NDArray[np.floating], centre: Floats, single: bool) -> Screen:
    """Centre (n, d) features in float64, then round; double precision where squares would leave single's range."""
    import torch

    n, dimension = features.shape
    rows = torch.empty((n, dimension), dtype=torch.float32 if single else torch.float64)
    norms, tilt = (torch.empty(n, dtype=torch.float64) for _ in range(2))
    middle = torch.from_numpy(np.ascontiguousarray(centre, dtype=np.float64))
    constant = 0.5 * (float(centre @ centre) / dimension + 1.0)
    for start in range(0, n, _STRIP):
        at = slice(start, start + _STRIP)
        part = torch.from_numpy(np.ascontiguousarray(features[at])).double() - middle
        rows[at] = part
        torch.mv(part, middle, out=tilt[at]).div_(dimension).add_(constant)
        torch.sum(part.square_(), dim=1, out=norms[at])
    if single and not _SMALLEST < float(norms.max()) < _LARGEST:
        return screen(features, centre, False)
    unit = _SINGLE if single else _DOUBLE
    error = (dimension + 16) * unit + (2 * dimension + 16) * _DOUBLE
    place, kind = device(), rows.dtype
    return Screen(
        rows.to(place),
        norms.to(kind).to(place),
        tilt.to(kind).to(place),
        centre,
        error,
    )


def device() -> str:
    """Where products are taken: the worker's device, or the processor where that has no double precision."""
    import torch

    from lab.device import CPU, pick

    chosen = pick()
    try:
        torch.zeros(1, dtype=torch.float64, device=chosen)
    except (TypeError, RuntimeError):
        return CPU
    return chosen


def tile_side(a: Screen) -> int:
    """Rows and columns of a tile: small enough for a processor's cache."""
    from lab.device import CPU

    return TILE if a.rows.device.type == CPU else max(TILE, TILE_ON_ACCELERATOR)


@dataclass(frozen=True, eq=False)
class Tile:
    """Products of rows `at` of one set with rows `to` of another.

    Args:
        at, to: slices.
        product: (rows, columns) tensor, used up by `distances`.
    """

    at: slice
    to: slice
    product: Tensor
    a: Screen
    b: Screen
    space: Tensor

    @property
    def diagonal(self) -> bool:
        """Whether it is a square on the diagonal of a set with itself."""
        return self.a is self.b and self.at == self.to

    def kernel(self) -> Tensor:
        """(product + 1)^3 of the features as they were, a point with itself left at 0."""
        import torch

        value = torch.add(
            self.a.tilt[self.at, None],
            self.product,
            alpha=1.0 / self.a.rows.shape[1],
            out=_fitting(self.space, self.product),
        )
        value += self.b.tilt[self.to]
        torch.pow(value, 3, out=value)
        if self.diagonal:
            value.fill_diagonal_(0.0)
        return value

    def distances(self, shrink: float = 0.0) -> Tensor:
        """Squared distances in place of the product, `shrink` x both squared lengths taken off; own distance inf."""
        value = self.product
        value.mul_(-2.0).add_((1.0 - shrink) * self.a.norms[self.at, None])
        value += (1.0 - shrink) * self.b.norms[self.to]
        if self.diagonal:
            value.fill_diagonal_(float("inf"))
        return value


def _fitting(space: Tensor, like: Tensor) -> Tensor:
    return space[: like.numel()].view(like.shape)


def tiles(a: Screen, b: Screen) -> Iterator[Tile]:
    """All tiles of `a` by `b`; of a set with itself only those on and above the diagonal."""
    import torch

    side = tile_side(a)
    n, m = len(a.rows), len(b.rows)
    space = [
        torch.empty(min(side, n) * min(side, m), dtype=a.rows.dtype, device=a.rows.device) for _ in range(2)
    ]
    for start in range(0, n, side):
        at = slice(start, min(start + side, n))
        for first in range(start if a is b else 0, m, side):
            to = slice(first, min(first + side, m))
            shape = (at.stop - at.start, to.stop - to.start)
            product = space[0][: shape[0] * shape[1]].view(shape)
            # Not OpenBLAS, though it multiplies faster: its threads wait busily and slow torch's next steps.
            torch.mm(a.rows[at], b.rows[to].T, out=product)
            yield Tile(at, to, product, a, b, space[1])


def reach(screened: Screen, squared: Floats) -> Floats:
    """(n,) bound on the error of a distance between a point and any other that is about `squared` away or farther."""
    norms = screened.norms.cpu().numpy().astype(np.float64)
    return 1.01 * screened.error * (3.0 * norms + 2.0 * np.maximum(squared, 0.0)) + _UNDERFLOW
