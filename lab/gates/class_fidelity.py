"""Whether a generator that is told a class draws that class.

A probe (logistic regression on features of the shipped network) learns the classes from training pictures at the
generator's own size. Its accuracy on samples, by the class they were asked for, stands beside its accuracy on
held-out pictures, which is what it can be at all. The other way round, a probe that has seen samples alone is asked
about held-out pictures: samples that all look alike within a class would teach it little. Accuracies are means over
the classes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import NotFoundError
from lab.gates.report import Figure, GateReport
from lab.generators.card import GeneratorCard
from lab.generators.condition import Condition
from lab.generators.contract import Generator
from lab.generators.request import request_for
from lab.provenance import code_digest

OnProgress = Callable[[str, int, int], None]
Floats = NDArray[np.float64]
SAMPLES, FIRST_SEED = 40, 6_000_000
DRAWS, SEED = 1000, 0
SHARE = 0.8
HELD_OUT, ASKED, TAUGHT = (
    "Accuracy of the probe on held-out pictures",
    "Accuracy of the probe on samples",
    "Accuracy on held-out pictures of a probe taught by samples",
)
CODE = ("lab.gates.class_fidelity", "lab.features")


@dataclass(frozen=True, eq=False)
class Shown:
    """Pictures (n, size, size) or (n, size, size, 3) uint8 and the number of each one's class."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def measure(asset: str, on_progress: OnProgress) -> GateReport:
    """Measure a generator that was trained on a phantom dataset by class.

    Raises:
        NotFoundError: for an unknown generator, or one without classes of a phantom dataset.
        GeneratorError, WeightsError: when it cannot be loaded.
    """
    from lab.device import limit_threads
    from lab.features.extractors import DEFAULT, get_extractor
    from lab.generators.cards import get_card
    from lab.generators.load import load

    limit_threads()
    card = get_card(asset)
    if not card.classes:
        raise NotFoundError(
            f"{card.title} is told no class; nothing was measured; choose a generator with classes."
        )
    generator, embed = load(card), get_extractor(DEFAULT).embed
    shown = {split: pictures(card, split, on_progress) for split in ("train", "held-out")}
    return measure_on(
        card, generator, shown, lambda images: np.asarray(embed(list(images)), np.float64), on_progress
    )


def pictures(card: GeneratorCard, split: str, on_progress: OnProgress) -> Shown:
    """The phantom pictures of a split at the generator's size, those of its classes.

    Raises:
        NotFoundError: when the training dataset is no phantom.
    """
    from lab.data.phantom_dataset import phantom_split
    from lab.data.phantom_families import get_family
    from lab.data.pixels import resize

    family = get_family(card.training_dataset)
    numbers = [n for n in range(family.patients) if phantom_split(f"{family.prefix}-0-{n:05d}") == split]
    jobs = [(number, film) for number in numbers for film in range(family.films)]
    images, labels = [], []
    for turn, (number, film) in enumerate(jobs):
        made = family.render(0, number, film)
        on_progress(f"Rendering {split} pictures", turn + 1, len(jobs))
        if made.record["label"] in card.classes:
            images.append(np.asarray(resize(made.image, card.size, "box"), np.uint8))
            labels.append(card.classes.index(made.record["label"]))
    return Shown(np.stack(images), np.array(labels))


def measure_on(
    card: GeneratorCard,
    generator: Generator,
    shown: dict[str, Shown],
    embed: Callable[[NDArray[np.uint8]], Floats],
    on_progress: OnProgress,
    count: int = SAMPLES,
) -> GateReport:
    """Measure a loaded generator on pictures of "train" and "held-out"."""
    start = time.monotonic()
    drawn = _samples(card, generator, count, on_progress)
    on_progress("Reading features", 0, 1)
    rows = {name: embed(part.images) for name, part in {**shown, "samples": drawn}.items()}
    probe = _probe(rows["train"], shown["train"].labels)
    told = probe.predict(rows["samples"])
    truth, held_out = shown["held-out"].labels, probe.predict(rows["held-out"])
    taught = _probe(rows["samples"], drawn.labels).predict(rows["held-out"])
    ceiling = _figure(HELD_OUT, held_out, truth)
    limit = SHARE * float(ceiling.value or 0.0)
    figures = (
        ceiling,
        _figure(ASKED, told, drawn.labels, limit, f"limit: {SHARE:g} of the accuracy on held-out pictures"),
        _figure(TAUGHT, taught, truth),
        Figure("Accuracy by chance", 1 / len(card.classes)),
    )
    return GateReport(
        id="class-fidelity",
        subject=card.id,
        title="Whether samples show the class they were asked for",
        command=f"python -m lab gates run class-fidelity --asset {card.id} --write",
        inputs={"generator": generator.digest, "code": code_digest(list(CODE))},
        seconds=round(time.monotonic() - start, 1),
        figures=figures,
        details={
            "classes": list(card.classes),
            "samples by class asked for, then seen": _table(drawn.labels, told, len(card.classes)),
            "held-out by class, then seen": _table(truth, held_out, len(card.classes)),
        },
    )


def _samples(card: GeneratorCard, generator: Generator, count: int, on_progress: OnProgress) -> Shown:
    images, labels = list[Any](), list[int]()
    for number, label in enumerate(card.classes):
        on_progress("Generating samples", number, len(card.classes))
        first = FIRST_SEED + number * count
        request = request_for(card, "", 1, first, condition=Condition(label=label))
        for seed in range(first, first + count, 4):
            asked = tuple(range(seed, min(seed + 4, first + count)))
            part = generator.generate(_of(request, asked))
            images += [sample.image for batch in part for sample in batch]
        labels += [number] * count
    return Shown(np.stack(images), np.array(labels))


def _of(request: Any, seeds: tuple[int, ...]) -> Any:
    from dataclasses import replace

    return replace(request, seeds=seeds)


def _probe(rows: Floats, labels: NDArray[np.int64]) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = LogisticRegression(C=0.02, max_iter=2000, class_weight="balanced")
    return make_pipeline(StandardScaler(), model).fit(rows, labels)


def _figure(
    name: str, told: NDArray[np.int64], truth: NDArray[np.int64], limit: float | None = None, note: str = ""
) -> Figure:
    """Balanced accuracy with a 95 % bootstrap interval over the pictures of each class."""
    draw, hits = np.random.default_rng(SEED), [told[truth == k] == k for k in np.unique(truth)]
    drawn = [
        np.mean([part[draw.integers(0, len(part), len(part))].mean() for part in hits]) for _ in range(DRAWS)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    value = float(np.mean([part.mean() for part in hits]))
    return Figure(name, value, float(low), float(high), limit, n=len(truth), note=note)


def _table(truth: NDArray[np.int64], told: NDArray[np.int64], classes: int) -> list[list[int]]:
    table = np.zeros((classes, classes), int)
    np.add.at(table, (truth, told), 1)
    return [[int(value) for value in row] for row in table]
