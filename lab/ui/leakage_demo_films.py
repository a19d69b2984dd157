"""Films on slides: small lossless pictures with their tag in the frame, and nothing where the licence forbids it."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable

from lab.config import settings
from lab.data.pixels import encode_png
from lab.ui.films import as_8bit, case_code, dataset_film, may_be_public, origin_note, set_pixels
from lab.ui.sets import open_set
from lab.ui.viewer import Film


def training_film(dataset: str, image_id: str, caption: str = "") -> Film:
    """An image of the dataset that was searched."""
    return dataset_film(dataset, image_id, caption)


def sample_of(
    set_id: str, image_id: str, dataset: str, caption: str = "", badge: str = "", tone: str = ""
) -> Film:
    """A sample of a set, tagged by what its generator was trained on."""
    images = open_set(set_id)
    return Film(
        set_pixels(set_id, images.digest, image_id),
        images.tag,
        caption,
        origin_note(dataset),
        badge,
        tone,
        case=case_code(image_id),
        public=may_be_public(dataset),
    )


def tile(film: Film, mark: str = "") -> str:
    """A film as markup: picture, tag, and a short word in the corner. Every word is escaped.

    A film whose licence forbids it is not sent at all where the app runs in public.
    """
    tag = f'<span class="tag {film.tag}">{html.escape(" ".join(filter(None, (film.tag, film.note))))}</span>'
    corner = f'<span class="mark">{html.escape(mark)}</span>' if mark else ""
    if settings().public and not film.public:
        told = '<p class="withheld">Not shown in public: the licence of this film does not allow it.</p>'
        return f'<figure class="slide-film">{told}{tag}</figure>'
    words = html.escape(", ".join(filter(None, (film.tag, film.caption, mark))))
    return f'<figure class="slide-film"><img src="{_address(film)}" alt="{words}">{tag}{corner}</figure>'


def thumb(film: Film, words: str) -> str:
    """A film as a small picture without a frame."""
    if settings().public and not film.public:
        return ""
    return f'<img src="{_address(film)}" alt="{html.escape(f"{film.tag}, {words}")}" title="{html.escape(words)}">'


def row(tiles: Iterable[str], columns: int, rest: int, lines: int = 1) -> str:
    """Tiles in rows that fit a slide.

    Args:
        columns: tiles in a row.
        rest: pixels of the window's height that other things on the slide need.
        lines: rows of tiles.
    """
    style = f"--n:{columns};--rest:{rest}px;--wide:{columns / lines:.3f}"
    return f'<div class="slide-films" style="{style}">{"".join(tiles)}</div>'


def _address(film: Film) -> str:
    return "data:image/png;base64," + base64.b64encode(encode_png(as_8bit(film.samples))).decode("ascii")
