"""What is measured on the finished maps of a picture: symmetry, border, colours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lab.data.phantom_skin.fields import Map, blurred
from lab.data.phantom_skin.scene import Scene

FOLD = 0.12  # share of the lesion that may not fit its own mirror image
HUE_FOLD = 0.22  # and share of its pigment
SHARP = 1.0  # mm over which a sharp edge fades, at most
COLOURS = ("light brown", "dark brown", "black", "blue-grey", "red", "white")
LEAST = 0.03  # of the lesion


def asymmetry(weight: Map, fold: float = FOLD) -> int:
    """Axes (0 to 2) of the lesion's own about which it does not fit its mirror image.

    Args:
        weight: (H, W), 0 outside the lesion: 1 inside to compare shape, or density to compare pigment.
        fold: from which share of the weight on it does not fit.
    """
    from scipy import ndimage

    rows, columns = np.nonzero(weight)
    if len(rows) < 16:
        return 0
    places = np.stack([rows, columns], axis=1).astype(np.float64)
    middle = places.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((places - middle).T))
    count = 0
    for number in range(2):
        normal = axes[:, number]
        mirror = np.eye(2) - 2 * np.outer(normal, normal)
        mirrored = ndimage.affine_transform(weight, mirror, middle - mirror @ middle, order=1)
        count += int(np.abs(weight - mirrored).sum() > 2 * fold * weight.sum())
    return count


def pigment_asymmetry(scene: Scene, mask: npt.NDArray[np.bool_]) -> int:
    """Axes (0 to 2) about which pigment lies unevenly, fine structure aside."""
    density = scene.mel + 1.3 * scene.deep + 0.4 * scene.blood
    for opacity, _ in scene.covers:
        density = density * (1 - 0.5 * opacity)
    soft = blurred(np.maximum(density, 0.02).astype(np.float32), scene.frame.size / 40)
    return asymmetry(np.where(mask, soft, np.float32(0)), HUE_FOLD)


def border(scene: Scene) -> str:
    """ "sharp", "blurred", or "mixed" where neither holds for two thirds of the edge in the picture."""
    rim = np.abs(scene.edge) < 0.3
    if not rim.any():
        return "blurred"
    sharp = float((scene.wide[rim] < SHARP).mean())
    return "sharp" if sharp > 2 / 3 else "blurred" if sharp < 1 / 3 else "mixed"


def colours(scene: Scene, mask: npt.NDArray[np.bool_]) -> list[str]:
    """Which of the six colours of dermatoscopy fill at least 3 % of the lesion each."""
    if not mask.any():
        return []
    mel, deep, blood = scene.mel[mask], scene.deep[mask], scene.blood[mask]
    white: Map = np.zeros_like(mel)
    for opacity, tint in scene.covers:
        if min(tint) > 0.5:
            white = np.maximum(white, opacity[mask])
    found = (
        (mel > 0.3) & (mel <= 1.1),
        (mel > 1.1) & (mel <= 2.3),
        mel > 2.3,
        (deep > 0.35) & (deep > 0.35 * mel),
        (blood > 0.4) & (mel < 0.6),
        white > 0.22,
    )
    return [name for name, where in zip(COLOURS, found, strict=True) if where.mean() >= LEAST]
