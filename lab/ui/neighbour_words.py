"""Across text and image: training images for some words, captions for an image, where a text-image model is here."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lab.data.store import list_datasets
from lab.features.text_image_models import searchable
from lab.runs.neighbour_requests import retrieve_run
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.films import dataset_film, is_phantom, training_word
from lab.ui.frame import plain
from lab.ui.run_panel import find, stand_in, submit
from lab.ui.sets import card_of
from lab.ui.state import NeighboursKey as Key
from lab.ui.subjects import Subject
from lab.ui.viewer import viewer

K = 8


def reason(dataset: str) -> str:
    """Why words and images of this dataset cannot be compared, in one sentence; "" where they can."""
    card = card_of(dataset)
    _, told = searchable(str(getattr(card, "modality", "")), is_phantom(dataset))
    return told.replace("Samples and prompts are not compared", "Words and images are not compared")


def by_words() -> None:
    """Words in, training images out."""
    # First the datasets that the model was made for.
    cards = sorted(list_datasets(), key=lambda card: bool(reason(card.id)))
    names = {card.id: card.title for card in cards}
    left, right = st.columns([0.35, 0.65], vertical_alignment="bottom")
    with left:
        dataset = str(
            st.selectbox(
                "In the training images of", list(names), format_func=names.__getitem__, key=Key.WORDS_DATASET
            )
        )
    told = reason(dataset)
    with right:
        words = st.text_input(
            "Words of a report",
            key=Key.WORDS,
            placeholder="large left pleural effusion",
            max_chars=400,
            disabled=bool(told),
        )
    if told:
        st.caption(plain(told))
        return
    if not words or not words.strip():
        st.caption(
            "Write what a film should show; the films whose pictures go best with the words are listed."
        )
        return
    run = submit(retrieve_run(dataset, words=words, k=K))
    if run.state != "done":
        stand_in(run)
        return
    _films(run, dataset)


def _films(run: Run, dataset: str) -> None:
    result = run.result or {}
    if result["note"]:
        st.caption(plain(result["note"]))
    with st.spinner("Reading films"):
        films = [
            dataset_film(
                dataset,
                str(one["image_id"]),
                f"{place}. {training_word(dataset)}, cosine {one['cosine']:.3f}\n{one['caption']}",
            )
            for place, one in enumerate(result["found"], 1)
        ]
    if films:
        viewer(films, key=f"{Key.WORDS}.viewer", columns=min(4, len(films)))
    st.caption(f"The best {len(films)} of {result['n']:,} training images by {plain(result['model'])}.")


def captions_panel(subject: Subject) -> None:
    """The captions of training images that go best with this image."""
    told = reason(subject.dataset)
    if told or not subject.artifact:
        if told:
            st.caption(plain(told))
        return
    spec = retrieve_run(subject.dataset, image=subject.artifact, k=5)
    done = RunStore.open().find_done(spec.digest)
    if done is None:
        if st.button("Which captions fit this image?", icon=":material/notes:"):
            st.session_state[Key.WORDS_RUN] = submit(spec).id
        going = find(st.session_state.get(Key.WORDS_RUN))
        if going is not None and going.digest == spec.digest:
            stand_in(going)
        return
    found = (done.result or {})["found"]
    if not found:
        st.caption("The training images of this dataset have no captions to compare with.")
        return
    st.markdown("**Captions of training images that fit best**")
    rows = [{"Caption": one["caption"], "Cosine": one["cosine"]} for one in found]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        column_config={"Cosine": st.column_config.NumberColumn(format="%.3f")},
    )
