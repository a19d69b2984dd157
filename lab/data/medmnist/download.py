"""Official MedMNIST files from where the `medmnist` package says they are, checked against its MD5."""

from __future__ import annotations

import contextlib
import hashlib
import io
from pathlib import Path

from lab.atomic import replacing
from lab.data.medmnist.info import check_set, file_name, medmnist_info
from lab.errors import DatasetError, StoreError

_OFFLINE = (
    "The MedMNIST file could not be downloaded (this machine seems to be offline); nothing was imported; download it "
    "elsewhere and name the file instead of the set."
)


def download(flag: str, size: int, path: Path) -> None:
    """Put the file of a set at `path`, unless it is there already.

    It is fetched as the package's own loader does, in the process of a run, for that brings torch.

    Raises:
        DatasetError: when it cannot be reached, or is not the official file.
        StoreError: when the disk is full.
    """
    check_set(flag, size)
    facts = medmnist_info()[flag]
    md5 = str(facts["MD5" if size == 28 else f"MD5_{size}"])
    if path.is_file() and _md5(path) == md5:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            _fetch(flag, size, md5, part)
    except StoreError as error:
        # `replacing` says what an OSError is usually about; here most are about the connection.
        if "space" in str(error):
            raise
        raise DatasetError(_OFFLINE) from error


def _fetch(flag: str, size: int, md5: str, part: Path) -> None:
    from torchvision.datasets.utils import download_url  # what the package's own loader calls

    url = str(medmnist_info()[flag]["url" if size == 28 else f"url_{size}"])
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            download_url(url, str(part.parent), part.name, md5)
    except RuntimeError as error:
        raise DatasetError(
            f"The downloaded {file_name(flag, size)} is not the official file; nothing was imported; try again."
        ) from error


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
