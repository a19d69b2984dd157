"""Dice and the 95 % Hausdorff distance of structures against MONAI."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lab.metrics.mask_shapes import dice, hausdorff95


def blob(seed: int, side: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    (y, x), (a, b) = rng.uniform(15, 25, 2), rng.uniform(4, 12, 2)
    return ((rows - y) / a) ** 2 + ((columns - x) / b) ** 2 < 1


@pytest.mark.row("CM-07")
@pytest.mark.parametrize("seed", [0, 2, 4, 6])
def test_dice_and_hd95_equal_monai(seed: int) -> None:
    import torch
    from monai.metrics import compute_dice, compute_hausdorff_distance

    first, second = blob(seed), blob(seed + 1)
    a, b = (torch.from_numpy(np.stack([~one, one]).astype(np.float32))[None] for one in (first, second))
    assert dice(first, second) == pytest.approx(float(compute_dice(a, b, include_background=False)), abs=1e-6)
    theirs = float(compute_hausdorff_distance(a, b, include_background=False, percentile=95))
    assert hausdorff95(first, second) == pytest.approx(theirs, abs=1e-5)


@pytest.mark.row("CM-07")
def test_a_perfect_copy_gives_one_and_zero_and_a_missing_structure_an_infinite_distance() -> None:
    shape, nothing = blob(0), np.zeros((40, 40), dtype=bool)
    assert dice(shape, shape) == 1.0 and hausdorff95(shape, shape) == 0.0
    assert dice(shape, nothing) == 0.0 and math.isinf(hausdorff95(shape, nothing))
    assert dice(nothing, nothing) == 1.0 and hausdorff95(nothing, nothing) == 0.0
