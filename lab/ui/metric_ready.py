"""What a measurement finds ready and what its launch does first: features, calibration, and how long each takes.

Nothing starts by looking at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from lab.data.dataset import parse_reference
from lab.data.store import open_dataset
from lab.features.extractors import extractor_digest
from lab.runs.metric_chain import coming_calibration, is_calibrated, is_kept
from lab.runs.records import Run
from lab.runs.requests import EXTRACTOR
from lab.ui.frame import plain
from lab.ui.metric_cost import embedding_s
from lab.ui.metric_runs import specs
from lab.ui.run_panel import duration, expected

QUICK_S = 5.0
"""A calibration that took less was taken over, not measured: it says nothing of what one costs."""
_HELP = (
    "Near-copies are told by distances between real images of different patients. They are measured once a dataset "
    "and feature extractor, and tried on planted copies; every later run uses them."
)


@dataclass(frozen=True)
class Part:
    """One thing that a measurement reads.

    Attributes:
        is_there: whether it is ready.
        sentence: what it is, and what the launch does about it.
        seconds: that this takes; None where no past run tells.
        help: why it is needed.
    """

    is_there: bool
    sentence: str
    seconds: float | None = 0.0
    help: str = ""


def parts(real: str, images: int, missing: int, names: Sequence[str]) -> list[Part]:
    """What the chosen metrics read of the sets, ready or not.

    Args:
        real: reference of the real side.
        images: on all sides.
        missing: those without features.
        names: metrics that will be computed.
    """
    found = [_features(images, missing)]
    asking = [specs()[name].title for name in names if "near-copy" in specs()[name].asks]
    return [*found, _calibration(parse_reference(real)[0], asking)] if asking else found


def told(found: Sequence[Part]) -> None:
    """A box where the launch has something to do first, else one line that all is there."""
    if all(part.is_there for part in found):
        words = "Features and calibration are" if len(found) > 1 else "The features are"
        st.caption(f":material/check_circle: {words} there; nothing has to be prepared.")
        return
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Nothing has started. The launch first does what is missing**")
        for part in found:
            icon = ":green[:material/check_circle:]" if part.is_there else ":orange[:material/schedule:]"
            st.markdown(f"{icon} {plain(part.sentence)}", help=part.help or None)


def seconds(found: Sequence[Part]) -> float | None:
    """How long all that is missing takes; None where a part of it is not known."""
    known = [part.seconds for part in found]
    return None if None in known else sum(one for one in known if one is not None)


def _features(images: int, missing: int) -> Part:
    help_text = f"What {EXTRACTOR} sees in an image, as numbers: most metrics compare these."
    if not missing:
        return Part(True, f"Features of all {images:,} images are there.", help=help_text)
    took = embedding_s(EXTRACTOR, missing)
    words = f"Features: {missing:,} of {images:,} images are read first{_time(took)}."
    return Part(False, words, took, help_text)


def _calibration(dataset: str, asking: Sequence[str]) -> Part:
    card = open_dataset(dataset).card
    if is_calibrated(dataset, EXTRACTOR):
        return Part(True, f"The near-copy detectors are calibrated on {card.title}.", help=_HELP)
    if _is_kept(dataset, card.digest, extractor_digest(EXTRACTOR)):
        words = (
            f"The near-copy detectors were calibrated on {card.title} before; that is taken up, in seconds."
        )
        return Part(False, words, 1.0, _HELP)
    size = card.splits.get("train", 0)
    took = expected("calibrate", size, _measured)
    needed = ", ".join(asking[:2]) + (f" and {len(asking) - 2} more" if len(asking) > 2 else "")
    verb = "needs" if len(asking) == 1 else "need"
    words = (
        f"The near-copy detectors are calibrated on {size:,} training images first{_time(took and took[0])}: "
        f"{needed} {verb} that, once a dataset."
    )
    return Part(False, words, took[0] if took else None, _HELP)


def _time(took: float | None) -> str:
    return (
        f", about {duration(took)}"
        if took
        else " (no past run says how long that takes; minutes for hundreds of images)"
    )


def _measured(run: Run) -> float:
    """Training images of a calibration that was measured; 0 where it was taken over."""
    return float((run.result or {}).get("n_reference", 0)) if (run.duration_s or 0.0) > QUICK_S else 0.0


def _is_kept(dataset: str, digest: str, extractor: str) -> bool:
    return is_kept(_coming(dataset, digest, extractor))


@st.cache_data(max_entries=32, show_spinner=False)
def _coming(dataset: str, digest: str, extractor: str) -> str:
    """Digest of the calibration to come; the digests of dataset and extractor are part of the cache key."""
    return coming_calibration(dataset, EXTRACTOR)
