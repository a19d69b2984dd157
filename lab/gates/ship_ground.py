"""What samples are judged against in a gate: the calibrated training images of a dataset and its held-out ones.

It is the calibration that the app uses: the same code, settings, seed and folder, found by its digest. One that
is missing is measured in blocks that survive a break; other weights of the autoencoder cost the round-trip canaries
only.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lab.atomic import read_array, write_array
from lab.config import settings
from lab.errors import DatasetError, StoreError
from lab.features.extractor import FeatureExtractor
from lab.features.store import FeatureStore
from lab.gates.ship_samples import OnProgress
from lab.neighbours.calibrate import CANARIES, calibrate, calibration_digest
from lab.neighbours.calibration import Calibration, load
from lab.neighbours.canaries import Image
from lab.neighbours.memo import Block, Memo
from lab.neighbours.reference import Queries, ReferenceSet, Step, prepare, reference_set, stored_queries
from lab.provenance import digest_json

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """The autoencoder that plants canaries: what identifies it, and how it is opened; "none" without any."""

    digest: str = "none"
    open: Callable[[], Callable[[Image], Image]] | None = None


@dataclass(frozen=True, eq=False)
class Ground:
    """Training images, held-out images of other patients, and the calibration of both detectors on them."""

    train: ImageSet
    held_out: ImageSet
    extractor: FeatureExtractor
    store: FeatureStore
    train_set: ReferenceSet
    held_out_set: ReferenceSet
    calibration: Calibration

    def queries(self, images: ImageSet, on_progress: OnProgress) -> Queries:
        """Images as the detectors see them, as is and mirrored; kept in the feature store."""
        told(prepare(images, self.extractor, self.store, mirrored=True), on_progress)
        return stored_queries(images, self.extractor, self.store)


def open_ground(dataset: str, on_progress: OnProgress) -> Ground:
    """The ground of an installed dataset, calibrated as the app calibrates it.

    Raises:
        DatasetError: when the dataset is not installed or holds out no images.
    """
    from lab.errors import NotFoundError
    from lab.features.extractors import get_extractor
    from lab.runs.dependencies import autoencoder_digest
    from lab.runs.kinds.reference import splits

    try:
        train, held_out = splits(dataset)
    except NotFoundError as error:
        raise DatasetError(
            f"The dataset {dataset[:60]} is not installed; nothing was measured; add it with "
            f"python -m lab dataset add FOLDER --id {dataset[:60]} --held-out FOLDER."
        ) from error
    if held_out is None:
        raise DatasetError(
            "The dataset holds out no images; nothing was measured; add it with images of other patients."
        )
    trip = RoundTrip(autoencoder_digest(dataset), lambda: _round_trip(dataset))
    return ground_of(train, held_out, get_extractor(), trip, on_progress)


def ground_of(
    train: ImageSet,
    held_out: ImageSet,
    extractor: FeatureExtractor,
    trip: RoundTrip,
    on_progress: OnProgress,
    canaries: int = CANARIES,
) -> Ground:
    """The ground of two image sets of different patients; features and calibration come from the workspace."""
    store = FeatureStore(settings().features)
    folder = settings().workspace / "calibrations"
    digest = calibration_digest(train, held_out, extractor, canaries, 0, trip.digest)
    calibration = _finished(folder, digest)
    for images in (train, held_out):
        told(prepare(images, extractor, store, mirrored=calibration is None), on_progress)
    if calibration is None:
        vae = trip.open() if trip.open is not None and trip.digest != "none" else None
        memo = file_memo(calibration_digest(train, held_out, extractor, canaries, 0))
        work = calibrate(
            train, held_out, extractor, store, canaries, vae=vae, vae_digest=trip.digest, memo=memo
        )
        calibration = told(work, on_progress)
        calibration.save(folder)
    return Ground(
        train, held_out, extractor, store, reference_set(train, extractor, store, "train"),
        reference_set(held_out, extractor, store, "held-out"), calibration,
    )  # fmt: skip


def told(work: Generator[Step, None, T], on_progress: OnProgress) -> T:
    """Run a calculation to its end and pass its progress on."""
    try:
        while True:
            on_progress(*next(work))
    except StopIteration as end:
        result: T = end.value
        return result


def file_memo(name: str) -> Memo:
    """Finished blocks of one calculation as files of the workspace."""
    folder: Path = settings().workspace / "gates" / f"blocks-{name[:24]}"

    def path(key: str) -> Path:
        return folder / f"{digest_json(key)[:24]}.npy"

    def kept(key: str) -> Block | None:
        try:
            return np.asarray(read_array(path(key), mmap=False))
        except (OSError, ValueError, EOFError):
            return None

    return Memo(kept, lambda key, block: write_array(path(key), block))


def _finished(folder: Path, digest: str) -> Calibration | None:
    try:
        return load(folder, digest)
    except StoreError:
        return None  # damaged: it is measured again and written over


def _round_trip(dataset: str) -> Callable[[Any], Any]:
    from lab.generators.cards import autoencoder_card
    from lab.generators.load import load as load_generator
    from lab.runs.kinds.calibrate import round_trip

    card = autoencoder_card(dataset)
    assert card is not None  # noqa: S101 - there is a digest of it
    return round_trip(load_generator(card), card.size)
