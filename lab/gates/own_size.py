"""How near samples are to training pictures at the generator's own size.

A small generator compared with full-size films is judged by its size: held-out films scaled down and up again fail
as badly. Here both sides have the generator's own number of pixels, and held-out pictures of the same size stand
beside every figure: what they score is what can be had.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.gates.report import Figure, GateReport
from lab.gates.ship_samples import OnProgress
from lab.generators.card import GeneratorCard
from lab.generators.contract import MICRO_BATCH, Generator
from lab.generators.request import request_for
from lab.provenance import code_digest

SAMPLES, FIRST_SEED = 600, 7_000_000
METRICS = ("kernel-distance", "precision", "density", "coverage", "recall")
CODE = ("lab.gates.own_size", "lab.features", "lab.metrics")


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
    from lab.generators.load import load

    limit_threads()
    start, card = time.monotonic(), get_card(asset)
    generator, dataset = load(card), open_dataset(card.training_dataset)
    films = {split: _films(dataset, split, card.size, on_progress) for split in ("train", "held-out")}
    samples = drawn(card, generator, SAMPLES, on_progress)
    embed = get_extractor(DEFAULT).embed
    features = {}
    for name, images in {**{k: v[0] for k, v in films.items()}, "samples": samples}.items():
        on_progress(f"Reading features of {name}", 0, 1)
        features[name] = np.asarray(embed(list(images)), np.float64)
    patients = {split: part[1] for split, part in films.items()}
    return report(card, generator.digest, features, patients, DEFAULT, start)


def report(
    card: GeneratorCard,
    digest: str,
    features: dict[str, NDArray[np.float64]],
    patients: dict[str, NDArray[np.str_]],
    extractor: str,
    start: float,
) -> GateReport:
    """The report of features (n, d) of "train", "held-out" and "samples"."""
    from lab.metrics.evaluate import evaluate
    from lab.metrics.inputs import MetricInput

    given = MetricInput(
        real=features["train"], real_patients=patients["train"], synthetic=features["samples"],
        held_out=features["held-out"], held_out_patients=patients["held-out"], extractor=extractor,
    )  # fmt: skip
    figures: list[Figure] = []
    for result in evaluate(METRICS, given):
        n = len(features["samples"])
        figures.append(Figure(result.title, result.value, result.low, result.high, n=n))
        held_out = f"{result.title}, held-out pictures instead"
        figures.append(
            Figure(held_out, result.control, result.control_low, result.control_high, n=given.n_held_out)
        )
    return GateReport(
        id="own-size",
        subject=card.id,
        title="How near samples are to training pictures at their own size",
        command=f"python -m lab gates run own-size --asset {card.id} --write",
        inputs={"generator": digest, "extractor": extractor, "code": code_digest(list(CODE))},
        seconds=round(time.monotonic() - start, 1),
        figures=tuple(figures),
        details={"size": card.size, "first_seed": FIRST_SEED, "train": given.n_real},
    )


def drawn(
    card: GeneratorCard, generator: Generator, count: int, on_progress: OnProgress
) -> NDArray[np.uint8]:
    """(n, size, size) or (n, size, size, 3) samples at the card's defaults, seeds from 7,000,000."""
    from dataclasses import replace

    request = request_for(card, "", 1, FIRST_SEED)
    images: list[Any] = []
    for first in range(FIRST_SEED, FIRST_SEED + count, MICRO_BATCH):
        asked = replace(request, seeds=tuple(range(first, min(first + MICRO_BATCH, FIRST_SEED + count))))
        images += [sample.image for batch in generator.generate(asked) for sample in batch]
        on_progress("Generating samples", len(images), count)
    return np.stack(images)


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
