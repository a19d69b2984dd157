"""Samples beside the training image whose prompt they belong to: per prompt mean and extreme, control and real pairs.

The control puts held-out images of other patients in the samples' place, as many for each prompt, of the source's label
where there are any. Real pairs of one patient are the other end: what the same person's next image would score;
held-out patients give them where they can, because a network that has seen a patient is too sure of the pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.inputs import MetricInput
from lab.metrics.patients import MINIMUM_PATIENTS, bootstrap_means, index_patients

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Side = Literal["synthetic", "held_out", "real"]
Values = Callable[[Side, Rows, Side, Rows], Floats]
"""From rows of one side and rows of another to a value for each pair."""

REAL_PAIRS = 500
TABLE_ROWS = 100
FLAGGED = 24
FLOOR = "Two images of one patient"


@dataclass(frozen=True, eq=False)
class Prompts:
    """Values of pairs, gathered by prompt.

    Args:
        sources: (p,) row of each prompt's training image, ascending.
        mean, extreme: (p,) over the samples of a prompt; the extreme is the one nearest to a copy.
        counts: (p,) samples of each.
        values: (n,) value of each pair, in the order given.
    """

    sources: Rows
    mean: Floats
    extreme: Floats
    counts: Rows
    values: Floats


@dataclass(frozen=True, eq=False)
class Paired:
    """Everything a metric on samples and sources reports.

    Args:
        samples: values by prompt.
        control: the same with held-out images of other patients; None without any.
        real: values of real pairs of one patient, empty without any.
        rows, own: (n,) samples that have a source, and the row of that source.
    """

    samples: Prompts
    control: Prompts | None
    real: Floats
    rows: Rows
    own: Rows


def paired(comparison: Comparison, values: Values, near: Literal["high", "low"], purpose: str) -> Paired:
    """Compare every sample with its source, and the control and the real pairs alike.

    Args:
        values: what is measured of a pair.
        near: whether a copy gives a high or a low value.
        purpose: name for the random draws.

    Raises:
        NotComputable: when no sample has a source.
    """
    given = comparison.given
    sources = given.synthetic_sources
    rows = np.flatnonzero(sources >= 0) if sources is not None else np.empty(0, dtype=np.int64)
    if sources is None or not len(rows):
        raise NotComputable(
            "No sample belongs to a training image: none was made from the caption of one; run the protocol, or choose "
            "a set whose prompts are captions of training images."
        )
    own = sources[rows]
    samples = _by_prompt(own, values("synthetic", rows, "real", own), near)
    control = None
    if given.held_out is not None and given.n_held_out:
        others = _strangers(comparison, own, comparison.rng(f"{purpose} control"))
        control = _by_prompt(own, values("held_out", others, "real", own), near)
    side, first, second = same_patient_pairs(comparison, comparison.rng(f"{purpose} pairs"))
    real = values(side, first, side, second) if len(first) else np.empty(0)
    return Paired(samples, control, real, rows, own)


def measured(comparison: Comparison, found: Paired, purpose: str, **fields: Any) -> Measurement:
    """Mean of per-prompt means, interval by bootstrap over the sources' patients, control and real pairs beside it."""
    given = comparison.given
    patients = np.asarray(given.real_patients).astype(str)[found.samples.sources]
    rng = comparison.rng(purpose)
    low, high = _interval(found.samples.mean, patients, rng)
    control = found.control
    control_low, control_high = _interval(control.mean, patients, rng) if control else (None, None)
    real = found.real
    spread = np.percentile(real, (2.5, 97.5)) if len(real) else None
    whole = len(found.rows) == given.n_synthetic
    return Measurement(
        value=float(found.samples.mean.mean()),
        low=low,
        high=high,
        control=float(control.mean.mean()) if control else None,
        control_low=control_low,
        control_high=control_high,
        floor=float(real.mean()) if len(real) else None,
        floor_low=float(spread[0]) if spread is not None else None,
        floor_high=float(spread[1]) if spread is not None else None,
        floor_n=len(real) or None,
        per_image=found.samples.values.copy() if whole else None,
        **{**fields, "note": _note(found, given, low is None, str(fields.get("note", "")))},
    )


def prompt_details(found: Paired, extreme: str, unit: str, digits: int = 4) -> dict[str, Any]:
    """Per-prompt values for charts and exports: everything a page needs to count prompts beyond a limit by itself.

    Args:
        extreme: what the extreme is called, "max" or "min".
        unit: title of the axis.
    """
    samples, control = found.samples, found.control
    order = np.argsort(samples.extreme, kind="stable")
    order = order[::-1] if extreme == "max" else order
    flagged = _flagged(found, extreme == "max", digits)
    histogram = {"samples": _round(samples.extreme, digits), "x_title": f"{unit}, {extreme} of each prompt"}
    if control is not None:
        histogram["held_out"] = _round(control.extreme, digits)
    best = max if extreme == "max" else min
    bars = {"samples": float(samples.mean.mean())}
    bars |= {} if control is None else {"held-out images of other patients": float(control.mean.mean())}
    bars |= {"two images of one patient": float(found.real.mean())} if len(found.real) else {}
    return {
        "prompts": len(samples.sources),
        "mean_of_mean": float(samples.mean.mean()),
        f"mean_of_{extreme}": float(samples.extreme.mean()),
        f"overall_{extreme}": float(best(samples.extreme)),
        **({} if control is None else {f"control_mean_of_{extreme}": float(control.extreme.mean())}),
        "per_prompt": {
            "source": samples.sources.tolist(),
            "mean": _round(samples.mean, digits),
            extreme: _round(samples.extreme, digits),
        },
        "histogram": histogram,
        "bars": {name: round(value, 4) for name, value in bars.items()},
        "table": [
            {
                "training image": int(samples.sources[row]) + 1,
                "samples": int(samples.counts[row]),
                "mean": round(float(samples.mean[row]), digits),
                extreme: round(float(samples.extreme[row]), digits),
            }
            for row in order[:TABLE_ROWS]
        ],
        "flagged": flagged,
    }


def same_patient_pairs(comparison: Comparison, rng: np.random.Generator) -> tuple[Side, Rows, Rows]:
    """At most 500 pairs of real images of one patient, one pair a patient, whatever the order of rows.

    Returns:
        The side they come from, held-out where any patient there has two images, and the rows of both images.
    """
    for side, points in (("held_out", comparison.held_out), ("real", comparison.real)):
        if points is None:
            continue
        codes, total = index_patients(points.patients)  # points stand in an order that is not the caller's
        order = rng.permutation(len(codes))
        order = order[np.argsort(codes[order], kind="stable")]
        films = np.bincount(codes, minlength=total)
        first = np.concatenate([[0], np.cumsum(films)[:-1]])[films > 1].astype(np.int64)
        first = np.sort(rng.permutation(first)[:REAL_PAIRS])
        if len(first):
            return cast("Side", side), points.order[order[first]], points.order[order[first + 1]]
    return "real", np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)


def _by_prompt(sources: Rows, values: Floats, near: str) -> Prompts:
    prompts, codes = np.unique(sources, return_inverse=True)
    counts = np.bincount(codes)
    mean = np.bincount(codes, weights=values) / counts
    extreme = np.full(len(prompts), -np.inf if near == "high" else np.inf)
    (np.maximum if near == "high" else np.minimum).at(extreme, codes, values)
    return Prompts(prompts, mean, extreme, counts, values)


def _strangers(comparison: Comparison, sources: Rows, rng: np.random.Generator) -> Rows:
    """A held-out image for each sample, different ones within a prompt where there are enough."""
    real, held_out = comparison.real, comparison.held_out
    assert held_out is not None  # noqa: S101 - asked for only where there are some
    chosen = np.empty(len(sources), dtype=np.int64)
    everyone = held_out.order
    # In an order that is not the caller's, so that shuffled rows give the same draws.
    for place in np.flatnonzero(np.isin(real.order, sources)):
        samples = np.flatnonzero(sources == real.order[place])
        alike = everyone
        if held_out.labels is not None and real.labels is not None:
            of_label = everyone[held_out.labels == real.labels[place]]
            alike = of_label if len(of_label) else everyone
        draws = [rng.permutation(alike) for _ in range(-(-len(samples) // len(alike)))]
        chosen[samples] = np.concatenate(draws)[: len(samples)]
    return chosen


def _flagged(found: Paired, high: bool, digits: int) -> list[dict[str, Any]]:
    values = found.samples.values
    order = np.argsort(-values if high else values, kind="stable")[:FLAGGED]
    return [
        {
            "sample": int(found.rows[row]),
            "training": int(found.own[row]),
            "score": round(float(values[row]), digits),
        }
        for row in order
    ]


def _interval(
    means: Floats, patients: NDArray[np.str_], rng: np.random.Generator
) -> tuple[float | None, float | None]:
    if index_patients(patients)[1] < MINIMUM_PATIENTS:
        return None, None
    low, high = np.percentile(bootstrap_means(means, patients, rng), (2.5, 97.5))
    return float(low), float(high)


def _note(found: Paired, given: MetricInput, without_interval: bool, more: str) -> str:
    sentences = [more] if more else []
    left = given.n_synthetic - len(found.rows)
    if left:
        sentences.append(
            f"{left} of the {given.n_synthetic} samples belong to no training image and were not compared."
        )
    if without_interval:
        sentences.append("No interval: the prompts belong to fewer than 20 patients.")
    if not len(found.real):
        sentences.append(
            "No patient has two real images, so real pairs of one patient cannot stand beside it."
        )
    return " ".join(sentences)


def _round(values: Floats, digits: int) -> list[float]:
    return [round(float(value), digits) for value in values]
