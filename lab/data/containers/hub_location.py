"""A data set on the Hugging Face hub as a folder: one small pointer a Parquet shard, its commit pinned.

Nothing but Parquet is ever opened there, so no loading script can run. Shards are read over the net in pieces.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.atomic import write_json
from lab.config import settings
from lab.data.containers.parquet_rows import POINTER
from lab.errors import DatasetError, InputError
from lab.provenance import digest_json

PREFIX = "hf://datasets/"
_LOCATION = re.compile(
    r"hf://datasets/([A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}|[A-Za-z0-9][\w.-]{0,95})(?:@([\w./-]{1,120}))?\Z"
)
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
INFO = "info.json"
_AHEAD = 256 * 1024  # of each piece that is asked for; labels lie in small pieces between large pictures


@dataclass(frozen=True)
class HubInfo:
    """Which data set a folder of pointers stands for: repository, commit, licence as its card says."""

    repository: str
    commit: str
    licence: str


def is_hub_location(text: str) -> bool:
    """Whether a text names a data set on the hub."""
    return text.startswith("hf://")


def open_location(text: str) -> Path:
    """A folder of pointers for "hf://datasets/OWNER/NAME@REVISION".

    A branch or tag is turned into the commit it is now. A commit that was opened before needs no connection for this.

    Raises:
        InputError: for any other text.
        DatasetError: when the hub cannot be reached, refuses, or has no Parquet file there.
    """
    match = _LOCATION.match(text)
    if match is None or ".." in text:
        raise InputError(
            "That is no data set of the hub; nothing was imported; write hf://datasets/OWNER/NAME@REVISION."
        )
    repository, revision = match[1], match[2] or "main"
    if _COMMIT.match(revision) and (folder := _folder(repository, revision)).joinpath(INFO).is_file():
        return folder
    commit, licence, shards = _listing(repository, revision)
    if not shards:
        raise DatasetError(
            "That data set holds no Parquet file, and a loading script is never run; nothing was imported; "
            "try the revision refs/convert/parquet."
        )
    folder = _folder(repository, commit)
    for name, size in shards:
        pointer = folder / f"{name}{POINTER}"
        pointer.parent.mkdir(parents=True, exist_ok=True)
        write_json(pointer, {"repository": repository, "commit": commit, "path": name, "size": size})
    write_json(folder / INFO, {"repository": repository, "commit": commit, "licence": licence})
    return folder


def hub_info(folder: Path) -> HubInfo | None:
    """What a folder of pointers stands for, `None` for any other folder."""
    try:
        value = json.loads((folder / INFO).read_text("utf-8"))
        return HubInfo(str(value["repository"]), str(value["commit"]), str(value["licence"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def opened(pointer: Path) -> Any:
    """The file a pointer stands for, open for reading in pieces.

    Raises:
        DatasetError: when the pointer is damaged or the hub cannot be reached.
    """
    from huggingface_hub import HfFileSystem

    try:
        value = json.loads(pointer.read_text("utf-8"))
        place = f"datasets/{value['repository']}@{value['commit']}/{value['path']}"
        if not _LOCATION.match(f"{PREFIX}{value['repository']}@{value['commit']}") or ".." in place:
            raise ValueError("place")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            "A pointer to the hub is damaged; nothing was imported; name the data set again."
        ) from error
    try:
        return HfFileSystem().open(place, "rb", block_size=_AHEAD)
    except Exception as error:
        raise _unreachable() from error


def _listing(repository: str, revision: str) -> tuple[str, str, list[tuple[str, int]]]:
    """Commit, licence and the Parquet files with their sizes."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        found = HfApi().dataset_info(repository, revision=revision, files_metadata=True, timeout=30)
    except (RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError) as error:
        raise DatasetError(
            "The hub has no such data set or revision, or it asks you to sign in and accept its terms; "
            "nothing was imported; check the name and your token."
        ) from error
    except Exception as error:
        raise _unreachable() from error
    card = getattr(found, "card_data", None)
    licence = str((card.to_dict() if card is not None else {}).get("license") or "")
    files = [(one.rfilename, int(one.size or 0)) for one in found.siblings or []]
    return (
        str(found.sha),
        licence,
        [
            (name, size)
            for name, size in files
            if name.lower().endswith(".parquet") and ".." not in name and not name.startswith("/")
        ],
    )


def _folder(repository: str, commit: str) -> Path:
    return settings().workspace / "remote" / digest_json([repository, commit])[:16]


def _unreachable() -> DatasetError:
    return DatasetError(
        "The hub cannot be reached from here; nothing was imported; go online, or download the Parquet files and name "
        "their folder."
    )
