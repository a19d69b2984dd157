"""Text-encoder probe: what a generator's text encoder tells apart, before and after tuning."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.inputs import Space
from lab.metrics.patients import index_patients
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec
from lab.metrics.utility.arms import FOLDS, finite, rounded, sentences
from lab.metrics.utility.discrimination import Reading, gain_interval
from lab.metrics.utility.probe import fit_probe, out_of_fold
from lab.metrics.utility.tasks import FEWEST, findings_in

TITLE = "Text-encoder probe"
TUNED, BASE = "text:tuned", "text:base"
Floats = NDArray[np.float64]


@metric(
    MetricSpec(
        name="text-encoder-probe",
        title=TITLE,
        symbol="TEP",
        axis="alignment",
        direction="higher",
        low=0.0,
        high=1.0,
        null="the floor: the encoder as it was before tuning, where the generator names one; the held-out line is the"
        " tuned encoder on captions of held-out images; 0.5 is a guess",
        null_line=None,
        needs=("features", "labels", "text-encoder"),
        minimum_n=20,
        bias="captions that name the finding in the same words every time make it 1 for any encoder, and few different"
        " captions make it unsteady: the number of captions is in the note",
        cost="one pass of the text encoder over the captions and some logistic regressions: seconds",
        reference="Chambon et al. 2022, RoentGen: vision-language foundation model for chest x-ray generation",
        definition="How well findings can be read from the generator's own vectors of captions: the mean area under the"
        " ROC curve over findings.",
        floor="Before tuning",
    )
)
def text_encoder_probe(comparison: Comparison) -> Measurement:
    """Macro AUROC by linear probes on caption vectors of training images, five folds by patient, equal captions once.

    Control: probes fitted on all training captions, read on held-out captions that differ from them. Floor: the same
    captions through the encoder before tuning. Intervals: bootstrap over patients; that of the gain is paired.
    """
    given = comparison.given
    if TUNED not in given.spaces:
        raise NotComputable(f"{TITLE} needs the text encoder of the generator that made the samples.")
    captions = _captions(comparison, given.spaces[TUNED])
    tuned = _read(captions, captions.vectors, comparison.seed)
    if finite(tuned.macro) is None:
        raise NotComputable(f"{TITLE} needs captions with and without a finding; add some.")
    rng = comparison.rng("text-encoder-probe")
    low, high = tuned.interval(rng)
    base = None
    if BASE in given.spaces:
        base = _read(captions, _rows(given.spaces[BASE].real, captions.rows), comparison.seed)
    control = _held_out(comparison, given.spaces[TUNED], captions)
    control_ends = (None, None) if control is None else control.interval(rng)
    floor_ends = (None, None) if base is None else base.interval(rng)
    return Measurement(
        value=tuned.macro,
        low=low,
        high=high,
        control=None if control is None else finite(control.macro),
        control_low=control_ends[0],
        control_high=control_ends[1],
        floor=None if base is None else base.macro,
        floor_low=floor_ends[0],
        floor_high=floor_ends[1],
        floor_n=None if base is None else len(captions.rows),
        dimension=captions.vectors.shape[1],
        extractor=given.spaces[TUNED].extractor,
        note=_note(captions, tuned, base, low is None, int(rng.integers(2**31))),
        details={"table": _table(captions.names, tuned, base)},
    )


@dataclass(frozen=True, eq=False)
class Captions:
    """Different captions, each once: vectors (n, d), findings (n, f), patients, and a row of the caller's."""

    names: tuple[str, ...]
    vectors: Floats
    positive: NDArray[np.bool_]
    patients: NDArray[np.str_]
    rows: NDArray[np.int64]


def _captions(comparison: Comparison, space: Space) -> Captions:
    vectors, found, rows = _distinct(comparison, comparison.real, space.real, "real")
    names = sorted({name for one in found for name in one})
    positive = np.asarray([[name in one for name in names] for one in found], dtype=bool).reshape(
        len(rows), len(names)
    )
    counts = positive.sum(axis=0)
    kept = np.flatnonzero((counts >= FEWEST) & (counts <= len(rows) - FEWEST))
    if not len(kept):
        raise NotComputable(
            f"{TITLE} needs a finding that {FEWEST} different captions have and {FEWEST} have not; here are "
            f"{len(rows)} different captions."
        )
    patients = np.asarray(comparison.given.real_patients).astype(str)[rows]
    return Captions(tuple(names[at] for at in kept), vectors, positive[:, kept], patients, rows)


def _distinct(
    comparison: Comparison, points: Points, space: NDArray[np.floating], side: str
) -> tuple[Floats, list[frozenset[str]], NDArray[np.int64]]:
    """Vectors of different captions, the findings most images with that caption have, and a row for each."""
    given = comparison.given
    told = getattr(given, f"{side}_findings")
    told = getattr(given, f"{side}_labels") if told is None else told
    if told is None:
        raise NotComputable(f"{TITLE} needs labels of the images beside their captions; add them.")
    seen: dict[bytes, list[int]] = {}
    for row in points.order:
        if space[row].any() and str(told[row]).strip():
            seen.setdefault(np.ascontiguousarray(space[row]).tobytes(), []).append(int(row))
    found = []
    for rows in seen.values():
        votes = Counter(name for row in rows for name in findings_in(str(told[row])))
        found.append(frozenset(name for name, count in votes.items() if 2 * count > len(rows)))
    first = np.asarray([rows[0] for rows in seen.values()], dtype=np.int64)
    return _rows(space, first), found, first


def _rows(space: NDArray[np.floating], rows: NDArray[np.int64]) -> Floats:
    return np.asarray(space[rows], dtype=np.float64)


def _read(captions: Captions, vectors: Floats, seed: int) -> Reading:
    folds = min(FOLDS, index_patients(captions.patients)[1])
    if folds < 2:
        raise NotComputable(f"{TITLE} needs captions of two patients; add some.")
    scores = out_of_fold(vectors, captions.positive, captions.patients, folds, seed)
    return Reading(scores, captions.positive, captions.patients)


def _held_out(comparison: Comparison, space: Space, captions: Captions) -> Reading | None:
    """Held-out captions that no training image has; None without any."""
    held_out = comparison.held_out
    if held_out is None or space.held_out is None:
        return None
    vectors, found, rows = _distinct(comparison, held_out, space.held_out, "held_out")
    known = {row.tobytes() for row in captions.vectors}
    fresh = [at for at, vector in enumerate(vectors) if vector.tobytes() not in known]
    if not fresh:
        return None
    positive = np.asarray([[name in found[at] for name in captions.names] for at in fresh], dtype=bool)
    patients = np.asarray(comparison.given.held_out_patients).astype(str)[rows[fresh]]
    probe = fit_probe(captions.vectors, captions.positive)
    return Reading(probe.scores(vectors[fresh]), positive, patients)


def _table(names: tuple[str, ...], tuned: Reading, base: Reading | None) -> list[dict[str, object]]:
    return [
        {
            "finding": name,
            "captions with": int(tuned.positive[:, at].sum()),
            "before tuning": None if base is None else rounded(base.by_finding[at]),
            "after tuning": rounded(tuned.by_finding[at]),
        }
        for at, name in enumerate(names)
    ]


def _note(captions: Captions, tuned: Reading, base: Reading | None, alone: bool, seed: int) -> str:
    told = f"{len(captions.rows)} different captions."
    if base is None:
        gain = "The generator names no encoder from before tuning that is here, so there is no floor."
    else:
        low, high = gain_interval(base, tuned, seed)
        between = "" if low is None or high is None else f" ({low:+.3f} to {high:+.3f})"
        gain = f"Tuning changes it by {tuned.macro - base.macro:+.3f}{between}."
    return sentences(told, gain, "No interval: fewer than 20 patients." if alone else "")
