"""The mask that a sample was asked for, laid over it, and how far its anatomy keeps to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.errors import LabError
from lab.generators.cards import get_card
from lab.generators.condition import condition_from_json
from lab.generators.mask_channels import read_mask
from lab.generators.mask_picture import outlines
from lab.runs.records import Run
from lab.ui.films import artifact_pixels
from lab.ui.frame import plain
from lab.ui.mask_colours import ink
from lab.ui.state import PromptKey as Key
from lab.ui.viewer import Film

DICE_HELP = (
    "Dice is twice the shared area over the sum of both areas, 1 for a perfect match: the mask that was asked for "
    "against what a segmenter, trained on the same kind of images, finds in the sample."
)


def mask_bytes(run: Run) -> bytes:
    """PNG of the mask that a run was asked for; b"" without one."""
    try:
        return condition_from_json(run.spec.settings.get("condition")).mask
    except LabError:
        return b""


def toggle(run: Run) -> bytes:
    """Draw the switch for the outline, for a run that has a mask; its PNG where the switch is on, else b""."""
    mask = mask_bytes(run)
    if not mask:
        return b""
    st.session_state.setdefault(Key.MASK_OUTLINE, True)
    shown = st.toggle(
        "Outline of the mask",
        key=Key.MASK_OUTLINE,
        persist_state="session",
        help="Draws the edges of the mask that was asked for over each sample. The viewer's mask tool sets how strong.",
    )
    return mask if shown else b""


def outlined(film: Film, mask: bytes, structures: tuple[str, ...]) -> Film:
    """The film with the mask's edges as its overlay; unchanged where the mask cannot be read.

    Args:
        film: of a sample, square.
        mask: PNG bytes of structure numbers.
        structures: names of 1, 2, ...
    """
    try:
        labels = read_mask(mask, film.samples.shape[0])
    except LabError:
        return film
    if film.samples.shape[0] != film.samples.shape[1]:
        return film
    edges = np.where(outlines(labels), labels, 0).astype(np.uint8)
    return replace(film, mask=edges, mask_names=dict(enumerate(structures, 1)))


def with_outline(pixels: NDArray[np.uint8], mask: bytes) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 3) uint8 pixels as (H, W, 3) with the mask's edges drawn in the structures' colours.

    Raises:
        ImageError: when the mask cannot be read.
    """
    labels = read_mask(mask, pixels.shape[0])
    colour = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels.copy()
    edges = outlines(labels)
    for number in np.unique(labels[edges]):
        colour[edges & (labels == number)] = ink(int(number))
    return colour


def structures_of(run: Run) -> tuple[str, ...]:
    """Names of the structures in a run's mask; () where the generator is not here any more."""
    try:
        return get_card(str(run.spec.settings["generator"])).structures
    except LabError:
        return ()


def dice_line(sample: Mapping[str, Any]) -> None:
    """Draw the agreement of a sample with its mask: the mean and each structure; nothing where it was not measured."""
    found = sample.get("mask_agreement")
    if not found:
        return
    mean = found.get("mean")
    if mean is not None:
        colour = "green" if mean >= 0.8 else "orange" if mean >= 0.6 else "red"
        st.markdown(f":{colour}-badge[Dice {mean:.2f}] with the mask asked for", help=DICE_HELP)
    parts = [
        f"{name} {value:.2f}" if value is not None else f"{name} neither asked for nor found"
        for name, value in dict(found.get("dice") or {}).items()
    ]
    st.caption(plain(", ".join(parts)))


def small_overlay(sample: Mapping[str, Any], mask: bytes) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: a sample with the outline of its mask."""
    return with_outline(artifact_pixels(str(sample["artifact"])), mask)
