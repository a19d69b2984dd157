"""Names of volumes: which file is the mask of which image, and what belongs to one patient."""

from __future__ import annotations

import re
from pathlib import Path

from lab.data.importing.folder_index import FolderIndex

_SUFFIX = re.compile(r"\.nii(\.gz)?\Z", re.IGNORECASE)
_MASK_END = re.compile(r"[._-](gt|seg|segmentation|mask|label|labels)\Z", re.IGNORECASE)
_MASK_FOLDERS = frozenset({"mask", "masks", "label", "labels", "labelstr", "labelsts", "segmentations", "gt"})
_ENDS = re.compile(r"([._-](frame\d+|4d|sa|ed|es|t\d+|0000|img|image))+\Z", re.IGNORECASE)


def is_volume(name: str) -> bool:
    """Whether a file name claims a NIfTI volume."""
    return _SUFFIX.search(name) is not None


def stem(name: str) -> str:
    """A file's name without folder and suffix."""
    return _SUFFIX.sub("", name.rsplit("/", 1)[-1])


def is_mask(name: str) -> bool:
    """Whether a path names a volume of labels, by the end of its name or by its folder."""
    folders = {part.lower() for part in name.split("/")[:-1]}
    return bool(_MASK_END.search(stem(name)) or folders & _MASK_FOLDERS)


def patient_of(name: str) -> str:
    """What the files of one patient have in common in their names; never stored, only hashed."""
    return _ENDS.sub("", stem(name))


def pairs(files: FolderIndex) -> list[tuple[str, Path, Path | None]]:
    """(path in the folder, image, mask or None) of every volume that is not a mask.

    A mask is looked for beside its image under "NAME_gt" and the like, then in a folder of masks under the same name.
    """
    volumes = {name: path for name, path in files.by_path.items() if is_volume(name)}
    masks: dict[str, list[str]] = {}
    for name in volumes:
        if is_mask(name):
            masks.setdefault(_key(_MASK_END.sub("", stem(name))), []).append(name)
    found = []
    for name, path in volumes.items():
        if is_mask(name):
            continue
        own = masks.get(_key(stem(name)), [])
        beside = [mask for mask in own if mask.rsplit("/", 1)[0] == name.rsplit("/", 1)[0]]
        one = beside[0] if len(beside) == 1 else own[0] if len(own) == 1 else None
        found.append((name, path, volumes[one] if one else None))
    return found


def _key(text: str) -> str:
    return text.lower().removesuffix("_0000")
