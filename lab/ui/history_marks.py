"""Star, note and tags of a past run, stored as they are clicked, for the person who is signed in."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from lab.errors import LabError
from lab.runs.marks import MAX_NOTE, MAX_TAGS, Mark, clean_tags, marks_of, person_key, set_mark
from lab.runs.store import RunStore
from lab.ui import sign_in
from lab.ui.frame import plain
from lab.ui.state import PromptKey as Key


def person() -> str:
    """Whose marks these are: the person who is signed in, else everybody on this machine."""
    email = st.user.get("email") if sign_in.required() and st.user.is_logged_in else ""
    return person_key(str(email or ""))


def star(mark: Mark) -> None:
    """A button that makes a run a favourite, or no longer."""
    st.button(
        ":orange[★]" if mark.starred else "☆",
        key=f"star.{mark.run_id}",
        type="tertiary",
        on_click=_keep,
        args=(replace(mark, starred=not mark.starred),),
        help="Take the star off" if mark.starred else "Star this run",
    )


def note_editor(mark: Mark) -> None:
    """Note and tags behind a small button."""
    written = bool(mark.note or mark.tags)
    with st.popover(
        "",
        icon=":material/edit_note:" if written else ":material/note_add:",
        type="tertiary",
        help="Note and tags",
        key=f"noted.{mark.run_id}",
    ):
        note, tags = f"{Key.NOTE}{mark.run_id}", f"{Key.TAGS}{mark.run_id}"
        st.session_state.setdefault(note, mark.note)
        st.session_state.setdefault(tags, list(mark.tags))
        st.text_area("Note", key=note, height=80, max_chars=MAX_NOTE, on_change=_keep_note, args=(mark,))
        st.multiselect(
            "Tags",
            sorted({*_all_tags(), *st.session_state[tags]}),
            key=tags,
            accept_new_options=True,
            max_selections=MAX_TAGS,
            placeholder="Write a tag",
            on_change=_keep_note,
            args=(mark,),
        )


def _all_tags() -> set[str]:
    return {tag for mark in marks_of(RunStore.open(), person()).values() for tag in mark.tags}


def _keep_note(mark: Mark) -> None:
    state = st.session_state
    tags = clean_tags(state.get(f"{Key.TAGS}{mark.run_id}") or [])
    state[f"{Key.TAGS}{mark.run_id}"] = list(tags)
    _keep(replace(mark, note=str(state.get(f"{Key.NOTE}{mark.run_id}") or "").strip(), tags=tags))


def _keep(mark: Mark) -> None:
    try:
        set_mark(RunStore.open(), person(), mark)
    except LabError as error:
        st.toast(plain(str(error)))
