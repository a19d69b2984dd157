"""Fitted maps on disk: coordinates and parameters, never the model.

A fitted model lives in the memory of one process. After a restart its map is read back, and new points go to the
weighted mean of their nearest reference points (`lab.projection.place`) until somebody fits it again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.atomic import read_array, write_array, write_json
from lab.projection.fit import NEIGHBOURS
from lab.projection.projection import Projection
from lab.provenance import digest_bytes, digest_json


def map_key(train: NDArray[Any], seed: int, method: str = "umap") -> str:
    """Digest of what a map depends on: the training features (n, d), in their order, the seed and the method."""
    rows = np.ascontiguousarray(train, dtype=np.float32)
    return digest_json([digest_bytes(rows.tobytes()), list(rows.shape), seed, method, NEIGHBOURS])


def write_map(folder: Path, train: NDArray[Any], seed: int, fitted: Projection) -> Path:
    """Store a fitted map below `folder`, its parameters last, so that a cut write is never read."""
    place = folder / map_key(train, seed, fitted.method)
    write_array(place / "coordinates.npy", fitted.coordinates)
    write_json(place / "map.json", {"method": fitted.method, "settings": dict(fitted.settings)})
    return place


def read_map(folder: Path, train: NDArray[Any], seed: int, method: str = "umap") -> Projection | None:
    """The stored map of these features, without a model; None where there is none or it is damaged."""
    place = folder / map_key(train, seed, method)
    try:
        told = json.loads((place / "map.json").read_text("utf-8"))
        coordinates = np.array(read_array(place / "coordinates.npy"))
        settings, name = dict(told["settings"]), str(told["method"])
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    if coordinates.shape != (len(train), 2) or not np.isfinite(coordinates).all():
        return None
    return Projection(name, coordinates.astype(np.float32), settings)
