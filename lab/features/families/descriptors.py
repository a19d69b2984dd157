"""Colour and texture descriptors for dermoscopy: no weights, no training, every number with a definition.

An ImageNet network is weak on the colour of skin (measured on small patches: it finds an augmented copy first in 3 %
of cases where raw pixels do in 19 %), so colour has a space of its own. Four blocks, each of length 1 before its
weight, so that a cosine between two images is the weighted mean of four agreements:

* Lab histograms (CIE 1976, D65): 16 steps of L*, 12 x 12 of (a*, b*), square roots (Hellinger).
* Lab moments of the whole and of nine fields: mean and SD of each channel, about the middle of its range.
* Uniform local binary patterns (Ojala et al. 2002) of grey levels at radius 1 and 2, square roots.
* Grey-level co-occurrence (Haralick 1973), 16 levels, distances 1, 2, 4, mean and range over four directions of
  contrast, dissimilarity, homogeneity, energy and correlation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
WEIGHTS = (0.4, 0.25, 0.15, 0.2)
LIGHTNESS, CHROMA, FIELDS, LEVELS = 16, 12, 3, 16
RADII = (1, 2)
DISTANCES = (1, 2, 4)
DIRECTIONS = 4
_WHITE = (0.95047, 1.0, 1.08883)
_TO_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
_MIDDLE, _RANGE = np.array([50.0, 0.0, 0.0]), np.array([50.0, 60.0, 60.0])
DIMENSION = LIGHTNESS + CHROMA * CHROMA + 6 * (1 + FIELDS * FIELDS) + 2 * 10 + len(DISTANCES) * 5 * 2


def describe(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Descriptors (DIMENSION,) float32 of an image (H, W, 3) of grey levels 0..255, at least 8 pixels a side."""
    lab = lab_colours(image.astype(np.float64) / 255.0)
    grey = np.rint(image.astype(np.float64) @ (0.299, 0.587, 0.114)).clip(0, 255).astype(np.uint8)
    blocks = (_histograms(lab), _moments(lab), _patterns(grey), _cooccurrence(grey))
    weighted = [
        np.sqrt(weight) * block / max(float(np.linalg.norm(block)), 1e-12)
        for weight, block in zip(WEIGHTS, blocks, strict=True)
    ]
    return np.concatenate(weighted).astype(np.float32)


def lab_colours(rgb: Array) -> Array:
    """sRGB (H, W, 3) between 0 and 1 to CIE L*a*b* under D65, 2 degree observer."""
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = linear @ _TO_XYZ.T / np.array(_WHITE)
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def binary_patterns(grey: NDArray[np.uint8], radius: int) -> NDArray[np.int64]:
    """Rotation-invariant uniform codes 0..9 of 8 neighbours at `radius`, (H, W); outside the image counts as 0."""
    centre = grey.astype(np.float64)
    padded = np.pad(centre, radius + 1)
    signs = []
    for angle in 2.0 * np.pi * np.arange(8) / 8:
        # Rounded as in the reference, so that neighbours on the grid are taken as they are.
        down, right = round(-radius * np.sin(angle), 5), round(radius * np.cos(angle), 5)
        signs.append(np.round(_moved(padded, down, right, grey.shape, radius + 1) - centre, 9) >= 0)
    above = np.stack(signs)
    changes = (above != np.roll(above, 1, axis=0)).sum(axis=0)
    return np.where(changes <= 2, above.sum(axis=0), 9)


def _moved(padded: Array, down: float, right: float, shape: tuple[int, ...], edge: int) -> Array:
    """The image looked at from a place that is not on its grid: linear between the four pixels around it."""
    top, left = int(np.floor(down)), int(np.floor(right))
    part, beside = down - top, right - left
    total = np.zeros(shape)
    for step, weight in ((0, 1.0 - part), (1, part)):
        for aside, share in ((0, 1.0 - beside), (1, beside)):
            if weight * share:
                row, column = edge + top + step, edge + left + aside
                total += weight * share * padded[row : row + shape[0], column : column + shape[1]]
    return total


def offset(distance: int, direction: int) -> tuple[int, int]:
    """Rows down and columns right to the neighbour at `distance` in direction 0..3, an eighth of a turn each."""
    angle = direction * np.pi / 4.0
    return round(distance * np.sin(angle)), round(distance * np.cos(angle))


def cooccurrence(grey: NDArray[np.uint8], down: int, right: int, levels: int = LEVELS) -> Array:
    """Symmetric, normalised co-occurrence (levels, levels) of `grey` (values below `levels`) at one offset."""
    height, width = grey.shape
    top, left = max(0, -down), max(0, -right)
    first = grey[top : height - max(0, down), left : width - max(0, right)]
    second = grey[top + down : height + min(0, down), left + right : width + min(0, right)]
    counts = np.bincount(
        first.ravel().astype(np.int64) * levels + second.ravel(), minlength=levels * levels
    ).reshape(levels, levels)
    both = (counts + counts.T).astype(np.float64)
    return both / max(both.sum(), 1.0)


def texture(matrix: Array) -> Array:
    """Contrast, dissimilarity, homogeneity, energy and correlation (5,) of a normalised co-occurrence matrix."""
    i, j = np.indices(matrix.shape, dtype=np.float64)
    gap = i - j
    mean_i, mean_j = (matrix * i).sum(), (matrix * j).sum()
    spread = np.sqrt((matrix * (i - mean_i) ** 2).sum() * (matrix * (j - mean_j) ** 2).sum())
    joint = (matrix * (i - mean_i) * (j - mean_j)).sum()
    return np.array(
        [
            (matrix * gap**2).sum(), (matrix * np.abs(gap)).sum(), (matrix / (1.0 + gap**2)).sum(),
            np.sqrt((matrix**2).sum()), joint / spread if spread > 1e-15 else 1.0,
        ]
    )  # fmt: skip


def _histograms(lab: Array) -> Array:
    light = np.histogram(lab[..., 0], bins=LIGHTNESS, range=(0.0, 100.0))[0]
    low, high = (_MIDDLE - _RANGE)[1], (_MIDDLE + _RANGE)[1]
    a, b = (lab[..., channel].ravel().clip(low, high) for channel in (1, 2))
    chroma = np.histogram2d(a, b, bins=CHROMA, range=[[low, high], [low, high]])[0]
    count = float(lab.shape[0] * lab.shape[1])
    return np.concatenate([np.sqrt(light / count), np.sqrt(chroma.ravel() / count)])


def _moments(lab: Array) -> Array:
    scaled = (lab - _MIDDLE) / _RANGE
    parts = [scaled]
    for band in np.array_split(scaled, FIELDS, axis=0):
        parts += np.array_split(band, FIELDS, axis=1)
    return np.concatenate([np.concatenate([p.mean(axis=(0, 1)), p.std(axis=(0, 1))]) for p in parts])


def _patterns(grey: NDArray[np.uint8]) -> Array:
    counts = [np.bincount(binary_patterns(grey, radius).ravel(), minlength=10) for radius in RADII]
    return np.sqrt(np.concatenate(counts) / grey.size)


def _cooccurrence(grey: NDArray[np.uint8]) -> Array:
    coarse = (grey // (256 // LEVELS)).astype(np.uint8)
    found = []
    for distance in DISTANCES:
        over = np.stack(
            [texture(cooccurrence(coarse, *offset(distance, direction))) for direction in range(DIRECTIONS)]
        )
        over[:, 0] /= (LEVELS - 1) ** 2 / 4.0  # contrast and dissimilarity to the scale of the others
        over[:, 1] /= (LEVELS - 1) / 2.0
        found += [over.mean(axis=0), np.ptp(over, axis=0)]
    return np.concatenate(found)
