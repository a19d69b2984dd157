"""The colours of structures, the same as in the film viewer, and a legend that also says their names."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

# As in assets/viewer/paint.js, so that a structure looks alike wherever it is shown.
INKS = ((64, 201, 227), (242, 165, 65), (188, 128, 255), (120, 214, 120), (240, 110, 140), (236, 220, 90))
GROUND = (18, 20, 24)


def ink(number: int) -> tuple[int, int, int]:
    """Red, green and blue of a structure's number, from 1."""
    return INKS[(number - 1) % len(INKS)]


def coloured(labels: NDArray[np.uint8], side: int = 0) -> NDArray[np.uint8]:
    """(H, W) structure numbers as (H, W, 3) uint8; enlarged by whole pixels to about `side` where that is larger."""
    table = np.asarray([GROUND, *(ink(number) for number in range(1, 256))], np.uint8)
    times = max(1, side // max(1, labels.shape[0]))
    return table[labels].repeat(times, axis=0).repeat(times, axis=1)


def legend(labels: NDArray[np.uint8], structures: Sequence[str]) -> None:
    """One line a structure: swatch, name, and its share of the picture or that it is not there."""
    lines = []
    for number, name in enumerate(structures, 1):
        share = 100 * float((labels == number).mean()) if labels.size else 0.0
        told = f"{share:.1f} %" if share else "not in this mask"
        swatch = "background:rgb({} {} {})".format(*ink(number))
        lines.append(
            f'<div style="display:flex;gap:.5em;align-items:center;font-size:.85rem;opacity:{1 if share else 0.6}">'
            f'<span style="width:.8em;height:.8em;border-radius:2px;flex:none;{swatch}"></span>'
            f"<span>{html.escape(name[:1].upper() + name[1:])}</span>"
            f'<span style="margin-left:auto;opacity:.7">{told}</span></div>'
        )
    st.html("".join(lines))
