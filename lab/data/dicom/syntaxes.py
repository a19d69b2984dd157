"""Transfer syntaxes that are read, and which decoder does it.

Deflated files are no part of the list: their size after inflation is known only after it. Where Pillow decodes a
kind of stream it goes first, for its decoders are the ones fuzzed and patched most often; GDCM does what Pillow
cannot (JPEG lossless, JPEG-LS, 12-bit JPEG); run length is pydicom's own Python. All of it runs in a child process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Syntax:
    """How pixel data are coded.

    Attributes:
        uid: of the standard.
        name: for the manifest.
        plugins: decoders by their names in pydicom, the preferred one first; empty for uncoded pixels.
        implicit: whether elements carry no VR.
        little: whether numbers are little-endian.
    """

    uid: str
    name: str
    plugins: tuple[str, ...] = ()
    implicit: bool = False
    little: bool = True

    @property
    def coded(self) -> bool:
        """Whether the pixels are compressed."""
        return bool(self.plugins)


DEFLATED = frozenset({
    "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205", "1.2.840.10008.1.2.8.1",
})  # fmt: skip
"""Deflated files, deflated references to a server, and deflated frames."""

IMPLICIT = Syntax("1.2.840.10008.1.2", "implicit little endian", implicit=True)
EXPLICIT = Syntax("1.2.840.10008.1.2.1", "explicit little endian")

SYNTAXES: Mapping[str, Syntax] = {
    syntax.uid: syntax
    for syntax in (
        IMPLICIT,
        EXPLICIT,
        Syntax("1.2.840.10008.1.2.2", "explicit big endian", little=False),
        Syntax("1.2.840.10008.1.2.4.50", "JPEG baseline", ("pillow", "gdcm")),
        Syntax("1.2.840.10008.1.2.4.51", "JPEG extended", ("gdcm", "pillow")),
        Syntax("1.2.840.10008.1.2.4.57", "JPEG lossless", ("gdcm",)),
        Syntax("1.2.840.10008.1.2.4.70", "JPEG lossless, first order", ("gdcm",)),
        Syntax("1.2.840.10008.1.2.4.80", "JPEG-LS lossless", ("gdcm",)),
        Syntax("1.2.840.10008.1.2.4.81", "JPEG-LS near-lossless", ("gdcm",)),
        Syntax("1.2.840.10008.1.2.4.90", "JPEG 2000 lossless", ("pillow", "gdcm")),
        Syntax("1.2.840.10008.1.2.4.91", "JPEG 2000", ("pillow", "gdcm")),
        Syntax("1.2.840.10008.1.2.5", "RLE lossless", ("pydicom",)),
    )
}
