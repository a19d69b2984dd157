"""The one place that fetches weights: asked for by name, at a pinned commit, every file checked as it arrives."""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from lab.atomic import replacing, write_json
from lab.errors import GeneratorError, StoreError, WeightsError
from lab.generators.load import HubModel, downloaded_folder
from lab.generators.weights import check_folder, weights_digest

OnBytes = Callable[[str, int, int], None]  # file, bytes that are here, bytes of the whole model
_WANTED = (".json", ".txt", ".model", ".safetensors")
_VARIANT = re.compile(r"\.(fp16|bf16|non_ema)(?=[.-])")
_CHUNK = 1 << 20
_TIMEOUT_S = 30.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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
        if not path.is_file():
            return False
        digest = self.hasher()
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        return bool(digest.hexdigest() == self.digest)


Choose = Callable[[HubModel, list[HubFile]], list[HubFile]]


def pipeline_files(card: HubModel, files: list[HubFile]) -> list[HubFile]:
    """What a diffusers pipeline is read from among the files of a repository.

    Raises:
        WeightsError: when it holds no pipeline in safetensors.
    """
    names = {file.path for file in files}
    # Pipelines are read from their component folders; one-file copies and other precisions would double the bytes.
    wanted = [
        file
        for file in files
        if PurePosixPath(file.path).suffix in _WANTED
        and not (file.path.endswith(".safetensors") and "/" not in file.path)
        and not (_VARIANT.search(file.path) and _VARIANT.sub("", file.path) in names)
    ]
    if "model_index.json" not in names or not any(f.path.endswith(".safetensors") for f in wanted):
        raise WeightsError(
            f"The repository of {card.title} holds no pipeline in safetensors; nothing was downloaded; "
            "choose a repository with model_index.json and safetensors weights."
        )
    return wanted


def download(
    card: HubModel,
    on_bytes: OnBytes | None = None,
    choose: Choose = pipeline_files,
    check: Callable[[Path], None] = check_folder,
) -> Path:
    """Fetch the weights of a hub model into the workspace; returns their folder.

    The files are collected beside the final folder, which appears by one rename when all of them are there and
    checked, so that half a model can never be loaded. Finished files are kept for the next attempt.

    Args:
        card: a card with a hub id and a commit.
        on_bytes: told the file, the bytes that are here and the bytes of the whole model.
        choose: picks from the files of the commit those that are wanted.
        check: refuses a folder that may not be opened.

    Raises:
        GeneratorError: when the card names no hub repository, or the hub is not reached or refuses.
        WeightsError: when a file differs from the digest that the commit names, or may not be opened.
        StoreError: when the folder cannot be written or its disk is full.
    """
    if not card.hub_id:
        raise GeneratorError(
            f"{card.title} is not on the hub; nothing was downloaded; its card names a folder of this machine."
        )
    folder = downloaded_folder(card)
    if folder.is_dir():
        return folder
    stage = folder.with_name(f".{folder.name}.part")
    with _told(card):
        files = choose(card, _listing(card))
        _check_room(card, stage, files)
        here, total = 0, sum(file.size for file in files)
        for file in files:
            tell = None if on_bytes is None else partial(_tell, on_bytes, file.path, here, total)
            _fetch(card, file, stage / file.path, tell)
            here += file.size
        return _finished(stage, folder, {file.path for file in files}, check)


def recorded_digest(card: HubModel) -> str | None:
    """What `weights_digest` said of the downloaded folder on the day it was checked, None when it was not."""
    import json

    record = _record(downloaded_folder(card))
    return str(json.loads(record.read_text(encoding="utf-8"))["weights"]) if record.is_file() else None


def _record(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.record.json")


def _listing(card: HubModel) -> list[HubFile]:
    from huggingface_hub import HfApi

    try:
        # One plain question: the listing of a tree is asked again and again for half a minute when offline.
        info = HfApi().model_info(
            card.hub_id, revision=card.revision, files_metadata=True, timeout=_TIMEOUT_S
        )
        if info.sha != card.revision:
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
            f"The hub gave no list of files for {card.title}; nothing was downloaded; check its card."
        ) from error
    for file in files:
        if "\\" in file.path or PurePosixPath(file.path).is_absolute() or ".." in file.path.split("/"):
            raise WeightsError(
                f"The repository of {card.title} names a file outside its folder; nothing was downloaded; "
                "do not use it."
            )
    return files


def _check_room(card: HubModel, stage: Path, files: list[HubFile]) -> None:
    there = next(place for place in (stage, *stage.parents) if place.is_dir())
    needed = sum(file.size for file in files if not (stage / file.path).is_file())
    if shutil.disk_usage(there).free < needed:
        raise StoreError(
            f"{card.title} needs {needed / 1e9:.1f} GB and less is free; nothing was downloaded; "
            "free the disk or set LAB_WORKSPACE to another one."
        )


def _tell(on_bytes: OnBytes, path: str, before: int, total: int, size: int) -> None:
    on_bytes(path, before + size, total)


def _fetch(card: HubModel, file: HubFile, target: Path, tell: Callable[[int], None] | None) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    if file.is_at(target):
        return
    digest, size = file.hasher(), 0
    url = hf_hub_url(card.hub_id, file.path, revision=card.revision)
    with get_session().stream("GET", url, headers=build_hf_headers(), timeout=_TIMEOUT_S) as response:
        hf_raise_for_status(response)
        with replacing(target) as temporary, temporary.open("wb") as out:
            for chunk in response.iter_bytes(_CHUNK):
                size += len(chunk)
                if size > file.size:
                    break
                digest.update(chunk)
                out.write(chunk)
                if tell is not None:
                    tell(size)
            if size != file.size or digest.hexdigest() != file.digest:
                raise WeightsError(
                    f"The file {file.path[:80]} of {card.title} differs from the digest of its commit; it was "
                    "removed and finished files are kept; download again, and do not use it if this returns."
                )


def _finished(stage: Path, folder: Path, names: set[str], check: Callable[[Path], None]) -> Path:
    for stray in [path for path in stage.rglob("*") if path.is_file()]:
        if stray.relative_to(stage).as_posix() not in names:
            stray.unlink()
    try:
        check(stage)
    except WeightsError:
        shutil.rmtree(stage)
        raise
    write_json(_record(folder), {"weights": weights_digest(stage)})
    stage.replace(folder)
    return folder


@contextmanager
def _told(card: HubModel) -> Iterator[None]:
    """Turn what the network and the disk may raise into one sentence."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

    gate = f" Access: {card.gate}." if card.gate else ""
    try:
        yield
    except HfHubHTTPError as error:
        raise GeneratorError(
            f"The hub did not give {card.hub_id} at its pinned commit ({type(error).__name__}); finished files are "
            f"kept; check the card, or ask for access on the hub and log in with: hf auth login.{gate}"
        ) from error
    except (HTTPError, OfflineModeIsEnabled) as error:
        raise GeneratorError(
            f"The hub was not reached or broke off ({type(error).__name__}) while {card.title} was downloaded; "
            "the partial file was removed and finished files are kept; give the same command again when online."
        ) from error
    except (StoreError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if cause is None:
            raise
        full = isinstance(cause, OSError) and cause.errno in _FULL
        reason = "no space is left" if full else "its folder cannot be written"
        raise StoreError(
            f"{card.title} was not saved because {reason}; the partial file was removed and finished files are "
            f"kept; {'free the disk' if full else 'make the workspace writable'} and download again."
        ) from error
