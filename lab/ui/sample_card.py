"""What is known of one sample: verdict, detectors, recipe, and where to look next."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from lab.features.text_image_words import basis, fit_of, fit_sentence, side_words
from lab.prompts.names import readable
from lab.prompts.past import words_of
from lab.runs.artifacts import read_artifact
from lab.runs.records import Run
from lab.ui.frame import facts, link_with, plain
from lab.ui.state import QueryKey

VERDICT_WORDS = {
    "near-copy": ":red-badge[near-copy]",
    "close": ":orange-badge[close]",
    "ordinary": ":green-badge[ordinary]",
}
VERDICT_HELP = (
    "Near-copy: closer to a training image than 99 % of real films are to a film of another patient (p ≤ 0.01). "
    "Close: p ≤ 0.05. Ordinary: neither. Two detectors: registered pixel correlation and feature cosine."
)
FIT_WORDS = {
    "fits": ":green-badge[fits the prompt]",
    "unclear": ":gray-badge[fit to the prompt unclear]",
    "does not fit": ":orange-badge[does not fit the prompt]",
}
DETECTORS = {"registered-correlation": "Registered correlation", "feature-cosine": "Feature cosine"}


def percent(value: float | None, digits: int = 1) -> str:
    """A share as a percentage; a dash for none."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def verdict_line(verdict: dict[str, Any] | None) -> None:
    """The verdict in a badge with p and the number of reference distances."""
    if not verdict:
        st.caption(
            "No verdict yet: the near-copy detectors were not calibrated on this generator's training images when the "
            "sample was made. The prompt page says what it waits for."
        )
        return
    words = VERDICT_WORDS.get(verdict["label"], plain(verdict["label"]))
    st.markdown(f"{words} p = {verdict['p']:.4f}, n = {verdict['n_reference']:,}", help=VERDICT_HELP)


def prompt_fit(run: Run, sample: dict[str, Any]) -> None:
    """Whether the sample shows what the prompt says, and where it stands among films; else why that is not read."""
    about = sample.get("text_image") or (run.result or {}).get("text_image") or {}
    reading = (sample.get("alignment") or {}).get("text_image")
    if reading is None:
        if about.get("why"):
            st.caption(plain(about["why"]))
        return
    side = side_words(reading)
    colour = "green" if reading["side_as_asked"] else "orange"
    badges = f"{FIT_WORDS[fit_of(reading)]} {f':{colour}-badge[{side}]' if side else ''}"
    st.markdown(
        badges, help=f"{plain(basis(about))} Cosine {reading['cosine']:.3f}, {plain(about['model'])}."
    )
    far = " The sample lies off the map, so take this as a hint." if sample.get("off_map") else ""
    st.caption(plain(f"{fit_sentence(reading)} {reading['note']}{far}"))


def detector_table(verdict: dict[str, Any] | None, variants: bool = False) -> None:
    """One row a detector; the percentile is no finer than 1/(n + 1). `variants` adds how the sample was turned."""
    readings = (verdict or {}).get("detectors", [])
    if not readings:
        return
    rows = [
        {
            "Detector": DETECTORS.get(reading["name"], reading["name"]),
            "Distance": reading["distance"],
            "Percentile": reading["percentile"],
            "p": reading["p"],
        }
        for reading in readings
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        # Widths that fit a third of a narrow page: a cell that is cut tells nothing.
        column_config={
            "Detector": st.column_config.TextColumn(width=128),
            "Distance": st.column_config.NumberColumn(format="%.4f", width=58),
            "Percentile": st.column_config.NumberColumn(
                format="%.1f",
                width=66,
                help="Share of training images that lie this close to one of another patient.",
            ),
            "p": st.column_config.NumberColumn(
                format="%.4f", width=54, help="Of this detector alone, not yet corrected."
            ),
        },
    )
    if variants:
        turned = "; ".join(
            f"{row['Detector'].lower()}: {reading.get('variant', 'as is')}"
            for row, reading in zip(rows, readings, strict=True)
        )
        st.caption(plain(f"Matched best by {turned}."), help="How the sample was turned to match best.")


def recipe_facts(run: Run, sample: dict[str, Any]) -> None:
    """Seed, settings and versions of a sample, and the prompt as plain text."""
    past = run.spec.settings
    st.text(words_of(past))
    shown: dict[str, object] = {
        "Seed": sample["seed"],
        "Generator": past["generator"],
        "Guidance, steps": f"{past['guidance']:g}, {past['steps']}",
        "Made on": (sample.get("recipe") or {}).get("device", "–"),
    }
    alignment = sample.get("alignment")
    if alignment and alignment["label"]:
        shown["Reads as"] = f"{readable(alignment['label'])} ({percent(alignment['probability'], 0)})"
    elif sample.get("off_map"):
        shown["Reads as"] = "not read: too unlike the training images"
    facts(shown)


def next_looks(run: Run, sample: dict[str, Any]) -> None:
    """Links to the pages that look closer at this sample, and its PNG with the recipe inside."""
    asked = {QueryKey.SET: run.id, QueryKey.SAMPLE: sample["image_id"]}
    link_with("neighbours", "See its nearest training images", asked, ":material/compare:")
    link_with("feature_space", "Find it in feature space", asked, ":material/scatter_plot:")
    st.download_button(
        "Download PNG with recipe",
        lambda: read_artifact(sample["artifact"]),
        f"{sample['image_id']}.png",
        "image/png",
        key=f"download.{sample['image_id']}",
        icon=":material/download:",
        on_click="ignore",
    )
