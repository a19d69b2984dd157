"""Feature extractors in stock: what each sees and gives, whether it can be used now, and if not, what to do."""

from __future__ import annotations

import streamlit as st

from lab.features.extractors import default_extractors
from lab.features.places import state
from lab.features.record import CHANNELS, ExtractorRecord
from lab.features.records import broken_records, list_records
from lab.ui.frame import facts, plain

GROUPS = ("Ready to use", "Known, not on this machine")
PURPOSES = {
    "fidelity": "Fidelity: do samples look like the real set as a whole?",
    "privacy": "Privacy: does a sample come too close to one training image?",
    "alignment": "Alignment: does a sample show what its prompt asked for?",
}


def extractors() -> None:
    """One card an extractor, those that can be used first; records that were left out follow with the reason."""
    st.caption(
        "A feature extractor turns an image into a list of numbers; images whose numbers are close look alike to it. "
        "Every default looks with two of them, because each is blind to something."
    )
    records = [(record, state(record)) for record in list_records()]
    for title, missing in zip(GROUPS, (False, True), strict=True):
        shown = [(record, reason) for record, reason in records if bool(reason) is missing]
        if shown:
            st.markdown(f"**{title}** :gray-badge[{len(shown)}]")
        for record, reason in shown:
            with st.container(border=True):
                _card(record, reason)
    for name, reason in broken_records():
        st.warning(f"{plain(name)}: {plain(reason)}", icon=":material/error:")
    st.caption(
        "Add your own with: python -m lab extractors add PLACE, where PLACE is a record (JSON) or a model folder."
    )


def _card(record: ExtractorRecord, reason: str) -> None:
    used = [
        word
        for word, names in (("grey", default_extractors()), ("colour", default_extractors(colour=True)))
        if record.id in names
    ]
    badge = ":orange-badge[:material/download: missing]" if reason else ":green-badge[:material/check: ready]"
    badges = [badge, f":gray-badge[{plain(record.id)}]"]
    badges += [f":blue-badge[default for {word} images]" for word in used]
    st.markdown(f"**{plain(record.title)}** {' '.join(badges)}")
    if reason:
        st.markdown(f":material/arrow_forward: {plain(reason)}")
    left, right = st.columns(2, gap="medium")
    with left:
        facts(
            {
                "Gives": f"{record.dimension:,} numbers an image",
                "Layer": record.layer_words,
                "Sees": f"{record.input_size} x {record.input_size} pixels, {CHANNELS[record.channels]}",
                "Resized": record.resampling_words,
                "Levels": _levels(record),
            }
        )
    with right:
        told = {
            "Trained on": record.trained_on,
            "Made for": ", ".join(record.modalities) or "any image",
            "Licence": record.licence or "not stated",
            "Access": record.gate,
            "Source": record.citation,
            "Version": record.revision[:12] or record.package,
        }
        facts({name: value for name, value in told.items() if value})
    if record.purposes:
        st.caption(" ".join(f":material/{_icon(name)}: {PURPOSES[name]}" for name in record.purposes))
    if record.notes:
        st.caption(f":material/info: {plain(record.notes)}")


def _levels(record: ExtractorRecord) -> str:
    low, high = (f"{value:g}" for value in record.value_range)
    mean, std = (", ".join(f"{value:.3g}" for value in values) for values in (record.mean, record.std))
    words = f"0 to 255 become {low} to {high}"
    return words if record.mean == (0.0,) and record.std == (1.0,) else f"{words}, less {mean}, over {std}"


def _icon(purpose: str) -> str:
    return {"fidelity": "blur_on", "privacy": "shield", "alignment": "match_word"}[purpose]
