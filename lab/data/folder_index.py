"""The files of a folder, looked up by whatever a CSV calls them: path, name, or name without suffix."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from lab.config import settings
from lab.data.sniff import IMAGE_SUFFIXES


def shown_name(name: str) -> str:
    """A file name as it may be printed: control and direction characters escaped, at most 120 characters."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
    return text if len(text) <= 120 else text[:117] + "..."


class FolderIndex:
    """Regular files below a folder, found by path, by name, or by name without suffix."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.by_path: dict[str, Path] = {}
        self._by_name: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        own = settings().workspace  # copies made here are never read as somebody's originals
        for base, folders, names in os.walk(root):
            folders[:] = sorted(n for n in folders if not n.startswith(".") and Path(base, n) != own)
            for name in sorted(names):
                path = Path(base, name)
                if name.startswith(".") or not _inside(path, root) or not path.is_file():
                    continue
                self.by_path[path.relative_to(root).as_posix()] = path
                self._by_name.setdefault(name, []).append(path)
                if path.suffix.lower() in IMAGE_SUFFIXES:
                    self._by_stem.setdefault(path.stem, []).append(path)

    def find(self, name: str, base: Path) -> Path | str:
        """The file a cell names, or the reason why there is none. Nothing is asked of the file system."""
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
        return {
            name: path for name, path in self.by_path.items()
            if path.suffix.lower() in IMAGE_SUFFIXES and "masks" not in PurePosixPath(name.lower()).parts[:-1]
        }  # fmt: skip


def _inside(path: Path, root: Path) -> bool:
    """Whether a path, links followed, stays below `root`."""
    if not path.is_symlink():
        return True
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link to itself
        return False
