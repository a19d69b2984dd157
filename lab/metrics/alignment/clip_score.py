"""CLIPScore: how close samples lie to their own prompts in the space of a text-image model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.metrics.alignment.sides import Side, captioned, interval
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.patients import MINIMUM_PATIENTS
from lab.metrics.registry import metric
from lab.metrics.spec import SHUFFLED, MetricSpec

Floats = NDArray[np.float64]
SCALE = 2.5
BLOCK = 512


@metric(
    MetricSpec(
        name="clip-score",
        title="Image-text cosine (CLIPScore)",
        symbol="CLIP-S",
        axis="alignment",
        direction="higher",
        low=-1.0,
        high=1.0,
        null="the held-out line: real images beside their own captions; the floor is the same images beside the"
        " captions of other patients",
        null_line=None,
        needs=("features", "captions", "held-out"),
        minimum_n=10,
        bias="its level belongs to the text-image model: values of two models are not comparable, and samples that"
        " show a finding more plainly than life can score above real images",
        cost="one pass of a small text-image model: some milliseconds an image",
        reference="Hessel et al. 2021, CLIPScore: a reference-free evaluation metric for image captioning; shown is"
        " the cosine, the note gives 2.5 × max(cosine, 0)",
        definition="How much samples resemble the words of their prompts, as a model sees it that has learnt which"
        " captions go with which images.",
        floor=SHUFFLED,
    )
)
def clip_score(comparison: Comparison) -> Measurement:
    """Mean cosine of samples and their own prompts; control: held-out films and their own captions.

    The floor is what the control would be with its captions shuffled, in expectation over all shuffles: each film
    beside all captions of other patients that read otherwise. Intervals: bootstrap over patients of the films, and
    over prompts of the samples; over samples where there are fewer than 20 prompts, and then for these prompts only.

    Raises:
        NotComputable: without prompts, captions or a text-image model.
    """
    samples, films = captioned(comparison, "CLIPScore")
    rng = comparison.rng("clip-score")
    own, real = own_cosines(samples), own_cosines(films)
    grouped, over = _groups(comparison, samples)
    low, high = interval(own, grouped, rng)
    control_low, control_high = interval(real, films.patients, rng)
    wrong = wrong_cosines(films)
    beside = np.isfinite(wrong)
    floor_low, floor_high = interval(wrong[beside], films.patients[beside], rng)
    scores = np.full(len(comparison.given.synthetic), np.nan)
    scores[samples.rows] = own
    return Measurement(
        value=float(own.mean()),
        low=low,
        high=high,
        control=float(real.mean()),
        control_low=control_low,
        control_high=control_high,
        floor=float(wrong[beside].mean()) if beside.any() else None,
        floor_low=floor_low,
        floor_high=floor_high,
        floor_n=int(beside.sum()) or None,
        dimension=samples.pairs.images.shape[1],
        extractor=samples.pairs.model,
        note=_note(own, real, samples, over, low is None),
        per_image=scores,
        published=rounded_mean(own),
        published_note="CheXGenBench rounds the cosine of each pair to three digits before it takes the mean.",
    )


def own_cosines(side: Side) -> Floats:
    """(n,) cosine of each image with its own caption."""
    seen, read = side.pairs.unit()
    return np.asarray(np.einsum("ne,ne->n", seen, read))


def scaled(cosines: Floats) -> float:
    """CLIPScore as published: the mean of 2.5 × max(cosine, 0)."""
    return float(np.mean(SCALE * np.maximum(cosines, 0.0)))


def rounded_mean(cosines: Floats) -> float:
    """The alignment score of CheXGenBench: the mean of cosines that were rounded to three digits pair by pair."""
    return float(np.mean(np.round(cosines, 3)))


def wrong_cosines(side: Side) -> Floats:
    """(n,) mean cosine of each image with the captions of other patients that read otherwise; NaN without any."""
    seen, read = side.pairs.unit()
    captions = np.asarray(side.pairs.captions)
    found = np.full(len(seen), np.nan)
    for start in range(0, len(seen), BLOCK):
        rows = slice(start, start + BLOCK)
        other = side.patients[rows, None] != side.patients[None, :]
        other &= captions[rows, None] != captions[None, :]
        sums, counts = np.where(other, seen[rows] @ read.T, 0.0).sum(axis=1), other.sum(axis=1)
        found[rows] = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return found


def _groups(comparison: Comparison, samples: Side) -> tuple[NDArray[np.str_], str]:
    """Whom the samples are drawn again by, and the word for it."""
    if comparison.given.synthetic_groups is not None:
        return samples.patients, "patients"
    prompts = np.asarray(samples.pairs.captions).astype(str)
    return (
        (prompts, "prompts") if len(np.unique(prompts)) >= MINIMUM_PATIENTS else (samples.patients, "samples")
    )


def _note(own: Floats, real: Floats, samples: Side, over: str, without_interval: bool) -> str:
    prompts = len(np.unique(samples.pairs.captions))
    told = [
        f"As published, 2.5 × max(cosine, 0): {scaled(own):.3f} for samples, {scaled(real):.3f} for held-out images.",
        "The floor is the held-out images beside captions of other patients.",
    ]
    if over == "samples" and not without_interval:
        told.append(
            f"The interval holds for {'this prompt' if prompts == 1 else f'these {prompts} prompts'} only."
        )
    if without_interval:
        told.append("No interval: fewer than 20 patients, prompts or samples.")
    if samples.left_out:
        told.append(f"{samples.left_out} samples have no prompt and are left out.")
    return " ".join(told)
