"""The table of a grid in the browser: pictures with fixed labels, badges, and a click that selects a cell."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import streamlit as st

from lab.config import ASSETS
from lab.errors import NotComputable
from lab.ui.viewer_store import keep


@dataclass(frozen=True)
class Picture:
    """One cell as it is drawn.

    Attributes:
        number: of the cell.
        row, column: its place.
        png: the picture, b"" while there is none.
        alt: what it shows, in words.
        title: on hover.
        badge, tone: a short verdict, "alarm" or "warn" for its colour.
        fit: "yes", "unclear", "no" or "": whether it goes with its prompt.
        figure: a number in the corner.
        pending: whether it is unfinished.
        wait: word in an empty cell.
    """

    number: int
    row: int
    column: int
    png: bytes
    alt: str
    title: str = ""
    badge: str = ""
    tone: str = ""
    fit: str = ""
    figure: str = ""
    pending: bool = False
    wait: str = ""


@dataclass(frozen=True)
class Labels:
    """Axis titles and the words beside and above the cells."""

    row_axis: str
    column_axis: str
    rows: Sequence[str]
    columns: Sequence[str]


def table(
    pictures: Sequence[Picture], labels: Labels, *, key: str, largest: int = 168, picked: int | None = None,
    reference: int | None = None, differences: bool = False, on_picked: Callable[[], None] | None = None,
) -> None:  # fmt: skip
    """Draw the table.

    Args:
        pictures: the cells.
        labels: of the axes.
        key: Streamlit key; `st.session_state[key]["picked"]` is the cell clicked last.
        largest: pixels of a cell on the screen, at most.
        picked, reference: cells that are marked.
        differences: whether the pictures are differences.
        on_picked: called before the rerun when a cell is clicked.
    """
    cells = []
    for one in pictures:
        spec = asdict(one)
        del spec["png"]
        cells.append({**spec, "url": _address(one, key)})
    data: dict[str, Any] = {
        "cells": cells, "rowAxis": labels.row_axis, "columnAxis": labels.column_axis, "rows": list(labels.rows),
        "columns": list(labels.columns), "largest": largest, "picked": picked,
        "reference": reference, "differences": differences,
    }  # fmt: skip
    _component()(data=data, key=key, on_picked_change=on_picked or _nothing)


def _address(one: Picture, key: str) -> str:
    """Where the browser finds a picture. One that is replaced within a second travels with the data instead: its
    file would be gone before the browser asked for it."""
    if not one.png:
        return ""
    place = f"{key}.{one.number}"
    address = "" if one.pending else keep(one.png, "image/png", place, place)
    return address or f"data:image/png;base64,{base64.b64encode(one.png).decode('ascii')}"


def clicked(key: str) -> int | None:
    """The cell that was clicked, inside `on_picked`."""
    found = dict(st.session_state.get(key) or {}).get("picked")
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _nothing() -> None:
    """A trigger must be declared for its value to be readable."""


@lru_cache(maxsize=1)
def _sources() -> tuple[str, str]:
    folder = ASSETS / "grid"
    try:
        return (folder / "grid.js").read_text("utf-8"), (folder / "grid.css").read_text("utf-8")
    except OSError as error:
        raise NotComputable(
            "The grid's files are missing; its samples are kept; restore assets/grid."
        ) from error


def _component() -> Callable[..., Any]:
    script, style = _sources()
    mount: Callable[..., Any] = st.components.v2.component(
        "doppel_grid", html='<div class="doppel-grid"></div>', css=style, js=script
    )
    return mount
