"""The files of a folder, looked up by whatever a CSV calls them: path, name, or name without suffix."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from lab.config import settings
from lab.data.codecs.sniff import IMAGE_SUFFIXES


def shown_name(name: str) -> str:
    """A file name as it may be printed: control and direction characters escaped, at most 120 characters."""
    if not name.isprintable():
        name = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
    return name if len(name) <= 120 else name[:117] + "..."


def suffix_of(name: str) -> str:
    """The suffix of a file name in lower case with its dot; "" where it has none."""
    stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return f".{suffix.lower()}" if stem and dot and suffix else ""


class FolderIndex:
    """Regular files below a folder, found by path, by name, or by name without suffix.

    The folder is walked once. Links that lead out of it and hidden files are passed over.

    Args:
        root: the folder.
        only: paths below it, in the form "sub/name.png", which are then the whole index; nothing is walked.

    Attributes:
        by_path: path below the folder, with "/" on every system, to the file; sorted folder by folder.
    """

    def __init__(self, root: Path, only: Collection[str] | None = None) -> None:
        self.root = root
        if only is not None:
            self.by_path: dict[str, Path] = {name: root / name for name in only if (root / name).is_file()}
            return
        # Copies made in the workspace are never read as somebody's originals.
        self.by_path = {name: Path(place) for name, place in walked(root, settings().workspace)}

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        names: dict[str, list[Path]] = {}
        for name, path in self.by_path.items():
            names.setdefault(name.rpartition("/")[2], []).append(path)
        return names

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        stems: dict[str, list[Path]] = {}
        for name, path in self.by_path.items():
            if suffix_of(name) in IMAGE_SUFFIXES:
                stems.setdefault(path.stem, []).append(path)
        return stems

    @cached_property
    def _names(self) -> dict[Path, str]:
        return {path: name for name, path in self.by_path.items()}

    def name_of(self, path: Path) -> str:
        """The path below the folder of a file of the index."""
        return self._names.get(path) or path.relative_to(self.root).as_posix()

    def find(self, name: str, base: Path) -> Path | str:
        """The file a cell names, or the reason why there is none. Nothing is asked of the file system."""
        if base == self.root and (found := self.by_path.get(name)) is not None:
            return found
        pure = PurePosixPath(name.replace("\\", "/"))
        if ".." in pure.parts:
            return "it lies outside the folder; it was left out; give a path inside the folder"
        for start in ("", base.relative_to(self.root).as_posix() if base.is_relative_to(self.root) else ""):
            found = self.by_path.get(
                (PurePosixPath(start) / pure).as_posix().removeprefix(f"{self.root.as_posix()}/")
            )
            if found is not None:
                return found
        candidates = (
            self._by_name.get(pure.name) or (self._by_stem.get(pure.name) if not pure.suffix else None) or []
        )
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            return f"{len(candidates)} files have that name; it was left out; give its path within the folder"
        return "there is no such file in the folder; it was left out; add the file or correct the row"

    def images(self) -> dict[str, Path]:
        """Files whose names claim an image, by path; folders called "masks" are passed over."""
        return dict(self._images)

    @cached_property
    def _images(self) -> dict[str, Path]:
        return {
            name: path for name, path in self.by_path.items()
            if suffix_of(name) in IMAGE_SUFFIXES and "masks" not in name.lower().split("/")[:-1]
        }  # fmt: skip


def walked(root: Path, without: Path | None = None) -> Iterator[tuple[str, str]]:
    """Path below `root` and full path of each regular file that is not hidden; names sorted, folders last.

    Args:
        root: the folder.
        without: a folder below it that is not entered.
    """
    waiting = [("", os.fspath(root))]
    while waiting:
        prefix, place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                here = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        folders = []
        for entry in here:
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                if _inside(Path(entry.path), root):
                    yield prefix + entry.name, entry.path
            elif entry.is_dir(follow_symlinks=False):
                if without is None or Path(entry.path) != without:
                    folders.append((f"{prefix}{entry.name}/", entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield prefix + entry.name, entry.path
        waiting += reversed(folders)


def _inside(path: Path, root: Path) -> bool:
    """Whether a link leads to a file below `root`; links to folders are not followed."""
    try:
        return path.is_file() and path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link to itself
        return False
