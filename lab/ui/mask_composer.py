"""The mask of a prompt: drawn at random, built with sliders, taken from a dataset, uploaded, or a past run's."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.errors import LabError
from lab.generators.card import GeneratorCard
from lab.generators.condition import Condition, decode_mask, encode_mask
from lab.generators.mask_channels import at_size
from lab.generators.mask_hearts import drawable
from lab.generators.mask_moves import moved
from lab.prompts.names import vendor_name
from lab.ui import mask_dataset as dataset
from lab.ui import mask_sources as sources
from lab.ui.frame import plain
from lab.ui.mask_colours import coloured, legend
from lab.ui.state import PromptKey as Key

Labels = NDArray[np.uint8]
SIDE = 208
RANDOM, BUILT, DATASET, UPLOAD, KEPT = "Random heart", "Build", "Dataset", "Upload", "Past run"
HELP = (
    "The mask says where each structure lies; the generator paints an image around it. Changing the mask changes the "
    "anatomy, changing the seed the rest."
)
MOVES = (("across", "Right"), ("down", "Down"), ("turn", "Turn"), ("zoom", "Size"))


def mask_composer(card: GeneratorCard) -> None:
    """Draw the choice of a mask and, where the generator knows vendors, of a vendor; keeps the mask's PNG in state."""
    state = st.session_state
    offered = _offered(card)
    if state.get(Key.MASK_SOURCE) not in offered:
        state[Key.MASK_SOURCE] = offered[0]
    if card.vendors:
        _vendors(card)
    st.segmented_control(
        "Mask", offered, key=Key.MASK_SOURCE, required=True, persist_state="session", help=HELP
    )
    source = str(state[Key.MASK_SOURCE])
    sources.prepare()
    picture, beside = st.columns([0.42, 0.58], gap="small", vertical_alignment="center")
    with beside:
        _short_controls(card, source)
        words = st.container()
    _long_controls(card, source)
    labels, told = _read(card)
    state[Key.MASK] = encode_mask(labels) if labels.size else b""
    with picture:
        _picture(labels, card)
    with words:
        _legend(labels, card)
    if told:
        st.error(plain(told))


def condition_of(card: GeneratorCard) -> Condition:
    """Vendor and mask as the form holds them now, not yet checked; no mask where the choice cannot be read."""
    vendor = str(st.session_state.get(Key.VENDOR) or "") if card.vendors else ""
    labels, _ = _read(card) if card.structures else (np.zeros((0, 0), np.uint8), "")
    return Condition(vendor=vendor, mask=encode_mask(labels) if labels.size else b"")


def put_back(condition: Condition) -> None:
    """Offer the mask of a past run, and take it; a condition without a mask leaves the choice as it is."""
    state = st.session_state
    state[Key.VENDOR] = condition.vendor or None
    if condition.mask:
        state[Key.MASK_KEPT], state[Key.MASK_SOURCE] = condition.mask, KEPT
        reset_moves()


def reset_moves() -> None:
    """The mask where its source has it."""
    for name, _ in MOVES:
        st.session_state[f"{Key.MASK_MOVE}{name}"] = 1.0 if name == "zoom" else 0.0


def _offered(card: GeneratorCard) -> list[str]:
    found = [RANDOM, BUILT] if drawable(card.structures) else []
    found += [DATASET, UPLOAD]
    return found + ([KEPT] if st.session_state.get(Key.MASK_KEPT) else [])


def _vendors(card: GeneratorCard) -> None:
    if st.session_state.get(Key.VENDOR) not in card.vendors:
        st.session_state[Key.VENDOR] = None
    st.pills(
        "Vendor",
        card.vendors,
        key=Key.VENDOR,
        format_func=vendor_name,
        persist_state="session",
        help="Whose scanner the image should look like: contrast, resolution, noise, shading. None leaves it open.",
    )


def _short_controls(card: GeneratorCard, source: str) -> None:
    """What fits beside the picture."""
    if source == RANDOM:
        sources.random_controls()
    elif source == DATASET:
        dataset.dataset_choice(card)
    elif source == UPLOAD:
        sources.upload_controls()
    elif source == KEPT:
        st.caption("The mask of the run that was recalled.")


def _long_controls(card: GeneratorCard, source: str) -> None:
    """What needs the whole width."""
    if source == BUILT:
        sources.build_controls()
        return
    if source == DATASET:
        dataset.dataset_masks(card)
    _move_controls()


def _move_controls() -> None:
    """Move, turn and resize whatever mask was chosen; a built heart has sliders of its own for that."""
    state = st.session_state
    if f"{Key.MASK_MOVE}zoom" not in state:
        reset_moves()
    with st.expander("Move, turn, resize"):
        for name, label in MOVES:
            low, high, step = {"turn": (-90.0, 90.0, 5.0), "zoom": (0.6, 1.6, 0.05)}.get(
                name, (-0.25, 0.25, 0.01)
            )
            form = {"turn": "%d°", "zoom": "× %.2f"}.get(name, "percent")
            st.slider(
                label,
                low,
                high,
                step=step,
                format=form,
                key=f"{Key.MASK_MOVE}{name}",
                persist_state="session",
            )
        st.button(
            "Put back", key="prompt.mask_reset", on_click=reset_moves, type="tertiary", icon=":material/undo:"
        )


def _read(card: GeneratorCard) -> tuple[Labels, str]:
    """The chosen mask at the generator's size, empty (0, 0) where there is none; and what stands in its way."""
    state = st.session_state
    source = str(state.get(Key.MASK_SOURCE) or "")
    try:
        labels = _chosen(card, source)
        if not labels.size:
            return labels, ""
        labels = at_size(labels, card.size)
        if source == BUILT:
            return labels, ""
        across, down, turn, zoom = (
            float(state.get(f"{Key.MASK_MOVE}{name}", 1.0 if name == "zoom" else 0.0)) for name, _ in MOVES
        )
        return moved(labels, across, down, turn, zoom), ""
    except LabError as error:
        return np.zeros((0, 0), np.uint8), str(error)


def _chosen(card: GeneratorCard, source: str) -> Labels:
    if source == RANDOM:
        return sources.random_labels(card)
    if source == BUILT:
        return sources.built_labels(card)
    if source == DATASET:
        return dataset.dataset_labels(card)
    if source == UPLOAD:
        return sources.uploaded_labels(card)
    kept = st.session_state.get(Key.MASK_KEPT)
    return decode_mask(kept) if kept else np.zeros((0, 0), np.uint8)


def _picture(labels: Labels, card: GeneratorCard) -> None:
    shown = labels if labels.size else np.zeros((card.size, card.size), np.uint8)
    there = [
        name for number, name in enumerate(card.structures, 1) if labels.size and (labels == number).any()
    ]
    told = f"Mask with {', '.join(there)}" if there else "No mask yet"
    st.image(coloured(shown, SIDE), output_format="PNG", alt=told)


def _legend(labels: Labels, card: GeneratorCard) -> None:
    if not labels.size:
        st.caption("No mask yet.")
        return
    legend(labels, card.structures)
    if not labels.any():
        st.caption("Nothing is left in the picture; move the mask back.")
