"""What samples are compared with: the films of one split, as features and as low-resolution images."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.features.extractor import FeatureExtractor, FlippedExtractor
from lab.features.store import FeatureStore, extract
from lab.features.unit import unit
from lab.neighbours.lowres import LowResolution
from lab.neighbours.registered import RegisteredIndex
from lab.neighbours.search import ExactIndex
from lab.neighbours.unit_store import stored_rows, unit_rows

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

Step = tuple[str, int, int]


@dataclass(frozen=True)
class Queries:
    """Images to look up: unit features as is and mirrored (2, m, d), low-resolution images (m, 2304)."""

    features: NDArray[np.float32]
    lowres: NDArray[np.float32]
    digests: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lowres)

    def part(self, start: int, stop: int) -> Queries:
        """The queries from `start` to `stop`."""
        return Queries(self.features[:, start:stop], self.lowres[start:stop], self.digests[start:stop])


@dataclass(frozen=True)
class ReferenceSet:
    """The films of one split; parallel rows: ids, patients, digests, features (n, d), lowres (n, 2304)."""

    id: str
    split: str
    digest: str
    ids: tuple[str, ...]
    patients: NDArray[Any]
    digests: tuple[str, ...]
    features: NDArray[np.float32]
    lowres: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def index(self) -> ExactIndex:
        """Exact search by features."""
        return ExactIndex(self.features, self.patients)

    @cached_property
    def lowres_index(self) -> ExactIndex:
        """Exact search by low-resolution correlation."""
        return ExactIndex(self.lowres, self.patients)

    @cached_property
    def registered(self) -> RegisteredIndex:
        """Registered correlation."""
        return RegisteredIndex(self.lowres)


def prepare(
    images: ImageSet, extractor: FeatureExtractor, store: FeatureStore, mirrored: bool = False
) -> Generator[Step, None, None]:
    """Fill the store for `reference_set` and, mirrored, for `stored_queries`; yields after each batch."""
    wanted: list[tuple[str, FeatureExtractor]] = [("Reading low-resolution images", LowResolution())]
    wanted.append(("Extracting features", extractor))
    if mirrored:
        wanted.append(("Extracting mirrored features", FlippedExtractor(extractor)))
    for stage, source in wanted:
        for done, total in extract(source, images, store):
            yield stage, done, total


def reference_set(
    images: ImageSet, extractor: FeatureExtractor, store: FeatureStore, split: str
) -> ReferenceSet:
    """The films of `images` from the store; the rows of a large set stay in a memory-mapped file.

    Raises:
        NotFoundError: when `prepare` has not been run on them.
        StoreError: when there is no room for that file.
    """
    digests = images.digests()
    return ReferenceSet(
        id=images.id,
        split=split,
        digest=images.digest,
        ids=tuple(images.ids()),
        patients=np.asarray(images.patients()),
        digests=tuple(digests),
        features=unit_rows(store, extractor, digests),
        lowres=stored_rows(store, LowResolution(), digests),
    )


def stored_queries(images: ImageSet, extractor: FeatureExtractor, store: FeatureStore) -> Queries:
    """Images of a set as queries, from the store.

    Raises:
        NotFoundError: when `prepare(..., mirrored=True)` has not been run on them.
    """
    digests = images.digests()
    both = [unit(store.matrix(source, digests)) for source in (extractor, FlippedExtractor(extractor))]
    return Queries(np.stack(both), store.matrix(LowResolution(), digests), tuple(digests))


def new_queries(
    images: Sequence[NDArray[Any]], extractor: FeatureExtractor, digests: Sequence[str] = ()
) -> Queries:
    """Images that are not in the store, such as fresh samples, as queries.

    Args:
        images: (H, W) or (H, W, 3), uint8 or uint16.
        digests: SHA-256 of their files, where known, to name an identical film.

    Raises:
        ImageError: for an image of another kind.
    """
    both = [unit(source.embed(images)) for source in (extractor, FlippedExtractor(extractor))]
    return Queries(np.stack(both), LowResolution().embed(images), tuple(digests))
