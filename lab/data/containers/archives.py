"""Zip files nobody vouches for: unpacked member by member into the workspace, real bytes counted, names made safe.

Nothing is written outside the target. A member is refused, with the reason, when its name climbs out, is absolute or
names a drive, when it is a link, is encrypted, repeats a name, overlaps another, lies about its size, inflates beyond
the limits, or is itself an archive. The whole is refused when it holds too many members or inflates beyond the total.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import stat
import struct
import time
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from lab.atomic import write_json
from lab.config import settings
from lab.data.containers.archive_names import safe_path
from lab.data.importing.folder_index import shown_name, suffix_of
from lab.errors import DatasetError, StoreError, disk_full
from lab.provenance import digest_json

MAX_MEMBERS = 50_000
MAX_TOTAL_BYTES = 50_000_000_000
MAX_RATIO = 200
RATIO_FROM_BYTES = 50_000_000
NESTED = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
_PACKED_IMAGES = (".nii.gz",)
STALE_AFTER_S = 7 * 86_400.0
_DIRECTORY_BYTES = 64_000_000
_BLOCK = 1 << 20
_END = b"PK\x05\x06"
_REFUSED = ".left-out.json"
_NESTED = "it is an archive inside the zip, unpack it yourself"
_DAMAGED = "it is damaged or its size is not the one it states"


@dataclass(frozen=True)
class Unpacked:
    """What came out of a zip.

    Attributes:
        folder: holds the members that were taken.
        left_out: shown name and reason of the others.
        notes: one sentence each, without names.
    """

    folder: Path
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ArchiveLimits:
    """Most members, most real bytes in all, most of one member."""

    members: int = MAX_MEMBERS
    total_bytes: int = MAX_TOTAL_BYTES
    member_bytes: int = 200_000_000


class _Refused(Exception):
    """Why a member is refused."""


def is_archive(path: Path) -> bool:
    """Whether a file is a zip by its content."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) in (b"PK\x03\x04", _END)
    except OSError:
        return False


def unpacked_folder(path: Path) -> Path:
    """Where a zip of that place, size and time is, or would be, unpacked."""
    facts = path.stat()
    return settings().workspace / "unpacked" / digest_json([str(path), facts.st_size, facts.st_mtime_ns])[:16]


def unpacked(path: Path, limits: ArchiveLimits | None = None) -> Unpacked:
    """Unpack a zip into the workspace; a second call finds what the first has unpacked.

    Raises:
        DatasetError: when it is not a whole zip, or holds more than the limits allow.
        StoreError: when the disk is full.
    """
    limits = limits or ArchiveLimits(member_bytes=settings().max_file_bytes)
    target = unpacked_folder(path)
    part = target.with_name(f".{target.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        if not target.is_dir():
            _sweep(target.parent)
            part.mkdir(parents=True, exist_ok=True)
            write_json(part / _REFUSED, _take(path, part, limits))
            part.rename(target)
        refused = _told(path, target)
    except OSError as error:
        reason = "no space is left" if disk_full(error) else "the zip or the workspace cannot be used"
        raise StoreError(
            f"The zip was not unpacked because {reason}; nothing was kept; free the disk and try again."
        ) from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        raise DatasetError(
            "The zip is damaged or cut off; nothing was kept of it; make or download it again."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    notes = (f"Members of the zip that were not unpacked: {len(refused)}.",) if refused else ()
    return Unpacked(target, refused, notes)


def forget_unpacked(path: Path) -> None:
    """Remove what was unpacked of a zip."""
    if path.is_file():
        shutil.rmtree(unpacked_folder(path), ignore_errors=True)


def _sweep(place: Path) -> None:
    """Take away what dead processes have left half done, and what nobody has imported for a week."""
    import psutil

    for found in place.glob(".*-*-*"):
        owner = found.name.split("-")[1]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(found, ignore_errors=True)
    for found in place.glob("[!.]*"):
        with contextlib.suppress(OSError):
            if time.time() - (found / _REFUSED).stat().st_mtime > STALE_AFTER_S:
                shutil.rmtree(found, ignore_errors=True)


def _told(path: Path, target: Path) -> tuple[tuple[str, str], ...]:
    """Shown names and reasons of refused members; the workspace keeps their numbers only."""
    refused = json.loads((target / _REFUSED).read_text("utf-8"))
    if not refused:
        return ()
    with zipfile.ZipFile(path) as archive:
        names = [member.filename for member in archive.infolist()]
    return tuple((shown_name(names[number]), reason) for number, reason in refused)


def _take(path: Path, target: Path, limits: ArchiveLimits) -> list[tuple[int, str]]:
    """Write the members below `target`; gives number and reason of the refused."""
    _check_directory(path, limits)
    refused: list[tuple[int, str]] = []
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > limits.members:
            raise _too_many(limits)
        overlapping, seen, budget = _overlapping(members), set[str](), _Budget(limits.total_bytes)
        for number, member in enumerate(members):
            try:
                name = _checked_name(member, seen, id(member) in overlapping)
                if name:
                    _write(archive, member, target / name, limits.member_bytes, budget)
            except _Refused as reason:
                refused.append((number, f"{reason}; it was left out"))
    return refused


class _Budget:
    """Bytes that may still come out of a zip, refused members included."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, number: int) -> None:
        self.left -= number
        if self.left < 0:
            raise DatasetError(
                "The zip inflates beyond the limit; nothing was kept of it; unpack it yourself and name the folder."
            )


def _checked_name(member: zipfile.ZipInfo, seen: set[str], overlaps: bool) -> str:
    """The safe path of a member, "" for a folder or a file that systems add by themselves."""
    name = safe_path(member.filename)
    if name is None:
        raise _Refused("its name leads out of the zip or is absolute")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind and kind not in (stat.S_IFREG, stat.S_IFDIR):
        raise _Refused("it is a link or another special file")
    if member.is_dir() or not name:
        return ""
    if member.flag_bits & 0x1:
        raise _Refused("it is encrypted")
    if suffix_of(name) in NESTED and not name.lower().endswith(_PACKED_IMAGES):
        raise _Refused(_NESTED)
    if overlaps:
        raise _Refused("it shares its bytes with another member")
    if name.lower() in seen:
        raise _Refused("another member has that name")
    seen.add(name.lower())
    return name


def _write(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, limit: int, budget: _Budget
) -> None:
    """Write one member, counting the bytes that really come out."""
    done = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with archive.open(member) as source, path.open("xb") as sink:
            while block := source.read(_BLOCK):
                done += len(block)
                budget.spend(len(block))
                _check_ratio(member, done, limit)
                sink.write(block)
        if done != member.file_size:
            raise _Refused(_DAMAGED)
        if is_archive(path) and suffix_of(path.name) != ".npz":
            raise _Refused(_NESTED)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotADirectoryError) as error:
        path.unlink(missing_ok=True)
        raise _Refused(_DAMAGED) from error
    except _Refused:
        path.unlink(missing_ok=True)
        raise


def _check_ratio(member: zipfile.ZipInfo, done: int, limit: int) -> None:
    if done > limit:
        raise _Refused("it is larger than the limit")
    if done > RATIO_FROM_BYTES and done > MAX_RATIO * max(1, member.compress_size):
        raise _Refused(f"it inflates to more than {MAX_RATIO} times its packed size")


def _overlapping(members: list[zipfile.ZipInfo]) -> set[int]:
    """Members (by `id`) whose packed bytes overlap those of one before: how a small zip inflates hugely."""
    found: set[int] = set()
    end = -1
    for member in sorted(members, key=lambda one: one.header_offset):
        if member.header_offset < end:
            found.add(id(member))
        end = max(end, member.header_offset + 30 + len(member.orig_filename) + member.compress_size)
    return found


def _check_directory(path: Path, limits: ArchiveLimits) -> None:
    """Refuse a huge directory before it is read: number of members and size stand at the very end of a zip."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 65_557))
        tail = stream.read()
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise DatasetError(
            "The zip is damaged or cut off; nothing was kept of it; make or download it again."
        )
    members, size = struct.unpack_from("<HI", tail, at + 10)
    if members > limits.members or size > _DIRECTORY_BYTES:
        raise _too_many(limits)


def _too_many(limits: ArchiveLimits) -> DatasetError:
    return DatasetError(
        f"The zip holds more than {limits.members:,} members; nothing was unpacked; unpack it yourself and name the "
        "folder."
    )
