"""DICOM files made from arrays, and bytes of files no tool would write."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CR_CLASS = "1.2.840.10008.5.1.4.1.1.1"
EXPLICIT = "1.2.840.10008.1.2.1"
UNDEFINED = b"\xff\xff\xff\xff"


def dicom_file(
    path: Path,
    array: NDArray[Any],
    *,
    bits: int | None = None,
    syntax: str = EXPLICIT,
    preamble: bytes = b"\0" * 128,
    pixel_bytes: bytes | None = None,
    coded: list[bytes] | None = None,
    **tags: Any,
) -> Path:
    """Write a DICOM file.

    Args:
        path: where.
        array: (H, W), (F, H, W) when NumberOfFrames is given, or (H, W, 3); whole numbers of 8 or 16 bits.
        bits: bits stored.
        syntax: transfer syntax; pixels are written as they are.
        preamble: 128 bytes.
        pixel_bytes: instead of the array's own.
        coded: compressed frames instead of them, for a syntax that has such.
        tags: elements by keyword.
    """
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = UID(CR_CLASS), UID(syntax)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(path), Dataset(), file_meta=meta, preamble=preamble)
    shape = array.shape[1:] if "NumberOfFrames" in tags else array.shape
    depth = array.dtype.itemsize * 8
    stored = bits or depth
    basics: dict[str, Any] = {
        "SOPClassUID": CR_CLASS, "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), "PatientID": "P1",
        "Modality": "CR", "BodyPartExamined": "CHEST",
        "Rows": shape[0], "Columns": shape[1], "SamplesPerPixel": 3 if len(shape) == 3 else 1,
        "PhotometricInterpretation": "RGB" if len(shape) == 3 else "MONOCHROME2", "BitsAllocated": depth,
        "BitsStored": stored, "HighBit": stored - 1, "PixelRepresentation": int(array.dtype.kind == "i"),
    }  # fmt: skip
    if len(shape) == 3:
        basics["PlanarConfiguration"] = 0
    for name, value in {**basics, **tags}.items():
        if value is not None:
            setattr(dataset, name, value)
    data = array.tobytes() if pixel_bytes is None else pixel_bytes
    dataset.PixelData = data + b"\0" * (len(data) % 2) if coded is None else encapsulate(coded)
    dataset["PixelData"].VR = "OW" if depth == 16 and coded is None else "OB"
    dataset["PixelData"].is_undefined_length = coded is not None
    dataset.save_as(path, enforce_file_format=False)
    return path


def lookup_item(first: int, entries: NDArray[np.uint16], bits: int) -> Any:
    """An item of a modality or VOI lookup table sequence."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.add_new(0x00283002, "SS" if first < 0 else "US", [len(entries), first, bits])
    item.add_new(0x00283006, "OW", entries.astype("<u2").tobytes())
    return item


def nested(depth: int, defined: bool) -> bytes:
    """A DICOM file whose sequences lie in one another, with or without explicit lengths."""
    tag = struct.pack("<HH", 0x0008, 0x1140)
    if defined:
        inner = b""
        for _ in range(depth):
            item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner
            inner = tag + b"SQ\0\0" + struct.pack("<I", len(item)) + item
    else:
        item, item_end = (
            struct.pack("<HH", 0xFFFE, 0xE000) + UNDEFINED,
            struct.pack("<HHI", 0xFFFE, 0xE00D, 0),
        )
        end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
        inner = (tag + b"SQ\0\0" + UNDEFINED + item) * depth + (item_end + end) * depth
    pixels = struct.pack("<HH", 0x7FE0, 0x0010) + b"OW\0\0" + struct.pack("<I", 2) + b"\0\0"
    return with_meta(inner + pixels)


def with_meta(elements: bytes, syntax: str = EXPLICIT) -> bytes:
    """A file of explicit little-endian elements with a preamble and a first group."""
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    group = struct.pack("<HH", 0x0002, 0x0010) + b"UI" + struct.pack("<H", len(uid)) + uid
    return b"\0" * 128 + b"DICM" + group + elements
