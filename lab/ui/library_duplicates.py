"""Pictures that stand in a dataset twice: the look for them, and the pairs side by side."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lab.data.card import DatasetCard
from lab.runs.dataset_requests import duplicates_run
from lab.runs.records import Run
from lab.ui.films import dataset_film
from lab.ui.frame import missing
from lab.ui.run_panel import find, stand_in, submit
from lab.ui.state import LibraryKey as Key
from lab.ui.viewer import viewer

SHOWN = 12


def duplicates(card: DatasetCard) -> None:
    """Offer the look for duplicates, follow it, or show what it found."""
    known = find(st.session_state.get(f"{Key.RUN}.duplicates.{card.id}"))
    run = known or _earlier(card.id)
    if run is None or (run.is_over and run.state != "done"):
        if run is not None:
            stand_in(run)
        missing(
            "Nobody has looked for duplicates yet.",
            "One picture under two patient ids puts the same film into train and held-out, and every privacy number is "
            "touched. Perceptual hashes and features propose pairs, registered correlation decides.",
        )
        st.button(
            "Look for duplicates",
            type="primary",
            icon=":material/content_copy:",
            on_click=_start,
            args=(card.id,),
        )
        return
    if run.state != "done":
        stand_in(run)
        return
    _found(card, run)


def _earlier(name: str) -> Run | None:
    from lab.runs.store import RunStore

    digest = duplicates_run(name).digest
    runs = RunStore.open().list(kinds=("duplicates",), limit=50)
    return next((run for run in runs if run.digest == digest), None)


def _start(name: str) -> None:
    st.session_state[f"{Key.RUN}.duplicates.{name}"] = submit(duplicates_run(name)).id


def _found(card: DatasetCard, run: Run) -> None:
    result: dict[str, Any] = run.result or {}
    a, b, c = st.columns(3)
    a.metric("Pairs under two patient ids", result["across_patients"])
    b.metric("Pairs in two splits", result["across_splits"])
    c.metric(
        "Near-equal pairs of one patient", result["within_patient"],
        help="Films of one patient may resemble each other; they stand in one split, so nothing is touched.",
    )  # fmt: skip
    pairs = result["pairs"]
    if not pairs:
        st.success(
            f"No picture stands twice among {result['images']:,} images of {result['patients']:,} patients; "
            f"{result['compared']:,} pairs were compared.",
            icon=":material/check_circle:",
        )
        return
    if result["across_splits"]:
        st.warning(
            "These pairs part train from held-out. Open “Labels and splits” and divide anew with the pairs kept "
            "together, or remove the dataset and import it without the copies.",
            icon=":material/warning:",
        )
    films = []
    for pair in pairs[:SHOWN]:
        where = "two splits" if pair["splits"] else "one split"
        words = f"{pair['bits']} of 256 bits differ · correlation {pair['correlation']:.3f} · {pair['how']}"
        films.append(dataset_film(card.id, pair["first"], words, small=True))
        films.append(
            dataset_film(card.id, pair["second"], f"{where} · cosine {pair['cosine']:.3f}", small=True)
        )
    st.caption(
        f"{len(pairs)} pairs, each side by side{f'; the first {SHOWN} are shown' if len(pairs) > SHOWN else ''}. "
        "In the real sets measured, films of two patients reach a correlation of 0.85 at most; films published twice, "
        "0.999."
    )
    viewer(films, key=f"library.duplicates.{card.id}", columns=4)
