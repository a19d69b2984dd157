"""A grid as one PNG: pictures, axes and what was held fixed burnt in, the digest of its recipe in a text chunk."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.pixels import resize
from lab.provenance import canonical_json

GRID_KEY = "doppel:grid"
GROUND, INK, FAINT, LINE = (12, 15, 18), (222, 228, 234), (151, 163, 175), (58, 68, 78)
GAP, EDGE, SMALLEST, LARGEST = 4, 24, 128, 320
_FIELDS = ("head", "axis", "label", "foot")
_SIZES = dict(zip(_FIELDS, (19, 14, 15, 13), strict=True))


@dataclass(frozen=True, eq=False)
class Sheet:
    """What the picture shows.

    Attributes:
        title: first line; `tag` follows it, such as "SYNTHETIC (phantom-trained)".
        row_axis, column_axis: titles of the axes, "" for none.
        rows, columns: words beside and above the cells.
        pictures: by (row, column), (H, W) or (H, W, 3) uint8; a missing one stays dark.
        badges: short words in the corner of a cell.
        notes: lines below.
        recipe: goes into the text chunk: the run's digest, its axes and what was fixed.
    """

    title: str
    tag: str
    row_axis: str
    column_axis: str
    rows: Sequence[str]
    columns: Sequence[str]
    pictures: Mapping[tuple[int, int], NDArray[np.uint8]]
    badges: Mapping[tuple[int, int], str]
    notes: Sequence[str]
    recipe: Mapping[str, Any]


def grid_png(sheet: Sheet) -> bytes:
    """PNG bytes; equal sheets give equal bytes."""
    from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

    fonts = {name: ImageFont.load_default(size) for name, size in _SIZES.items()}
    side = _side(sheet)
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    left = EDGE + _label_width(sheet, measure, fonts) + 12
    top = EDGE + 34 + (24 if sheet.column_axis else 0) + 24
    width = max(left + len(sheet.columns) * (side + GAP) - GAP + EDGE, 620)
    lines = [
        line for note in sheet.notes for line in _wrapped(note, measure, fonts["foot"], width - 2 * EDGE)
    ]
    height = top + len(sheet.rows) * (side + GAP) + 14 + 19 * len(lines) + EDGE - 8
    picture = Image.new("RGB", (width, height), GROUND)
    pen = ImageDraw.Draw(picture)
    _head(sheet, pen, fonts, left, width)
    for at, words in enumerate(sheet.columns):
        _centred(pen, words, left + at * (side + GAP), top - 22, side, fonts["label"])
    for at, words in enumerate(sheet.rows):
        middle = top + at * (side + GAP) + side // 2 - 9
        pen.text(
            (left - 12, middle),
            _cut(pen, words, left - EDGE - 12, fonts["label"]),
            INK,
            fonts["label"],
            anchor="ra",
        )
    for (row, column), pixels in sheet.pictures.items():
        place = (left + column * (side + GAP), top + row * (side + GAP))
        picture.paste(_square(pixels, side), place)
        if badge := sheet.badges.get((row, column)):
            _badge(pen, badge, place, fonts["foot"])
    for at, line in enumerate(lines):
        pen.text((EDGE, height - EDGE + 6 - 19 * (len(lines) - at)), line, FAINT, fonts["foot"])
    chunk = PngImagePlugin.PngInfo()
    chunk.add_itxt(GRID_KEY, canonical_json(dict(sheet.recipe)))
    stream = io.BytesIO()
    picture.save(stream, format="PNG", pnginfo=chunk, compress_level=6)
    return stream.getvalue()


def _side(sheet: Sheet) -> int:
    """Pixels of a cell: the pictures' own size, or a whole multiple of it where that is small."""
    own = max((max(pixels.shape[:2]) for pixels in sheet.pictures.values()), default=SMALLEST)
    return min(LARGEST, own * max(1, -(-SMALLEST // own)))


def _square(pixels: NDArray[np.uint8], side: int) -> Any:
    from PIL import Image

    longest = max(pixels.shape[:2])
    if longest != side:
        shape = tuple(max(1, round(length * side / longest)) for length in pixels.shape[:2])
        # A whole multiple keeps every pixel as it is; anything else is resampled properly.
        pixels = resize(pixels, (shape[0], shape[1]), "nearest" if side % longest == 0 else "lanczos")
    ground = Image.new("RGB", (side, side), GROUND)
    image = Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB")
    ground.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return ground


def _label_width(sheet: Sheet, pen: Any, fonts: Mapping[str, Any]) -> int:
    longest = max((pen.textlength(words, font=fonts["label"]) for words in sheet.rows), default=0)
    axis = pen.textlength(sheet.row_axis, font=fonts["axis"]) if sheet.row_axis else 0
    return int(min(260, max(longest, axis)))


def _head(sheet: Sheet, pen: Any, fonts: Mapping[str, Any], left: int, width: int) -> None:
    tag = pen.textlength(sheet.tag, font=fonts["axis"])
    pen.text((width - EDGE, EDGE + 3), sheet.tag, INK, fonts["axis"], anchor="ra")
    pen.text(
        (EDGE, EDGE), _cut(pen, sheet.title, width - 2 * EDGE - tag - 16, fonts["head"]), INK, fonts["head"]
    )
    if sheet.column_axis:
        pen.text((left, EDGE + 36), sheet.column_axis, FAINT, fonts["axis"])
    if sheet.row_axis:
        words = _cut(pen, sheet.row_axis, left - EDGE - 12, fonts["axis"])
        pen.text(
            (left - 12, EDGE + 36 + (24 if sheet.column_axis else 0)),
            words,
            FAINT,
            fonts["axis"],
            anchor="ra",
        )


def _centred(pen: Any, text: str, left: int, top: int, width: int, font: Any) -> None:
    words = _cut(pen, text, width, font)
    pen.text((left + (width - pen.textlength(words, font=font)) / 2, top), words, INK, font)


def _badge(pen: Any, text: str, place: tuple[int, int], font: Any) -> None:
    left, top = place[0] + 4, place[1] + 4
    pen.rectangle(
        (left, top, left + pen.textlength(text, font=font) + 8, top + 17), fill=GROUND, outline=LINE
    )
    pen.text((left + 4, top + 1), text, INK, font)


def _cut(pen: Any, text: str, width: float, font: Any) -> str:
    """The text, shortened with an ellipsis where it is wider than its place."""
    if pen.textlength(text, font=font) <= width:
        return text
    while text and pen.textlength(text + "…", font=font) > width:
        text = text[:-1]
    return text + "…"


def _wrapped(text: str, pen: Any, font: Any, width: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and pen.textlength(longer, font=font) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
