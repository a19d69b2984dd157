"""What a reader of files is: from a file nobody vouches for, and the part of it that is wanted, to pixels.

Readers run in a child process with limits of memory and time (`lab.data.intake`), never in the process that plans an
import or shows a page. A reader may keep the last file it opened, so that the slices of one volume cost one opening.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lab.data.images import ImageLimits
from lab.registry import Registry

Part = Mapping[str, Any]
"""Which picture of a file: JSON-able, {} for a file that holds one; for example {"slice": 4, "frame": 0}."""


@dataclass(frozen=True, eq=False)
class ReadImage:
    """A picture as it came out of a file.

    Attributes:
        array: uint8 or uint16, (H, W) grey or (H, W, 3) RGB; every rescaling has been stated in the reader's text.
        format: the kind of file by content: "PNG", "DICOM", "NIfTI"...
        stored: bytes that hold the same pixels without any metadata, where the reader has them; else they are made.
        suffix: of `stored`, ".png" or ".jpg".
        fields: what the file itself says, by manifest column (view, sex, age, vendor...); never a name or a date.
            A table's cell goes before it.
        extra: further manifest columns, for example pixel spacing or window.
    """

    array: NDArray[Any]
    format: str
    stored: bytes = b""
    suffix: str = ".png"
    fields: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)


Read = Callable[[Path, Part, ImageLimits], ReadImage]


@dataclass(frozen=True)
class Reader:
    """A way to read a kind of file.

    Attributes:
        id: short lower-case name, as `PlannedImage.reader` holds it.
        title: for people.
        read: raises ImageError, one sentence: what is wrong, that the file was left out, what to do. Any other error it
            lets out (memory, recursion, a decoder's own) is turned into one by the child process.
    """

    id: str
    title: str
    read: Read


READERS: Registry[Reader] = Registry("reader of files")
"""Filled by the modules of `lab.data.readers`; see `lab.data.readers.registry.get_reader`."""


def register(reader: Reader) -> Reader:
    """Register a reader under its id."""
    return READERS.register(reader.id)(reader)
