from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.projection.projection import Projection
from lab.projection.stored import read_map, write_map


@pytest.mark.row("C14")
def test_a_map_survives_its_process_and_no_other_features_take_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    train = rng.normal(size=(30, 8)).astype(np.float32)
    fitted = Projection(
        "umap", rng.normal(size=(30, 2)).astype(np.float32), {"seed": 3}, lambda rows: rows[:, :2]
    )
    place = write_map(tmp_path, train, 3, fitted)
    back = read_map(tmp_path, train, 3)
    assert back is not None and back.transform is None
    np.testing.assert_array_equal(back.coordinates, fitted.coordinates)
    assert read_map(tmp_path, train, 4) is None
    assert read_map(tmp_path, train[::-1], 3) is None
    (place / "coordinates.npy").write_bytes(b"cut")
    assert read_map(tmp_path, train, 3) is None
