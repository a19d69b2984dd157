"""Walking from neighbour to neighbour: each step is an image of the dataset, and every earlier one is a click away."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lab.ui.films import case_code, dataset_film, training_word
from lab.ui.run_panel import stand_in
from lab.ui.state import NeighboursKey as Key
from lab.ui.subjects import Subject, of_film, search_film

LONGEST = 12
Step = tuple[str, str]


def steps(start: str | None) -> list[Step]:
    """The (dataset, image id) of each step from this start; a trail from another start is dropped.

    None stands for a start that is not known yet; a trail that came with the address belongs to the first one.
    """
    kept = st.session_state.get(Key.TRAIL) or {}
    if start is not None and kept.get("start") not in (None, start):
        take([])
        kept = {}
    if start is not None:
        st.session_state[Key.TRAIL] = {"start": start, "steps": list(kept.get("steps", []))}
    return steps_taken()


def steps_taken() -> list[Step]:
    """The steps, wherever they started."""
    return list((st.session_state.get(Key.TRAIL) or {}).get("steps", []))


def take(taken: list[Step]) -> None:
    """Put these steps in the place of what was walked; the image chosen next is their start."""
    st.session_state[Key.TRAIL] = {"start": None, "steps": taken}


def walk(dataset: str, image_id: str) -> None:
    """Go on to an image; one that was passed already is gone back to."""
    trail = st.session_state.get(Key.TRAIL) or {"start": None, "steps": []}
    taken = list(trail["steps"])
    step = (dataset, image_id)
    taken = taken[: taken.index(step) + 1] if step in taken else [*taken, step][-LONGEST:]
    st.session_state[Key.TRAIL] = {**trail, "steps": taken}


def back(count: int) -> None:
    """Keep the first `count` steps."""
    trail = st.session_state.get(Key.TRAIL) or {"start": None, "steps": []}
    st.session_state[Key.TRAIL] = {**trail, "steps": list(trail["steps"])[:count]}


def breadcrumb(taken: list[Step], start: str) -> None:
    """The way here, each place a button; nothing before the first step."""
    if not taken:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            start, key=f"{Key.TRAIL}.0", icon=":material/home_pin:", on_click=back, args=(0,), type="tertiary"
        )
        for number, (_, image_id) in enumerate(taken, 1):
            last = number == len(taken)
            st.button(
                f"› {case_code(image_id)}",
                key=f"{Key.TRAIL}.{number}",
                on_click=back,
                args=(number,),
                type="tertiary",
                disabled=last,
            )


def subject_at(step: Step) -> Subject | None:
    """The subject of a step; None while its search goes on."""
    dataset, image_id = step
    run = search_film(dataset, image_id)
    if run.state != "done":
        stand_in(run)
        return None
    return of_film(run, dataset_film(dataset, image_id, _word(run.result, dataset, image_id)), image_id)


def _word(result: dict[str, Any] | None, dataset: str, image_id: str) -> str:
    found = (result or {})["images"][0]["neighbours"]
    known = any(match["image_id"] == image_id for match in found)
    return training_word(dataset) if known else "held-out image"
