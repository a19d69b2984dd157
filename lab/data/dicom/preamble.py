"""The first bytes of a DICOM file: where its elements begin and how they are coded, from bounded bytes.

The 128 bytes of the preamble may hold anything, a program among it; they are passed over and never stored.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.data.dicom.refusal import refused
from lab.data.dicom.syntaxes import DEFLATED, EXPLICIT, IMPLICIT, SYNTAXES, Syntax

PREAMBLE = 128
MAX_META = 1 << 16
DIRECTORY = b"1.2.840.10008.1.3.10"
_MEDIA_CLASS, _SYNTAX = 0x0002, 0x0010
LONG_VRS = frozenset({
    b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV",
})  # fmt: skip
"""Value representations whose length takes four bytes."""


@dataclass(frozen=True)
class Beginning:
    """Where the elements of a file start, and how they are coded."""

    at: int
    syntax: Syntax
    implicit: bool


def is_dicom(head: bytes) -> bool:
    """Whether a file that begins so is DICOM: by its mark, or, without one, by its first element."""
    if head[PREAMBLE : PREAMBLE + 4] == b"DICM":
        return True
    if len(head) < 16:
        return False
    group, element = struct.unpack_from("<HH", head)
    if group == 0x0002 and element in (0x0000, 0x0001, 0x0002):
        return head[4:6] in (b"UL", b"OB", b"UI") or 0 < struct.unpack_from("<I", head, 4)[0] <= 64
    if group != 0x0008 or element > 0x0070:
        return False
    length = struct.unpack_from("<I", head, 4)[0]
    return _is_vr(head[4:6]) or length <= 256


def beginning(data: Any) -> Beginning:
    """Read the file meta information.

    Args:
        data: the file, as anything that gives bytes by slices.

    Raises:
        ImageError: when it is not DICOM, a directory of files, deflated, or coded in a way that is not read.
    """
    head = bytes(data[: PREAMBLE + 4 + MAX_META])
    if not is_dicom(head):
        raise refused("The file is not DICOM")
    start = PREAMBLE + 4 if head[PREAMBLE : PREAMBLE + 4] == b"DICM" else 0
    meta, at = _meta(head, start)
    if meta.get(_MEDIA_CLASS) == DIRECTORY:
        raise refused(
            "The file is a DICOMDIR, a list of other files, and lists are not followed",
            "add the files themselves",
        )
    uid = meta.get(_SYNTAX, b"").decode("ascii", "replace")
    if uid in DEFLATED:
        raise refused(
            "The DICOM file is deflated, and its size after inflation is not known before",
            "export it uncompressed",
        )
    explicit = _is_vr(bytes(head[at + 4 : at + 6]))
    syntax = SYNTAXES.get(uid) if uid else (EXPLICIT if explicit else IMPLICIT)
    if syntax is None:
        raise refused(
            "The DICOM file is coded in a way that is not read here (video, high-throughput or private)",
            "export it uncompressed",
        )
    # Files exist that name an explicit coding and write the other one, and the reverse: their bytes decide.
    return Beginning(at, syntax, not explicit)


def _meta(head: bytes, at: int) -> tuple[Mapping[int, bytes], int]:
    """Elements of group 2 by number, and where the group ends."""
    found: dict[int, bytes] = {}
    while at + 8 <= len(head) and struct.unpack_from("<H", head, at)[0] == 0x0002:
        element = struct.unpack_from("<H", head, at + 2)[0]
        vr = head[at + 4 : at + 6]
        if vr in LONG_VRS and at + 12 <= len(head):
            value, length = at + 12, struct.unpack_from("<I", head, at + 8)[0]
        elif _is_vr(vr):
            value, length = at + 8, struct.unpack_from("<H", head, at + 6)[0]
        else:
            value, length = at + 8, struct.unpack_from("<I", head, at + 4)[0]
        if value + length > len(head):
            raise refused("The DICOM file is damaged or cut off in its first group")
        found[element] = head[value : value + length].rstrip(b"\0 ")
        at = value + length
    return found, at


def _is_vr(two: bytes) -> bool:
    return len(two) == 2 and all(65 <= byte <= 90 for byte in two)
