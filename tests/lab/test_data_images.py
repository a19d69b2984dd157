"""Decoding, encoding and resizing: depth, orientation and pixels are what the file says."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lab.data.images import decode, decode_clean, encode_png, png_text, resize, to_grey8
from lab.errors import ImageError, InputError


def saved(image, kind, **options) -> bytes:
    out = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(out, format=kind, **options)
    return out.getvalue()


@pytest.fixture
def grey16() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 65536, (33, 21), dtype=np.uint16)


@pytest.fixture
def rgb() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (33, 21, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_lossless_files_keep_depth_and_values(kind, grey16, rgb):
    for array, bits in ((grey16, 16), ((grey16 >> 8).astype(np.uint8), 8), (rgb, 8)):
        found = decode(saved(array, kind))
        assert (found.bits, found.format, found.array.dtype) == (bits, kind, array.dtype)
        assert np.array_equal(found.array, array)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"comment": b"Jane Doe"}])
def test_jpeg_pixels_are_those_of_the_original_file(rgb, options):
    data = saved(rgb, "JPEG", quality=85, **options)
    assert np.array_equal(decode(data).array, np.asarray(Image.open(io.BytesIO(data))))


def test_big_endian_and_inverted_16_bit_tiff(grey16):
    big = Image.frombytes("I;16B", (21, 33), grey16.astype(">u2").tobytes())
    assert np.array_equal(decode(saved(big, "TIFF")).array, grey16)
    inverted = bytearray(saved(grey16, "TIFF"))
    at = inverted.index(b"\x06\x01\x03\x00\x01\x00\x00\x00\x01\x00")  # tag 262, photometric 1
    inverted[at + 8] = 0
    assert np.array_equal(decode(bytes(inverted)).array, 65535 - grey16)


def test_one_bit_palette_cmyk_and_alpha_have_defined_results(rgb):
    one = Image.fromarray((rgb[..., 0] > 128).astype(np.uint8) * 255).convert("1")
    assert set(np.unique(decode(saved(one, "PNG")).array)) == {0, 255}
    palette = Image.fromarray(rgb).quantize(16)
    assert np.array_equal(decode(saved(palette, "PNG")).array, np.asarray(palette.convert("RGB")))
    cmyk = saved(Image.fromarray(rgb).convert("CMYK"), "JPEG")
    expected = np.asarray(Image.open(io.BytesIO(cmyk)).convert("RGB"))
    assert np.array_equal(decode(cmyk).array, expected)
    alpha = np.dstack([rgb, np.zeros((33, 21), np.uint8)])
    alpha[:10, :, 3] = 255
    found = decode(saved(alpha, "PNG")).array
    assert np.array_equal(found[:10], rgb[:10])
    assert not found[10:].any()


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_orientation_is_applied_and_forgotten(kind, turn):
    array = np.zeros((16, 24), np.uint8)
    array[:8, :8] = 200
    exif = Image.Exif()
    exif[274] = turn
    options = {"tiffinfo": {274: turn}} if kind == "TIFF" else {"exif": exif}
    data = saved(array, kind, **options)
    found, clean, _ = decode_clean(data)
    bright = np.argwhere(found.array > 100).mean(axis=0) / found.array.shape[:2]
    top, left = {1: (1, 1), 2: (1, 0), 3: (0, 0), 4: (0, 1), 5: (1, 1), 6: (1, 0), 7: (0, 0), 8: (0, 1)}[turn]
    assert found.array.shape == ((16, 24) if turn < 5 else (24, 16))
    assert (bright[0] < 0.5) == bool(top) and (bright[1] < 0.5) == bool(left)
    assert np.array_equal(decode(clean).array, found.array)


def test_real_files_of_every_set_decode_to_the_same_pixels_as_before(test_data: Path):
    checked = 0
    for name in ("cxr_kermany", "cxr_covid", "cxr_nih64", "derm_ham", "cmr_acdc", "cxr_fullres"):
        for path in sorted((test_data / name / "images").iterdir())[:25]:
            data = path.read_bytes()
            found, clean, _ = decode_clean(data, None, path.name)
            with Image.open(path) as image:
                assert np.array_equal(found.array, np.asarray(image)), path.name
            assert np.array_equal(decode(clean).array, found.array)
            checked += 1
    assert checked > 100


@pytest.mark.fault(14)
def test_sixteen_bits_go_to_eight_by_the_whole_range():
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    grey = to_grey8(ramp)
    assert grey.dtype == np.uint8 and grey[0, 0] == 0 and grey[-1, -1] == 255
    assert (np.diff(grey.ravel().astype(int)) >= 0).all()  # a wrap-around would fall
    assert to_grey8(np.full((4, 4), 300, np.uint16)).max() == 1
    equal = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    assert np.array_equal(to_grey8(equal)[:, 0], np.arange(256))
    with pytest.raises(InputError):
        to_grey8(np.zeros((4, 4), np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("resampling", ["nearest", "box", "bilinear", "bicubic", "lanczos"])
def test_resize_keeps_dtype_shape_and_flat_images(dtype, resampling):
    top = np.iinfo(dtype).max
    for shape in ((40, 30), (40, 30, 3)):
        found = resize(np.full(shape, top, dtype), (17, 23), resampling)
        assert found.dtype == dtype and found.shape == (17, 23, *shape[2:]) and (found == top).all()
    half = np.zeros((64, 64), dtype)
    half[:, 1::2] = top
    if resampling in ("box", "bilinear", "bicubic", "lanczos"):  # anti-aliased: stripes become mid-grey
        inner = resize(half, 16, resampling)[4:-4, 4:-4].astype(float) / top
        assert abs(inner.mean() - 0.5) < 0.02 and inner.std() < 0.05
    with pytest.raises(InputError):
        resize(half, 16, "magic")


def test_text_travels_in_a_png_in_any_script(grey16):
    text = {"doppel:recipe": '{"prompt":"Pleuraerguß 胸水"}'}
    data = encode_png(grey16, text)
    assert png_text(data) == text
    assert np.array_equal(decode(data).array, grey16)
    with pytest.raises(ImageError):
        png_text(b"\xff\xd8\xff\xe0")
    with pytest.raises(InputError):
        encode_png(np.zeros((4, 4), np.float64))
