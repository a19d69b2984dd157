"""The counter-proof for a deliberately over-trained generator: are films that it was made to learn found again?

A planted film was repeated in training. Its own caption is asked ten times, and it counts as found when at least one
sample has that very film as the one to look at first, with a corrected p of at most 0.01. The same is told of training
films that were not repeated, and of held-out films, which no generator can give back: there the samples are searched
among the held-out films by the same calibration.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.data.imageset import patient_balanced
from lab.errors import NotFoundError, StoreError
from lab.gates.planted_price import price
from lab.gates.report import Figure, GateReport
from lab.gates.ship import calibration_figures
from lab.gates.ship_ground import Ground, open_ground
from lab.gates.ship_samples import Asked, OnProgress, captions_of, made
from lab.generators.card import GeneratorCard
from lab.generators.contract import Generator
from lab.generators.training.plant import PLANTED
from lab.neighbours.intervals import wilson
from lab.neighbours.neighbours import find
from lab.neighbours.reference import Queries, ReferenceSet
from lab.neighbours.verdict import NEAR_COPY_P
from lab.provenance import code_digest, digest_json

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

SAMPLES = 10
OTHERS = 20
LIMIT = 0.90
FIRST_SEED = 2_000_000
DRAW_SEED = 0
FOUND = "Planted training films found"
ONCE = "Training films found that were not repeated"
CONTROL = "Held-out films found"
CODE = (
    "lab.neighbours",
    "lab.features",
    "lab.gates.planted",
    "lab.gates.planted_price",
    "lab.gates.ship_ground",
    "lab.gates.ship_samples",
)


@dataclass(frozen=True)
class PlantedFilm:
    """A training film, the caption it was learnt with, and how often training repeated it (1: not repeated)."""

    image_id: str
    caption: str
    copies: int


def read_planted(path: Path) -> tuple[PlantedFilm, ...]:
    """The list of planted films: a JSON list of {"image_id", "caption", "copies"}.

    Raises:
        StoreError: when it is missing, is no such list, or names no repeated film.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        films = tuple(
            PlantedFilm(str(one["image_id"]), str(one["caption"]), int(one["copies"])) for one in entries
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(
            "The list of planted films cannot be read; nothing was measured; restore planted.json beside the card."
        ) from error
    if not any(film.copies > 1 for film in films):
        raise StoreError(
            "The list of planted films names no repeated film; nothing was measured; give copies of 2 or more."
        )
    return films


def measure(asset: str, on_progress: OnProgress) -> GateReport:
    """Measure how many planted films a generator gives back.

    Raises:
        NotFoundError: for an unknown generator, or a planted film that is not in its training images.
        StoreError: without a list of planted films.
        DatasetError: when its training dataset is not installed with held-out images.
    """
    from lab.device import limit_threads
    from lab.generators.cards import EMBEDDED
    from lab.generators.load import load, model_digest

    limit_threads()
    card = card_of(asset)
    films = read_planted((card.root or EMBEDDED / asset) / PLANTED)
    ground = open_ground(card.training_dataset, on_progress)
    return measure_on(card, model_digest(card), lambda: load(card), films, ground, on_progress)


def card_of(asset: str) -> GeneratorCard:
    """The card of a generator, or of the one that was trained here by the recipe of that name.

    Raises:
        NotFoundError: where there is neither.
    """
    from lab.generators.cards import get_card

    try:
        return get_card(asset)
    except NotFoundError:
        return get_card(f"{asset}-local")


def measure_on(
    card: GeneratorCard,
    digest: str,
    load: Callable[[], Generator],
    films: Sequence[PlantedFilm],
    ground: Ground,
    on_progress: OnProgress,
) -> GateReport:
    """Measure a generator on a ground; samples are kept by its digest.

    Args:
        films: planted ones; those with one copy are the unrepeated training films, else these are drawn.
    """
    start = time.monotonic()
    if missing := {film.image_id for film in films} - set(ground.train_set.ids):
        raise NotFoundError(
            f"{len(missing)} of the planted films are not among the training images; nothing was measured; "
            "install the dataset that the generator was trained on."
        )
    repeated = [film for film in films if film.copies > 1]
    once = [film for film in films if film.copies == 1] or drawn(card, ground.train, films)
    groups = (
        (FOUND, repeated, ground.train_set, LIMIT, "by their own captions, ten samples each"),
        (ONCE, once, ground.train_set, None, "by their own captions, ten samples each"),
        (CONTROL, drawn(card, ground.held_out), ground.held_out_set, None, "searched among held-out films"),
    )
    figures, details, seed = list[Figure](), dict[str, Any](), FIRST_SEED
    for name, chosen, searched, limit, note in groups:
        asked = [Asked(film.caption, "", seed + SAMPLES * turn, SAMPLES) for turn, film in enumerate(chosen)]
        seed += SAMPLES * len(chosen)
        samples = made(card, digest, asked, load, on_progress, f"Asking for films: {name.lower()}")
        hits = found(ground.queries(samples, on_progress), searched, ground, chosen)
        share = wilson(sum(hits), len(hits))
        figures.append(Figure(name, share.value, share.low, share.high, limit, n=share.n, note=note))
        if name == CONTROL:
            figures.append(price(samples, SAMPLES, ground.held_out, on_progress))
        details[name] = [{**asdict(film), "found": hit} for film, hit in zip(chosen, hits, strict=True)]
    inputs = {
        "generator": digest, "train": ground.train.digest, "held-out": ground.held_out.digest,
        "planted": digest_json([asdict(film) for film in films]),
        "calibration": ground.calibration.digest, "code": code_digest(CODE),
    }  # fmt: skip
    return GateReport(
        id="planted",
        subject=card.id,
        title="Whether films it was made to learn are found again",
        command=f"python -m lab gates run planted --asset {card.id} --write",
        inputs=inputs,
        seconds=round(time.monotonic() - start, 1),
        figures=(*figures, *calibration_figures(ground.calibration)),
        details=details,
    )


def drawn(card: GeneratorCard, images: ImageSet, without: Sequence[PlantedFilm] = ()) -> list[PlantedFilm]:
    """Films of different patients that are not planted, each with its own caption or one of its label."""
    planted = {film.image_id for film in without}
    rows = images.frame().set_index("image_id")
    order = [name for name in patient_balanced(images, len(rows), DRAW_SEED) if name not in planted]
    return [
        PlantedFilm(
            name,
            str(rows.loc[name, "caption"]) or captions_of(card, images, str(rows.loc[name, "label"]))[0],
            1,
        )
        for name in order[:OTHERS]
    ]


def found(
    queries: Queries, searched: ReferenceSet, ground: Ground, films: Sequence[PlantedFilm]
) -> list[bool]:
    """Whether any of the ten samples of each film has that film first, with a corrected p of at most 0.01.

    Args:
        queries: ten samples a film, film after film.
        searched: the set that holds the films.
    """
    reports = find(queries, searched, None, ground.calibration, 1)
    hits = [
        report.matches[0].image_id == films[position // SAMPLES].image_id
        and report.verdict is not None
        and report.verdict.p <= NEAR_COPY_P
        for position, report in enumerate(reports)
    ]
    return [any(hits[start : start + SAMPLES]) for start in range(0, len(hits), SAMPLES)]
