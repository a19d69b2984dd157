"""One slice of one frame as a picture: grey over one affine for the whole volume, or labels as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.dicom.refusal import refused
from lab.data.images import ImageLimits
from lab.data.nifti.opening import VolumeHeader, read_voxels
from lab.data.readers.contract import Part

PERCENTILES = (0.1, 99.9)
MAX_UNKNOWN = 0.5
MAX_VALUE = 1e30
_SAMPLED = 20_000_000


@dataclass(frozen=True)
class GreyRange:
    """Values that become 0 and 65535 in every slice and frame of a volume; and how many voxels are no numbers."""

    low: float
    high: float
    unknown: float


def grey_range(path: Path, limits: ImageLimits) -> GreyRange:
    """0.1st and 99.9th percentile of the finite values, of evenly spread voxels where there are more than 20 million.

    Raises:
        ImageError: when half of the voxels or more are NaN or infinite.
    """
    header, voxels = read_voxels(path, limits)
    found = path.stat()
    return _range(path, header, found.st_mtime_ns, found.st_size, _Held(voxels))


class _Held:
    """Voxels as an argument that does not count as part of a cache's key."""

    def __init__(self, voxels: NDArray[Any]) -> None:
        self.voxels = voxels

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=2)
def _range(path: Path, header: VolumeHeader, changed: int, size: int, held: _Held) -> GreyRange:
    flat = held.voxels.reshape(-1, order="F")
    step = max(1, -(-flat.size // _SAMPLED))
    flat = flat[:: step + (step > 1 and step % 2 == 0)]
    share = 0.0
    if flat.dtype.kind == "f":
        finite = np.isfinite(flat)
        share = 1 - float(finite.mean())
        if share >= MAX_UNKNOWN:
            raise refused("Half of the NIfTI file's voxels or more are no numbers (NaN)")
        flat = flat[finite]
    low, high = sorted(
        header.slope * float(value) + header.intercept for value in np.percentile(flat, PERCENTILES)
    )
    if not (abs(low) < MAX_VALUE and abs(high) < MAX_VALUE):
        raise refused("The NIfTI file's values are beyond any measurement", "check its scaling")
    return GreyRange(low, high if high > low else low + max(1.0, abs(low) / 1000), share)


def grey_slice(path: Path, part: Part, limits: ImageLimits) -> tuple[NDArray[np.uint16], Mapping[str, str]]:
    """A slice as 16-bit grey, and the columns that say how it was made.

    Raises:
        ImageError: for a slice or frame the volume does not have, or a volume without numbers.
    """
    header, voxels = read_voxels(path, limits)
    span = grey_range(path, limits)
    plane = _plane(voxels, header, part).astype(np.float64) * header.slope + header.intercept
    bad = ~np.isfinite(plane)
    plane[bad] = span.low
    scaled = np.clip((plane - span.low) / (span.high - span.low), 0, 1)
    outside = float(np.mean((plane < span.low) | (plane > span.high)))
    notes = [
        f"{outside:.2%} of the slice lies outside the percentiles 0.1 to 99.9 of its volume and was cut."
    ]
    if bad.any():
        notes.append(f"{float(bad.mean()):.2%} of the slice was no number (NaN) and became the lowest value.")
    step = (span.high - span.low) / 65535
    extra = {
        "value_slope": f"{step:.9g}", "value_offset": f"{span.low:.9g}", "window_centre": "32767.5",
        "window_width": "65535", "window_from": "percentiles 0.1 to 99.9 of the volume",
        "nifti_notes": " ".join(notes if outside or bad.any() else notes[1:]),
        **_facts(header, part),
    }  # fmt: skip
    return np.rint(scaled * 65535).astype(np.uint16), extra


def label_slice(path: Path, part: Part, limits: ImageLimits) -> NDArray[np.uint8]:
    """A slice of labels, values untouched.

    Raises:
        ImageError: for numbers that are not whole or not within 0 to 255.
    """
    header, voxels = read_voxels(path, limits)
    return as_labels(_plane(voxels, header, part) * _whole(header.slope) + _whole(header.intercept))


def as_labels(numbers: NDArray[Any]) -> NDArray[np.uint8]:
    """Numbers as labels.

    Raises:
        ImageError: when they are none.
    """
    if not np.all((numbers >= 0) & (numbers <= 255) & (numbers == np.floor(numbers))):
        raise refused("The mask holds numbers that are not labels from 0 to 255", "choose another mask")
    return numbers.astype(np.uint8)


def _whole(number: float) -> int | float:
    return int(number) if number == int(number) else number


def _plane(voxels: NDArray[Any], header: VolumeHeader, part: Part) -> NDArray[Any]:
    """Array order is kept: the file's first axis runs down, its second to the right; "transpose" exchanges them."""
    axis, number, frame = int(part.get("axis", 2)), int(part.get("slice", 0)), int(part.get("frame", 0))
    if axis not in (0, 1, 2) or not (0 <= number < header.shape[axis] and 0 <= frame < header.shape[3]):
        raise refused("The NIfTI file does not have that slice or frame", "choose another one")
    plane = np.take(voxels[..., frame], number, axis=axis)
    return np.ascontiguousarray(plane.T if part.get("transpose") else plane)


def _facts(header: VolumeHeader, part: Part) -> dict[str, str]:
    axis = int(part.get("axis", 2))
    found = {"spacing_mm": "", "spacing_from": "", "slice_thickness_mm": ""}
    if header.spacing is not None:
        down, along = (side for n, side in enumerate(header.spacing) if n != axis)
        down, along = (along, down) if part.get("transpose") else (down, along)
        found = {
            "spacing_mm": f"{down:.6g}x{along:.6g}", "spacing_from": "patient",
            "slice_thickness_mm": f"{header.spacing[axis]:.6g}",
        }  # fmt: skip
    return {
        **found,
        "slice": str(int(part.get("slice", 0))),
        "n_slices": str(header.shape[axis]),
        "frame": str(int(part.get("frame", 0))) if header.shape[3] > 1 else "",
    }
