"""Unit rows of many images as one memory-mapped file, so that a large set is searched without a copy in memory.

A file lies beside the shards of its extractor under a name that is the digest of what it holds. Its JSON, written
last, has its checksum: a file that is cut or damaged is made again, never used.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.atomic import replacing, write_json
from lab.features.extractor import FeatureKey
from lab.features.unit import unit
from lab.provenance import digest_json

if TYPE_CHECKING:
    from lab.features.store import FeatureStore

REVISION = 1
# Above this many values (256 MB) rows are kept in a file; below it a copy in memory is quicker to have.
MAPPED_ABOVE = 64_000_000
BLOCK = 4096
Rows = NDArray[np.float32]


def unit_rows(
    store: FeatureStore, extractor: FeatureKey, digests: Sequence[str], above: int = MAPPED_ABOVE
) -> Rows:
    """Unit rows (n, dimension) float32 of images in their order: in memory, or for a large set memory-mapped.

    Raises:
        NotFoundError: when an image has no features yet.
        StoreError: when the disk is full.
    """
    return _rows(store, extractor, digests, unit, above)


def stored_rows(
    store: FeatureStore, extractor: FeatureKey, digests: Sequence[str], above: int = MAPPED_ABOVE
) -> Rows:
    """The same of vectors that are of unit length as they are stored."""
    return _rows(store, extractor, digests, None, above)


def _rows(
    store: FeatureStore,
    extractor: FeatureKey,
    digests: Sequence[str],
    change: Callable[[NDArray[Any]], Rows] | None,
    above: int,
) -> Rows:
    changed = change or np.asarray
    if len(digests) * extractor.dimension <= above:
        return changed(store.matrix(extractor, digests))
    name = digest_json([REVISION, extractor.digest, change is not None, list(digests)])[:32]
    path = store.root / "joined" / f"{name}.npy"
    shape = (len(digests), extractor.dimension)
    found = _opened(path, shape)
    if found is not None:
        return found
    blocks = (
        changed(store.matrix(extractor, digests[start : start + BLOCK]))
        for start in range(0, len(digests), BLOCK)
    )
    _write(path, shape, blocks)
    return np.load(path, mmap_mode="c", allow_pickle=False)


def _write(path: Path, shape: tuple[int, int], blocks: Iterator[Rows]) -> None:
    """Write blocks of rows one after the other; the checksum last, so that a cut file does not count."""
    checksum = 0
    with replacing(path) as temporary, temporary.open("wb") as stream:
        told = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(stream, told)
        for block in blocks:
            data = np.ascontiguousarray(block, dtype="<f4").tobytes()
            checksum = zlib.crc32(data, checksum)
            stream.write(data)
    write_json(path.with_suffix(".json"), {"checksum": checksum, "shape": list(shape)})


def _opened(path: Path, shape: tuple[int, int]) -> Rows | None:
    """The file if it is whole, copy-on-write so that nothing can change it; None when it has to be made."""
    try:
        told: dict[str, Any] = json.loads(path.with_suffix(".json").read_bytes())
        rows = np.load(path, mmap_mode="c", allow_pickle=False)
        stated = tuple(told["shape"]), told["checksum"]
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    if rows.dtype != np.float32 or rows.shape != shape or stated[0] != shape:
        return None
    checksum = 0
    for start in range(0, len(rows), BLOCK):
        checksum = zlib.crc32(np.ascontiguousarray(rows[start : start + BLOCK]).data, checksum)
    return rows if checksum == stated[1] else None
