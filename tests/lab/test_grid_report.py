"""A grid as figures and files: signed differences, where they lie, one PNG with its recipe's digest, one CSV."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from lab.report.grid_csv import GridRow, grid_csv
from lab.report.grid_difference import Change, change, coloured, css_gradient, difference, scale_of
from lab.report.grid_picture import GRID_KEY, Sheet, grid_png


@pytest.mark.row("R9")
def test_a_difference_is_signed_and_told_by_halves() -> None:
    before = np.full((4, 8), 100, np.uint8)
    after = before.copy()
    after[:, 5] = 140
    after[0, 1] = 60
    delta = difference(after, before)
    assert delta is not None and delta.dtype == np.int16 and delta[0, 5] == 40 and delta[0, 1] == -40
    found = change(delta)
    assert found.mean == pytest.approx(200 / 32) and found.changed == pytest.approx(5 / 32)
    assert found.left == pytest.approx(0.2) and found.right == pytest.approx(0.8)
    assert change(np.zeros((4, 5), np.int16)) == Change(0.0, 0.0, 0.5)
    middle = np.zeros((1, 3), np.int16)
    middle[0, 1] = 9
    assert change(middle).left == 0.5, "the middle column belongs to both halves"


def test_colour_is_compared_by_luma_sixteen_bits_as_eight_and_other_sizes_not_at_all() -> None:
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 100
    assert difference(red, np.zeros((2, 2, 3), np.uint8)).max() == 30
    assert difference(np.full((2, 2), 65535, np.uint16), np.zeros((2, 2), np.uint8)).min() == 255
    assert difference(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8)) is None


def test_one_scale_for_all_and_colours_that_tell_darker_from_brighter() -> None:
    small, large = np.full((9, 9), 10, np.int16), np.full((9, 9), -90, np.int16)
    assert scale_of([small]) == 16 and scale_of([small, large]) == 128 and scale_of([]) == 8
    dark, same, bright = coloured(np.array([[-64, 0, 64]], np.int16), 64)[0].astype(int)
    assert dark[2] > dark[0] and bright[0] > bright[2] and same.max() < 30
    assert np.array_equal(coloured(np.array([[500]], np.int16), 64), coloured(np.array([[64]], np.int16), 64))
    assert css_gradient().count("rgb(") == 5


def sheet(**changes) -> Sheet:
    pictures = {(r, c): np.full((32, 32), 40 * (r + c), np.uint8) for r in range(2) for c in range(3)}
    told = {
        "title": "Sides", "tag": "SYNTHETIC (phantom-trained)", "row_axis": "Seed", "column_axis": "Prompt word: left",
        "rows": ["41", "42"], "columns": ["left", "right", "(left out)"], "pictures": pictures,
        "badges": {(0, 0): "near-copy"}, "notes": ["A note that is long enough to be wrapped. " * 6],
        "recipe": {"digest": "d" * 64, "settings": {"name": "Sides"}},
    }  # fmt: skip
    return Sheet(**{**told, **changes})


@pytest.mark.row("R9")
def test_the_png_holds_the_cells_the_labels_and_the_digest_of_its_recipe() -> None:
    png = grid_png(sheet())
    assert png == grid_png(sheet()), "equal sheets, equal bytes"
    with Image.open(io.BytesIO(png)) as image:
        assert json.loads(image.text[GRID_KEY])["digest"] == "d" * 64 and "doppel:recipe" not in image.text
        whole = np.asarray(image.convert("L")).astype(int)
    bare = np.asarray(
        Image.open(io.BytesIO(grid_png(sheet(tag="", title="", badges={})))).convert("L")
    ).astype(int)
    assert whole.shape == bare.shape and (whole[:60] != bare[:60]).sum() > 200, (
        "the tag and title are burnt in"
    )
    counts = {level: int((whole == level).sum()) for level in (40, 80, 120)}
    side = 128
    assert counts[120] >= side * side and counts[40] >= 2 * side * side - 2000, (
        "cells are drawn four times as large"
    )


def test_a_single_row_and_colour_and_odd_shapes_are_drawn_too() -> None:
    pictures = {(0, 0): np.full((40, 20, 3), 200, np.uint8), (0, 1): np.full((700, 500), 90, np.uint8)}
    png = grid_png(
        sheet(rows=[""], columns=["a very long label " * 9, "b"], row_axis="", pictures=pictures, badges={})
    )
    with Image.open(io.BytesIO(png)) as image:
        assert image.mode == "RGB" and image.width >= 2 * 320


def row(prompt: str, found: Change | None) -> GridRow:
    sample = {
        "seed": 41, "generator": "toy", "prompt": prompt, "recipe": {"steps": 2, "guidance": 2.5}, "image_id": "a1",
        "sample_set": "s1", "verdict": {"label": "close", "p": 0.04},
        "alignment": {"label": "effusion", "text_image": {"cosine": 0.5, "side_as_asked": True}},
    }  # fmt: skip
    return GridRow("41", "left", sample, found, "41 / left")


@pytest.mark.row("R9")
def test_the_csv_has_a_row_a_cell_and_no_formula() -> None:
    text = grid_csv(
        [row("=cmd|' /C calc'!A0", Change(3.25, 0.5, 0.75)), row("Small.", None)], "Seed", "Prompt word: left"
    )
    first, second = csv.DictReader(io.StringIO(text))
    assert first["Seed"] == "41" and first["Prompt word: left"] == "left" and first["seed"] == "41"
    assert first["verdict"] == "close" and first["mean_abs_difference"] == "3.2500" and first["p"] == "0.0400"
    assert first["share_of_difference_left_half"] == "0.7500" and first["side_as_asked"] == "True"
    assert (
        first["prompt"].startswith("'=")
        and second["prompt"] == "Small."
        and second["mean_abs_difference"] == ""
    )
    unfinished = GridRow("", "x", {**row("a", None).sample, "verdict": None, "alignment": None}, None, "")
    (only,) = csv.DictReader(io.StringIO(grid_csv([unfinished], "", "Steps")))
    assert only["verdict"] == "" and list(only)[0] == "Steps"
