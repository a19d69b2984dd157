"""A subject beside its neighbours: one sentence, one linked viewer, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from lab.neighbours.verdict import NEAR_COPY_P, REGISTERED
from lab.runs.prepare import calibration_run
from lab.ui import hanging
from lab.ui.films import TONES, dataset_film, patient_words, training_word
from lab.ui.neighbour_masks import masks_panel
from lab.ui.neighbour_trail import walk
from lab.ui.sample_card import DETECTORS, VERDICT_HELP, detector_table, percent, verdict_line
from lab.ui.state import NeighboursKey as Key
from lab.ui.subjects import Subject
from lab.ui.viewer import Film, viewer

_ORDINALS = ("nearest", "2nd", "3rd", "4th", "5th")
BLIND = "With so few training images no near-copy could have been told."
LAYOUTS = {"one-and-five": "Five nearest", "audit": "Audit one pair"}


def sentence(subject: Subject) -> str:
    """The verdict in one sentence that names the detectors which agree."""
    word = training_word(subject.dataset)
    if subject.identical:
        return f"This file is a {word}, byte for byte."
    if subject.known:
        return f"This is a {word} itself, so it has no verdict; its neighbours are shown for orientation."
    verdict = subject.verdict
    if not verdict:
        return (
            "There is no verdict: the near-copy detectors were not calibrated when this image was searched."
        )
    named = [DETECTORS.get(name, name).lower() for name in verdict.get("agreeing", [])]
    label, told = verdict["label"], f"p = {verdict['p']:.4f}"
    if label == "ordinary":
        return (
            f"Ordinary: no closer to a {word} than images of different patients come to each other ({told})."
        )
    who = {
        0: "the detectors together",
        1: f"{named[0]} alone" if named else "",
        2: f"both {' and '.join(named)}",
    }
    said = who[min(len(named), 2)]
    share = "99 %" if label == "near-copy" else "95 %"
    start = "Near-copy" if label == "near-copy" else "Close"
    return f"{start} by {said}: nearer to a {word} than {share} of those are to another patient's ({told})."


def headline(subject: Subject) -> None:
    """The sentence with its colour and mark, above the picture."""
    verdict = "near-copy" if subject.identical else str((subject.verdict or {}).get("label", ""))
    icons = {
        "near-copy": ":material/content_copy:",
        "close": ":material/priority_high:",
        "ordinary": ":material/check:",
    }
    colours = {"near-copy": "red", "close": "orange", "ordinary": "green"}
    blind = _cannot_tell(subject.verdict) and verdict != "near-copy"
    if blind:  # a green mark would promise what so few images cannot show
        icons, colours = {}, {}
    mark = f":{colours.get(verdict, 'gray')}[{icons.get(verdict, ':material/info:')}]"
    told = f"{sentence(subject)} {BLIND}" if blind else sentence(subject)
    st.markdown(f"{mark} **{told}**", help=VERDICT_HELP)


def comparison(subject: Subject, key: str) -> None:
    """The linked viewports in the chosen arrangement; a click on a neighbour walks on to it."""
    layout = st.segmented_control(
        "Arrangement",
        list(LAYOUTS),
        format_func=LAYOUTS.__getitem__,
        key=Key.LAYOUT,
        default="one-and-five",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    with st.spinner("Reading films"):
        films, places = _hung(subject, str(layout))
    picked = viewer(films, key=f"{key}.{layout}", layout=str(layout), on_picked=_nothing)
    if picked is not None and places[picked] is not None:
        walk(subject.dataset, str(places[picked]))
        st.rerun()
    st.caption(
        "Click a training or held-out image to walk on to its own neighbours."
        if layout == "one-and-five"
        else "The last picture is the image minus the training image after registration: mid-grey is equal."
    )


def _nothing() -> None:
    """Picks are read after the run."""


def _hung(subject: Subject, layout: str) -> tuple[list[Film], list[str | None]]:
    """Films of an arrangement, and beside each the image a click on it walks to."""
    word = training_word(subject.dataset)
    label = str((subject.verdict or {}).get("label", ""))
    own = subject.film
    told = Film(**{**vars(own), "badge": label, "tone": TONES.get(label, "")})
    few = subject.neighbours[: 1 if layout == "audit" else 5]
    near = [
        _match(subject.dataset, match, words) for match, words in zip(few, titles(few, word), strict=True)
    ]
    control = subject.held_out and _match(subject.dataset, subject.held_out, "nearest held-out image")
    ids: list[str | None] = [None, *(str(match["image_id"]) for match in few)]
    if subject.held_out:
        ids.append(str(subject.held_out["image_id"]))
    if layout == "audit" and near:
        return hanging.audit(told, near[0], control or None), [*ids, None]
    return hanging.one_and_five(told, near, control or None), ids


def titles(matches: Sequence[dict[str, Any]], word: str) -> list[str]:
    """What each neighbour is called: its place by feature distance, or that it is the nearest when registered.

    The film nearest by registered correlation alone stands among the others whatever its features say, and first
    where the verdict hangs on it, so it has no place in their order.
    """
    told, places = [], iter(_ORDINALS)
    for match in matches:
        alone = list(match.get("found_by") or ()) == [REGISTERED]
        told.append(f"{word}, nearest when registered" if alone else f"{next(places)} {word}")
    return told


def _match(dataset: str, match: dict[str, Any], words: str) -> Film:
    caption = f"{words}\ndistance {match['distance']:.4f}{patient_words(dataset, match['patient_id'])}"
    return dataset_film(dataset, str(match["image_id"]), caption)


def numbers(subject: Subject) -> None:
    """Verdict, detectors and distances in tables."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Verdict**")
        if subject.known:
            st.caption(
                "A training image has none: the detectors say how a new image stands to the training images."
            )
        else:
            verdict_line(subject.verdict)
        detector_table(subject.verdict, variants=True)
        _too_few(subject.verdict)
        _closer(subject)
        masks_panel(subject)
    with right:
        detectors_quality(subject.dataset)


def _cannot_tell(verdict: dict[str, Any] | None) -> bool:
    """Whether the training images are too few for any image to be called a near-copy."""
    return bool(verdict) and (verdict or {}).get("smallest_p", 0.0) > NEAR_COPY_P


def _too_few(verdict: dict[str, Any] | None) -> None:
    if verdict and _cannot_tell(verdict):
        st.warning(
            f"With {verdict['n_reference']:,} training images the smallest p is {verdict['smallest_p']:.4f}, so no "
            "near-copy can be told at p ≤ 0.01; a larger training set is needed."
        )


def _closer(subject: Subject) -> None:
    """Whether the sample lies closer to training than to held-out: the control beside the number."""
    if not subject.neighbours or not subject.held_out:
        return
    # The first neighbour may be there for its registered distance; the control is of features.
    nearest = min(match["distance"] for match in subject.neighbours)
    control = subject.held_out["distance"]
    words = "closer to a training image" if nearest < control else "closer to a held-out image"
    st.caption(
        f"Feature distance {nearest:.4f} to the nearest training image, {control:.4f} to the nearest held-out "
        f"image: {words}. One pair says little; the share over a whole set is on the Metrics page."
    )


def detectors_quality(dataset: str) -> None:
    """How often planted copies are found, and how often held-out films raise a false alarm."""
    run = calibration_run(dataset)
    st.markdown(
        "**How good are the detectors here?**",
        help="Canaries are planted copies of training images, each changed in one way. "
        "A verdict means little where a kind of canary is not found.",
    )
    if run is None or not run.result:
        st.caption("The calibration of this dataset is not finished yet.")
        return
    table = canary_table(run.result)
    if len(table):
        st.dataframe(table, hide_index=True, height="content")
    alarms = run.result.get("false_alarms")
    if alarms:
        st.caption(
            f"False alarms on held-out images at p ≤ 0.01: {percent(alarms['value'])} "
            f"({percent(alarms['low'])} to {percent(alarms['high'])}). "
            f"Calibrated on {run.result['n_reference']:,} images of {run.result['n_patients']:,} patients; "
            f"the smallest p it can give is {run.result['smallest_p']:.4f}."
        )
    if run.result["smallest_p"] > NEAR_COPY_P:
        st.caption(
            "*Found* needs p ≤ 0.01 by both detectors together, which so few training images cannot give; each "
            "detector's own column shows what it sees alone."
        )


def canary_table(result: dict[str, Any]) -> pd.DataFrame:
    """Canary kinds and how often they are found: by the verdict and by each detector alone."""
    rows = []
    for canary in result.get("canaries", []):
        row = {"Canary": canary["kind"], "Found": percent(canary["found"]["value"], 0)}
        for name, share in canary["by_detector"].items():
            row[DETECTORS.get(name, name)] = percent(share["value"], 0)
        rows.append(row)
    return pd.DataFrame(rows)
