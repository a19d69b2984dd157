"""Bad image files: each is refused in one sentence, and none reaches a decoder that could be harmed by it."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from lab.data.codecs.png_chunks import SIGNATURE
from lab.data.images import ImageLimits, decode, decode_clean, encode_png
from lab.errors import ImageError

GREY = np.random.default_rng(3).integers(0, 256, (64, 48), dtype=np.uint8)


def saved(image, kind, **options) -> bytes:
    out = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(out, format=kind, **options)
    return out.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_bomb(edge: int) -> bytes:
    packer = zlib.compressobj(9)
    row = b"\x00" * ((edge + 7) // 8 + 1)
    packed = b"".join(packer.compress(row) for _ in range(edge)) + packer.flush()
    head = struct.pack(">IIBBBBB", edge, edge, 1, 0, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def refusal(data: bytes, name: str = "", limits: ImageLimits | None = None) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data, limits, name)
    text = str(caught.value)
    assert text.endswith(".") and text.count(";") >= 2, text  # what happened; what was kept; what to do
    assert "Doe" not in text
    return text


@pytest.mark.fault(1)
@pytest.mark.parametrize("name", ["doe.png", "doe.dcm", ""])
def test_empty_file(name):
    assert "empty" in refusal(b"", name)


@pytest.mark.fault(2)
def test_text_renamed_to_png_and_png_renamed_to_dicom():
    text = refusal(b"patient,finding\nDoe,effusion\n", "Doe.png")
    assert "text" in text and "PNG" in text
    text = refusal(saved(GREY, "PNG"), "Doe.dcm")
    assert "PNG" in text and "DICOM" in text
    text = refusal(b"<!DOCTYPE html><html>Doe</html>", "Doe.jpg")
    assert "HTML" in text and "JPEG" in text


@pytest.mark.fault(2)
def test_content_decides_between_readable_kinds():
    assert decode(saved(GREY, "PNG"), name="film.jpg").format == "PNG"


@pytest.mark.fault(3)
@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("TIFF", {})]
)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.67, 0.97])
def test_truncated_file(kind, options, share):
    data = saved(GREY, kind, **options)
    refusal(data[: int(len(data) * share)])


@pytest.mark.fault(3)
def test_one_flipped_bit_in_a_png_is_noticed():
    data = bytearray(saved(GREY, "PNG"))
    data[len(data) // 2] ^= 0x10
    assert "damaged" in refusal(bytes(data)) or "cut off" in refusal(bytes(data))


@pytest.mark.fault(4)
@pytest.mark.parametrize("edge", [11_000, 14_000])
def test_bomb_is_refused_before_decoding(edge):
    data = png_bomb(edge)
    assert len(data) < 60_000
    tracemalloc.start()
    start = time.perf_counter()
    text = refusal(data)
    assert time.perf_counter() - start < 0.5
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    assert "limit" in text


@pytest.mark.fault(4)
def test_limits_hold_for_every_kind_and_at_the_edge():
    for kind in ("PNG", "JPEG", "TIFF"):
        data = saved(GREY, kind)
        assert "limit" in refusal(data, limits=ImageLimits(GREY.size - 1, 10**9))
        assert decode(data, ImageLimits(GREY.size, 10**9)).array.shape == GREY.shape
        assert "bytes" in refusal(data, limits=ImageLimits(10**9, len(data) - 1))
        assert decode(data, ImageLimits(10**9, len(data))).array.shape == GREY.shape


@pytest.mark.fault(4)
def test_header_that_lies_about_its_size():
    data = bytearray(saved(GREY, "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_000, 65_000)
    assert "limit" in refusal(bytes(data))
    data[at + 5 : at + 9] = struct.pack(">HH", 0, 0)
    refusal(bytes(data))
    huge = bytearray(saved(GREY, "TIFF"))
    at = huge.index(b"\x00\x01\x04\x00\x01\x00\x00\x00")
    huge[at + 8 : at + 12] = struct.pack("<I", 2**31)
    assert "limit" in refusal(bytes(huge))


@pytest.mark.fault(14)
def test_animated_png_and_paged_tiff_are_refused():
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    assert "animated" in refusal(saved(frames[0], "PNG", save_all=True, append_images=frames[1:]))
    assert "pages" in refusal(saved(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    assert "GIF" in refusal(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))


@pytest.mark.fault(14)
def test_depths_that_would_be_cut_are_refused():
    head = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    rows = zlib.compress((b"\x00" + b"\x12\x34" * 6) * 2)
    deep = SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    assert "16-bit" in refusal(deep)
    refusal(saved(Image.fromarray(GREY.astype(np.float32)), "TIFF"))
    refusal(saved(Image.fromarray(GREY.astype(np.int32)), "TIFF"))


@pytest.mark.fault(15)
@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"SIMPLE  =                    T" + b" " * 3000, "FITS"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "EPS"),
        (b"8BPS\x00\x01" + b"\x00" * 60, "PSD"),
        (b"DDS " + b"\x00" * 200, "DDS"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG"),
        (b"<?xml version='1.0'?>\n<svg/>", "SVG"),
        (b"PK\x03\x04" + b"\x00" * 100, "ZIP"),
        (b"\x00" * 128 + b"DICM" + b"\x00" * 20, "DICOM"),
        (b"\x93NUMPY\x01\x00" + b" " * 100, "NumPy"),
        (b"P5 4 4 255\n" + b"\x80" * 16, "unknown"),
    ],
)
def test_other_kinds_are_never_handed_to_a_plugin(data, named, monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *a, **k: pytest.fail("Pillow was asked"))
    assert named in refusal(data, "film.png")


@pytest.mark.fault(15)
def test_a_jpeg_with_a_second_picture_stays_one_jpeg():
    parts = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    data = saved(parts[0], "MPO", save_all=True, append_images=parts[1:])
    found, clean, _ = decode_clean(data)
    assert found.array.shape == GREY.shape and clean.count(b"\xff\xd8\xff") == 1


@pytest.mark.fault(10)
def test_metadata_is_stripped_and_pixels_are_not_touched():
    exif = Image.Exif()
    exif[0x010E] = "Jane Doe 1950-01-01"
    info = __import__("PIL.PngImagePlugin", fromlist=["PngInfo"]).PngInfo()
    info.add_text("PatientName", "Jane Doe")
    info.add_itxt("Report", "Jane Doe", zip=True)
    files = [
        saved(GREY, "JPEG", exif=exif, comment=b"Jane Doe", icc_profile=b"Jane Doe" * 10) + b"Jane Doe",
        saved(GREY, "PNG", exif=exif, pnginfo=info, icc_profile=b"Jane Doe" * 10) + b"Jane Doe",
        saved(GREY, "TIFF", tiffinfo={270: "Jane Doe"}),
    ]
    for data in files:
        found, clean, suffix = decode_clean(data)
        assert b"Doe" not in clean and len(clean) < len(data)
        again, same, _ = decode_clean(clean, name=f"x{suffix}")
        assert np.array_equal(again.array, found.array) and same == clean
    assert decode_clean(encode_png(GREY))[1] == encode_png(GREY)


def test_random_damage_never_escapes_as_another_error():
    rng = np.random.default_rng(9)
    for kind in ("PNG", "JPEG", "TIFF"):
        good = saved(GREY, kind)
        for _ in range(150):
            data = bytearray(good)
            for at in rng.integers(0, len(data), rng.integers(1, 8)):
                data[at] = rng.integers(0, 256)
            try:
                found = decode(bytes(data[: rng.integers(1, len(data) + 1)]), ImageLimits(10**6, 10**7))
            except ImageError:
                continue
            assert found.array.dtype in (np.uint8, np.uint16)
