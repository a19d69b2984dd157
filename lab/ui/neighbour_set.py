"""The audit of a whole set: how near its images come to training images, and the closest pairs to look at."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lab.charts.distances import distance_figure
from lab.data.samples import list_sample_sets
from lab.data.store import list_datasets
from lab.leakage.population import near_copy_limit
from lab.neighbours.nearest_real import closest_first
from lab.neighbours.verdict import COSINE, REGISTERED
from lab.runs.artifacts import read_artifact
from lab.runs.neighbour_requests import audit_run
from lab.runs.records import Run
from lab.runs.store import RunStore
from lab.ui.films import (
    TONES,
    case_code,
    dataset_film,
    may_be_public,
    origin_note,
    set_pixels,
    training_word,
)
from lab.ui.first_steps import readiness
from lab.ui.frame import missing
from lab.ui.neighbour_address import ONE, sample_key
from lab.ui.run_panel import find, stand_in, submit
from lab.ui.sample_card import DETECTORS, percent
from lab.ui.sets import generation_runs, open_set, synthetic_choices
from lab.ui.state import NeighboursKey as Key
from lab.ui.viewer import Film, viewer

PAIRS = 6
WHOLE = "A whole set"
ORDERS = {"registered": REGISTERED, "cosine": COSINE}
SETS = {
    "closest": "Closest pairs",
    "near-copy": "Near-copies",
    "copy": "Copy set",
    "real": "Real set",
    "non-real": "Non-real set",
}
CLOSER = {"masks": "mask Dice above 0.99", "lpips": "LPIPS below 0.05"}
SETS_HELP = (
    "Near-copies: by the two calibrated detectors. Copy, real and non-real set after Xing et al. 2023, in feature "
    "space: a sample nearer to a real image than that image's nearest other patient is in the copy set; within the "
    "fifth nearest, in the real set; else in the non-real set."
)


def whole_set() -> None:
    """Choose a set and a dataset, audit, and look."""
    made, real = synthetic_choices(), {card.id: card.title for card in list_datasets()}
    if not made or not real:
        missing("There is no set to audit yet.", "Sets come from prompts.", "prompt", "Write a prompt")
        return
    words = {choice.reference: choice.words for choice in made}
    left, middle, right = st.columns([0.45, 0.35, 0.2], vertical_alignment="bottom")
    with left:
        samples = str(st.selectbox("Set", list(words), format_func=words.__getitem__, key=Key.WHOLE))
    with middle:
        offered = sorted(real, key=lambda name: name != _trained_on(samples))
        key = f"{Key.WHOLE_DATASET}.{samples}"
        about = "Against the training images of"
        dataset = str(st.selectbox(about, offered, format_func=real.__getitem__, key=key))
    if not readiness(dataset, "calibrate"):
        return
    spec = audit_run(samples, dataset)
    done = RunStore.open().find_done(spec.digest)
    with right:
        asked = st.button("Audit", icon=":material/policy:", width="stretch", disabled=done is not None)
    if asked:
        st.session_state[Key.RUN] = submit(spec).id
    going = find(st.session_state.get(Key.RUN))
    if done is not None:
        _shown(done)
    elif going is not None and going.digest == spec.digest:
        stand_in(going)
    else:
        st.caption(
            "An audit puts every image of the set beside its nearest training image; it takes seconds to minutes."
        )


def _trained_on(samples: str) -> str:
    """The dataset that the generator of a set saw, or that a split belongs to; "" where nobody knows."""
    name, is_split, _ = samples.partition(":")
    known = (made.parent for made in list_sample_sets() if made.id == samples)
    return name if is_split else next(known, None) or ""


def table_of(run: Run) -> pd.DataFrame:
    """One row a sample, as the run wrote it."""
    return pd.read_parquet(io.BytesIO(read_artifact((run.result or {})["table"])))


def _shown(run: Run) -> None:
    result, table = run.result or {}, table_of(run)
    st.markdown(f"**{summary(result, table)}**")
    which = st.segmented_control(
        "Show",
        list(SETS),
        format_func=lambda name: f"{SETS[name]} ({_count(name, result, table)})",
        key=Key.WHOLE_SET,
        default="closest",
        required=True,
        help=SETS_HELP,
    )
    pairs(table, str(which), result)
    _distributions(result, table)
    with st.expander("Numbers"):
        _numbers(result, table)


def summary(result: dict[str, Any], table: pd.DataFrame) -> str:
    """The audit in one sentence."""
    n, copies = result["n"], int((table["label"] == "near-copy").sum())
    ratio = f"median distance ratio {result['nndr_median']:.2f}, {result['flagged']} below 0.6"
    lost = int(((table["label"] == "near-copy") & (table["set"] == "non-real")).sum())
    if lost:
        ratio += f"; features alone would have missed {lost} of them"
    for measure, words in CLOSER.items():
        seen = result.get(measure) or {"compared": 0}
        if seen["compared"]:
            ratio += f"; {words}: {seen['flagged']} of {seen['compared']}"
    if not copies:
        return (
            f"None of {n} images is told to be a near-copy by these detectors at this sensitivity; {ratio}."
        )
    return f"{copies} of {n} images are near-copies ({percent(copies / n, 0)}); {ratio}."


def _count(name: str, result: dict[str, Any], table: pd.DataFrame) -> int:
    if name == "closest":
        return len(table)
    return int((table["label"] == name).sum()) if name == "near-copy" else int(result["sets"][name])


def ordered(table: pd.DataFrame, which: str) -> pd.DataFrame:
    """The rows of a group, those to look at first on top."""
    if which == "near-copy":
        table = table[table["label"] == which]
    elif which != "closest":
        table = table[table["set"] == which]
    return closest_first(table)


def pairs(table: pd.DataFrame, which: str, result: dict[str, Any]) -> None:
    """Sample and training image side by side, six pairs a page."""
    rows = ordered(table, which)
    if not len(rows):
        st.caption("No image of this set belongs there.")
        return
    count = -(-len(rows) // PAIRS)
    page = st.pagination(count, key=f"{Key.WHOLE_PAGE}.{which}") if count > 1 else 1
    part = rows.iloc[(page - 1) * PAIRS : page * PAIRS]
    beside = "offending" if which in ("copy", "real", "non-real") else "first"
    images = open_set(result["samples"])
    films: list[Film] = []
    note = origin_note(result["dataset"]) if images.tag == "SYNTHETIC" else ""
    public = may_be_public(result["dataset"])
    with st.spinner("Reading films"):
        for _, row in part.iterrows():
            pixels = set_pixels(result["samples"], images.digest, row["image_id"])
            label = str(row["label"]) if row["label"] in TONES else ""
            words = f"{row['image_id'][:6]}\nset: {row['set']} · ratio {row['nndr']:.2f}"
            films.append(
                Film(
                    pixels, images.tag, words, note, label, TONES.get(label, ""),
                    case=case_code(str(row["image_id"])), public=public,
                )
            )  # fmt: skip
            films.append(dataset_film(result["dataset"], row[beside], _words(row, result["dataset"], which)))
    key = f"{Key.WHOLE}.viewer"
    names = [str(name) for name in part["image_id"]]
    viewer(
        films, key=key, columns=min(4, len(films)), on_picked=partial(_open, key, names, result["samples"])
    )
    st.caption("Click a pair to see it among its neighbours.")


def _open(key: str, names: list[str], samples: str) -> None:
    """Go to the picked pair on the other side of the page, where its set can be chosen there."""
    picked = dict(st.session_state.get(key) or {}).get("picked")
    if not isinstance(picked, int) or not 0 <= picked < 2 * len(names):
        return
    image_id, state = names[picked // 2], st.session_state
    run = next((run for run in generation_runs() if (run.result or {}).get("sample_set") == samples), None)
    if run is not None:
        source = run.id
    elif samples.endswith(":held-out"):
        source = samples
    else:
        return
    state[Key.SET], state[sample_key(source)], state[Key.VIEW] = source, image_id, ONE


def _words(row: Any, dataset: str, which: str) -> str:
    word = training_word(dataset)
    if which in ("copy", "real"):
        return f"{word} whose neighbourhood it lies in\nfeature distance {row['distance']:.3f}"
    if which == "non-real":
        return f"nearest {word}\nfeature distance {row['distance']:.3f}"
    dice = f" · mask Dice {row['mask_dice']:.2f}" if pd.notna(row["mask_dice"]) else ""
    return f"{word} to look at first\nregistered {row['registered']:.3f} · cosine {row['cosine']:.3f}{dice}"


def _distributions(result: dict[str, Any], table: pd.DataFrame) -> None:
    """Distances to the nearest training image: samples, held-out images, training images to other patients."""
    if not result.get("distances"):
        return
    columns = st.columns(2, gap="medium")
    for place, (column, detector) in zip(columns, ORDERS.items(), strict=True):
        kept = {side: _array(digest) for side, digest in result["distances"][detector].items()}
        limit = near_copy_limit(kept["train"], len(result["distances"]))
        limit = float("nan") if limit is None else limit
        with place:
            st.markdown(f"**{DETECTORS[detector]}**")
            values = table[column].to_numpy(dtype=np.float64)
            low = float(np.nanmin(kept["train"])) if np.isnan(limit) else limit
            figure = distance_figure(
                values, kept["held-out"], kept["train"], low, DETECTORS[detector].lower(), height=340
            )
            st.plotly_chart(figure, key=f"{Key.WHOLE}.{column}", config={"displayModeBar": False})


@st.cache_data(max_entries=32, show_spinner=False)
def _array(digest: str) -> NDArray[Any]:
    return np.load(io.BytesIO(read_artifact(digest)), allow_pickle=False)


def _numbers(result: dict[str, Any], table: pd.DataFrame) -> None:
    shown = ordered(table, "closest")[
        [
            "image_id", "label", "p", "registered", "cosine", "nndr", "pixel_nndr", "pixel_distance", "lpips",
            "mask_dice", "set", "first",
        ]
    ].dropna(axis="columns", how="all").rename(
        columns={
            "image_id": "Image", "label": "Verdict", "registered": "Registered", "cosine": "Cosine", "nndr": "NNDR",
            "pixel_nndr": "NNDR, pixels", "pixel_distance": "L2, pixels", "lpips": "LPIPS",
            "mask_dice": "Mask Dice", "set": "Set", "first": "Training image",
        }
    )  # fmt: skip
    st.dataframe(shown, hide_index=True)
    st.caption(
        f"NNDR: distance to the nearest over that to the second nearest training image, about 1 for new images, "
        f"below 0.6 flagged; in features of {result['extractor']} and in registered-size pixels (48 px, equal "
        f"contrast). Searched {result['n_train']:,} training images."
    )
