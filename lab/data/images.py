"""Images from files nobody vouches for: decided by content, limited before decoding, depth kept.

Defined behaviour (only PNG, JPEG and TIFF are ever handed to Pillow, reduced to their pixel parts first):

- 16-bit grey PNG and TIFF keep 16 bits; 1, 2 and 4-bit grey becomes 8-bit by full range, 12-bit TIFF
  keeps its values.
- 16-bit colour, signed, 32-bit and floating point files are refused: Pillow would cut them to 8 bits
  without a word.
- Palette becomes RGB; CMYK becomes RGB without a colour profile; alpha is laid over black; a colour key
  is ignored.
- EXIF orientation is applied; ICC profiles and gamma are ignored: pixel values stay as stored.
- Animated PNG and TIFF of several pages are refused; a TIFF whose white is zero is inverted.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from lab.config import settings
from lab.data.codecs import jpeg_segments, png_chunks, tiff_header
from lab.data.codecs.sniff import READABLE, kind_by_name, sniff
from lab.data.pixels import encode_png, resize, to_grey8
from lab.errors import ImageError

__all__ = [
    "DecodedImage", "ImageLimits", "decode", "decode_clean", "encode_png", "limits_from_settings", "png_text",
    "resize", "to_grey8",
]  # fmt: skip

# At debug level Pillow logs the value of every TIFF tag, names of patients among them.
logging.getLogger("PIL").setLevel(logging.INFO)


_OUTLINES: Mapping[str, tuple[type[np.unsignedinteger[Any]], tuple[int, ...]]] = {
    "L": (np.uint8, ()), "RGB": (np.uint8, (3,)), "I;16": (np.uint16, ()),
}  # fmt: skip


@dataclass(frozen=True)
class ImageLimits:
    """The largest image that is decoded: pixels (width times height) and bytes of the file."""

    max_pixels: int
    max_file_bytes: int


@dataclass(frozen=True)
class DecodedImage:
    """An image and where it came from.

    Attributes:
        array: uint8 or uint16, (H, W) grey or (H, W, 3) RGB.
        bits: 8 or 16, the depth of `array`.
        format: "PNG", "JPEG" or "TIFF", by content.
    """

    array: NDArray[Any]
    bits: int
    format: str


def limits_from_settings() -> ImageLimits:
    """The limits of `LAB_MAX_PIXELS` and `LAB_MAX_FILE_BYTES`."""
    return _limits(os.environ.get("LAB_MAX_PIXELS", ""), os.environ.get("LAB_MAX_FILE_BYTES", ""))


@lru_cache(maxsize=8)
def _limits(max_pixels: str, max_file_bytes: str) -> ImageLimits:
    """Asked for at each image, while the settings follow paths of the disk."""
    now = settings({"LAB_MAX_PIXELS": max_pixels, "LAB_MAX_FILE_BYTES": max_file_bytes})
    return ImageLimits(now.max_pixels, now.max_file_bytes)


def decode(data: bytes, limits: ImageLimits | None = None, name: str = "") -> DecodedImage:
    """Decode the bytes of one image file.

    Args:
        data: the whole file.
        limits: largest image accepted; the settings' by default.
        name: the file's name, only to compare what it claims with the content; never stored or repeated.

    Raises:
        ImageError: one sentence, when the file is empty, cut off, damaged, too large, or not a PNG, JPEG
        or TIFF.
    """
    return decode_clean(data, limits, name)[0]


def decode_clean(
    data: bytes, limits: ImageLimits | None = None, name: str = ""
) -> tuple[DecodedImage, bytes, str]:
    """Decode, and give the bytes and suffix under which the same pixels are stored without any metadata.

    A plain JPEG or PNG keeps its coded pixels and loses every other segment (EXIF, comments, profiles,
    thumbnails, text, trailing bytes). Everything else is written anew as PNG with equal pixels.
    """
    found, stored, suffix = decode_stored(data, limits or limits_from_settings(), name)
    if not found.array.flags.writeable:
        found = DecodedImage(found.array.copy(), found.bits, found.format)
    return found, stored or encode_png(found.array), suffix


def decode_stored(
    data: bytes, limits: ImageLimits, name: str = "", outline: bool = False
) -> tuple[DecodedImage, bytes, str]:
    """As `decode_clean`, with no bytes where pixels have to be written anew, and an array that is only to be read.

    Args:
        data, limits, name: as `decode`.
        outline: where the stored bytes are those of the file, decode them all the same (a damaged file is refused),
            but give an array of their shape and dtype without their values.
    """
    kind = _kind(data, limits, name)
    if kind == "PNG":
        found, stored, plain = _png(data, limits, outline)
    elif kind == "JPEG":
        found, stored, plain = _jpeg(data, limits, outline)
    else:
        found, stored, plain = _tiff(data, limits), b"", False
    if plain:
        return found, stored, ".png" if kind == "PNG" else ".jpg"
    return found, b"", ".png"


def _kind(data: bytes, limits: ImageLimits, name: str) -> str:
    if not data:
        raise ImageError("The file is empty; it was left out; copy or export it again.")
    if len(data) > limits.max_file_bytes:
        raise ImageError(
            f"The file is larger than {limits.max_file_bytes:,} bytes; it was left out unread; export a "
            f"smaller one."
        )
    kind, claimed = sniff(data), kind_by_name(name)
    found = "of an unknown kind" if kind == "unknown" else f"a {kind} file"
    if kind not in READABLE:
        but = f" although its name says {claimed}" if claimed else ""
        raise ImageError(
            f"The file is {found}{but}, not PNG, JPEG or TIFF; it was left out; export it as PNG."
        )
    if claimed is not None and claimed not in READABLE:
        raise ImageError(
            f"The file is {found} but its name says {claimed}; it was left out; correct the name."
        )
    return kind


def _check_size(width: int, height: int, limits: ImageLimits) -> None:
    if width < 1 or height < 1:
        raise ImageError("The image has no pixels; it was left out; export it again.")
    if width * height > limits.max_pixels:
        raise ImageError(
            f"The image has {width} x {height} pixels, above the limit of {limits.max_pixels:,}; "
            "it was left out before decoding; export a smaller one."
        )


def _png(data: bytes, limits: ImageLimits, outline: bool) -> tuple[DecodedImage, bytes, bool]:
    first = png_chunks.read_header(data)
    _check_size(first.width, first.height, limits)
    header, stored = png_chunks.inspect(data)
    if header.animated:
        raise ImageError("The PNG file is animated; it was left out; save each frame as a file of its own.")
    if header.depth == 16 and header.colour != 0:
        raise ImageError(
            "The PNG file has 16-bit colour or alpha; it was left out; save 16-bit grey or 8-bit colour."
        )
    turn = tiff_header.orientation(header.exif)
    plain = header.plain and turn == 1
    array = _pixels(stored, "PNG", turn, outline and plain)
    return DecodedImage(array, 16 if array.dtype == np.uint16 else 8, "PNG"), stored, plain


def _jpeg(data: bytes, limits: ImageLimits, outline: bool) -> tuple[DecodedImage, bytes, bool]:
    header, stored = jpeg_segments.inspect(data)
    _check_size(header.width, header.height, limits)
    if header.depth != 8:
        raise ImageError(f"The JPEG file has {header.depth} bits; it was left out; save it as 16-bit PNG.")
    array = _pixels(stored, "JPEG", header.orientation, outline and header.plain)
    return DecodedImage(array, 8, "JPEG"), stored, header.plain


def _tiff(data: bytes, limits: ImageLimits) -> DecodedImage:
    header = tiff_header.read_header(data)
    _check_size(header.width, header.height, limits)
    if header.paged:
        raise ImageError(
            "The TIFF file has several pages; it was left out; save each page as a file of its own."
        )
    if header.bits > 16 or header.sample_format != 1 or (header.bits > 8 and header.samples > 1):
        raise ImageError(
            "The TIFF file is signed, floating point, above 16 bits or 16-bit colour; it was left out; "
            "save 16-bit grey or 8-bit colour."
        )
    array = _pixels(data, "TIFF", 1)
    if array.dtype == np.uint16 and header.white_is_zero:
        array = (2**header.bits - 1 - array).astype(np.uint16)  # Pillow inverts 8-bit files only
    return DecodedImage(array, 16 if array.dtype == np.uint16 else 8, "TIFF")


def _pixels(data: bytes, kind: str, turn: int, outline: bool = False) -> NDArray[Any]:
    """Decode with the one Pillow plug-in of `kind`; (H, W) or (H, W, 3). An outline has no values."""
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as image:
            image.load()
            if outline and image.mode in _OUTLINES:
                dtype, channels = _OUTLINES[image.mode]
                return np.broadcast_to(dtype(0), (image.height, image.width, *channels))
            flat = _flat(image)
            if turn != 1:
                flat.getexif()[tiff_header.ORIENTATION] = turn
                flat = ImageOps.exif_transpose(flat)
            array = np.asarray(flat)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(
            f"The {kind} file is damaged or cut off; it was left out; export it again."
        ) from error
    if array.dtype == np.uint8 or array.dtype == np.dtype(">u2"):
        return array if array.dtype == np.uint8 else array.astype(np.uint16)
    return array.astype(np.uint16, copy=False)


def _flat(image: Image.Image) -> Image.Image:
    mode = image.mode
    if mode in ("L", "RGB", "I;16", "I;16B", "I;16L"):
        return image
    if mode == "1":
        return image.convert("L")
    if mode in ("LA", "RGBA", "PA", "La", "RGBa") or (mode == "P" and "transparency" in image.info):
        rgba = image.convert("RGBA")
        black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
        over = Image.alpha_composite(black, rgba)
        return over.convert("L" if mode in ("LA", "La") else "RGB")
    if mode in ("P", "CMYK", "YCbCr"):
        return image.convert("RGB")
    raise ImageError(
        f"The file has pixels of mode {mode}; it was left out; save 8 or 16-bit grey or 8-bit colour."
    )


def png_text(data: bytes) -> dict[str, str]:
    """The text chunks of a PNG, keyword to text; at most 1 MiB each.

    Raises:
        ImageError: when `data` is not a whole PNG.
    """
    return png_chunks.read_text(data)
