"""Masks to prompt with: read from files and datasets, built, drawn at random, moved, and as control pictures."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lab.data.prompt_masks import datasets_with, mask_of, masks_of
from lab.errors import GeneratorError, ImageError, InputError
from lab.generators.card import GeneratorCard
from lab.generators.condition import decode_mask, encode_mask
from lab.generators.mask_channels import at_size, one_hot, read_mask
from lab.generators.mask_files import read_mask_file, with_structures
from lab.generators.mask_hearts import STRUCTURES, HeartShape, draw_heart, sample_heart
from lab.generators.mask_moves import moved
from lab.generators.mask_picture import control_picture, outlines
from tests.builders.toy_hearts import hearts, write_hearts

RV, MYO, LV = 1, 2, 3


def png(array: np.ndarray, mode: str | None = None) -> bytes:
    """PNG bytes."""
    stream = io.BytesIO()
    image = Image.fromarray(array)
    (image if mode is None else image.convert(mode)).save(stream, format="PNG")
    return stream.getvalue()


def nifti(array: np.ndarray, slope: float = 0.0) -> bytes:
    """A NIfTI-1 file of (X, Y, Z, T) uint8, header written by hand."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 4, *array.shape, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 2, 8)
    struct.pack_into("<8f", header, 76, 1, 1.5, 1.5, 8, 1, 1, 1, 1)
    struct.pack_into("<fff", header, 108, 352.0, slope, 0.0)
    header[344:348] = b"n+1\0"
    return bytes(header) + np.asfortranarray(array).tobytes(order="F")


@pytest.mark.row("CM-05")
def test_a_mask_keeps_its_numbers_at_any_size_and_nothing_is_squeezed() -> None:
    mask = hearts(1, 5)[0]
    small = at_size(mask, 16)
    assert set(np.unique(small)) <= set(np.unique(mask)) and small.shape == (16, 16)
    assert at_size(mask, 64) is not mask and np.array_equal(at_size(mask, 64), mask)
    wide = at_size(np.ones((8, 16), np.uint8), 16)
    assert np.array_equal(wide.any(axis=1), [False] * 4 + [True] * 8 + [False] * 4)
    channels = one_hot(mask, 3)
    assert channels.shape == (4, 64, 64) and np.array_equal(channels.argmax(0), mask)
    assert not read_mask(b"", 8).any()


@pytest.mark.row("CM-05")
def test_a_built_heart_has_the_sizes_that_were_set() -> None:
    size, pixel = 128, 235.0 / 128
    mask = draw_heart(HeartShape(across=0.5, down=0.5, cavity=50, wall=10, right=30, turn=0), size)
    assert 2 * np.sqrt((mask == LV).sum() / np.pi) * pixel == pytest.approx(50, rel=0.02)
    assert 2 * np.sqrt((mask >= MYO).sum() / np.pi) * pixel == pytest.approx(70, rel=0.02)
    rows, columns = np.nonzero(mask == LV)
    assert rows.mean() == pytest.approx(63.5, abs=0.6) and columns.mean() == pytest.approx(63.5, abs=0.6)
    right = np.nonzero(mask == RV)
    assert right[1].mean() < columns.mean() - 30 / pixel / 2  # the right ventricle lies to the left
    down = draw_heart(HeartShape(across=0.5, down=0.5, turn=90), size)
    assert np.nonzero(down == RV)[0].mean() < 45  # turned clockwise it lies above
    assert not (draw_heart(HeartShape(right=0), size) == RV).any()


def test_a_built_heart_follows_the_generators_own_numbers() -> None:
    turned = ("left ventricle", "myocardium", "right ventricle")
    own, theirs = draw_heart(HeartShape(), 64), draw_heart(HeartShape(), 64, turned)
    assert np.array_equal(np.array([0, 3, 2, 1], np.uint8)[own], theirs)
    with pytest.raises(InputError, match="needs the structures"):
        draw_heart(HeartShape(), 64, ("lungs", "heart"))
    with pytest.raises(InputError, match="wall must be 3 to 22"):
        draw_heart(HeartShape(wall=40), 64)


@pytest.mark.row("CM-05")
def test_random_hearts_are_anatomy_and_repeat() -> None:
    from lab.metrics.mask_shapes import encloses

    drawn = [sample_heart(seed, 64) for seed in range(8)]
    assert np.array_equal(drawn[3], sample_heart(3, 64))
    assert len({mask.tobytes() for mask in drawn}) == 8
    assert all((mask == LV).any() and (mask == MYO).any() for mask in drawn)
    inside = [encloses(mask == MYO, mask == LV) for mask in (sample_heart(seed, 128) for seed in range(4))]
    assert all(value > 0.95 for value in inside)
    assert sum((mask == RV).any() for mask in drawn) >= 6


def test_moving_a_mask_keeps_its_area_and_its_numbers() -> None:
    mask = sample_heart(1, 96)
    assert moved(mask) is mask
    shifted = moved(mask, across=0.1, down=-0.05)
    rows, columns = np.nonzero(mask)
    their_rows, their_columns = np.nonzero(shifted)
    assert their_columns.mean() - columns.mean() == pytest.approx(9.6, abs=0.6)
    assert their_rows.mean() - rows.mean() == pytest.approx(-4.8, abs=0.6)
    assert (moved(mask, turn=90) > 0).sum() == pytest.approx((mask > 0).sum(), rel=0.03)
    assert (moved(mask, zoom=1.5) > 0).sum() == pytest.approx(2.25 * (mask > 0).sum(), rel=0.05)
    turned = moved(mask, turn=30)
    assert set(np.unique(turned)) == set(np.unique(mask))
    with pytest.raises(InputError, match="0.5 to 2"):
        moved(mask, zoom=3)


def test_a_png_mask_is_read_by_content_and_a_picture_is_refused() -> None:
    mask = hearts(1, 2)[0]
    assert np.array_equal(read_mask_file(png(mask)).labels[0, 0], mask)
    indexed = Image.fromarray(mask, mode="P")
    indexed.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    stream = io.BytesIO()
    indexed.save(stream, format="PNG")
    assert np.array_equal(read_mask_file(stream.getvalue()).labels[0, 0], mask)
    with pytest.raises(ImageError, match="has colours or 16-bit greys"):
        read_mask_file(png(np.zeros((8, 8, 3), np.uint8)))
    with pytest.raises(ImageError, match="damaged"):
        read_mask_file(png(mask)[:60])
    with pytest.raises(ImageError, match="neither a PNG nor a NIfTI"):
        read_mask_file(b"GIF89a" + bytes(400))
    with pytest.raises(ImageError, match="empty"):
        read_mask_file(b"")


def test_a_slice_of_a_volume_is_taken_and_checked_against_the_structures() -> None:
    mask = hearts(1, 3)[0]
    volume = np.zeros((64, 64, 3, 2), np.uint8)
    volume[:, :, 1, 1] = mask
    for data in (nifti(volume), gzip.compress(nifti(volume))):
        opened = read_mask_file(data)
        assert (opened.frames, opened.slices, opened.fullest()) == (2, 3, (1, 1))
        assert np.array_equal(opened.labels[1, 1], mask)
    assert np.array_equal(with_structures(mask, STRUCTURES), mask)
    swapped = with_structures(mask, STRUCTURES, "mms")
    assert np.array_equal(swapped == LV, mask == RV) and np.array_equal(swapped == MYO, mask == MYO)
    with pytest.raises(ImageError, match="number 255.*1 right ventricle, 2 myocardium, 3 left ventricle"):
        with_structures(np.where(mask == 3, 255, mask).astype(np.uint8), STRUCTURES)
    with pytest.raises(ImageError, match="holds no structure"):
        with_structures(opened.labels[0, 0], STRUCTURES)
    with pytest.raises(ImageError, match="neither a PNG nor a NIfTI"):
        read_mask_file(nifti(volume)[:2000])
    with pytest.raises(ImageError, match="not labels"):
        read_mask_file(nifti(volume, slope=0.3))


def test_masks_of_a_dataset_come_held_out_first_and_in_the_generators_numbers(
    workspace: Path, tmp_path: Path
) -> None:
    from lab.data.importing.importer import add_folder
    from lab.data.phantom_dataset import add_phantom
    from lab.data.phantom_families import CMR

    add_folder(write_hearts(tmp_path / "plain", 12, 1), "plain")
    assert datasets_with(STRUCTURES) == []  # nobody has said what its numbers stand for
    add_phantom("hearts", CMR.patients, CMR.films, family=CMR)
    assert [card.id for card in datasets_with(STRUCTURES)] == ["hearts"]
    listed = masks_of("hearts")
    splits = [one.split for one in listed]
    assert splits == sorted(splits, key=("held-out", "test", "train").index) and len(set(splits)) == 3
    first = splits.count("held-out") // 6
    assert len({one.words for one in listed[:first]}) >= 1
    turned = ("left ventricle", "myocardium", "right ventricle")
    own, theirs = (mask_of("hearts", listed[0].image_id, names) for names in (STRUCTURES, turned))
    assert own.shape == (160, 160) and own.max() == 3
    assert np.array_equal(own == 1, theirs == 3) and np.array_equal(own == 2, theirs == 2)
    assert set(np.unique(mask_of("hearts", listed[0].image_id, ("myocardium",)))) == {0, 1}


def card(**options: Any) -> GeneratorCard:
    """A card with a control network's option."""
    return GeneratorCard("c", "C", folder=".", structures=STRUCTURES, options=options)


def test_control_pictures_are_what_the_card_says_the_network_was_trained_on() -> None:
    mask = sample_heart(2, 64)
    data = encode_mask(mask)
    grey = control_picture(data, card(), 64)
    assert grey.shape == (64, 64, 3) and sorted(np.unique(grey)) == [0, 85, 170, 255]
    assert np.array_equal(np.rint(grey[..., 0] / 85).astype(np.uint8), mask)
    table = [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]
    coloured = control_picture(data, card(mask_picture={"colours": table}), 64)
    assert np.array_equal(coloured, np.asarray(table, np.uint8)[mask])
    edges = control_picture(data, card(mask_picture={"kind": "edges"}), 32)
    assert sorted(np.unique(edges)) == [0, 255] and edges.shape == (32, 32, 3)
    for wrong in ({"kind": "depth"}, {"colours": table[:2]}, {"colours": [[0, 0, 300]] * 4}, "grey"):
        with pytest.raises(GeneratorError, match="mask_picture"):
            control_picture(data, card(mask_picture=wrong), 64)


def test_outlines_are_the_rims_of_structures() -> None:
    mask = np.zeros((7, 7), np.uint8)
    mask[1:6, 1:6] = 2
    rim = outlines(mask)
    assert rim.sum() == 16 and not rim[3, 3] and not rim[0].any()
    assert decode_mask(encode_mask(mask)).sum() == mask.sum()


@pytest.mark.row("CM-05")
def test_the_command_line_writes_masks_that_generate_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from lab.commands.main import run

    def said(*arguments: str) -> dict[str, Any]:
        with pytest.raises(SystemExit) as ended:
            run(["mask", *arguments, "--json"])
        assert ended.value.code == 0
        return dict(json.loads(capsys.readouterr().out))

    drawn, built = tmp_path / "drawn.png", tmp_path / "built.png"
    told = said("random", "3", "--out", str(drawn))
    assert np.array_equal(decode_mask(drawn.read_bytes()), sample_heart(3, 64))
    assert told["areas"]["left ventricle"] == pytest.approx(
        float((sample_heart(3, 64) == LV).mean()), abs=1e-4
    )
    said("build", "--cavity", "60", "--right", "0", "--out", str(built), "--size", "96")
    assert np.array_equal(decode_mask(built.read_bytes()), draw_heart(HeartShape(cavity=60, right=0), 96))
    with pytest.raises(SystemExit) as refused:
        run(["mask", "build", "--cavity", "600", "--out", str(tmp_path / "none.png")])
    assert refused.value.code == 1 and "cavity must be 12 to 80" in capsys.readouterr().err
    assert not (tmp_path / "none.png").exists()
