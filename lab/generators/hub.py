"""What the hub says of a repository: its files with their digests, its newest commit; and its refusals in sentences."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from lab.errors import GeneratorError, StoreError, WeightsError

CHUNK = 1 << 20
TIMEOUT_S = 30.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Repository(Protocol):
    """A repository at a commit, and how it is called in sentences."""

    @property
    def title(self) -> str:
        """Its name in sentences."""

    @property
    def hub_id(self) -> str:
        """OWNER/NAME on the hub, empty where it is not there."""

    @property
    def revision(self) -> str:
        """The full commit."""

    @property
    def gate(self) -> str:
        """How access is given, empty where it is open."""


class HubModel(Repository, Protocol):
    """A repository that is a model of this program: generators' cards and extractors' records both are one."""

    @property
    def id(self) -> str:
        """Its name here."""


@dataclass(frozen=True)
class HubFile:
    """A file of the commit: large ones carry a SHA-256, small ones git's own digest of a blob."""

    path: str
    size: int
    digest: str
    large: bool

    def hasher(self) -> Any:
        """A new digest of the kind that the hub names for this file."""
        if self.large:
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)

    def is_at(self, path: Path) -> bool:
        """Whether these bytes lie at `path`."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        digest = self.hasher()
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
        return bool(digest.hexdigest() == self.digest)


def listing(repository: Repository) -> list[HubFile]:
    """The files of a repository at its commit.

    Raises:
        GeneratorError: when the hub gives no list, or one of another commit.
        WeightsError: when a file would lie outside the folder.
    """
    from huggingface_hub import HfApi

    try:
        # One plain question: the listing of a tree is asked again and again for half a minute when offline.
        info = HfApi().model_info(
            repository.hub_id, revision=repository.revision, files_metadata=True, timeout=TIMEOUT_S
        )
        if info.sha != repository.revision:
            raise ValueError("another commit")
        files = [
            HubFile(
                one.rfilename,
                int(one.size or 0),
                str(one.lfs.sha256 if one.lfs else one.blob_id),
                bool(one.lfs),
            )
            for one in info.siblings or ()
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GeneratorError(
            f"The hub gave no list of files for {repository.title}; nothing was downloaded; check its card."
        ) from error
    for file in files:
        if "\\" in file.path or PurePosixPath(file.path).is_absolute() or ".." in file.path.split("/"):
            raise WeightsError(
                f"The repository of {repository.title} names a file outside its folder; nothing was downloaded; "
                "do not use it."
            )
    return files


def newest_commit(hub_id: str) -> str:
    """The full commit that a repository's main branch is at now, to be written into a card.

    Raises:
        GeneratorError: when the hub is not reached, does not know the repository, or asks for a log-in first.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError, OfflineModeIsEnabled

    try:
        commit = str(HfApi().model_info(hub_id, timeout=TIMEOUT_S).sha or "")
    except HFValidationError as error:
        raise GeneratorError(
            "A hub id is OWNER/NAME; nothing was looked up; correct the field 'hub_id'."
        ) from error
    except HfHubHTTPError as error:
        raise GeneratorError(
            f"The hub did not tell the commit of that repository ({type(error).__name__}); nothing was changed; "
            "check the hub id, or ask for access on the hub and log in with: hf auth login."
        ) from error
    except (HTTPError, OfflineModeIsEnabled) as error:
        raise GeneratorError(
            f"The hub was not reached ({type(error).__name__}); nothing was changed; "
            "look the commit up when online, or type it from the page of the repository."
        ) from error
    if len(commit) != 40:
        raise GeneratorError(
            "The hub named no commit; nothing was changed; type it from the repository's page."
        )
    return commit


@contextmanager
def told(repository: Repository) -> Iterator[None]:
    """Turn what the network and the disk may raise while a repository is fetched into one sentence."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

    title, gate = repository.title, f" Access: {repository.gate}." if repository.gate else ""
    try:
        yield
    except HfHubHTTPError as error:
        raise GeneratorError(
            f"The hub did not give {repository.hub_id} at its pinned commit ({type(error).__name__}); finished files "
            f"are kept; check the card, or ask for access on the hub and log in with: hf auth login.{gate}"
        ) from error
    except (HTTPError, OfflineModeIsEnabled) as error:
        raise GeneratorError(
            f"The hub was not reached or broke off ({type(error).__name__}) while {title} was downloaded; nothing "
            "can be loaded from a part, what has arrived is kept aside; download again when online, and it goes on "
            "from there."
        ) from error
    except (StoreError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if cause is None:
            raise
        full = isinstance(cause, OSError) and cause.errno in _FULL
        reason = "no space is left" if full else "its folder cannot be written"
        raise StoreError(
            f"{title} was not saved because {reason}; the partial file was removed and finished files are "
            f"kept; {'free the disk' if full else 'make the workspace writable'} and download again."
        ) from error
