"""The walk in the address: where it began and what was passed, so that a reload and a shared link restore it.

Opaque ids only: runs and images by their own, a dataset by a code of its id, which a person chose and may name someone.
"""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass

import streamlit as st

from lab.data.store import list_datasets, open_dataset
from lab.provenance import digest_json
from lab.ui.neighbour_trail import LONGEST, Step, steps_taken, take
from lab.ui.state import NeighboursKey as Key
from lab.ui.state import QueryKey

UPLOAD = "upload"
ONE = "One image"
_NAMES = (QueryKey.SET, QueryKey.SAMPLE, QueryKey.TRAIL)
_IMAGE = re.compile(r"[0-9a-f]{16}\Z")


@dataclass(frozen=True)
class Address:
    """What the address holds: the source, the image it began with, and the way from there; "" for nothing."""

    source: str = ""
    sample: str = ""
    trail: str = ""


def code_of(reference: str) -> str:
    """A run's id as it is; of "ID:SPLIT" or a dataset's id a code of 12 digits that does not tell it."""
    return digest_json(["reference", reference])[:12]


def read() -> Address:
    """What the address asks for now."""
    asked = (st.query_params.get(name, "") for name in _NAMES)
    return Address(*(value if len(value) <= 400 else "" for value in asked))


def trail_code(taken: list[Step]) -> str:
    """The way as one word: the dataset's code and the image ids, joined by dots."""
    return ".".join([code_of(taken[0][0]), *(image_id for _, image_id in taken)]) if taken else ""


def trail_of(code: str) -> list[Step] | None:
    """The way that a code tells; None when its dataset or one of its images is not here."""
    if not code:
        return []
    first, *images = code.split(".")
    dataset = next((card.id for card in list_datasets() if code_of(card.id) == first), None)
    if dataset is None or not 0 < len(images) <= LONGEST or not all(map(_IMAGE.match, images)):
        return None
    known = set(open_dataset(dataset).rows()["image_id"].astype(str))
    return [(dataset, image_id) for image_id in images] if known.issuperset(images) else None


def arrive(found: dict[str, str]) -> None:
    """Take over what the address asks for: once after a link, a reload, or the browser's back and forward.

    An empty address asks for nothing, unless a walk was on the screen a moment ago: then back was pressed.

    Args:
        found: sources, as `lab.ui.subjects.sources` gives them.
    """
    asked, state = read(), st.session_state
    if asked == Address(*state.get(Key.ADDRESS, ("", "", ""))):
        return
    walking = f"{Key.TRAIL}.0" in state and bool(steps_taken())
    if asked == Address() and not walking:
        return
    state[Key.ADDRESS] = astuple(asked)
    sources = {code_of(name) if ":" in name else name: name for name in found}
    source = sources.get(asked.source, asked.source if asked.source in found else None)
    if source is not None:
        state[Key.SET] = source
        state[sample_key(source)] = asked.sample
    elif asked.source == UPLOAD:
        state[Key.SET] = UPLOAD
    if asked != Address():
        state[Key.VIEW] = ONE
    way = trail_of(asked.trail)
    state[Key.LOST] = way is None
    take(way or [])


def sample_key(source: str) -> str:
    """Where the chosen image of a source is kept: a run, or a dataset's held-out images."""
    return f"{Key.SAMPLE}.{source.partition(':')[0]}"


def tell(taken: list[Step]) -> None:
    """Write the walk into the address; nothing before the first step, unless something stands there already."""
    before, state = read(), st.session_state
    if not taken and before == Address():
        return
    source = str(state.get(Key.SET) or "")
    code = source if source == UPLOAD or ":" not in source else code_of(source)
    now = Address(code, str(state.get(sample_key(source)) or ""), trail_code(taken))
    if now != before:
        pairs = zip(_NAMES, astuple(now), strict=True)
        st.query_params.from_dict({str(name): value for name, value in pairs if value})
    state[Key.ADDRESS] = astuple(now)


def lost() -> None:
    """One sentence where the address named images that are not here."""
    if st.session_state.get(Key.LOST):
        st.info(
            "This link walks over images that are not in this workspace; the walk was left out; "
            "choose an image here.",
            icon=":material/link_off:",
        )
