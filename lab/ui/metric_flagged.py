"""Flagged pairs of a metric: each sample beside the training image it was flagged for, and a way to look closer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from lab.charts.theme import number
from lab.data.dataset import parse_reference
from lab.errors import LabError
from lab.metrics.result import MetricResult
from lab.runs.records import Run
from lab.ui.films import case_code, dataset_film, may_be_public, origin_note, set_pixels, training_word
from lab.ui.frame import link_with, plain
from lab.ui.sets import generation_runs, open_set
from lab.ui.state import MetricsKey as Key
from lab.ui.state import QueryKey
from lab.ui.viewer import Film, viewer

PAIRS = 4


def flagged(run: Run, result: MetricResult, told: Sequence[Mapping[str, Any]]) -> None:
    """A page of pairs, the strongest first, and links to their neighbours."""
    asked = run.spec.settings
    dataset, split = parse_reference(str(asked["real"]))
    try:
        samples, real = open_set(str(asked["synthetic"])), open_set(f"{dataset}:{split or 'train'}")
    except LabError as error:
        st.caption(plain(str(error)))
        return
    names, films = samples.ids(), real.ids()
    pairs = [one for one in told if 0 <= int(one["sample"]) < len(names)]
    if not pairs:
        return
    st.markdown(f"**{len(pairs):,} flagged {'pair' if len(pairs) == 1 else 'pairs'}**")
    pages = -(-len(pairs) // PAIRS)
    key = f"{Key.PAIRS}.{run.id}.{result.metric}"
    page = st.pagination(pages, key=f"{key}.page") if pages > 1 else 1
    shown = pairs[(page - 1) * PAIRS : page * PAIRS]
    drawn: list[Film] = []
    with st.spinner("Reading films"):
        for place, one in enumerate(shown, (page - 1) * PAIRS + 1):
            name = names[int(one["sample"])]
            words = f"{place}. sample {name[:6]}"
            words += f"\nscore {number(float(one['score']))}" if "score" in one else ""
            drawn.append(sample_of(str(asked["synthetic"]), name, dataset, words))
            row = int(one.get("training", -1))
            if 0 <= row < len(films):
                drawn.append(dataset_film(dataset, films[row], f"{place}. {training_word(dataset)}"))
    viewer(drawn, key=f"{key}.viewer", columns=4)
    _closer(str(asked["synthetic"]), [names[int(one["sample"])] for one in shown], (page - 1) * PAIRS)


def sample_of(reference: str, image_id: str, dataset: str, words: str, small: bool = False) -> Film:
    """The film of one image of any set."""
    from lab.ui.films import thumbnail

    images = open_set(reference)
    pixels = set_pixels(reference, images.digest, image_id)
    note = origin_note(dataset) if images.tag == "SYNTHETIC" else ""
    return Film(
        thumbnail(pixels, 256) if small else pixels, images.tag, words, note,
        case=case_code(image_id), public=may_be_public(dataset),
    )  # fmt: skip


def _closer(reference: str, names: Sequence[str], first: int) -> None:
    """Links to the Neighbours page, where the set was made here."""
    made = next((run for run in generation_runs() if (run.result or {}).get("sample_set") == reference), None)
    if made is None:
        return
    with st.container(horizontal=True):
        for place, name in enumerate(names, first + 1):
            asked = {QueryKey.SET: made.id, QueryKey.SAMPLE: name}
            link_with("neighbours", f"{place}. beside its neighbours", asked, ":material/compare:")
