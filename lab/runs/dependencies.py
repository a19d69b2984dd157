"""What a run depends on, as digests; and the checks at the border where a person's choice becomes a run."""

from __future__ import annotations

import os
from pathlib import Path

from lab.config import settings
from lab.errors import InputError
from lab.provenance import digest_bytes

MAX_SEED = 2**32 - 1
EXTRACTOR = "efficientnet-lite0"


def dataset_name(reference: str) -> str:
    """The id of a dataset reference, split left out."""
    from lab.data.dataset import parse_reference

    return parse_reference(reference)[0]


def dataset_digest(name: str) -> str:
    """Content digest of an installed dataset."""
    from lab.data.store import open_dataset

    return open_dataset(name).card.digest


def set_digest(reference: str) -> str:
    """Content digest of whatever a reference names."""
    from lab.data.resolve import resolve

    return resolve(reference).digest


def calibration_digest(dataset: str, extractor: str) -> str:
    """Digest of the finished calibration of a dataset as it is now, "none" before there is one."""
    from lab.runs.prepare import calibration_run

    run = calibration_run(dataset, extractor)
    return str(run.result["digest"]) if run and run.result else "none"


def autoencoder_digest(dataset: str) -> str:
    """Digest of the weights that plant the round-trip canaries of a dataset, "none" without any."""
    from lab.generators import load
    from lab.generators.cards import autoencoder_card

    card = autoencoder_card(dataset)
    return "none" if card is None else load.autoencoder_digest(card)


def known_extractor(name: str) -> str:
    """The name, when an extractor is registered under it.

    Raises:
        NotFoundError: with the known names.
    """
    from lab.features.extractors import EXTRACTORS

    EXTRACTORS.get(name)
    return name


def extractor_digest(name: str) -> str:
    """Digest of an extractor as its record and its weights are now: records are data, no code digest covers them.

    Raises:
        NotFoundError: with the known names.
    """
    from lab.features import extractors

    return extractors.extractor_digest(name)


def checked_seed(seed: int) -> int:
    """The seed, when it is a whole number from 0 to `MAX_SEED`.

    Raises:
        InputError: otherwise.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        raise InputError(
            f"The seed must be a whole number from 0 to {MAX_SEED}; nothing was started; choose one."
        )
    return seed


def file_bytes(image: Path | bytes) -> bytes:
    """The bytes of an image file within the size limit.

    Raises:
        InputError: when it cannot be read or is too large.
    """
    if isinstance(image, bytes):
        return image
    try:
        size = image.stat().st_size
        if size > settings().max_file_bytes:
            raise InputError(
                "An image file is larger than the limit; nothing was started; choose a smaller one."
            )
        return image.read_bytes()
    except OSError as error:
        raise InputError("An image file cannot be read; nothing was started; check its path.") from error


def last_made(kind: str, name: str) -> str:
    """The run that last made a dataset of this id: once it was removed, making it again is another run."""
    from lab.runs.store import RunStore

    made = RunStore.open().list(states=("done",), kinds=(kind,), limit=1000)
    return next((run.id for run in made if run.spec.settings["id"] == name), "none")


def listing_digest(place: Path) -> str:
    """Digest of names, sizes and times of the files below a folder, or of one file."""
    from lab.data.importing.folder_index import walked

    found = walked(place) if place.is_dir() else [(place.name, str(place))]
    entries = []
    for name, path in found:
        facts = os.stat(path)  # noqa: PTH116  quicker than Path.stat, and there may be a hundred thousand
        entries.append((name, facts.st_size, facts.st_mtime_ns))
    return digest_bytes(repr(entries).encode())


def named_table(place: Path, metadata: Path | None) -> Path | None:
    """The CSV a person named, looked for in the folder first and then from here; None where the folder decides."""
    if metadata is None:
        return None
    named = Path(metadata).expanduser()
    return next((path for path in (place / named, named) if path.is_file()), named)
