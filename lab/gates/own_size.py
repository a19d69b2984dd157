"""How near samples are to training pictures at the generator's own size.

A small generator compared with full-size films is judged by its size: held-out films scaled down and up again fail
as badly. Here both sides have the generator's own number of pixels, and held-out pictures of the same size stand
beside every figure: what they score is what can be had.

Features of a network follow fine detail: held-out pictures blurred by one pixel tell how far a lack of it alone brings
the figures down. Variety that does not hang on detail is told by coarse shape.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.gates.report import Figure, GateReport
from lab.gates.ship import SAMPLES
from lab.gates.ship_samples import FIRST_SEED, Asked, OnProgress, SampleArrays, made
from lab.generators.card import GeneratorCard
from lab.generators.contract import MICRO_BATCH
from lab.provenance import code_digest

INSTEAD = ", held-out pictures instead"
CELLS, BLUR = 16, 1.0
COARSE = ("precision", "coverage", "recall")
METRICS = ("kernel-distance", "precision", "density", "coverage", "recall")
CODE = ("lab.auroc", "lab.gates.own_size", "lab.gates.ship_samples", "lab.features", "lab.metrics")


def measure(asset: str, on_progress: OnProgress) -> GateReport:
    """Measure a generator that takes no condition, on one picture of each patient of its training dataset.

    Raises:
        NotFoundError: for an unknown generator or dataset.
        GeneratorError, WeightsError: when it cannot be loaded.
    """
    from lab.data.store import open_dataset
    from lab.device import limit_threads
    from lab.features.extractors import DEFAULT, get_extractor
    from lab.generators.cards import get_card
    from lab.generators.load import load, model_digest

    limit_threads()
    start, card = time.monotonic(), get_card(asset)
    digest, dataset = model_digest(card), open_dataset(card.training_dataset)
    films = {split: _films(dataset, split, card.size, on_progress) for split in ("train", "held-out")}
    samples = made(card, digest, asked(SAMPLES), lambda: load(card), on_progress)
    embed = get_extractor(DEFAULT).embed
    features = {}
    pictures = {**{split: part[0] for split, part in films.items()}, "samples": pixels_of(samples)}
    pictures["blurred"] = blurred(pictures["held-out"])
    for name, images in pictures.items():
        on_progress(f"Reading features of {name}", 0, 1)
        features[name] = np.asarray(embed(list(images)), np.float64)
    shapes = {name: coarse(images) for name, images in pictures.items()}
    patients = {split: part[1] for split, part in films.items()}
    return report(card, digest, features, shapes, patients, DEFAULT, start)


def report(
    card: GeneratorCard,
    digest: str,
    features: dict[str, NDArray[np.float64]],
    shapes: dict[str, NDArray[np.float64]],
    patients: dict[str, NDArray[np.str_]],
    extractor: str,
    start: float,
) -> GateReport:
    """The report of features (n, d) and coarse shapes (n, c) of "train", "held-out", "samples" and "blurred"."""
    figures = _figures(METRICS, features, patients, extractor, "")
    figures += _figures(COARSE, shapes, patients, "", " in coarse shape")
    for figure in _figures(METRICS, {**features, "samples": features["blurred"]}, patients, extractor, ""):
        if not figure.name.endswith(INSTEAD):
            figures.append(replace(figure, name=f"{figure.name}, blurred held-out pictures instead"))
    return GateReport(
        id="own-size",
        subject=card.id,
        title="How near samples are to training pictures at their own size",
        command=f"python -m lab gates run own-size --asset {card.id} --write",
        inputs={"generator": digest, "extractor": extractor, "code": code_digest(list(CODE))},
        seconds=round(time.monotonic() - start, 1),
        figures=tuple(figures),
        details={
            "size": card.size, "first_seed": FIRST_SEED, "train": len(features["train"]),
            "coarse": f"{CELLS} x {CELLS} cells, each picture brought to mean 0 and deviation 1",
            "blur": f"Gaussian, {BLUR:g} px",
        },
    )  # fmt: skip


def _figures(
    metrics: tuple[str, ...],
    features: dict[str, NDArray[np.float64]],
    patients: dict[str, NDArray[np.str_]],
    extractor: str,
    told: str,
) -> list[Figure]:
    """Each metric on the samples, and on the held-out pictures in their place."""
    from lab.metrics.evaluate import evaluate
    from lab.metrics.inputs import MetricInput

    given = MetricInput(
        real=features["train"], real_patients=patients["train"], synthetic=features["samples"],
        held_out=features["held-out"], held_out_patients=patients["held-out"], extractor=extractor,
    )  # fmt: skip
    figures = []
    for one in evaluate(metrics, given):
        name = f"{one.title}{told}"
        figures.append(Figure(name, one.value, one.low, one.high, n=len(features["samples"])))
        control = (one.control, one.control_low, one.control_high)
        figures.append(Figure(f"{name}{INSTEAD}", *control, n=given.n_held_out))
    return figures


def coarse(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n, size, size[, 3]) uint8 to (n, 256) float64: where each picture is bright, without its detail and contrast."""
    from lab.data.pixels import resize

    rows = np.stack([np.asarray(resize(image, CELLS, "box"), np.float64).ravel() for image in images])
    rows -= rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / (rows.std(axis=1, keepdims=True) + 1e-6), np.float64)


def blurred(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same pictures under a Gaussian of one pixel."""
    from scipy.ndimage import gaussian_filter

    sigma = (0.0, BLUR, BLUR) + (0.0,) * (images.ndim - 3)
    return np.asarray(np.rint(gaussian_filter(images.astype(np.float64), sigma)), np.uint8)


def asked(count: int) -> tuple[Asked, ...]:
    """Samples by their seeds alone: those that the ship gate judges too."""
    return tuple(
        Asked("", "", FIRST_SEED + first, min(MICRO_BATCH, count - first))
        for first in range(0, count, MICRO_BATCH)
    )


def pixels_of(samples: SampleArrays) -> NDArray[np.uint8]:
    """(n, size, size) or (n, size, size, 3) uint8, in the order of the seeds."""
    return np.stack([samples.image(name) for name in samples.ids()])


def _films(
    dataset: Any, split: str, size: int, on_progress: OnProgress
) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """One picture of each patient of a split at that size, and the patients."""
    from lab.data.pixels import resize

    frame = dataset.manifest
    rows = frame[frame["split"] == split].drop_duplicates("patient_id")
    images = []
    for turn, image_id in enumerate(rows["image_id"]):
        images.append(np.asarray(resize(dataset.image(image_id), size, "box"), np.uint8))
        on_progress(f"Reading {split} pictures", turn + 1, len(rows))
    return np.stack(images), rows["patient_id"].to_numpy().astype(str)
