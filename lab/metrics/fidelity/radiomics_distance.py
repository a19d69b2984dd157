"""Fréchet radiomics distance: the Fréchet distance of radiomic features."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement, compare_sets
from lab.metrics.fidelity.frechet_distance import (
    components_allowed,
    frechet,
    frechet_statistic,
    moments,
    principal_components,
)
from lab.metrics.gaussians import on_components
from lab.metrics.inputs import Space
from lab.metrics.other_space import in_space
from lab.metrics.registry import metric
from lab.metrics.spec import MetricOption, MetricSpec

Floats = NDArray[np.float64]
CONSTANT = 1e-5
SPACE = "radiomics"


@metric(
    MetricSpec(
        name="radiomics-distance",
        title="Fréchet radiomics distance",
        symbol="FRD",
        axis="fidelity",
        direction="lower",
        low=0.0,
        high=float("inf"),
        null="the held-out line: above 0 even for images of the same population",
        null_line=None,
        needs=("features", "radiomics"),
        minimum_n=20,
        bias="too large with few images, so principal components are used unless there are twice as many images as"
        " features; a few images with extreme texture can carry it",
        cost="0.1 s an image at 128 pixels on one core, computed once and kept: 4 minutes for 1,000 x 1,000 images",
        reference="Konz et al. 2024, Fréchet radiomic distance (arXiv 2412.01496), as CheXGenBench computes it;"
        " features by Zwanenburg et al. 2020, The image biomarker standardisation initiative",
        definition="The Fréchet distance of texture measures radiologists' software uses, of the pictures and of"
        " filtered versions of them; before the logarithm.",
        options=(
            MetricOption(
                "side", "Side", 128, 32, 512, "Pixels a side that pictures of both sets are brought to first."
            ),
        ),
    )
)
def radiomics_distance(comparison: Comparison) -> Measurement:
    """Fréchet distance of features z-scored by the training images; equal sets give 0.

    Features that do not vary over the training images are left out. The single matrices equal the worked examples of
    the pyradiomics documentation. `published` is the natural logarithm of the distance on all features.
    """
    space = comparison.given.spaces.get(SPACE)
    if space is None:
        raise NotComputable(
            "There are no radiomic features of these sets; measure again with this metric chosen."
        )
    mean, spread, kept = _scale(space.real)
    held_out = None if space.held_out is None else _scored(space.held_out, mean, spread, kept)
    scaled = Space(
        _scored(space.real, mean, spread, kept), _scored(space.synthetic, mean, spread, kept), held_out
    )
    there = in_space(comparison, scaled)
    sides = [there.real.n, there.synthetic.n] + ([there.held_out.n] if there.held_out else [])
    width = int(kept.sum())
    count = components_allowed(min(sides), width)
    if count == 0:
        raise NotComputable(
            "The radiomics distance needs 20 images on each side, held-out images included; add images."
        )
    basis = None if count == width else principal_components(there.real.features, count)
    measured = compare_sets(there, lambda pair: frechet_statistic(pair, basis))
    full = frechet(*moments(there.real.features), *moments(there.synthetic.features))
    on = "all" if basis is None else f"{count} principal components of"
    note = f"On {on} {width} radiomic features that vary over the training images."
    return replace(
        measured,
        title="FRD" if basis is None else on_components("FRD", count),
        dimension=count,
        extractor=space.extractor or SPACE,
        note=f"{note} {measured.note}".strip(),
        published=math.log(full) if full > 0.0 else None,
        published_note="Published code gives the natural logarithm of the distance on all features, however few the"
        " images; equal sets would give minus infinity." if full > 0.0 else "",
    )  # fmt: skip


def _scale(real: NDArray[np.floating]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Mean and spread of each feature over the training images, and which vary at all."""
    wide = np.asarray(real, dtype=np.float64)
    mean, spread = wide.mean(axis=0), wide.std(axis=0)
    kept = spread > CONSTANT * np.maximum(np.abs(wide).max(axis=0), 1e-3)
    return mean, spread, kept


def _scored(side: NDArray[np.floating], mean: Floats, spread: Floats, kept: NDArray[np.bool_]) -> Floats:
    return np.asarray((np.asarray(side, dtype=np.float64)[:, kept] - mean[kept]) / spread[kept])
