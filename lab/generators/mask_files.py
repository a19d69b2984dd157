"""Masks from files a person gives: a PNG of structure numbers, or a slice of a NIfTI volume of labels."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.errors import ImageError
from lab.generators.mask_channels import Labels

MAX_SIDE = 2048
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, eq=False)
class MaskFile:
    """The labels of a file: (frames, slices, H, W) uint8; a PNG has one frame and one slice."""

    labels: Labels
    kind: str

    @property
    def frames(self) -> int:
        """Moments of the cycle."""
        return int(self.labels.shape[0])

    @property
    def slices(self) -> int:
        """Slices of the stack."""
        return int(self.labels.shape[1])

    def fullest(self) -> tuple[int, int]:
        """Frame and slice with the most structure."""
        areas = (self.labels > 0).sum(axis=(2, 3))
        frame, cut = np.unravel_index(int(areas.argmax()), areas.shape)
        return int(frame), int(cut)


def read_mask_file(data: bytes) -> MaskFile:
    """Read a mask by its content, whatever its name.

    Raises:
        ImageError: one sentence: what is wrong, and what to give instead.
    """
    if not data:
        raise _refused("The file is empty", "choose another one")
    if data[:8] == _PNG:
        return MaskFile(_png(data)[None, None], "PNG")
    return MaskFile(_nifti(data), "NIfTI")


def with_structures(labels: Labels, structures: Sequence[str], order: str = "app") -> Labels:
    """One slice with this app's numbers, checked against the structures that a generator knows.

    Args:
        labels: (H, W).
        structures: names of 1, 2, ...
        order: "app" takes the numbers as they are; "acdc" and "mms" are the orders of these public sets.

    Raises:
        ImageError: when a number is not known, or nothing is in the mask.
    """
    from lab.data.preprocess.label_maps import LABEL_MAPS, STRUCTURE_WORDS

    highest = int(labels.max(initial=0))
    if highest > len(structures):
        named = ", ".join(f"{number} {name}" for number, name in enumerate(structures, 1))
        raise _refused(
            f"The mask holds the number {highest}",
            f"valid are 0 for background, {named}; choose another mask",
        )
    if highest == 0:
        raise _refused("This slice holds no structure", "choose another slice")
    if order == "app":
        return labels
    table = np.zeros(256, np.uint8)
    for name, number in LABEL_MAPS.get(order).numbers().items():
        if STRUCTURE_WORDS[name] in structures:
            table[number] = 1 + list(structures).index(STRUCTURE_WORDS[name])
    return table[labels]


def _png(data: bytes) -> Labels:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if max(image.size) > MAX_SIDE:
                raise _refused(f"The mask is larger than {MAX_SIDE:,} pixels a side", "make it smaller")
            if image.mode not in ("L", "P", "1"):
                raise _refused(
                    "This PNG has colours or 16-bit greys, not structure numbers",
                    "save it as an indexed or 8-bit grey PNG whose values are 0, 1, 2, ...",
                )
            return np.asarray(image, dtype=np.uint8)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise _refused("This PNG is damaged", "take the original file") from error


def _nifti(data: bytes) -> Labels:
    from lab.data.images import limits_from_settings
    from lab.data.nifti.opening import read_voxels
    from lab.data.nifti.picture import as_labels

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("mask.nii.gz" if data[:2] == b"\x1f\x8b" else "mask.nii")
        path.write_bytes(data)
        try:
            header, voxels = read_voxels(path, limits_from_settings())
        except ImageError as error:
            raise _refused(
                "This file is neither a PNG nor a NIfTI volume that can be read", "choose another file"
            ) from error
    if max(header.shape[:2]) > MAX_SIDE:
        raise _refused(f"The volume is larger than {MAX_SIDE:,} voxels a side", "crop it")
    scaled = (
        voxels * header.slope + header.intercept if (header.slope, header.intercept) != (1, 0) else voxels
    )
    # Array order is kept: the file's first axis runs down.
    return np.ascontiguousarray(as_labels(scaled).transpose(3, 2, 0, 1))


def _refused(what: str, do: str) -> ImageError:
    return ImageError(f"{what}; no mask was taken; {do}.")
