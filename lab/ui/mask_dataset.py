"""The mask of a prompt from a dataset: thumbnails, held-out patients first, one to take."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.data.prompt_masks import PromptMask, datasets_with, mask_of, masks_of
from lab.data.splits import TRAIN
from lab.data.store import open_dataset
from lab.generators.card import GeneratorCard
from lab.generators.mask_channels import at_size
from lab.ui.frame import missing, plain
from lab.ui.mask_colours import coloured
from lab.ui.state import PromptKey as Key

Labels = NDArray[np.uint8]
NOTHING = np.zeros((0, 0), np.uint8)
COLUMNS, ROWS, THUMB, CROPPED = 4, 2, 96, 48


def dataset_choice(card: GeneratorCard) -> None:
    """Which dataset, and what is known of the mask that was taken."""
    state = st.session_state
    fitting = {found.id: found for found in datasets_with(card.structures)}
    if not fitting:
        return
    if state.get(Key.MASK_DATASET) not in fitting:
        state[Key.MASK_DATASET] = next(iter(fitting))
    st.selectbox(
        "Dataset", list(fitting), format_func=lambda id: fitting[id].title, key=Key.MASK_DATASET,
        persist_state="session",
    )  # fmt: skip
    name = str(state[Key.MASK_DATASET])
    taken = next(
        (one for one in _listed(name, _digest(name)) if one.image_id == state.get(Key.MASK_IMAGE)), None
    )
    if taken is not None:
        st.caption(plain(f"{taken.words or 'Mask'}; {taken.split}"))


def dataset_masks(card: GeneratorCard) -> None:
    """Thumbnails of the chosen dataset's masks, held-out patients first."""
    name = str(st.session_state.get(Key.MASK_DATASET) or "")
    if not datasets_with(card.structures) or not name:
        missing(
            "No dataset here has such masks.",
            f"Add one with {', '.join(card.structures)}, such as the cardiac phantoms.",
            "library",
            "Add a dataset",
        )
        return
    listed = _listed(name, _digest(name))
    pages = max(1, -(-len(listed) // (COLUMNS * ROWS)))
    slot = st.container()
    page = st.pagination(pages, key=Key.MASK_PAGE) if pages > 1 else 1
    with slot:
        _thumbnails(card, name, listed[(page - 1) * COLUMNS * ROWS : page * COLUMNS * ROWS])


def _thumbnails(card: GeneratorCard, dataset: str, shown: list[PromptMask]) -> None:
    digest, chosen = _digest(dataset), st.session_state.get(Key.MASK_IMAGE)
    for first in range(0, len(shown), COLUMNS):
        for place, one in zip(st.columns(COLUMNS, gap="small"), shown[first : first + COLUMNS], strict=False):
            with place:
                labels = _of_dataset(dataset, digest, one.image_id, tuple(card.structures))
                st.image(
                    coloured(around(labels), THUMB),
                    output_format="PNG",
                    alt=f"Mask: {one.words or one.split}",
                )
                st.button(
                    "Taken" if chosen == one.image_id else "Take",
                    key=f"prompt.mask_take.{one.image_id}",
                    on_click=_take,
                    args=(one.image_id,),
                    type="primary" if chosen == one.image_id else "tertiary",
                    width="stretch",
                    help=plain(f"{one.words or 'Mask'}; {one.split}"),
                )
    if any(one.split == TRAIN for one in shown):
        st.caption(
            ":material/info: Masks of training images: a sample that resembles its training image proves nothing. "
            "Held-out masks come first."
        )


def around(labels: Labels) -> Labels:
    """The square around the structures, enlarged or made smaller to a thumbnail; the whole mask where it is empty."""
    if not labels.any():
        return at_size(labels, CROPPED)
    rows, columns = np.nonzero(labels)
    half = max(
        int(0.25 * max(labels.shape)),
        int(rows.max() - rows.min()) // 2,
        int(columns.max() - columns.min()) // 2,
    )
    padded = np.pad(labels, half + 2)
    middle = (
        int(rows.min() + rows.max()) // 2 + half + 2,
        int(columns.min() + columns.max()) // 2 + half + 2,
    )
    part = padded[middle[0] - half - 1 : middle[0] + half + 2, middle[1] - half - 1 : middle[1] + half + 2]
    return at_size(part, CROPPED)


def _take(image_id: str) -> None:
    st.session_state[Key.MASK_IMAGE] = image_id


def dataset_labels(card: GeneratorCard) -> Labels:
    """The mask that was taken from the dataset in state; nothing before one was."""
    state = st.session_state
    name, image_id = state.get(Key.MASK_DATASET), state.get(Key.MASK_IMAGE)
    if not name or not image_id or image_id not in {one.image_id for one in _listed(name, _digest(name))}:
        return NOTHING
    return _of_dataset(name, _digest(name), image_id, tuple(card.structures))


def _digest(dataset: str) -> str:
    return open_dataset(dataset).card.digest


@st.cache_data(max_entries=16, show_spinner=False)
def _listed(dataset: str, digest: str) -> list[PromptMask]:
    """The dataset's digest is part of the cache key."""
    return masks_of(dataset)


@st.cache_data(max_entries=512, show_spinner=False)
def _of_dataset(dataset: str, digest: str, image_id: str, structures: tuple[str, ...]) -> Labels:
    return mask_of(dataset, image_id, structures)
