"""Likeness of samples of one prompt: multi-scale structural similarity of all their pairs."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.image_pairs import CONTROL_PAIRS, pairs_within, scored_pairs
from lab.metrics.levels import at_size, grey, levels
from lab.metrics.pictures import Image, Pictures
from lab.metrics.points import Points
from lab.metrics.registry import metric
from lab.metrics.score_means import Scored, histogram, measure_means
from lab.metrics.spec import MetricOption, MetricSpec
from lab.metrics.structural import ms_ssim

MOST_ROWS = 800


@metric(
    MetricSpec(
        name="ms-ssim-siblings",
        title="Likeness of siblings",
        symbol="MS-SSIM of siblings",
        axis="diversity",
        direction="lower",
        low=0.0,
        high=1.0,
        null="the held-out line: pairs of held-out images of one label and two patients",
        null_line=None,
        needs=("pictures", "siblings"),
        minimum_n=2,
        bias="none from sample size; large dark borders raise it, and so does one pose for all images of a modality",
        cost="about 5 ms a pair of 256 pixels: 30 s for 500 prompts with four samples each",
        reference="Chambon et al. 2024, A vision-language foundation model for the generation of chest X-ray images"
        " (RoentGen): six pairs of four samples a prompt",
        definition="How alike the samples of one prompt are to each other, over all their pairs; 1 for equal samples.",
        options=(
            MetricOption("prompts", "Prompts", 2000, 1, 100_000, "Prompts taken at most, drawn at random."),
            MetricOption(
                "images",
                "Samples of a prompt",
                4,
                2,
                100,
                "Samples of a prompt taken at most: 4 give 6 pairs.",
            ),
        ),
    )
)
def ms_ssim_siblings(comparison: Comparison) -> Measurement:
    """Mean over all pairs of samples with one prompt, grey in 0..1; interval by bootstrap over prompts.

    Pictures keep their size; where those of a prompt differ, both of a pair are brought to the smaller one.
    """
    given = comparison.given
    prompts, pictures = given.synthetic_prompts, given.synthetic_pictures
    families = {} if prompts is None else siblings(comparison.synthetic, prompts, comparison)
    if pictures is None or not families:
        raise NotComputable("No two samples share a prompt; generate two or more a prompt and measure again.")
    values: list[float] = []
    owners: list[str] = []
    table: list[dict[str, Any]] = []
    totals, counts = np.zeros(len(pictures)), np.zeros(len(pictures))
    for number, rows in enumerate(families.values()):
        found = _family(pictures, rows)
        for (a, b), value in found.items():
            for row in (a, b):
                totals[row] += value
                counts[row] += 1
        values += found.values()
        owners += [f"prompt-{number + 1:05d}"] * len(found)
        if len(table) < MOST_ROWS:
            table.append(_line(owners[-1], list(found.values())))
    main = Scored(np.asarray(values), np.asarray(owners))
    control = _real_pairs(comparison, comparison.held_out, given.held_out_pictures, given.held_out_labels)
    floor = _real_pairs(comparison, comparison.real, given.real_pictures, given.real_labels)
    per_image = np.divide(totals, counts, out=np.full(len(totals), np.nan), where=counts > 0)
    note = f"{len(values)} pairs of {len(families)} prompts."
    details: dict[str, Any] = {
        "table": table,
        "histogram": histogram(main.values, None if control is None else control.values, "MS-SSIM of a pair"),
    }
    return measure_means(comparison, "ms-ssim-siblings", main, control, floor, per_image, note, details)


def siblings(side: Points, prompts: NDArray[np.str_], comparison: Comparison) -> dict[str, list[int]]:
    """Rows in the caller's order of samples with one prompt, two or more each; prompts in random order."""
    most = int(comparison.option("ms-ssim-siblings", "images", 4))
    families: dict[str, list[int]] = {}
    for row in side.order:
        families.setdefault(str(prompts[row]), []).append(int(row))
    shared = sorted(prompt for prompt, rows in families.items() if len(rows) > 1 and prompt)
    limit = int(comparison.option("ms-ssim-siblings", "prompts", 2000))
    order = comparison.rng("ms-ssim-siblings prompts").permutation(len(shared))[:limit]
    return {shared[at]: families[shared[at]][:most] for at in order}


def likeness(first: Image, second: Image) -> float:
    """Multi-scale structural similarity of two pictures, grey in 0..1, at the smaller height and width."""
    a, b = grey(levels(first)), grey(levels(second))
    height, width = min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])
    return ms_ssim(at_size(a, height, width), at_size(b, height, width))


def _family(pictures: Pictures, rows: list[int]) -> dict[tuple[int, int], float]:
    images = {row: pictures[row] for row in rows}
    readable = {row: image for row, image in images.items() if image is not None}
    return {(a, b): likeness(readable[a], readable[b]) for a, b in combinations(readable, 2)}


def _line(name: str, values: list[float]) -> dict[str, Any]:
    return {"dicom_id": name, **{f"ms_ssim_{at}": round(value, 4) for at, value in enumerate(values[:6])}}


def _real_pairs(
    comparison: Comparison, side: Points | None, pictures: Pictures | None, labels: NDArray[np.str_] | None
) -> Scored | None:
    if side is None or pictures is None:
        return None
    told = None if labels is None else np.asarray(labels).astype(str)[side.order]
    rng = comparison.rng(f"ms-ssim-siblings {side is comparison.real}")
    pairs = pairs_within(side, told, CONTROL_PAIRS, rng)
    return scored_pairs(side, pictures, pairs, likeness) if len(pairs) else None
