"""Rows of films with their tags as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

GAP = 3
LEFT = 116
HEAD = 18
GROUND, INK, FAINT, LINE = 12, 235, 150, 70


@dataclass(frozen=True, eq=False)
class Row:
    """One row.

    Attributes:
        tag: REAL, PHANTOM or SYNTHETIC, as everywhere in the program.
        name: of the set or generator.
        images: (n, size, size) uint8; None for a row that only says where its films are.
        headings: one for each image.
        text: what stands in a row without images.
    """

    tag: str
    name: str
    images: NDArray[np.uint8] | None
    headings: tuple[str, ...] = ()
    text: str = ""


def drawn(rows: Sequence[Row], size: int) -> NDArray[np.uint8]:
    """The rows below each other, (h, w) uint8; every film keeps its own size of pixels."""
    columns = max((len(row.images) for row in rows if row.images is not None), default=1)
    width = LEFT + columns * (size + GAP)
    return np.concatenate([_strip(row, size, width) for row in rows])


def _strip(row: Row, size: int, width: int) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw, ImageFont

    bold, plain = ImageFont.load_default(13), ImageFont.load_default(11)
    height = HEAD + (size if row.images is not None else size // 2) + 2 * GAP
    strip = Image.new("L", (width, height), GROUND)
    pen = ImageDraw.Draw(strip)
    pen.text((8, HEAD + 4), row.tag, fill=INK, font=bold)
    pen.text((8, HEAD + 22), row.name, fill=FAINT, font=plain)
    if row.images is None:
        pen.rectangle((LEFT, HEAD, width - GAP - 1, height - 2 * GAP), outline=LINE)
        pen.multiline_text((LEFT + 12, HEAD + 8), row.text, fill=FAINT, font=plain, spacing=4)
        return np.asarray(strip)
    for column, image in enumerate(row.images):
        left = LEFT + column * (size + GAP)
        strip.paste(Image.fromarray(image), (left, HEAD))
        if column < len(row.headings):
            _centred(pen, row.headings[column], left, size, plain)
    return np.asarray(strip)


def _centred(pen: Any, text: str, left: int, size: int, font: Any) -> None:
    """A heading above its film, cut where it would reach into the next one."""
    while text and pen.textlength(text, font=font) > size:
        text = text[:-1]
    pen.text((left + (size - pen.textlength(text, font=font)) / 2, 3), text, fill=FAINT, font=font)
