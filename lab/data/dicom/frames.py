"""One frame of a DICOM file as numbers, checked against what its header declares before anything is allocated."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from lab.data.dicom.codestream import stream_size
from lab.data.dicom.opening import OpenedDicom
from lab.data.dicom.refusal import refused
from lab.data.images import ImageLimits

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
PALETTE = "PALETTE COLOR"
MAX_FRAMES = 100_000
_EXTENDED = "1.2.840.10008.1.2.4.51"


@dataclass(frozen=True)
class Shape:
    """What the header declares, made plain whole numbers."""

    rows: int
    columns: int
    samples: int
    frames: int
    allocated: int
    stored: int
    high: int
    signed: bool
    photometric: str
    planar: int


def declared(opened: OpenedDicom, limits: ImageLimits) -> Shape:
    """The declared shape.

    Raises:
        ImageError: for values that are missing, contradict each other, or exceed the limits.
    """
    header = opened.header
    photometric = str(header.get("PhotometricInterpretation", "")).strip().upper()
    shape = Shape(
        _whole(header, "Rows"), _whole(header, "Columns"), _whole(header, "SamplesPerPixel", 1),
        _whole(header, "NumberOfFrames", 1), _whole(header, "BitsAllocated"),
        _whole(header, "BitsStored", _whole(header, "BitsAllocated")),
        _whole(header, "HighBit", _whole(header, "BitsStored", _whole(header, "BitsAllocated")) - 1),
        _whole(header, "PixelRepresentation", 0) == 1, photometric, _whole(header, "PlanarConfiguration", 0),
    )  # fmt: skip
    if shape.rows < 1 or shape.columns < 1:
        raise refused("The DICOM file declares an image without pixels")
    if shape.rows * shape.columns > limits.max_pixels:
        raise refused(
            f"The DICOM file declares {shape.columns} x {shape.rows} pixels, above the limit of "
            f"{limits.max_pixels:,}",
            "export a smaller one",
        )
    if not 1 <= shape.frames <= MAX_FRAMES:
        raise refused("The DICOM file declares no frames, or too many")
    if shape.allocated not in (1, 8, 16, 32) or not 1 <= shape.stored <= shape.allocated:
        raise refused("The DICOM file declares a depth of pixels that does not exist")
    if not shape.stored - 1 <= shape.high < shape.allocated:
        raise refused("The DICOM file declares a high bit outside its pixels")
    _check_kind(shape)
    return shape


def _check_kind(shape: Shape) -> None:
    known = (*GREY, *COLOUR, PALETTE)
    if shape.photometric not in known:
        raise refused("The DICOM file has a colour model that is not read here", "export it as grey or RGB")
    if shape.samples != (3 if shape.photometric in COLOUR else 1) or shape.planar not in (0, 1):
        raise refused("The DICOM file declares a number of channels that its colour model does not have")
    if shape.samples == 3 and (shape.allocated != 8 or shape.signed):
        raise refused("The DICOM file has colour of more than 8 bits", "export it as 8-bit RGB")
    if shape.allocated == 1 and (shape.photometric not in GREY or shape.frames > 1):
        raise refused(
            "The DICOM file holds single bits that are not one grey image", "export it as 8-bit grey"
        )


def read_frame(opened: OpenedDicom, shape: Shape, frame: int) -> NDArray[Any]:
    """Numbers of one frame as stored: (H, W) of any whole-number type, or uint8 RGB (H, W, 3).

    Raises:
        ImageError: when the pixel data are shorter or longer than declared, damaged, or of another size.
    """
    if not 0 <= frame < shape.frames:
        raise refused(f"The DICOM file has no frame {frame + 1}", "choose another frame")
    data = _coded(opened, shape, frame) if opened.syntax.coded else _plain(opened, shape, frame)
    array = _decoded(data, opened, shape)
    if array.shape[:2] != (shape.rows, shape.columns):
        raise refused("The DICOM file's pixels are not of the declared size")
    return _aligned(array, shape) if not opened.syntax.coded and shape.samples == 1 else array


def _plain(opened: OpenedDicom, shape: Shape, frame: int) -> bytes:
    """Bytes of one uncoded frame; single bits are one frame, so they come whole."""
    bits = shape.rows * shape.columns * shape.samples * shape.allocated
    if shape.photometric == "YBR_FULL_422":
        bits = bits // 3 * 2
    size, total = -(-bits // 8), -(-bits * shape.frames // 8)
    length = opened.place.length or 0
    if not total <= length <= total + total % 2:
        raise refused(f"The DICOM file declares {total:,} bytes of pixels and holds {length:,}")
    with opened.path.open("rb") as stream:
        stream.seek(opened.place.at + frame * size)
        data = stream.read(size + size % 2)  # big-endian words are swapped in pairs, the padding too
    return data + b"\0" * (len(data) % 2)


def _coded(opened: OpenedDicom, shape: Shape, frame: int) -> bytes:
    """One compressed frame, wrapped as pixel data of its own."""
    from pydicom.encaps import encapsulate, get_frame

    header = opened.header
    offsets = None
    if "ExtendedOffsetTable" in header and "ExtendedOffsetTableLengths" in header:
        offsets = (header.ExtendedOffsetTable, header.ExtendedOffsetTableLengths)
    with opened.path.open("rb") as stream:
        stream.seek(opened.place.at)
        try:
            coded = get_frame(stream, frame, extended_offsets=offsets, number_of_frames=shape.frames)
        except Exception as error:
            raise refused("A frame of the DICOM file is damaged or cut off") from error
    if len(coded) < 4:
        raise refused("A frame of the DICOM file is damaged or cut off")
    size = stream_size(coded)
    if size is not None and (
        (size.rows, size.columns) != (shape.rows, shape.columns) or size.components != shape.samples
    ):
        raise refused("The DICOM file's compressed image is not of the size that its header declares")
    if size is not None and (size.bits > 16 or size.bits > shape.allocated):
        raise refused("The DICOM file's compressed image is deeper than its header declares")
    if size is not None and size.bits > 8 and opened.syntax.uid == _EXTENDED:
        raise refused(
            "The DICOM file holds JPEG of 12 bits, which no decoder here reads", "export it uncompressed"
        )
    return encapsulate([coded], has_bot=False)


def _decoded(data: bytes, opened: OpenedDicom, shape: Shape) -> NDArray[Any]:
    from pydicom.pixels import get_decoder

    options: Mapping[str, Any] = {
        "rows": shape.rows, "columns": shape.columns, "number_of_frames": 1, "samples_per_pixel": shape.samples,
        "bits_allocated": shape.allocated,
        # Uncoded pixels come untouched and are aligned here, where the high bit is known.
        "bits_stored": shape.stored if opened.syntax.coded else shape.allocated,
        "pixel_representation": int(shape.signed), "photometric_interpretation": shape.photometric,
        "pixel_keyword": "PixelData", "pixel_vr": "OW" if opened.place.wide else "OB",
    }  # fmt: skip
    if shape.samples > 1:
        options = {**options, "planar_configuration": shape.planar}
    decoder = get_decoder(opened.syntax.uid)
    last: Exception | None = None
    for plugin in opened.syntax.plugins or ("",):
        try:
            array, _ = decoder.as_array(io.BytesIO(data), index=0, decoding_plugin=plugin, **options)
            return array
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - decoders raise whatever they like
            last = error
    raise refused("The DICOM file's pixels cannot be decoded, it is damaged or cut off") from last


def _aligned(array: NDArray[Any], shape: Shape) -> NDArray[Any]:
    """Only the stored bits, with their sign; what other bits hold (old overlays) is dropped."""
    spare = shape.allocated - shape.stored
    if spare == 0 or shape.allocated == 1:
        return array
    up = array << (shape.allocated - 1 - shape.high)
    return up >> spare


def _whole(header: Any, name: str, default: int | None = None) -> int:
    value = header.get(name, None)
    if value is None or value == "":
        if default is None:
            raise refused("The DICOM file does not say how its pixels are laid out")
        return default
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise refused("The DICOM file does not say how its pixels are laid out") from error
