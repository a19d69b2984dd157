"""The evidence on one case in numbers and words: every measure as a percentile within real-to-real distances.

A detector's percentile comes from its calibration (all training films), a measure's from a sample of training films,
each beside the film to look at first among other patients. The same numbers are told of the control: the nearest
held-out film, found in the same way. No percentile is finer than 1 / (n + 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.leakage.pair_measures import MEASURES, SSIM
from lab.neighbours.verdict import NEAR_COPY, ORDINARY, label_of, p_values

DETECTOR, MEASURE = "detector", "measure"


@dataclass(frozen=True)
class Reading:
    """One measure on one pair of films.

    Attributes:
        name: of the detector or measure.
        kind: "detector" or "measure": only detectors make the verdict.
        value: a detector's distance, SSIM, or RMS in grey levels.
        p: share of real-to-real distances as small, counted with the pair itself; None without a reference.
        n: real-to-real distances behind it.
        label: "near-copy", "close" or "ordinary" by p times the number of its kind; "" without a reference.
        same_film: False where this detector's nearest film is another than the one on screen.
    """

    name: str
    kind: str
    value: float
    p: float | None
    n: int
    label: str
    same_film: bool = True

    @property
    def closer_than(self) -> float | None:
        """Percent of real-to-real distances that are larger, rounded down to 0.1; None without a reference."""
        return None if self.p is None else floor(1000.0 * (1.0 - self.p) + 1e-9) / 10.0


def readings(side: Mapping[str, Any], reference: Mapping[str, NDArray[Any]]) -> list[Reading]:
    """All readings on one pair of a case, detectors first.

    Args:
        side: {image_id, verdict, ssim, rms} as the run "cases" wrote it.
        reference: ascending real-to-real distances of the measures, by name; empty before they are measured.
    """
    verdict = side["verdict"]
    count, n = len(verdict["detectors"]), int(verdict["n_reference"])
    found = [
        Reading(
            str(one["name"]),
            DETECTOR,
            float(one["distance"]),
            float(one["p"]),
            n,
            label_of(min(1.0, count * float(one["p"]))),
            one["nearest"] == side["image_id"],
        )
        for one in verdict["detectors"]
    ]
    return found + [_measured(name, float(side[name]), reference.get(name)) for name in MEASURES]


def _measured(name: str, value: float, reference: NDArray[Any] | None) -> Reading:
    if reference is None or not len(reference):
        return Reading(name, MEASURE, value, None, 0, "")
    distance = 1.0 - value if name == SSIM else value
    p = float(p_values(np.array([distance]), reference)[0])
    return Reading(name, MEASURE, value, p, len(reference), label_of(min(1.0, len(MEASURES) * p)))


def in_words(reading: Reading, word: str = "training images") -> str:
    """One reading in plain words.

    Args:
        word: what the reference distances are of, in the plural.
    """
    share = reading.closer_than
    if share is None:
        return "not yet compared with real pairs"
    if share < 0.1:
        return f"farther than nearly all {word} are from any other patient’s (n = {reading.n:,})"
    return f"closer than {share:.1f} % of {word} are to any other patient’s (n = {reading.n:,})"


def sentence(found: Sequence[Reading], label: str, same: tuple[int, int]) -> str:
    """Verdict, agreeing detectors and readers in one sentence.

    Args:
        found: readings on one pair.
        label: of the verdict, all detectors together.
        same: readers who said the same patient, and all readers of the case.
    """
    detectors = [one for one in found if one.kind == DETECTOR]
    if label == ORDINARY:
        told = f"No near-copy found by these {len(detectors)} detectors at this sensitivity"
    else:
        agreeing = sum(one.label == label for one in detectors)
        told = f"{label.capitalize()} by {agreeing} of {len(detectors)} detectors"
    said, readers = same
    if not readers:
        return f"{told}; no reader has judged it yet."
    return f"{told}; readers: {said} of {readers} said the same patient."


def missed(canaries: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Which planted copies each detector misses at least half of, with their share found, its interval and n.

    Args:
        canaries: of a calibration's result.

    Returns:
        By detector the kinds in words, such as "resampled (8 % found, 3 to 20 %, n = 40)"; no entry where it finds all.
    """
    found: dict[str, list[str]] = {}
    for canary in canaries:
        for name, share in canary["by_detector"].items():
            if share["value"] < 0.5:
                low, high, value = (round(100 * share[key]) for key in ("low", "high", "value"))
                words = f"{canary['kind']} ({value} % found, {low} to {high} %, n = {share['n']})"
                found.setdefault(str(name), []).append(words)
    return found


def agreement(found: Sequence[Reading]) -> str:
    """How many of the detectors and how many of the further measures call it a near-copy."""
    parts = []
    for kind, word in ((DETECTOR, "detectors"), (MEASURE, "further measures")):
        own = [one for one in found if one.kind == kind and one.p is not None]
        if own:
            parts.append(f"{sum(one.label == NEAR_COPY for one in own)} of {len(own)} {word}")
    return " and ".join(parts)
