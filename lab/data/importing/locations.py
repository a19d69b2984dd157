"""What a person names as the place of their images: a folder, a zip, one file of many, or a data set on the hub."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from lab.config import settings
from lab.data.containers.archives import is_archive, unpacked
from lab.data.containers.hub_location import is_hub_location, open_location
from lab.data.importing.folder_index import FolderIndex, suffix_of
from lab.errors import DatasetError

FILES = (".npz", ".parquet")
"""Files that hold many images; one can be named instead of a folder."""
UPLOADS = "uploads"
"""Folder of the workspace for files that came through the browser: a folder an upload, removed after its import."""


@dataclass(frozen=True)
class Location:
    """Where images lie.

    Attributes:
        files: the files there.
        left_out: members of a zip that were not unpacked, each with the reason.
        notes: one sentence each.
    """

    files: FolderIndex
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def located(place: str | Path) -> Location:
    """The files of a folder, of a zip, one file of many images, or the shards of "hf://datasets/OWNER/NAME@REVISION".

    Raises:
        DatasetError: when there is nothing of that name, the zip cannot be read, or the hub cannot be reached.
        InputError: for a malformed name of the hub.
    """
    if is_hub_location(str(place)):
        return Location(FolderIndex(open_location(str(place))))
    path = Path(place).expanduser().resolve()
    if path.is_dir():
        return Location(FolderIndex(path))
    if not path.is_file():
        raise DatasetError("There is no folder of that name; nothing was imported; check the path.")
    if suffix_of(path.name) in FILES:
        return Location(FolderIndex(path.parent, only={path.name}))
    if is_archive(path):
        found = unpacked(path)
        return Location(FolderIndex(_inner(found.folder)), found.left_out, found.notes)
    raise DatasetError(
        "That is a single file, neither a folder nor a zip; nothing was imported; name the folder it lies in."
    )


def _inner(folder: Path) -> Path:
    """The folder itself, or the one that a zip wraps around everything it holds."""
    while True:
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
        if len(entries) != 1 or not entries[0].is_dir():
            return folder
        folder = entries[0]


def forget_upload(place: Path) -> None:
    """Remove an upload; what lies elsewhere is a person's own and stays."""
    home = (settings().workspace / UPLOADS).resolve()
    path = place.resolve()
    if home in path.parents:
        shutil.rmtree(home / path.relative_to(home).parts[0], ignore_errors=True)


def forget_old_uploads(older_s: float) -> None:
    """Remove uploads that nobody imported, by age."""
    for folder in (settings().workspace / UPLOADS).glob("*"):
        if time.time() - folder.stat().st_mtime > older_s:
            shutil.rmtree(folder, ignore_errors=True)
