"""What utility metrics share: probes fitted on one set of images and read on real images they have not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.metrics.patients import balanced_draw, index_patients
from lab.metrics.utility.discrimination import Reading
from lab.metrics.utility.probe import fit_probe, out_of_fold
from lab.metrics.utility.tasks import Labelled

Floats = NDArray[np.float64]
Strings = NDArray[np.str_]
FOLDS = 5
FLOOR_DRAWS = 3
COST = (
    "about ten logistic regressions on features: some 5 s for 1,000 images of 1,280 features and three labels"
)
PROBE = (
    "a linear probe on frozen features: what a network trained on the pixels would gain can differ; the interval covers"
    " the choice of test patients, not that of training images"
)


def read(fit: Labelled, test: Labelled) -> Reading:
    """A probe fitted on `fit`, its scores on `test`."""
    return Reading(fit_probe(fit.features, fit.positive).scores(test.features), test.positive, test.patients)


def joined(first: Labelled, second: Labelled) -> Labelled:
    """Images of both."""
    pairs = [
        np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("features", "positive", "patients", "rows")
    ]
    return Labelled(*pairs)


def at_size(images: Labelled, n: int, rng: np.random.Generator) -> Labelled:
    """`n` of the images, patients counted equally; all of them where there are no more."""
    return images if images.n <= n else images.take(balanced_draw(images.patients, n, rng))


def crossed(images: Labelled, seed: int, more: Labelled | None = None) -> Reading:
    """Each image read by a probe fitted on the images of other patients, beside `more` where given."""
    folds = min(FOLDS, index_patients(images.patients)[1])
    further = None if more is None else (more.features, more.positive)
    scores = out_of_fold(images.features, images.positive, images.patients, folds, seed, further)
    return Reading(scores, images.positive, images.patients)


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean, smallest and largest of the floor's draws, as fields of a `Measurement`; none of them when one is NaN."""
    known = [value for value in values if np.isfinite(value)]
    if not known:
        return {}
    ends = {"floor_low": min(known), "floor_high": max(known)} if len(known) > 1 else {}
    return {"floor": float(np.mean(known)), **ends}


def finite(value: float) -> float | None:
    """None in place of NaN."""
    return float(value) if np.isfinite(value) else None


def by_finding(names: Sequence[str], columns: Mapping[str, Reading]) -> list[dict[str, Any]]:
    """A table row a finding: images with it and without it in the first reading, then every reading's area."""
    first = next(iter(columns.values()))
    return [
        {
            "finding": name,
            "n with": int(first.positive[:, at].sum()),
            "n without": int((~first.positive[:, at]).sum()),
            **{title: rounded(reading.by_finding[at]) for title, reading in columns.items()},
        }
        for at, name in enumerate(names)
    ]


def rounded(value: float, digits: int = 4) -> float | None:
    """Four digits for tables, None for NaN."""
    return round(float(value), digits) if np.isfinite(value) else None


def left_out(names: Sequence[str]) -> str:
    """A sentence on findings that were not judged; "" for none."""
    if not names:
        return ""
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"Not judged, because a side has fewer than 5 images with or without them: {shown}."


def sentences(*parts: str) -> str:
    """The parts that say something."""
    return " ".join(part for part in parts if part)
