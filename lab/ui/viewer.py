"""The viewer: films in one component, windowed in the browser, with the gestures of radiology viewers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import streamlit as st

from lab.ui.hanging import stages
from lab.ui.viewer_film import TAGS, Film
from lab.ui.viewer_packet import packet
from lab.ui.viewer_regions import Region, read_regions
from lab.ui.viewer_script import component

__all__ = ["TAGS", "Film", "Region", "regions", "viewer"]

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
    masks: bool = False,
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
        masks: whether masks are shown from the start; the reader can show and hide them.
        on_stepped: called before the rerun with -1 or 1 when page up or page down asks for another case.

    Returns:
        The index of a film clicked in this very run, else None.

    Raises:
        InputError: for an unknown layout, tag, dtype or shape, or too many films.
    """
    data = packet(films, key=key, blinded=blinded)
    hung, tools = stages(layout, columns, lead, len(films))
    data["stages"] = [asdict(stage) | ({"title": ""} if blinded else {}) for stage in hung]
    data |= {"linked": linked, "selected": selected, "marking": marking, "tools": tools, "masks": masks}
    data["selectable"] = selected is not None or on_picked is not None
    data["stepping"] = on_stepped is not None
    past = _state(key).get(_REGIONS)
    if marking:
        data[_REGIONS] = [asdict(region) for region in read_regions(past, films, data[_TOKEN])]
    result = component()(
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


def _step(key: str, act: Callable[[int], None] | None) -> None:
    by = _state(key).get("stepped")
    if act is not None and by in (-1, 1):
        act(by)


def _nothing() -> None:
    """A trigger must be declared for its value to be readable."""
