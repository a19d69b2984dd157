"""A walk over the elements of a DICOM file without reading their values and without recursion.

It finds the pixel data and refuses what no parser should be given: sequences nested without end, lengths that leave
the file, directories. Only then does a library see the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from lab.data.dicom.preamble import LONG_VRS, Beginning
from lab.data.dicom.refusal import refused

MAX_DEPTH = 32
MAX_ELEMENTS = 2_000_000
UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DIRECTORY_RECORDS = 0x00041220
_FLOATS = (0x7FE00008, 0x7FE00009)
PIXELS = 0x7FE00010


@dataclass(frozen=True)
class PixelPlace:
    """Where the pixels lie.

    Attributes:
        element: offset of the element's tag, where parsing of the header ends.
        at: offset of the value; of the offset table for compressed pixels.
        length: bytes; None for compressed pixels, whose fragments say it.
        wide: whether the element is written as 16-bit words (OW).
    """

    element: int
    at: int
    length: int | None
    wide: bool


def find_pixels(data: Any, start: Beginning) -> PixelPlace:
    """Walk from the first element to the pixel data.

    Args:
        data: the file, as anything that gives bytes by slices and has a length.
        start: from `lab.data.dicom.preamble.beginning`.

    Raises:
        ImageError: when the file is malformed, nested too deep, a directory, or holds no pixels this app shows.
    """
    ends: list[int] = []  # where each open sequence or item ends; UNDEFINED where a mark ends it
    implicit = [start.implicit]  # what lies in a sequence of unknown VR is written without VRs
    at, size = start.at, len(data)
    for _ in range(MAX_ELEMENTS):
        while ends and ends[-1] != UNDEFINED and at >= ends[-1]:
            ends.pop()
            implicit.pop()
        if at >= size:
            break
        tag, vr, value, length = _element(data, at, implicit[-1], start.syntax.little)
        if tag in (_ITEM_END, _SEQUENCE_END):
            if ends:
                ends.pop()
                implicit.pop()
            at = value
            continue
        if not ends:
            if tag == PIXELS:
                return _place(data, at, vr, value, length, start)
            _check_top(tag)
        if tag == PIXELS and length == UNDEFINED:  # an icon's, inside a sequence
            at = _after_fragments(data, value, start)
        elif tag == _ITEM or _is_sequence(data, vr, value, length, start):
            ends.append(UNDEFINED if length == UNDEFINED else value + length)
            implicit.append(implicit[-1] or vr == b"UN")
            at = value
        else:
            at = value + (0 if length == UNDEFINED else length)
        if len(ends) > 2 * MAX_DEPTH:
            raise refused(f"The DICOM file is malformed: its sequences are nested deeper than {MAX_DEPTH}")
        if at > size:
            raise refused("The DICOM file is cut off or malformed: an element is longer than the file")
    else:
        raise refused(f"The DICOM file has more than {MAX_ELEMENTS:,} elements before its pixels")
    raise refused("The DICOM file holds no image", "choose files with pixels")


def _element(data: Any, at: int, implicit: bool, little: bool) -> tuple[int, bytes, int, int]:
    """(tag, VR, offset of the value, length) of the element at an offset."""
    order = "<" if little else ">"
    head = bytes(data[at : at + 12])
    if len(head) < 8:
        raise refused("The DICOM file is damaged or cut off")
    group, element = struct.unpack_from(f"{order}HH", head)
    tag, vr = group << 16 | element, head[4:6]
    if group == 0xFFFE or implicit:
        return tag, b"", at + 8, struct.unpack_from(f"{order}I", head, 4)[0]
    if vr in LONG_VRS:
        if len(head) < 12:
            raise refused("The DICOM file is damaged or cut off")
        return tag, vr, at + 12, struct.unpack_from(f"{order}I", head, 8)[0]
    return tag, vr, at + 8, struct.unpack_from(f"{order}H", head, 6)[0]


def _after_fragments(data: Any, at: int, start: Beginning) -> int:
    """Where compressed pixels end: their fragments are passed over by their lengths."""
    while at < len(data):
        tag, _, value, length = _element(data, at, True, start.syntax.little)
        at = value if length == UNDEFINED else value + length
        if tag != _ITEM:
            break
    return at


def _is_sequence(data: Any, vr: bytes, value: int, length: int, start: Beginning) -> bool:
    if vr == b"SQ" or length == UNDEFINED:
        return True
    if vr != b"" or length < 8:  # of unknown VR and known length: nothing parses it, it is passed over
        return False
    first = bytes(data[value : value + 4])
    return first == struct.pack("<HH" if start.syntax.little else ">HH", 0xFFFE, 0xE000)


def _check_top(tag: int) -> None:
    if tag == _DIRECTORY_RECORDS:
        raise refused(
            "The file is a DICOMDIR, a list of other files, and lists are not followed",
            "add the files themselves",
        )
    if tag in _FLOATS:
        raise refused("The DICOM file holds floating point pixels", "export whole numbers of 8 to 16 bits")


def _place(data: Any, at: int, vr: bytes, value: int, length: int, start: Beginning) -> PixelPlace:
    if start.syntax.coded != (length == UNDEFINED):
        raise refused("The DICOM file is malformed: its pixels are not coded as its header says")
    if length == UNDEFINED:
        return PixelPlace(at, value, None, False)
    if value + length > len(data):
        raise refused("The DICOM file is cut off: its pixel data end before their length")
    return PixelPlace(at, value, length, vr == b"OW")
