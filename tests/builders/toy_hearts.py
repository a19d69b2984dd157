"""Toy hearts with masks: a ring of muscle around one cavity, another cavity beside it; a folder of them to import."""

from __future__ import annotations

from pathlib import Path

import numpy as np

RV, MYO, LV = 1, 2, 3
SIDE = 64


def disk(y: float, x: float, radius: float, side: int = SIDE) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return (rows - y) ** 2 + (columns - x) ** 2 < radius**2


def heart(rng: np.random.Generator) -> np.ndarray:
    """A label map (64, 64) uint8."""
    y, x = rng.uniform(26, 38, 2)
    cavity = rng.uniform(6, 9)
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    mask[disk(y, x - cavity - rng.uniform(7, 9), rng.uniform(6, 8))] = RV
    mask[disk(y, x, cavity + rng.uniform(3, 5))] = MYO
    mask[disk(y, x, cavity)] = LV
    return mask


def hearts(n: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [heart(rng) for _ in range(n)]


def film(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A grey picture in which the structures of a mask are seen."""
    return np.clip(70.0 * mask + 20 + 6 * rng.normal(size=mask.shape), 0, 255).astype(np.uint8)


def write_hearts(
    folder: Path, n: int, seed: int, *, with_masks: bool = True, with_table: bool = True
) -> Path:
    """images/, masks/ and, for an import, metadata.csv with one image a patient."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    lines = ["image,patient_id,label,licence,mask"]
    for row, mask in enumerate(hearts(n, seed)):
        name = f"heart-{seed}-{row:03d}.png"
        Image.fromarray(film(mask, rng)).save(folder / "images" / name)
        if with_masks:
            (folder / "masks").mkdir(exist_ok=True)
            Image.fromarray(mask).save(folder / "masks" / name)
        lines.append(
            f"images/{name},patient-{seed}-{row:03d},heart,CC0 1.0,{f'masks/{name}' if with_masks else ''}"
        )
    if with_table:
        (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return folder
