"""Pixel distance to the prompt's own training image: the true one, and the published one that wraps around."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotComputable
from lab.metrics.comparison import Comparison, Measurement
from lab.metrics.pictures import Image, Pictures
from lab.metrics.registry import metric
from lab.metrics.source_pairs import FLOOR, Floats, Rows, Side, measured, paired, prompt_details
from lab.metrics.spec import MetricSpec

NAME = "pixel-distance"
PUBLISHED_NOTE = (
    "The published code subtracts 8-bit numbers without a sign, so differences wrap modulo 256: any two unrelated"
    " images then score near 147, the value of random bytes."
)


@metric(
    MetricSpec(
        name=NAME,
        title="Pixel distance to the prompt's image",
        symbol="d pixel",
        axis="privacy",
        direction="higher",
        low=0.0,
        high=255.0,
        null="the held-out line: the distance of images of other patients in the samples' place",
        null_line=None,
        needs=("pictures", "sources"),
        minimum_n=2,
        bias="a shift of a few pixels or another brightness raises it as much as another patient does, and blurred"
        " samples are nearer to every image; a low minimum proves a copy, a high one proves nothing",
        cost="each sample and its source are read and subtracted once: about 20 s for 1,000 samples of 512 pixels",
        reference="CheXGenBench (arXiv 2505.10496), metrics/privacy_metrics.py",
        definition="The root mean square of the grey-level difference between a sample and the training image its"
        " prompt belongs to, averaged over the samples of a prompt and then over prompts.",
        floor=FLOOR,
    )
)
def pixel_distance(comparison: Comparison) -> Measurement:
    """Mean over prompts of the mean distance in grey levels; `published` is the same with the wrapped difference.

    Null: the held-out line. Tolerance: exact arithmetic on 8-bit pixels; the source is brought to the sample's size.
    """
    given = comparison.given
    sides = {
        "synthetic": given.synthetic_pictures,
        "held_out": given.held_out_pictures,
        "real": given.real_pictures,
    }
    if given.real_pictures is None or given.synthetic_pictures is None:
        raise NotComputable(
            given.absent.get("pictures", "")
            or "The images themselves are not at hand; choose sets with files."
        )
    wrapped: dict[Side, Floats] = {}

    def distance(side: Side, rows: Rows, other: Side, others: Rows) -> Floats:
        found = np.array(list(_distances(sides[side], rows, sides[other], others)))
        if other == "real":
            wrapped[side] = found[:, 1]
        return found[:, 0]

    found = paired(comparison, distance, "low", NAME)
    details = prompt_details(found, "min", "Pixel distance", digits=3)
    once = _prompt_means(wrapped["synthetic"], found.own)
    details |= {"published_prompt_mean": [round(float(value), 3) for value in once]}
    least = _prompt_least(wrapped["synthetic"], found.own)
    details |= {"published_prompt_min": [round(float(value), 3) for value in least]}
    if found.control is not None:
        details["published_control"] = float(wrapped["held_out"].mean())
    done = measured(comparison, found, NAME, details=details, extractor="pixels")
    return replace(done, published=float(once.mean()), published_note=PUBLISHED_NOTE)


def true_distance(sample: NDArray[np.uint8], source: NDArray[np.uint8]) -> float:
    """Root mean square of the difference of two 8-bit images of one shape, in grey levels."""
    difference = sample.astype(np.float64) - source.astype(np.float64)
    return float(np.sqrt(np.mean(difference**2)))


def wrapped_distance(sample: NDArray[np.uint8], source: NDArray[np.uint8]) -> float:
    """The same with a difference of unsigned bytes, as the published code computes it."""
    return float(np.sqrt(np.mean((sample - source).astype(np.float64) ** 2)))


def _distances(
    pictures: Pictures | None, rows: Rows, beside: Pictures | None, others: Rows
) -> Iterator[tuple[float, float]]:
    """True and wrapped distance of each pair; a source that follows itself, as in a prompt's samples, is read once."""
    last, source = -1, np.empty(0, dtype=np.uint8)
    for row, other in zip(rows.tolist(), others.tolist(), strict=True):
        if other != last:
            last, source = other, _read(beside, other)
        yield _both(_read(pictures, row), source)


def _both(sample: NDArray[np.uint8], source: NDArray[np.uint8]) -> tuple[float, float]:
    if source.ndim < sample.ndim:
        source = np.repeat(source[..., None], 3, axis=2)
    elif sample.ndim < source.ndim:
        sample = np.repeat(sample[..., None], 3, axis=2)
    source = _to_size(source, (sample.shape[0], sample.shape[1]))
    return true_distance(sample, source), wrapped_distance(sample, source)


def _read(pictures: Pictures | None, row: int) -> NDArray[np.uint8]:
    image: Image | None = None if pictures is None else pictures[row]
    if image is None:
        raise NotComputable(
            "An image could not be read, so pixels were not compared; check the set in Library."
        )
    if image.dtype == np.uint8:
        return np.asarray(image, dtype=np.uint8)
    return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _to_size(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Squeezed to height and width by Pillow's bicubic filter, its default, as the published code does."""
    if image.shape[:2] == size:
        return image
    from PIL import Image as Pillow

    resized: Any = Pillow.fromarray(image).resize((size[1], size[0]), Pillow.Resampling.BICUBIC)
    return np.asarray(resized, dtype=np.uint8)


def _prompt_means(values: Floats, sources: Rows) -> Floats:
    _, codes = np.unique(sources, return_inverse=True)
    return np.asarray(np.bincount(codes, weights=values) / np.bincount(codes))


def _prompt_least(values: Floats, sources: Rows) -> Floats:
    prompts, codes = np.unique(sources, return_inverse=True)
    least = np.full(len(prompts), np.inf)
    np.minimum.at(least, codes, values)
    return least
