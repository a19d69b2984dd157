"""Opens a NIfTI file nobody vouches for: the header decides how many bytes are inflated, and no more ever are."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.dicom.refusal import refused
from lab.data.images import ImageLimits

MAX_BYTES = 1 << 30
"""Bytes of a volume once inflated: 1 GiB, some 17 times a cine of 30 frames."""
MAX_SIDE = 16384
MAX_OFFSET = 1 << 20
_CHUNK = 1 << 20
_KINDS = frozenset("ui f".replace(" ", ""))


@dataclass(frozen=True)
class VolumeHeader:
    """What a header says, checked.

    Attributes:
        shape: (X, Y, Z, T), each at least 1, as in the file.
        dtype: of the stored numbers, byte order included.
        offset: where they begin.
        slope, intercept: value = slope * number + intercept.
        spacing: mm along X, Y, Z; None where the header holds no more than its defaults.
        seconds: between frames, as the header has it; 0 where unknown.
    """

    shape: tuple[int, int, int, int]
    dtype: np.dtype[Any]
    offset: int
    slope: float
    intercept: float
    spacing: tuple[float, float, float] | None

    @property
    def count(self) -> int:
        """Number of voxels over all frames."""
        return math.prod(self.shape)


def read_header(path: Path, limits: ImageLimits) -> VolumeHeader:
    """Read and check a header; of a compressed file only its first bytes are inflated.

    Raises:
        ImageError: one sentence, when it is empty, too large, not NIfTI, or declares what cannot be.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise refused("The file cannot be read", "check its permissions") from error
    if size == 0:
        raise refused("The file is empty", "copy or export it again")
    if size > limits.max_file_bytes:
        raise refused(f"The file is larger than {limits.max_file_bytes:,} bytes", "export a smaller one")
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(31).decompress(head, 1024)
        except zlib.error as error:
            raise refused("The compressed file is damaged") from error
    header = _checked(head, limits)
    if size < header.offset + header.count * header.dtype.itemsize and not _is_compressed(path):
        raise refused("The NIfTI file is shorter than its header declares")
    return header


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _checked(head: bytes, limits: ImageLimits) -> VolumeHeader:
    header = _parsed(head)
    rank = int(header["dim"][0])
    sides = [int(side) for side in header["dim"][1 : rank + 1]] if 1 <= rank <= 7 else []
    if len(sides) < 2 or any(side < 1 for side in sides):
        raise refused("The NIfTI file declares dimensions that are zero or negative")
    if any(side > 1 for side in sides[4:]):
        raise refused("The NIfTI file has more than four dimensions", "export one volume or one cine")
    x, y, z, t = ([*sides[:4], 1, 1])[:4]
    dtype = _dtype(header)
    if max(x, y, z, t) > MAX_SIDE or x * y > limits.max_pixels or x * y * z * t * dtype.itemsize > MAX_BYTES:
        raise refused(
            f"The NIfTI file declares {x} x {y} x {z} x {t} voxels, above the limit of {MAX_BYTES >> 20:,} MiB",
            "export a smaller one",
        )
    offset = float(header["vox_offset"])
    if not 348 <= offset <= MAX_OFFSET:
        raise refused("The NIfTI file does not say where its voxels begin")
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not math.isfinite(slope) or slope == 0 or not math.isfinite(intercept):
        slope, intercept = 1.0, 0.0  # the standard: a slope of 0 means that there is none
    return VolumeHeader((x, y, z, t), dtype, int(offset), slope, intercept, _spacing(header))


def _parsed(head: bytes) -> Any:
    from nibabel import Nifti1Header, Nifti2Header

    if len(head) < 348:
        raise refused("The file is not NIfTI, or it is cut off")
    first = {head[:4], head[3::-1]}
    try:
        if head[344:348] in (b"n+1\0",):
            return Nifti1Header(head[:348], check=False)
        if b"\x1c\x02\x00\x00" in first and head[4:8] == b"n+2\0" and len(head) >= 540:
            return Nifti2Header(head[:540], check=False)
    except Exception as error:
        raise refused("The NIfTI file's header is malformed") from error
    if head[344:348] == b"ni1\0":
        raise refused("The file is one half of a NIfTI pair (.hdr and .img)", "export it as one .nii file")
    raise refused("The file is not NIfTI")


def _dtype(header: Any) -> np.dtype[Any]:
    try:
        dtype = np.dtype(header.get_data_dtype())
    except Exception as error:
        raise refused("The NIfTI file holds numbers of an unknown kind") from error
    if dtype.kind not in _KINDS or dtype.itemsize > 8:
        raise refused("The NIfTI file holds colours or complex numbers", "export grey values")
    return dtype.newbyteorder(header.endianness)


def _spacing(header: Any) -> tuple[float, float, float] | None:
    """Sides of a voxel in mm; None where all are the default 1 and the header places the volume nowhere."""
    sides = [abs(float(side)) for side in header["pixdim"][1:4]]
    units = {1: 1000.0, 3: 0.001}.get(int(header["xyzt_units"]) & 7, 1.0)
    sides = [side * units for side in sides]
    if not all(0 < side < 1000 for side in sides):
        return None
    placed = int(header["qform_code"]) > 0 or int(header["sform_code"]) > 0
    rows = np.stack([header["srow_x"], header["srow_y"], header["srow_z"]])
    nowhere = np.array_equal(rows, np.eye(3, 4)) or not placed
    return None if sides == [1.0, 1.0, 1.0] and nowhere else (sides[0], sides[1], sides[2])


def read_voxels(path: Path, limits: ImageLimits) -> tuple[VolumeHeader, NDArray[Any]]:
    """Header and stored numbers (X, Y, Z, T); the last volume is kept, so that its slices cost one inflation.

    Raises:
        ImageError: as `read_header`; and when the file holds fewer bytes than it declares, or is damaged.
    """
    header = read_header(path, limits)
    found = path.stat()
    return header, _voxels(path, header, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=2)
def _voxels(path: Path, header: VolumeHeader, changed: int, size: int) -> NDArray[Any]:
    wanted = header.count * header.dtype.itemsize
    with path.open("rb") as stream:
        if stream.read(2) == b"\x1f\x8b":
            stream.seek(0)
            data = _inflated(stream, header.offset, wanted)
        else:
            stream.seek(header.offset)
            data = bytearray(stream.read(wanted))
    if len(data) != wanted:
        raise refused("The NIfTI file is cut off: it holds fewer voxels than its header declares")
    return np.frombuffer(data, header.dtype).reshape(header.shape, order="F")


def _inflated(stream: Any, skip: int, wanted: int) -> bytearray:
    """`wanted` bytes from offset `skip` of a gzip stream; nothing beyond them is inflated."""
    out, inflater, total = bytearray(), zlib.decompressobj(31), skip + wanted
    seen = 0
    try:
        while seen < total:
            data = inflater.unconsumed_tail or stream.read(_CHUNK)
            piece = inflater.decompress(data, min(_CHUNK, total - seen))
            if not data and not piece:
                break
            out += piece[max(0, skip - seen) :]
            seen += len(piece)
            if inflater.eof:
                rest = inflater.unused_data or stream.read(_CHUNK)
                if not rest:
                    break
                inflater = zlib.decompressobj(31)  # gzip files may be joined end to end
                stream.seek(-len(rest), 1)
    except zlib.error as error:
        raise refused("The compressed file is damaged or cut off") from error
    return out
