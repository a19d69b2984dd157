"""Choosing the image of the neighbours page, and waiting for its search where there is none yet."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lab.data.images import decode
from lab.data.store import list_datasets, open_dataset
from lab.runs.records import Run
from lab.ui.absent_films import why_no_neighbours
from lab.ui.first_steps import readiness
from lab.ui.frame import missing
from lab.ui.neighbour_address import UPLOAD, sample_key
from lab.ui.run_panel import find, stand_in
from lab.ui.sample_grid import samples_of
from lab.ui.state import NeighboursKey as Key
from lab.ui.subjects import (
    Subject,
    held_out_film,
    of_sample,
    of_search,
    search_held_out,
    search_upload,
    uploaded_film,
)

UPLOAD_WORDS = "An image of mine…"
KINDS = ("Synthetic", "Real")


def choose(found: dict[str, str]) -> Subject | None:
    """The subject a person chose; None while a search goes on or nothing is chosen.

    Args:
        found: sources, as `lab.ui.subjects.sources` gives them.
    """
    state = st.session_state
    words = {**found, UPLOAD: UPLOAD_WORDS}
    if state.get(Key.SET) not in words:
        state[Key.SET] = next(iter(words))
    left, right = st.columns([0.6, 0.4], vertical_alignment="bottom")
    with left:
        source = str(
            st.selectbox(
                "From", list(words), format_func=words.__getitem__, key=Key.SET, persist_state="session"
            )
        )
    if source == UPLOAD:
        return _upload(right)
    if ":" in source:
        return _held_out(source.split(":")[0], right)
    return _sample(find(source), right)


def start_of(subject: Subject | None) -> str | None:
    """The first words of a subject's caption: where a walk over its neighbours began; None without a subject."""
    if subject is None:
        return None
    return subject.film.caption.split("\n", 1)[0] + (f" · {subject.artifact[:6]}" if subject.artifact else "")


def _sample(run: Run | None, right: st.delta_generator.DeltaGenerator) -> Subject | None:
    samples = samples_of(run) if run is not None else []
    if run is None or not samples:
        missing("This run holds no samples.", "Choose another one, or write a prompt.", "prompt", "Prompt")
        return None
    ids = [sample["image_id"] for sample in samples]
    several = len({sample.get("prompt") for sample in samples}) > 1
    labels = {sample["image_id"]: _words(number, sample, several) for number, sample in enumerate(samples, 1)}
    key = _known(sample_key(run.id), ids)
    with right:
        picked = st.selectbox("Sample", ids, format_func=labels.__getitem__, key=key, persist_state="session")
    subject = of_sample(run, samples[ids.index(str(picked))])
    if subject is None:
        missing(
            "This sample has no neighbours.",
            why_no_neighbours(
                samples[ids.index(str(picked))].get("generator") or run.spec.settings["generator"]
            ),
            "prompt",
            "Prompt",
        )
    return subject


def _words(number: int, sample: dict[str, Any], several: bool) -> str:
    """Of a sample in the list, with its prompt where there are several: in a grid it differs from cell to cell."""
    verdict = (sample.get("verdict") or {}).get("label", "no verdict")
    prompt = (sample.get("prompt") or "") if several else ""
    return f"{number}. seed {sample['seed']}, {verdict}" + (f" · {prompt[:60]}" if prompt else "")


def _known(key: str, ids: list[str]) -> str:
    """The key of a list, whose choice is an image of the list: the first one, where it was none."""
    if st.session_state.get(key) not in ids:
        st.session_state[key] = ids[0]
    return key


def _held_out(dataset: str, right: st.delta_generator.DeltaGenerator) -> Subject | None:
    if not readiness(dataset, "calibrate"):
        return None
    rows = open_dataset(dataset).rows("held-out").head(2000)
    labels = dict(zip(rows["image_id"].astype(str), rows["label"].astype(str), strict=True))
    with right:
        picked = st.selectbox(
            "Image",
            list(labels),
            format_func=lambda name: f"{name}  {labels[name]}",
            key=_known(sample_key(dataset), list(labels)),
            persist_state="session",
        )
    run = search_held_out(dataset, str(picked))
    if run.state != "done":
        stand_in(run)
        return None
    return of_search(run, held_out_film(dataset, str(picked)), str(picked))


def _upload(right: st.delta_generator.DeltaGenerator) -> Subject | None:
    names = [card.id for card in list_datasets()]
    if not names:
        missing("There is no dataset to search.", "Add one first.", "library", "Library")
        return None
    with right:
        dataset = str(st.selectbox("Search in", names, key=Key.DATASET))
    left, right = st.columns([0.6, 0.4], vertical_alignment="center")
    with left:
        file = st.file_uploader("Image", type=["png", "jpg", "jpeg", "tif", "tiff"], key=Key.UPLOAD)
    with right:
        kind = st.segmented_control("This image is", KINDS, default=KINDS[0], key=Key.KIND, required=True)
    if file is None or not readiness(dataset, "calibrate"):
        return None
    run = search_upload(file.getvalue(), dataset)
    if run.state != "done":
        stand_in(run)
        return None
    return of_search(run, uploaded_film(decode(file.getvalue(), name=file.name).array, str(kind)))
