"""What can be read off a short-axis picture with its mask: proportions of the ventricles, roundness and contrast."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lab.gates.realism_anatomy import spectrum_slope
from lab.gates.realism_heart_pictures import LV, MYOCARDIUM, RV, Grey, Hearts

Floats = NDArray[np.float64]
BAND = (3, 26)


def cavity_share(image: Grey, mask: Grey) -> float | None:
    """Area of the left cavity over that of cavity and wall."""
    cavity, wall = (mask == LV).sum(), (mask == MYOCARDIUM).sum()
    return float(cavity / (cavity + wall)) if wall else None


def wall_ratio(image: Grey, mask: Grey) -> float | None:
    """Mean wall over the outer radius of the left ventricle, both of circles of the same area."""
    share = cavity_share(image, mask)
    return None if share is None else float(1 - np.sqrt(share))


def right_ratio(image: Grey, mask: Grey) -> float | None:
    """Area of the right cavity over that of the left ventricle with its wall; None without a right cavity."""
    right, left = (mask == RV).sum(), (mask >= MYOCARDIUM).sum()
    return float(right / left) if right and left else None


def outline_roundness(image: Grey, mask: Grey) -> float | None:
    """Roundness of the left ventricle's outer contour."""
    return roundness(mask >= MYOCARDIUM)


def cavity_roundness(image: Grey, mask: Grey) -> float | None:
    """Roundness of the left cavity."""
    return roundness(mask == LV)


def roundness(shape: NDArray[np.bool_]) -> float | None:
    """Four pi times the area over the square of the perimeter: near 1 for a disc; None below 30 px.

    The perimeter is counted by lines in four directions (Cauchy and Crofton).
    """
    area = int(shape.sum())
    if area < 30:
        return None
    padded = np.pad(shape, 1)
    pairs = (
        (padded[:, 1:], padded[:, :-1], 1.0),
        (padded[1:], padded[:-1], 1.0),
        (padded[1:, 1:], padded[:-1, :-1], np.sqrt(0.5)),
        (padded[1:, :-1], padded[:-1, 1:], np.sqrt(0.5)),
    )
    perimeter = np.pi / 2 * np.mean([float((a != b).sum()) * apart for a, b, apart in pairs])
    return float(4 * np.pi * area / perimeter**2)


def contrast(image: Grey, mask: Grey) -> float | None:
    """Median grey of the left cavity over that of the myocardium."""
    blood, muscle = image[mask == LV], image[mask == MYOCARDIUM]
    if len(blood) < 20 or len(muscle) < 20:
        return None
    return float(np.median(blood) / max(float(np.median(muscle)), 1.0))


def blood_unevenness(image: Grey, mask: Grey) -> float | None:
    """Standard deviation over mean of grey in the left cavity: papillary muscles, trabeculae, flow and noise."""
    blood = image[mask == LV].astype(np.float64)
    return float(blood.std() / max(blood.mean(), 1.0)) if len(blood) >= 50 else None


Measure = Callable[[Grey, Grey], float | None]
MEASURES: tuple[tuple[str, Measure], ...] = (
    ("Left cavity over left ventricle, areas", cavity_share),
    ("Right cavity over left ventricle, areas", right_ratio),
    ("Wall over outer radius", wall_ratio),
    ("Roundness of the outer contour", outline_roundness),
    ("Roundness of the left cavity", cavity_roundness),
    ("Blood over myocardium, grey", contrast),
    ("Unevenness of the left cavity, grey", blood_unevenness),
)


def measured(hearts: Hearts, measure: Measure) -> Floats:
    """(p,) mean over the pictures of each patient in which it can be measured."""
    values = [measure(image, mask) for image, mask in zip(hearts.whole, hearts.masks, strict=True)]
    means = []
    for name in np.unique(hearts.patients):
        found = [
            v for v, owner in zip(values, hearts.patients, strict=True) if owner == name and v is not None
        ]
        if found:
            means.append(float(np.mean(found)))
    return np.asarray(means)


def slopes(hearts: Hearts) -> Floats:
    """(p,) mean spectrum slope of each patient's crops, 3 to 26 cycles a crop."""
    values = np.asarray([spectrum_slope(image, BAND) for image in hearts.images])
    return np.asarray([values[hearts.patients == name].mean() for name in np.unique(hearts.patients)])
