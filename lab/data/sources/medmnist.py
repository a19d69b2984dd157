"""Source: an official MedMNIST file (npz with train, val and test), 2-D or 3-D, of any size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.containers.npz_members import Npz
from lab.data.importing.folder_index import FolderIndex
from lab.data.medmnist.info import MODALITIES, medmnist_info, set_and_size
from lab.data.patient_notes import NO_PATIENTS
from lab.data.sources.contract import (
    Choice,
    ImportPlan,
    Options,
    PlannedImage,
    Recognition,
    Source,
    register,
)
from lab.errors import DatasetError, ImageError

SPLITS = {"train": "train", "val": "held-out", "test": "test"}
ARRAYS = tuple(f"{split}_{what}" for split in SPLITS for what in ("images", "labels"))
MOST_IMAGES = 1_000_000
_SLICE = Choice(
    "slice",
    "Slices of a 3-D set",
    ("middle", "all"),
    "The middle slice of each volume, or every slice as an image of its volume; 2-D sets have no slices.",
)
_CITATION = "MedMNIST v2 (Yang et al., Sci Data 2023)"


def recognise(files: FolderIndex) -> Recognition | None:
    """One npz of an official name, or one that holds the six official arrays."""
    found = _files(files)
    if len(found) != 1:
        return None
    if set_and_size(found[0].name):
        return Recognition(0.95, "its file bears the official name of a MedMNIST set")
    try:
        with Npz(found[0]) as arrays:
            official = set(ARRAYS) <= set(arrays.names())
    except ImageError:
        return None
    return Recognition(0.8, "its npz file holds the arrays of a MedMNIST set") if official else None


def plan(files: FolderIndex, options: Options) -> ImportPlan:
    """Labels in words from the package's own description, splits as given.

    Raises:
        DatasetError: when the file is not such a set.
    """
    found = _files(files)
    if len(found) != 1:
        raise DatasetError("There is not exactly one npz file; nothing was imported; name the file itself.")
    known = set_and_size(found[0].name)
    info = medmnist_info().get(known[0], {}) if known else {}
    every = options.choices.get("slice", "middle") == "all"
    try:
        with Npz(found[0]) as arrays:
            images = [image for split in SPLITS for image in _images(arrays, found[0], split, info, every)]
            volumes = len(arrays.header("train_images").shape) == 4 and _is_volume(arrays)
    except ImageError as error:
        raise DatasetError(str(error)) from error
    notes = [] if volumes and every else [NO_PATIENTS]
    if volumes:
        notes.append(f"Slices of each volume that are taken: {'all' if every else 'the middle one'}.")
    notes += ["The division into train, held-out (validation) and test is the official one."]
    notes += _unofficial(images, info) if not volumes else []
    return ImportPlan(
        files.root, None, (), {}, {}, (), tuple(images), (), (), True, tuple(notes), "", "medmnist",
        MODALITIES.get(known[0], "") if known else "", str(info.get("license", "")),
        _CITATION if info else "",
    )  # fmt: skip


def _files(files: FolderIndex) -> list[Path]:
    return [path for name, path in files.by_path.items() if "/" not in name and name.endswith(".npz")]


def _is_volume(arrays: Npz) -> bool:
    return arrays.header("train_images").shape[-1] not in (1, 3)


def _images(arrays: Npz, path: Path, split: str, info: Mapping[str, Any], every: bool) -> list[PlannedImage]:
    name = f"{split}_images"
    shape = arrays.header(name).shape
    if len(shape) not in (3, 4) or shape[0] > MOST_IMAGES:
        raise ImageError("The npz file holds no set of images, or too many; nothing was imported.")
    labels = _words(arrays.small(f"{split}_labels"), shape[0], info.get("label", {}))
    if len(shape) == 3 or not _is_volume(arrays):
        return [
            _image(path, split, label, {"array": name, "index": index}) for index, label in enumerate(labels)
        ]
    slices = range(shape[1]) if every else (shape[1] // 2,)
    return [
        _image(path, split, label, {"array": name, "index": index, "slice": number}, every)
        for index, label in enumerate(labels)
        for number in slices
    ]


def _image(path: Path, split: str, label: str, part: dict[str, Any], volume: bool = False) -> PlannedImage:
    patient = f"{split}-{part['index']}" if volume else ""
    shown = f"{split} {part['index']}" + (f", slice {part['slice']}" if "slice" in part else "")
    extra = {"slice": str(part["slice"])} if "slice" in part else {}
    fields = {"label": label, "split": SPLITS[split], "patient_id": patient}
    return PlannedImage(path, shown, fields, extra, reader="npz", part=part)


def _words(labels: NDArray[Any], number: int, names: Mapping[str, str]) -> list[str]:
    """Labels (n, 1) as words; several findings (n, L) of 0 and 1 joined by "|"."""
    if labels.ndim not in (1, 2) or labels.shape[0] != number or labels.dtype.kind not in "biu":
        raise ImageError("The npz file has not one whole label an image; nothing was imported.")
    table = labels.reshape(number, -1)
    if table.shape[1] == 1:
        return [names.get(str(value), str(value)) for value in table[:, 0].tolist()]
    columns = [names.get(str(column), str(column)) for column in range(table.shape[1])]
    return ["|".join(columns[c] for c in np.flatnonzero(row)) or "no finding" for row in table]


def _unofficial(images: list[PlannedImage], info: Mapping[str, Any]) -> list[str]:
    expected = info.get("n_samples")
    if not expected:
        return ["The file bears no official name: labels are numbers, and its licence is not known."]
    found = {split: sum(image.fields["split"] == ours for image in images) for split, ours in SPLITS.items()}
    return [] if found == dict(expected) else ["The numbers of images are not those of the official file."]


register(
    Source(
        "medmnist",
        "MedMNIST",
        "An npz file of MedMNIST, of 28, 64, 128 or 224 px, as downloaded.",
        recognise,
        plan,
        (_SLICE,),
    )
)
