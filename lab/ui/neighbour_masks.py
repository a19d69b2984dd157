"""How far the mask of an image overlaps those of its neighbours, where both have masks."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lab.data.store import open_dataset
from lab.neighbours.masks import FLAG_ABOVE, MaskOverlap, mask_overlap
from lab.ui.films import case_code, is_phantom
from lab.ui.subjects import Subject

HELP = (
    "Dice is twice the shared area over the sum of both areas: 1 for equal masks, 0 for masks that do not touch. "
    "Each structure counts alike and the background not at all; the mask is taken as it is or mirrored, whichever "
    f"fits better. Above {FLAG_ABOVE:g} the anatomy is the same to the pixel, which two patients do not share."
)


@st.cache_data(max_entries=512, show_spinner=False)
def overlap(dataset: str, digest: str, one: str, two: str) -> MaskOverlap | None:
    """The overlap of the masks of two images of a dataset; None where one of them has none.

    The dataset's digest is part of the cache key.
    """
    images = open_dataset(dataset)
    first, second = images.mask(one), images.mask(two)
    return None if first is None or second is None else mask_overlap(first, second)


def masks_panel(subject: Subject) -> None:
    """The table of overlaps; nothing for an image without a mask, such as a sample."""
    table = mask_table(subject)
    if not len(table):
        return
    st.markdown("**Masks**", help=HELP)
    shown = {name: st.column_config.NumberColumn(format="%.3f") for name in table.columns[2:]}
    st.dataframe(table, hide_index=True, height="content", column_config=shown)
    flagged = int((table["Dice"] > FLAG_ABOVE).sum())
    if flagged:
        st.warning(f"{flagged} of {len(table)} masks are the same to the pixel (Dice above {FLAG_ABOVE:g}).")


def mask_table(subject: Subject) -> pd.DataFrame:
    """One row a neighbour and the nearest held-out image: Dice over all structures, then of each."""
    if not subject.own:
        return pd.DataFrame()
    digest, names = open_dataset(subject.dataset).card.digest, structures(subject.dataset)
    beside = [(match, "training image") for match in subject.neighbours]
    beside += [(subject.held_out, "held-out image")] if subject.held_out else []
    rows = []
    for match, kind in beside:
        found = overlap(subject.dataset, digest, subject.own, str(match["image_id"]))
        if found is not None:
            parts = {names.get(label, f"Label {label}"): value for label, value in found.by_label.items()}
            row = {"Beside": kind, "Case": case_code(str(match["image_id"])), "Dice": found.dice}
            rows.append(row | {"Taken": "mirrored" if found.mirrored else "as is"} | parts)
    table = pd.DataFrame(rows)
    return table[[*table.columns.drop("Taken"), "Taken"]] if len(table) else table


def structures(dataset: str) -> dict[int, str]:
    """What the labels of a dataset's masks are called, where that is known: {label: name}."""
    if not is_phantom(dataset):
        return {}
    from lab.data.phantoms.make import MASK_LABELS

    return {label: name.capitalize() for name, label in MASK_LABELS.items()}
