"""Opens a DICOM file nobody vouches for: first a walk over its structure, then a parse of the allowed elements."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lab.data.dicom.deidentify import deidentify
from lab.data.dicom.elements import FACT_ELEMENTS, PIXEL_ELEMENTS, PLAN_ELEMENTS
from lab.data.dicom.facts import Facts, read_facts
from lab.data.dicom.preamble import Beginning, beginning
from lab.data.dicom.pseudonym import workspace_key
from lab.data.dicom.refusal import refused
from lab.data.dicom.structure import PixelPlace, find_pixels
from lab.data.dicom.syntaxes import Syntax
from lab.data.images import ImageLimits


@dataclass(frozen=True, eq=False)
class OpenedDicom:
    """A parsed header and where the pixels lie; no pixel has been read.

    Attributes:
        header: pydicom Dataset of the allowed elements only.
        syntax: how the pixels are coded.
        place: where they lie.
        path: of the file, to read frames from; never shown or stored.
    """

    header: Any
    syntax: Syntax
    place: PixelPlace
    path: Path


def open_dicom(path: Path, limits: ImageLimits) -> tuple[OpenedDicom, Facts]:
    """Open a file, take its columns and strip its header; the last one is kept, so that its frames cost one parse.

    Raises:
        ImageError: one sentence, when the file is empty, too large, malformed, deflated, a directory, not DICOM,
            or without pixels.
        StoreError: when the workspace's key cannot be used.
    """
    return _stripped(path, *_size(path, limits), workspace_key())


def open_header(path: Path, limits: ImageLimits) -> tuple[OpenedDicom, Facts]:
    """As `open_dicom` for a plan, which keeps nothing but the columns: the header is not stripped.

    Raises:
        ImageError, StoreError: as `open_dicom`.
    """
    _size(path, limits)
    opened = _open(path, PLAN_ELEMENTS)
    return opened, read_facts(opened.header, workspace_key())


@lru_cache(maxsize=1)
def _stripped(path: Path, changed: int, size: int, key: bytes) -> tuple[OpenedDicom, Facts]:
    opened = _open(path, PIXEL_ELEMENTS)
    facts = read_facts(opened.header, key)
    deidentify(opened.header, key)
    return opened, facts


def _size(path: Path, limits: ImageLimits) -> tuple[int, int]:
    """Time of change and size, once the size is allowed."""
    try:
        found = path.stat()
    except OSError as error:
        raise refused("The file cannot be read", "check its permissions") from error
    if found.st_size == 0:
        raise refused("The file is empty", "copy or export it again")
    if found.st_size > limits.max_file_bytes:
        raise refused(f"The file is larger than {limits.max_file_bytes:,} bytes", "export a smaller one")
    return found.st_mtime_ns, found.st_size


def _open(path: Path, elements: tuple[str, ...]) -> OpenedDicom:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise refused("The file cannot be read", "check its permissions") from error
    try:
        # Mapped, so that a header costs no reading of the pixels behind it.
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
            start = beginning(data)
            place = find_pixels(data, start)
            header = _parse(bytes(data[start.at : place.element]), start, elements)
    finally:
        os.close(descriptor)
    return OpenedDicom(header, start.syntax, place, path)


def _parse(data: bytes, start: Beginning, elements: tuple[str, ...]) -> Any:
    """The allowed elements of a header; a library's own error becomes one sentence without its text."""
    import io

    from pydicom.filereader import read_dataset

    little = start.syntax.little
    try:
        wanted = list(_tags((*elements, *FACT_ELEMENTS)))
        header = read_dataset(io.BytesIO(data), start.implicit, little, specific_tags=wanted)
        for name in elements:
            if name in header:
                header[name]  # parse now: later errors would come from another place
    except Exception as error:
        raise refused("The DICOM file is malformed") from error
    return header


@lru_cache(maxsize=4)
def _tags(names: tuple[str, ...]) -> tuple[Any, ...]:
    from pydicom.tag import Tag

    return tuple(Tag(name) for name in names)
