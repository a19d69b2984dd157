"""Where the mask of a prompt comes from: the controls of each source, and the mask that its state stands for."""

from __future__ import annotations

import secrets

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.errors import ImageError
from lab.generators.card import GeneratorCard
from lab.generators.mask_files import MaskFile, read_mask_file, with_structures
from lab.generators.mask_hearts import LIMITS, HeartShape, draw_heart, sample_heart
from lab.provenance import digest_bytes
from lab.ui.state import PromptKey as Key

Labels = NDArray[np.uint8]
NOTHING = np.zeros((0, 0), np.uint8)
MOST_SEEDS = 2**31
ORDERS = {"app": "As in this app", "acdc": "ACDC", "mms": "M&Ms (1 left, 3 right)"}
SLIDERS = (
    ("across", "Across", 0.01, "percent", "Where the left ventricle lies, from the left edge."),
    ("down", "Down", 0.01, "percent", "Where the left ventricle lies, from the upper edge."),
    ("cavity", "Left cavity", 1.0, "%d mm", "Diameter of the left ventricle's cavity."),
    (
        "wall",
        "Wall",
        0.5,
        "%.1f mm",
        "Thickness of the left ventricle's wall: 6 to 10 mm is usual in diastole.",
    ),
    (
        "right",
        "Right cavity",
        1.0,
        "%d mm",
        "Breadth of the right ventricle. 0 leaves it out, as near the apex.",
    ),
    ("turn", "Turn", 1.0, "%d°", "Clockwise. 0 puts the right ventricle straight to the left."),
    ("oval", "Oval", 1.0, "%d %%", "How much longer the heart is from front to back than across."),
)


def prepare() -> None:
    """Fill what the state lacks, so that a mask can be read before its controls are drawn."""
    st.session_state.setdefault(Key.MASK_SEED, 1)
    for name, *_ in SLIDERS:
        st.session_state.setdefault(f"{Key.MASK_SHAPE}{name}", float(getattr(HeartShape(), name)))


def random_controls() -> None:
    """A number that stands for a heart, and another by chance."""
    number, dice = st.columns([0.72, 0.28], vertical_alignment="bottom")
    with number:
        st.number_input(
            "Heart number", 0, MOST_SEEDS - 1, step=1, key=Key.MASK_SEED, persist_state="session",
            help="Equal numbers give equal masks. Volumes, walls, slice and moment are drawn as for phantom patients, "
            "but none of them is a patient of any dataset.",
        )  # fmt: skip
    with dice:
        st.button(
            "", key="prompt.mask_dice", on_click=_another, icon=":material/casino:", help="Draw another heart"
        )


def _another() -> None:
    st.session_state[Key.MASK_SEED] = secrets.randbelow(MOST_SEEDS)


def random_labels(card: GeneratorCard) -> Labels:
    """The random heart of the number in state."""
    return _sampled(int(st.session_state.get(Key.MASK_SEED, 1)), card.size, tuple(card.structures))


@st.cache_data(max_entries=64, show_spinner=False)
def _sampled(seed: int, size: int, structures: tuple[str, ...]) -> Labels:
    return sample_heart(seed, size, structures)


def build_controls() -> None:
    """One slider a number of the heart, in two columns."""
    columns = st.columns(2)
    for place, (name, label, step, form, help) in enumerate(SLIDERS):
        low, high = LIMITS[name]
        with columns[place % 2]:
            st.slider(
                label, low, high, step=step, format=form, key=f"{Key.MASK_SHAPE}{name}", help=help,
                persist_state="session",
            )  # fmt: skip


def built_labels(card: GeneratorCard) -> Labels:
    """The heart of the sliders."""
    state, usual = st.session_state, HeartShape()
    chosen = {name: float(state.get(f"{Key.MASK_SHAPE}{name}", getattr(usual, name))) for name, *_ in SLIDERS}
    return draw_heart(HeartShape(**chosen), card.size, card.structures)


def upload_controls() -> None:
    """A file, and for a volume the slice and the order of its numbers."""
    file = st.file_uploader(
        "PNG or NIfTI", type=["png", "nii", "gz"], key=Key.MASK_UPLOAD,
        help="A PNG whose values are structure numbers (indexed or 8-bit grey), or a NIfTI volume of labels.",
    )  # fmt: skip
    if file is None:
        return
    st.selectbox(
        "Numbers mean", list(ORDERS), format_func=lambda name: ORDERS[name], key=Key.MASK_ORDER,
        persist_state="session",
        help="This app and ACDC: 1 right ventricle, 2 myocardium, 3 left ventricle. M&Ms has 1 and 3 the other way.",
    )  # fmt: skip
    try:
        opened = _opened(digest_bytes(file.getvalue()), file.getvalue())
    except ImageError:
        return  # said below the preview, where every refusal is said
    _slice_controls(opened)


def _slice_controls(opened: MaskFile) -> None:
    state = st.session_state
    frame, cut = opened.fullest()
    for key, count, start, label in (
        (Key.MASK_SLICE, opened.slices, cut, "Slice"),
        (Key.MASK_FRAME, opened.frames, frame, "Frame"),
    ):
        if count > 1:
            if not 1 <= int(state.get(key) or 0) <= count:
                state[key] = start + 1
            st.slider(label, 1, count, key=key, persist_state="session")


def uploaded_labels(card: GeneratorCard) -> Labels:
    """The chosen slice of the uploaded file; nothing before there is one.

    Raises:
        ImageError: for a file that is no mask for this generator.
    """
    state = st.session_state
    file = state.get(Key.MASK_UPLOAD)
    if file is None:
        return NOTHING
    opened = _opened(digest_bytes(file.getvalue()), file.getvalue())
    frame, cut = opened.fullest()
    if opened.slices > 1 and 1 <= int(state.get(Key.MASK_SLICE) or 0) <= opened.slices:
        cut = int(state[Key.MASK_SLICE]) - 1
    if opened.frames > 1 and 1 <= int(state.get(Key.MASK_FRAME) or 0) <= opened.frames:
        frame = int(state[Key.MASK_FRAME]) - 1
    return with_structures(
        opened.labels[frame, cut], card.structures, str(state.get(Key.MASK_ORDER) or "app")
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _opened(digest: str, _data: bytes) -> MaskFile:
    """The digest is the whole cache key."""
    return read_mask_file(_data)
