"""Whether a generator that is told masks paints the anatomy it was asked for.

Masks of patients it never saw, each asked for on every vendor with equal seeds. A segmenter of the training dataset
outlines the samples; Dice is taken against the mask that was asked for. Beside it stand the segmenter on the very films
the masks belong to (what Dice can be at all) and Dice against another patient's mask (what it is without obedience).
How closely samples resemble training films is told beside how closely held-out films do: a generator that copies is no
better for keeping to masks. Every interval is a bootstrap over patients.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.gates.report import Figure, GateReport
from lab.generators.card import GeneratorCard
from lab.generators.condition import Condition, encode_mask
from lab.generators.contract import Generator
from lab.generators.mask_agreement import judged
from lab.generators.mask_channels import at_size
from lab.generators.request import GenerationRequest, request_for
from lab.metrics.patients import bootstrap_means
from lab.provenance import code_digest, digest_bytes, digest_json

if TYPE_CHECKING:
    from lab.segmentation.segmenter import Segmenter

OnProgress = Callable[[str, int, int], None]
Labels = NDArray[np.uint8]
MASKS, FIRST_SEED = 42, 4_000_000
LIMIT = 0.8
COPY, COPY_CONTROL = "Correlation with the closest training film", "The same of the held-out films"
COARSE = 32
MEAN, WRONG, CEILING = (
    "Dice with the mask asked for",
    "Dice with another patient's mask",
    "Dice of the held-out films",
)
CODE = ("lab.gates.mask_fidelity", "lab.generators.mask_agreement", "lab.segmentation")


@dataclass(frozen=True, eq=False)
class Case:
    """A patient's film at the generator's size with its mask."""

    patient: str
    image: Labels
    mask: Labels


def measure(asset: str, on_progress: OnProgress) -> GateReport:
    """Measure a generator that was trained on phantom hearts.

    Raises:
        NotFoundError: for an unknown generator, or without a segmenter of its dataset.
        GeneratorError, WeightsError: when it cannot be loaded.
    """
    from lab.device import limit_threads
    from lab.generators.cards import get_card
    from lab.generators.load import load

    limit_threads()
    card = get_card(asset)
    on_progress("Loading the generator", 0, 1)
    training = training_films(card, on_progress)
    return measure_on(card, load(card), held_out_cases(card, MASKS), training, on_progress)


def training_films(card: GeneratorCard, on_progress: OnProgress) -> list[Labels]:
    """Every film of the phantom set's training patients, (size, size) uint8.

    Raises:
        NotFoundError: when the generator was not trained on a phantom.
    """
    from lab.data.phantom_families import get_family
    from lab.data.pixels import resize

    family = get_family(card.training_dataset)
    numbers, found = _patients(family, training=True), list[Labels]()
    for number in numbers:
        on_progress("Rendering training films", len(found), len(numbers) * family.films)
        made = [family.render(0, number, film).image for film in range(family.films)]
        found += [np.asarray(resize(image, card.size, "box"), np.uint8) for image in made]
    return found


def _patients(family: Any, training: bool) -> list[int]:
    """Numbers of the set's patients on one side of the split."""
    from lab.data.phantom_dataset import phantom_split

    return [
        number
        for number in range(family.patients)
        if (phantom_split(f"{family.prefix}-0-{number:05d}") == "train") is training
    ]


def held_out_cases(card: GeneratorCard, count: int) -> list[Case]:
    """Films of phantom patients outside the training split, one a patient before a second of any.

    Raises:
        NotFoundError: when the generator was not trained on a phantom with masks.
    """
    from lab.data.phantom_families import get_family
    from lab.data.pixels import resize

    family = get_family(card.training_dataset)
    numbers = _patients(family, training=False)
    order = [
        (number, (turn * 2 + number) % family.films) for turn in range(family.films) for number in numbers
    ]
    # The film's own numbers stand for names; the card may number them otherwise.
    table = np.zeros(256, np.uint8)
    for value, name in family.mask_labels.items():
        if name in card.structures:
            table[value] = 1 + card.structures.index(name)
    found = []
    for number, film in order[:count]:
        made = family.render(0, number, film)
        image = np.asarray(resize(made.image, card.size, "box"), np.uint8)
        found.append(Case(str(made.record["patient_id"]), image, at_size(table[made.mask], card.size)))
    return found


def measure_on(
    card: GeneratorCard,
    generator: Generator,
    cases: Sequence[Case],
    training: Sequence[Labels],
    on_progress: OnProgress,
) -> GateReport:
    """Measure a loaded generator on some masks, and its samples against training films.

    Raises:
        NotFoundError: without a segmenter of its training dataset.
    """
    start, vendors = time.monotonic(), card.vendors or ("",)
    made: list[list[Labels]] = []
    for row, case in enumerate(cases):
        on_progress("Generating samples", row, len(cases))
        made.append(_samples(card, generator, case, row, vendors))
    on_progress("Outlining samples", 0, 1)
    segmenter = _segmenter(card)
    own = [_dice(segmenter, card, images, case.mask) for images, case in zip(made, cases, strict=True)]
    others = [cases[(row + 1) % len(cases)] for row in range(len(cases))]
    wrong = [_dice(segmenter, card, images, other.mask) for images, other in zip(made, others, strict=True)]
    films = [_dice(segmenter, card, [case.image], case.mask) for case in cases]
    figures, details = _figures(card, cases, own, wrong, films, vendors)
    patients = np.asarray([case.patient for case in cases])
    closest = [float(closest_correlation(images, training).mean()) for images in made]
    figures += (
        _figure(COPY, closest, patients),
        _figure(COPY_CONTROL, list(closest_correlation([case.image for case in cases], training)), patients),
    )
    return GateReport(
        id="mask-fidelity",
        subject=card.id,
        title="Whether samples keep to the mask they were asked for",
        command=f"python -m lab gates run mask-fidelity --asset {card.id} --write",
        inputs={
            "weights": generator.digest,
            "masks": digest_json([digest_bytes(encode_mask(case.mask)) for case in cases]),
            "segmenter": str(own[0][0]["segmenter"]),
            "code": code_digest(list(CODE)),
        },
        seconds=round(time.monotonic() - start, 1),
        figures=figures,
        details=details,
    )


def _samples(
    card: GeneratorCard, generator: Any, case: Case, row: int, vendors: Sequence[str]
) -> list[Labels]:
    """One sample a vendor, all of one seed."""
    mask = encode_mask(case.mask)
    asked: list[GenerationRequest] = [
        request_for(card, "", 1, FIRST_SEED + row, condition=Condition(vendor=vendor, mask=mask))
        for vendor in vendors
    ]
    if hasattr(generator, "generate_together"):
        size = asked[0].micro_batch
        parts = [asked[k : k + size] for k in range(0, len(asked), size)]
        return [sample.image for part in parts for sample in generator.generate_together(part)]
    return [sample.image for one in asked for batch in generator.generate(one) for sample in batch]


def _segmenter(card: GeneratorCard) -> Segmenter:
    from lab.segmentation.card import need_folder
    from lab.segmentation.segmenter import open_segmenter

    return open_segmenter(need_folder(card.training_dataset))


def _dice(
    segmenter: Segmenter, card: GeneratorCard, images: Sequence[Labels], mask: Labels
) -> list[dict[str, Any]]:
    return judged(segmenter, images, encode_mask(mask), card.structures)


def _figures(
    card: GeneratorCard,
    cases: Sequence[Case],
    own: list[list[dict[str, Any]]],
    wrong: list[list[dict[str, Any]]],
    films: list[list[dict[str, Any]]],
    vendors: Sequence[str],
) -> tuple[tuple[Figure, ...], dict[str, Any]]:
    patients = np.asarray([case.patient for case in cases])
    figures = [
        _figure(MEAN, [_mean(row) for row in own], patients, LIMIT),
        _figure(CEILING, [_mean(row) for row in films], patients),
        _figure(WRONG, [_mean(row) for row in wrong], patients),
    ]
    for name in card.structures:
        figures.append(_figure(f"Dice, {name}", [_structure(row, name) for row in own], patients))
    for place, vendor in enumerate(vendors):
        if vendor:
            figures.append(
                _figure(f"Dice, {vendor}", [_mean(row[place : place + 1]) for row in own], patients)
            )
    details = {
        "masks": len(cases), "patients": len(set(patients.tolist())), "samples": sum(len(row) for row in own),
        "guidance": card.guidance, "steps": card.steps,
        "held-out films by structure": {
            name: round(float(np.nanmean([_structure(row, name) for row in films])), 4) for name in card.structures
        },
    }  # fmt: skip
    return tuple(figures), details


def _figure(name: str, values: Sequence[float], patients: NDArray[Any], limit: float | None = None) -> Figure:
    scores = np.asarray(values, np.float64)
    kept = np.isfinite(scores)
    if not kept.any():
        return Figure(name, None, limit=limit, note="no mask has it")
    means = bootstrap_means(scores[kept], patients[kept], np.random.default_rng(0))
    low, high = np.percentile(means, (2.5, 97.5))
    return Figure(
        name,
        round(float(scores[kept].mean()), 4),
        round(float(low), 4),
        round(float(high), 4),
        limit,
        n=int(kept.sum()),
    )


def _mean(row: Sequence[dict[str, Any]]) -> float:
    """Mean over the samples of a mask; NaN where the mask is empty."""
    values = [one["mean"] for one in row if one["mean"] is not None]
    return float(np.mean(values)) if values else np.nan


def _structure(row: Sequence[dict[str, Any]], name: str) -> float:
    values = [one["dice"][name] for one in row if one["dice"].get(name) is not None]
    return float(np.mean(values)) if values else np.nan


def closest_correlation(images: Sequence[Labels], training: Sequence[Labels]) -> NDArray[np.float64]:
    """(n,) correlation of each image with the training film most like it, both at 32 pixels."""
    theirs = _unit(training)
    return np.asarray((_unit(images) @ theirs.T).max(axis=1), np.float64)


def _unit(images: Sequence[Labels]) -> NDArray[np.float32]:
    from lab.data.pixels import resize

    rows = np.stack([np.asarray(resize(image, COARSE, "box"), np.float32).ravel() for image in images])
    rows -= rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)
