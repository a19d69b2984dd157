"""The viewer: several films in one component, sent as lossless bytes and windowed in the browser.

A packet is `DPV1`, the length of a JSON header (uint32, little-endian), the header, and the raw samples of
every film one after the other, rows first. Nothing in the packet is markup: captions are set as text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.config import ASSETS
from lab.errors import InputError, NotComputable
from lab.provenance import digest_bytes

TAGS = ("REAL", "SYNTHETIC", "PHANTOM")
MAX_BYTES = 120_000_000
_MAGIC = b"DPV1"
_TONES = ("", "alarm", "warn", "calm")


@dataclass(frozen=True)
class Film:
    """One viewport.

    Attributes:
        samples: (H, W) or (H, W, 3), uint8 or uint16, as stored: no scaling.
        tag: "REAL", "SYNTHETIC" or "PHANTOM"; always drawn in the frame.
        caption: text below the film; shown as text, never as markup.
        note: follows the tag, such as "(phantom-trained)".
        badge: a short verdict in the other corner.
        tone: "alarm", "warn", "calm" or "" for the badge.
        window: (centre, width) in grey levels to start with; None shows the full range.
    """

    samples: NDArray[Any]
    tag: str
    caption: str = ""
    note: str = ""
    badge: str = ""
    tone: str = ""
    window: tuple[float, float] | None = None


def viewer(
    films: Sequence[Film],
    *,
    key: str,
    columns: int = 4,
    linked: bool = True,
    lead: bool = False,
    selected: int | None = None,
    on_picked: Callable[[], None] | None = None,
) -> int | None:
    """Draw the films as linked viewports.

    Args:
        films: what to show, at least one.
        key: Streamlit key; views are kept while the same films are shown under it.
        columns: viewports in a row.
        linked: whether window, zoom and pan start linked.
        lead: draw the first film two rows high and two columns wide.
        selected: the film marked as selected; films can be picked when it or `on_picked` is given.
        on_picked: called before the rerun when a film is clicked.

    Returns:
        The index of a film clicked in this very run, else None.

    Raises:
        InputError: for an unknown tag, a wrong dtype or shape, or more than `MAX_BYTES` of samples.
    """
    header = {"columns": columns, "linked": linked, "lead": lead, "selected": selected}
    header["selectable"] = selected is not None or on_picked is not None
    result = _component()(data=packet(films, header), key=key, on_picked_change=on_picked or _nothing)
    picked = result.get("picked")
    return picked if isinstance(picked, int) and 0 <= picked < len(films) else None


def packet(films: Sequence[Film], header: dict[str, Any] | None = None) -> bytes:
    """The bytes the browser gets.

    Raises:
        InputError: as in `viewer`.
    """
    bodies = [_body(film) for film in films]
    if not bodies or sum(map(len, bodies)) > MAX_BYTES:
        raise InputError("There are no films, or too many at once, for one viewer; choose fewer films.")
    described, offset = [], 0
    for film, body in zip(films, bodies, strict=True):
        described.append({**_description(film), "offset": offset, "length": len(body)})
        offset += len(body)
    samples = b"".join(bodies)
    digest = digest_bytes(json.dumps(described).encode() + digest_bytes(samples).encode())
    text = json.dumps({**(header or {}), "viewports": described, "digest": digest}).encode()
    return _MAGIC + len(text).to_bytes(4, "little") + text + samples


def _body(film: Film) -> bytes:
    samples = film.samples
    shaped = samples.ndim == 2 or (samples.ndim == 3 and samples.shape[2] == 3)
    if film.tag not in TAGS or film.tone not in _TONES:
        raise InputError("A film without a valid tag is not shown; give it REAL, SYNTHETIC or PHANTOM.")
    if samples.dtype not in (np.uint8, np.uint16) or not shaped or samples.size == 0:
        raise InputError("The viewer shows 8-bit and 16-bit grey or colour films; this one was left out.")
    return np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder("<"))).tobytes()


def _description(film: Film) -> dict[str, Any]:
    height, width = film.samples.shape[:2]
    depth = film.samples.dtype.itemsize * 8
    return {
        "width": width,
        "height": height,
        "channels": 1 if film.samples.ndim == 2 else 3,
        "depth": depth,
        "window": _window(film),
        "tag": film.tag,
        "note": film.note,
        "badge": film.badge,
        "tone": film.tone,
        "caption": film.caption[:2000],
        "alt": f"film of {width} by {height} pixels, {film.caption[:200]}",
    }


def _window(film: Film) -> dict[str, float] | None:
    if film.window is not None and all(map(math.isfinite, film.window)) and film.window[1] > 0:
        return {"centre": float(film.window[0]), "width": float(film.window[1])}
    if film.samples.dtype == np.uint8:
        return None
    low, high = (float(value) for value in np.percentile(film.samples, (0.5, 99.5)))
    return {"centre": (low + high) / 2, "width": max(1.0, high - low)}


@lru_cache(maxsize=1)
def _sources() -> tuple[str, str]:
    folder = ASSETS / "viewer"
    try:
        return (folder / "viewer.js").read_text("utf-8"), (folder / "viewer.css").read_text("utf-8")
    except OSError as error:
        raise NotComputable(
            "The viewer's files are missing; images are kept; restore assets/viewer."
        ) from error


def _component() -> Callable[..., Any]:
    script, style = _sources()
    mount: Callable[..., Any] = st.components.v2.component(
        "doppel_viewer", html='<div class="viewer"></div>', css=style, js=script
    )
    return mount


def _nothing() -> None:
    """A trigger must be declared for its value to be readable."""
