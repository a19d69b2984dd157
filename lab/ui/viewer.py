"""The viewer: films in one component, windowed in the browser, with the gestures of radiology viewers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import lru_cache, partial
from typing import Any

import streamlit as st

from lab.config import ASSETS
from lab.errors import InputError, NotComputable
from lab.ui.hanging import arrangement
from lab.ui.viewer_film import TAGS, Film
from lab.ui.viewer_packet import packet
from lab.ui.viewer_regions import Region, read_regions

__all__ = ["TAGS", "Film", "Region", "regions", "viewer"]

SCRIPTS = (
    "parts.js",
    "packet.js",
    "paint.js",
    "view.js",
    "compare.js",
    "marks.js",
    "labels.js",
    "tools.js",
    "hands.js",
    "keys.js",
    "main.js",
)
_REGIONS, _TOKEN = "regions", "token"


def viewer(
    films: Sequence[Film],
    *,
    key: str,
    columns: int = 4,
    linked: bool = True,
    lead: bool = False,
    selected: int | None = None,
    on_picked: Callable[[], None] | None = None,
    layout: str | None = None,
    blinded: bool = False,
    marking: bool = False,
    on_stepped: Callable[[int], None] | None = None,
) -> int | None:
    """Draw the films as linked viewports.

    Args:
        films: what to show, at least one.
        key: Streamlit key; views are kept while the same films are shown under it.
        columns: viewports in a row, where no layout is named.
        linked: whether window, zoom, pan and frame start linked.
        lead: draw the first film two rows high and two columns wide, where no layout is named.
        selected: the film marked as selected; films can be picked when it or `on_picked` is given.
        on_picked: called before the rerun when a film is clicked.
        layout: a hanging protocol of `lab.ui.hanging`: "grid", "pair", "audit", "one-and-five", "two-by-two".
        blinded: show no tag, caption, dataset, split or case, nor send them; digits and Enter then belong to the
            page, and window presets move to Shift and digit.
        marking: offer to mark regions; each change reruns, and `regions` reads them.
        on_stepped: called before the rerun with -1 or 1 when page up or page down asks for another case.

    Returns:
        The index of a film clicked in this very run, else None.

    Raises:
        InputError: for an unknown layout, tag, dtype or shape, or too many films.
    """
    data = packet(films, key=key, blinded=blinded)
    data |= _arranged(layout, columns, lead, len(films))
    data |= {"linked": linked, "selected": selected, "marking": marking}
    data["selectable"] = selected is not None or on_picked is not None
    data["stepping"] = on_stepped is not None
    past = _state(key).get(_REGIONS)
    if marking:
        data[_REGIONS] = [asdict(region) for region in read_regions(past, films, data[_TOKEN])]
    result = _component()(
        data=data,
        key=key,
        on_picked_change=on_picked or _nothing,
        on_regions_change=_nothing,
        on_stepped_change=partial(_step, key, on_stepped),
    )
    picked = result.get("picked")
    return picked if isinstance(picked, int) and 0 <= picked < len(films) else None


def regions(films: Sequence[Film], *, key: str) -> tuple[Region, ...]:
    """The regions marked on these films in the viewer of that key, in image coordinates.

    Args:
        films: the films given to `viewer` in this run.
        key: the viewer's key.
    """
    token = packet(films, key=key)[_TOKEN]
    return read_regions(_state(key).get(_REGIONS), films, token)


def _state(key: str) -> dict[str, Any]:
    return dict(st.session_state.get(key) or {})


def _arranged(layout: str | None, columns: int, lead: bool, count: int) -> dict[str, Any]:
    if layout is None:
        return {"layout": "", "columns": columns, "narrow": columns, "lead": lead, "tools": "few"}
    found = arrangement(layout)
    if found.most and count > found.most:
        raise InputError(f"This layout takes {found.most} films; nothing was drawn; choose the grid instead.")
    fitting = min(found.columns, count) if not found.lead else found.columns
    return {
        "layout": found.name,
        "columns": fitting,
        "narrow": min(found.narrow, fitting),
        "lead": found.lead,
        "tools": found.tools,
    }


@lru_cache(maxsize=1)
def _sources() -> tuple[str, str]:
    folder = ASSETS / "viewer"
    try:
        script = "\n".join((folder / name).read_text("utf-8") for name in SCRIPTS)
        # The script travels with every change of the data: comments and margins stay at home.
        lines = (line.strip() for line in script.splitlines())
        script = "\n".join(line for line in lines if line and not line.startswith("//"))
        return script, (folder / "viewer.css").read_text("utf-8")
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


def _step(key: str, act: Callable[[int], None] | None) -> None:
    by = _state(key).get("stepped")
    if act is not None and by in (-1, 1):
        act(by)


def _nothing() -> None:
    """A trigger must be declared for its value to be readable."""
