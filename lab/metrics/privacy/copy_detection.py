"""Copy detection: samples that correlate with a training image more than held-out images do with theirs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.correlations import correlation_rows, highest
from lab.metrics.held_out_halves import halves_by_patient, parts_by_patient
from lab.metrics.judged import Judged, Limit, flagged_pairs, histogram, limit_interval, mean, summarise
from lab.metrics.other_space import in_space
from lab.metrics.registry import metric
from lab.metrics.spec import MetricSpec

NAME = "copy-detection"
PERCENT = 95.0
COPY = "copy"
Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


@metric(
    MetricSpec(
        name=NAME,
        title="Copies by correlation",
        symbol="CD",
        axis="privacy",
        direction="lower",
        low=0.0,
        high=1.0,
        null="0.05: the threshold is the correlation that one training image in twenty reaches with a held-out image",
        null_line=0.05,
        needs=("features", "held-out"),
        wants=("copy-embedding",),
        minimum_n=20,
        bias="with fewer held-out than training images the threshold is low and honest samples are flagged more"
        " often than"
        " one in twenty, as the held-out line shows; a set far from all images is still flagged at about 0.05;"
        " features of ImageNet networks miss copies with noise: try planted copies",
        cost="correlations of training images with held-out images and samples: under 1 s for 1,000 x 1,000 images; the"
        " embedding trained for copies, where it is installed, costs its own run",
        reference="Dar et al. 2025, Unconditional latent diffusion models memorize patient imaging data; their"
        " decision rule",
        definition="The share of samples that correlate with some training image more strongly than nineteen in twenty"
        " training images do with any held-out image.",
    )
)  # fmt: skip
def copy_detection(comparison: Comparison) -> Measurement:
    """Share of samples with any Pearson correlation above the 95th percentile over T of its largest with V.

    In the embedding trained for copies where the input has it (`spaces["copy"]`), else in the chosen extractor's
    features, and the title says which. With the embedding left away as the published rule to the digit. The control
    halves the patients of both real sides: one held-out half sets the threshold, the other is judged against one half
    of the training images, then the halves change places.
    """
    space = comparison.given.spaces.get(COPY)
    found = _measured(comparison if space is None else in_space(comparison, space))
    where = "the extractor's features" if space is None else "the embedding trained for copies"
    found = replace(found, note=" ".join(part for part in (f"Measured in {where}.", found.note) if part))
    return found if space is None else replace(found, extractor=space.extractor)


@dataclass(frozen=True, eq=False)
class _Hits:
    """What one set was found to copy: its largest correlations, the images, and which training images were hit."""

    correlation: Floats
    nearest: IntArray
    reached: Floats


def _measured(comparison: Comparison) -> Measurement:
    held_out = comparison.held_out
    if held_out is None:
        raise NotComputable("Copy detection sets its threshold by held-out images; choose a set with some.")
    train, films = (correlation_rows(side.features) for side in (comparison.real, held_out))
    scale = Limit(Judged(comparison.real, highest(train, films)[0]), PERCENT, below=False)
    threshold = scale.value
    samples = _against(train, correlation_rows(comparison.synthetic.features))
    flags = samples.correlation > threshold
    rng = comparison.rng(NAME)
    control, control_hit = np.zeros(held_out.n), []
    # Half of the training images too, so that both sides keep their ratio and with it the rule's bias.
    for (judged, setting), known in zip(
        halves_by_patient(held_out.patients, rng),
        parts_by_patient(comparison.real.patients, 2, rng),
        strict=True,
    ):
        limit = float(np.percentile(highest(train[known], films[setting])[0], PERCENT))
        half = _against(train[known], films[judged])
        control[judged] = half.correlation > limit
        control_hit.append(float((half.reached > limit).mean()))
    ranked = Judged(comparison.synthetic, samples.correlation, samples.nearest)
    details: dict[str, Any] = {
        "threshold": threshold,
        "rule": {"above": threshold},
        "training_hit": float((samples.reached > threshold).mean()),
        "training_hit_control": float(np.mean(control_hit)),
        "histogram": histogram(
            samples.correlation, _against(train, films).correlation, "Largest correlation with a training image"
        ),
        "flagged": flagged_pairs(ranked, comparison.real, flags, high_first=True),
    }  # fmt: skip
    details["bars"] = {
        "Training images hit by samples": details["training_hit"],
        "Training images hit by held-out images": details["training_hit_control"],
    }
    judged_samples = Judged(comparison.synthetic, flags.astype(np.float64))
    found = summarise(comparison, judged_samples, Judged(held_out, control), mean, NAME, details)
    low, high = limit_interval(ranked, scale, comparison.rng(f"{NAME} interval"))
    given = comparison.synthetic.in_given_order(samples.correlation)
    return replace(found, low=low, high=high, per_image=given)


def _against(train: Floats, rows: Floats) -> _Hits:
    best, nearest = highest(rows, train)
    return _Hits(best, nearest, highest(train, rows)[0])
