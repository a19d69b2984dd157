"""A subject beside its neighbours: one linked viewer, the distances, and how good the detectors are."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from lab.neighbours.verdict import NEAR_COPY_P
from lab.runs.prepare import calibration_run
from lab.ui.films import TONES, dataset_film, training_word
from lab.ui.sample_card import DETECTORS, detector_table, percent, verdict_line
from lab.ui.subjects import Subject
from lab.ui.viewer import Film, viewer

_ORDINALS = ("nearest", "2nd", "3rd", "4th", "5th")


def comparison(subject: Subject, key: str) -> None:
    """The linked viewports: subject, five nearest training images, nearest held-out image."""
    word = training_word(subject.dataset)
    label = str((subject.verdict or {}).get("label", ""))
    own = subject.film
    films = [Film(own.samples, own.tag, own.caption, own.note, label, TONES.get(label, ""), own.window)]
    with st.spinner("Reading films"):
        for place, match in zip(_ORDINALS, subject.neighbours, strict=False):
            films.append(_match(subject.dataset, match, f"{place} {word}"))
        if subject.held_out:
            films.append(_match(subject.dataset, subject.held_out, "nearest held-out image"))
    viewer(films, key=key, columns=5, lead=True)
    if subject.identical:
        st.error("This file is a training image, byte for byte.", icon=":material/content_copy:")


def _match(dataset: str, match: dict[str, Any], words: str) -> Film:
    caption = f"{words}\ndistance {match['distance']:.4f} · patient {match['patient_id']}"
    return dataset_film(dataset, str(match["image_id"]), caption)


def numbers(subject: Subject) -> None:
    """Verdict, detectors and distances in tables."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Verdict**")
        verdict_line(subject.verdict)
        detector_table(subject.verdict, variants=True)
        _too_few(subject.verdict)
        _closer(subject)
    with right:
        detectors_quality(subject.dataset)


def _too_few(verdict: dict[str, Any] | None) -> None:
    if verdict and verdict.get("smallest_p", 0.0) > NEAR_COPY_P:
        st.warning(
            f"With {verdict['n_reference']} training images the smallest p is {verdict['smallest_p']:.4f}, so no "
            "near-copy can be told at p ≤ 0.01; a larger training set is needed."
        )


def _closer(subject: Subject) -> None:
    """Whether the sample lies closer to training than to held-out: the control beside the number."""
    if not subject.neighbours or not subject.held_out:
        return
    nearest, control = subject.neighbours[0]["distance"], subject.held_out["distance"]
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
            f"Calibrated on {run.result['n_reference']} images of {run.result['n_patients']} patients; "
            f"the smallest p it can give is {run.result['smallest_p']:.4f}."
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
