"""Where each word of a prompt acted, laid over the film: asked for one sample at a time."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.errors import LabError
from lab.generators.attention_maps import why_no_maps
from lab.generators.cards import get_card
from lab.runs.artifacts import read_artifact
from lab.runs.attention_request import attention_run
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.films import artifact_pixels
from lab.ui.frame import plain, refuse
from lab.ui.run_panel import find, stand_in, submit
from lab.ui.sample_origin import is_public, note_of
from lab.ui.state import AttentionKey as Key
from lab.ui.viewer import Film, viewer

INK = (255, 176, 0)
_SIGNS = ".,;:!?()"
HELP = (
    "In a network with cross-attention every place of the image shares itself out over the words of the prompt. The "
    "sample is made once more, with a record of these shares, and must come out with the same pixels. The maps show "
    "where the network looked a word up; they do not prove what it drew because of it."
)


def attention_map(run: Run, sample: dict[str, Any]) -> None:
    """The button, the progress, or the maps of one sample of a generation run."""
    recipe = sample.get("recipe") or {}
    if not str(recipe.get("prompt", "")).strip():
        return
    try:
        reason = why_no_maps(get_card(str(recipe["generator"])))
        if reason:
            st.caption(plain(reason))
            return
        spec = attention_run(recipe, str(sample["artifact"]))
        done = RunStore.open().find_done(spec.digest)
        if done is not None:
            shown(done, str(recipe["generator"]), run.spec.settings.get("dataset"))
            return
        going = f"{Key.RUN}{sample['digest']}"
        if st.button("Where does each word act?", icon=":material/ink_highlighter:", help=HELP):
            st.session_state[going] = submit(spec).id
    except LabError as error:
        refuse(error)
        return
    begun = find(st.session_state.get(going))
    if begun is not None and begun.digest == spec.digest:
        stand_in(begun)


def shown(done: Run, generator: str, dataset: str | None) -> None:
    """The words to choose from, and the film beside its overlay.

    Args:
        done: a finished run of the kind "attention".
        generator: that made the sample.
        dataset: that the generator was trained on; None where it is not known.
    """
    result = done.result or {}
    words = [str(word).strip(_SIGNS) or str(word) for word in result["words"]]
    st.markdown("**Where each word acts**", help=HELP)
    if not words:
        st.caption("No word of this prompt was read.")
        return
    strength = [float(value) for value in result["strength"]]
    left, right = st.columns([0.7, 0.3], vertical_alignment="bottom")
    with left:
        chosen = st.pills(
            "Word",
            range(len(words)),
            default=max(range(len(words)), key=strength.__getitem__),
            format_func=lambda k: words[k],
            key=f"{Key.WORD}{done.id}",
            required=True,
        )
    with right:
        opacity = st.slider("Opacity of the overlay", 0.0, 1.0, 0.6, 0.05, key=Key.OPACITY)
    place = max(range(len(words)), key=strength.__getitem__) if chosen is None else int(chosen)
    film = artifact_pixels(str(result["image"]))
    share = read_maps(str(result["maps"]))[place]
    note, public = note_of(generator), is_public(generator, dataset)
    viewer(
        [
            Film(film, "SYNTHETIC", "as it was made", note, public=public),
            Film(overlaid(film, share, opacity), "SYNTHETIC", f"where “{words[place]}” acts", note,
                 modality="cxr", public=public),
        ],
        key=f"{Key.WORD}{done.id}.viewer",
        columns=2,
    )  # fmt: skip
    st.caption(plain(in_words(result, words[place], strength[place], share)))


def in_words(result: dict[str, Any], word: str, strength: float, share: NDArray[np.float32]) -> str:
    """How strong the word is, how much stronger at its best place, and how coarse the map."""
    low, high = float(share.min()), float(share.max())
    side = int(result["finest"])
    return (
        f"“{word}” has {100 * strength:.1f} % of the attention, {100 * low:.1f} % where it acts least and "
        f"{100 * high:.1f} % where it acts most (full colour). Mean over {result['layers']} layers and "
        f"{result['steps']} steps; the finest layer has {side} x {side} places, so nothing smaller is meant."
    )


@st.cache_data(max_entries=16, show_spinner=False)
def read_maps(digest: str) -> NDArray[np.float32]:
    """(words + 1, side, side) float32 shares of an artifact; the last is marks and padding."""
    with np.load(io.BytesIO(read_artifact(digest)), allow_pickle=False) as packed:
        return np.asarray(packed["maps"], dtype=np.float32)


def overlaid(film: NDArray[Any], share: NDArray[np.float32], opacity: float) -> NDArray[np.uint8]:
    """A film with a share laid over it in one colour: nothing where it is lowest, full where it is highest.

    Args:
        film: (H, W) or (H, W, 3) uint8.
        share: (side, side) float32.
        opacity: of the overlay at its highest place, 0..1.

    Returns:
        (H, W, 3) uint8.
    """
    from lab.data.pixels import resize

    colour = np.repeat(film[..., None], 3, axis=2) if film.ndim == 2 else film
    span = float(share.max() - share.min())
    levels = np.rint(255 * (share - share.min()) / span if span > 0 else np.zeros_like(share)).astype(
        np.uint8
    )
    # Squared, so that the places that stand out are seen before the many that are about the mean.
    weight = opacity * (resize(levels, film.shape[:2], "bilinear")[..., None] / 255.0) ** 2
    mixed = colour * (1 - weight) + np.array(INK) * weight
    return np.rint(mixed).astype(np.uint8)
