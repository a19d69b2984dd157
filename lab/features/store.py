"""The feature store: vectors on disk under (extractor digest, image digest), computed once, never wrong.

A shard is a pair of files with a name of its own: `NAME.npy`, a float32 matrix, then `NAME.json`, which
names the extractor, the images and the checksum of the matrix. Only the second makes the first count, so a
writer killed anywhere leaves either a whole shard or an ignored file, and writers never meet. A shard that is
cut, of another type or of another extractor is ignored, and its images are computed again.
"""

from __future__ import annotations

import json
import os
import secrets
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.atomic import read_array, write_array, write_json
from lab.errors import NotFoundError, StoreError
from lab.features.extractor import FeatureExtractor, FeatureKey

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

FORMAT = 1
COMPACT_ABOVE = 48
ORPHAN_AGE_S = 3600.0


@dataclass(frozen=True)
class _Shard:
    path: Path
    matrix: NDArray[np.float32]
    digests: tuple[str, ...]


class FeatureStore:
    """Vectors by (extractor digest, image digest) in a folder; processes may read and write at once.

    Args:
        root: folder of the store; made at the first write.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(root)
        self._shards: dict[Path, _Shard | None] = {}
        self._rows: dict[str, dict[str, tuple[Path, int]]] = {}

    @property
    def root(self) -> Path:
        """The folder of the store."""
        return self._root

    def missing(self, extractor: FeatureKey, digests: Iterable[str]) -> list[str]:
        """Those of `digests` without a vector, each once, in their order."""
        known = self._index(extractor)
        return list(dict.fromkeys(digest for digest in digests if digest not in known))

    def put(self, extractor: FeatureKey, digests: Sequence[str], matrix: NDArray[np.float32]) -> None:
        """Add vectors (n, dimension) float32 of `n` images as one shard.

        Raises:
            StoreError: when shape, type or values are not those of this extractor, or the disk is full.
        """
        if matrix.shape != (len(digests), extractor.dimension) or matrix.dtype != np.float32:
            raise StoreError("Features of a wrong shape were not saved; earlier ones are kept; report it.")
        if not np.isfinite(matrix).all():
            raise StoreError("Features that are not finite were not saved; earlier ones are kept; check it.")
        if not len(digests):
            return
        folder = self._folder(extractor)
        name = f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}"
        matrix = np.ascontiguousarray(matrix)
        write_array(folder / f"{name}.npy", matrix)
        index = {
            "format": FORMAT,
            "extractor": extractor.digest,
            "dimension": extractor.dimension,
            "checksum": zlib.crc32(matrix.data),
            "digests": list(digests),
        }
        write_json(folder / f"{name}.json", index)

    def matrix(self, extractor: FeatureKey, digests: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of `digests` in their order, (n, dimension) float32, a copy.

        Raises:
            NotFoundError: when an image has no vector yet.
        """
        rows = self._index(extractor)
        absent = sum(digest not in rows for digest in digests)
        if absent:
            raise NotFoundError(
                f"Features of {absent} images are not computed yet; the others are kept; embed the set first."
            )
        out = np.empty((len(digests), extractor.dimension), dtype=np.float32)
        wanted: dict[Path, list[tuple[int, int]]] = {}
        for position, digest in enumerate(digests):
            path, row = rows[digest]
            wanted.setdefault(path, []).append((position, row))
        for path, pairs in wanted.items():
            shard = self._shards[path]
            if shard is not None:
                positions, taken = zip(*pairs, strict=True)
                out[list(positions)] = shard.matrix[list(taken)]
        return out

    def compact(self, extractor: FeatureKey) -> int:
        """Merge the shards of an extractor into one when there are many; returns how many remain.

        Safe beside other writers: only shards that are whole in the merged one are removed.
        """
        rows = self._index(extractor)
        folder = self._folder(extractor)
        used = [path for path, shard in self._shards.items() if path.parent == folder and shard]
        if len(used) <= COMPACT_ABOVE:
            return len(used)
        self.put(extractor, list(rows), self.matrix(extractor, list(rows)))
        for path in used:
            path.unlink(missing_ok=True)
            path.with_suffix(".npy").unlink(missing_ok=True)
        self._sweep(folder)
        return len({path for path, _ in self._index(extractor).values()})

    def _folder(self, extractor: FeatureKey) -> Path:
        return self._root / extractor.digest[:24]

    def _index(self, extractor: FeatureKey) -> dict[str, tuple[Path, int]]:
        """Image digest to (shard, row) over the valid shards on disk now; each is read once."""
        folder = self._folder(extractor)
        known = [path for path in self._shards if path.parent == folder]
        present = _index_files(folder)
        if present == known and extractor.digest in self._rows:
            return self._rows[extractor.digest]
        for path in set(known) - set(present):
            del self._shards[path]
        for path in present:
            if path not in self._shards:
                self._shards[path] = _read_shard(path, extractor)
                if self._shards[path] is None and not path.exists():
                    return self._index(extractor)  # merged by another process meanwhile: look again
        rows: dict[str, tuple[Path, int]] = {}
        for path in present:
            shard = self._shards.pop(path)
            self._shards[path] = shard
            for row, digest in enumerate(shard.digests if shard else ()):
                rows.setdefault(digest, (path, row))
        self._rows[extractor.digest] = rows
        return rows

    def _sweep(self, folder: Path) -> None:
        """Remove matrices without an index that are too old to be on their way."""
        for path in folder.glob("*.npy"):
            if not path.with_suffix(".json").exists() and time.time() - path.stat().st_mtime > ORPHAN_AGE_S:
                path.unlink(missing_ok=True)


def _index_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def _read_shard(path: Path, extractor: FeatureKey) -> _Shard | None:
    """The shard behind an index file, or None when any of it is not what it says."""
    try:
        index: dict[str, Any] = json.loads(path.read_bytes())
        matrix = read_array(path.with_suffix(".npy"))
        digests = tuple(index["digests"])
        stated = (index["format"], index["extractor"], index["dimension"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError):
        return None
    if not all(isinstance(digest, str) for digest in digests):
        return None
    if stated != (FORMAT, extractor.digest, extractor.dimension):
        return None
    if matrix.dtype != np.float32 or matrix.shape != (len(digests), extractor.dimension):
        return None
    if zlib.crc32(np.ascontiguousarray(matrix).data) != index.get("checksum"):
        return None
    return _Shard(path, matrix, digests)


def extract(
    extractor: FeatureExtractor,
    imageset: ImageSet,
    store: FeatureStore,
    batch: int = 32,
    on_missing: Callable[[int], None] | None = None,
) -> Iterator[tuple[int, int]]:
    """Compute the features `store` lacks, one shard a batch; yields (images done, images wanted) after each.

    Stopping between two yields loses nothing; a second call goes on where the first stopped.

    Args:
        on_missing: told once how many images have to be computed.

    Raises:
        ImageError, WeightsError, StoreError: earlier batches are kept.
    """
    by_digest = dict(zip(imageset.digests(), imageset.ids(), strict=True))
    todo = store.missing(extractor, by_digest)
    total, done = len(by_digest), len(by_digest) - len(todo)
    if on_missing is not None:
        on_missing(len(todo))
    yield done, total
    for start in range(0, len(todo), batch):
        part = todo[start : start + batch]
        images = [imageset.image(by_digest[digest]) for digest in part]
        store.put(extractor, part, extractor.embed(images))
        done += len(part)
        yield done, total
    if todo:
        store.compact(extractor)
