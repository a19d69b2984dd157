"""Pictures and figures of a grid's cells against a reference, computed once for each pair of samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.data.pixels import encode_png
from lab.report.grid_difference import Change, change, coloured, difference, scale_of
from lab.report.grid_files import reference_of
from lab.runs.grid_requests import Made
from lab.ui.films import artifact_pixels, as_8bit, thumbnail

LARGEST = 256


@st.cache_data(max_entries=512, show_spinner=False)
def small_png(artifact: str) -> bytes:
    """A cell's picture as PNG of at most 256 pixels a side; the artifact's digest is the whole cache key."""
    return encode_png(thumbnail(artifact_pixels(artifact), LARGEST))


@st.cache_data(max_entries=512, show_spinner=False)
def delta_of(sample: str, reference: str) -> NDArray[np.int16] | None:
    """The difference of two artifacts, named by their digests; None where their sizes differ."""
    return difference(as_8bit(artifact_pixels(sample)), as_8bit(artifact_pixels(reference)))


@st.cache_data(max_entries=512, show_spinner=False)
def change_of(sample: str, reference: str) -> Change | None:
    """The figures of that difference."""
    delta = delta_of(sample, reference)
    return None if delta is None else change(delta)


@st.cache_data(max_entries=512, show_spinner=False)
def delta_png(sample: str, reference: str, scale: int) -> bytes:
    """The difference in colours as PNG; b"" where the sizes differ."""
    delta = delta_of(sample, reference)
    return b"" if delta is None else encode_png(coloured(delta, scale))


@st.cache_data(max_entries=64, show_spinner=False)
def scale_for(pairs: tuple[tuple[str, str], ...]) -> int:
    """One colour scale for all pairs of artifacts."""
    return scale_of([delta for pair in pairs if (delta := delta_of(*pair)) is not None])


def pairs_of(made: Mapping[int, Made], against: str, chosen: int) -> tuple[tuple[str, str], ...]:
    """Every cell with its reference, as artifacts."""
    return tuple(
        (one.artifact, made[reference_of(one.number, made, against, chosen)].artifact)
        for one in made.values()
    )


def strip_parts(strip: NDArray[Any], count: int) -> list[bytes]:
    """The pictures of a strip of `count` square previews, each as PNG."""
    side = strip.shape[0]
    return [
        encode_png(np.ascontiguousarray(strip[:, at * side : (at + 1) * side]))
        for at in range(min(count, strip.shape[1] // max(1, side)))
    ]
