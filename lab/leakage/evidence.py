"""Stored evidence of leakage: how many of the films that generators were made to learn come back, and at what price.

Everything is read from gate reports, which a command measured; nothing is computed here and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.config import ASSETS
from lab.errors import StoreError
from lab.gates.mitigation import EPSILON
from lab.gates.planted import CONTROL, FOUND, ONCE
from lab.gates.planted_price import PRICE
from lab.gates.report import FOLDER, Figure, GateReport, read_report
from lab.generators.card import GeneratorCard

LEAKAGE = ASSETS / "leakage"
PHANTOM = "phantom-cxr"
REPEATED, SEEN_ONCE, HELD_OUT = "repeated", "once", "held-out"
GROUPS = {REPEATED: FOUND, SEEN_ONCE: ONCE, HELD_OUT: CONTROL}


@dataclass(frozen=True)
class Evidence:
    """What one stored report says of one generator.

    Attributes:
        subject: id of the generator or of the recipe that trains it.
        title: for people.
        dataset: id of the dataset its films are of; "" where nothing says so.
        films: how many it was trained on; None where nothing says so.
        found: share of films found by group: "repeated", "once" and "held-out" (the control).
        price: distance of its samples to films of patients it never saw; None before it was measured.
        epsilon: of a training by DP-SGD; None for any other.
        mitigation: what was done against copying, in words; "" for nothing.
        command: what measures it anew.
    """

    subject: str
    title: str
    dataset: str
    films: int | None
    found: Mapping[str, Figure] = field(hash=False)
    price: Figure | None = None
    epsilon: Figure | None = None
    mitigation: str = ""
    command: str = ""


def stored_evidence(
    cards: Sequence[GeneratorCard], folder: Path = LEAKAGE
) -> tuple[list[Evidence], list[str]]:
    """All evidence there is, the fewest films first, and what could not be read, one sentence each.

    Args:
        cards: generators whose own folders may hold a report on planted films.
        folder: of the reports on mitigations.
    """
    found: list[Evidence] = []
    broken: list[str] = []
    paths = [card.root / FOLDER / "planted.json" for card in cards if card.root is not None]
    for path in [*paths, *sorted(folder.glob(f"*/{FOLDER}/mitigation.json"))]:
        if not path.is_file():
            continue
        try:
            found.append(_evidence(read_report(path), cards))
        except (StoreError, KeyError) as error:
            broken.append(
                str(error) if isinstance(error, StoreError) else f"A report lacks {error}; measure it anew."
            )
    found.sort(key=lambda one: (bool(one.mitigation), one.films or 0, one.subject))
    return found, broken


def unmeasured(known: Sequence[Evidence]) -> Iterator[tuple[str, str]]:
    """Mitigations that have a recipe and no report: what they do, and the command that measures them."""
    from lab.generators.training.recipe import MITIGATED, RECIPES

    measured = {one.subject for one in known}
    for name in MITIGATED:
        if name not in measured:
            recipe = RECIPES.get(name)
            yield (
                f"{recipe.title}: {recipe.mitigation}",
                f"python -m lab train {name} && python -m lab gates run mitigation --asset {name} --write",
            )


def _evidence(report: GateReport, cards: Sequence[GeneratorCard]) -> Evidence:
    from lab.generators.training.recipe import RECIPES

    card = next((card for card in cards if card.id in (report.subject, f"{report.subject}-local")), None)
    recipe = RECIPES.get(report.subject) if report.subject in RECIPES.names() else None
    films = card.measured.get("training_films") if card is not None else None
    if films is None and recipe is not None and recipe.plant is not None:
        films = recipe.plant.films
    return Evidence(
        report.subject,
        card.title if card is not None else recipe.title if recipe is not None else report.subject,
        card.training_dataset if card is not None else _dataset(report.subject),
        films if isinstance(films, int) else None,
        {group: report.figure(name) for group, name in GROUPS.items()},
        _optional(report, PRICE),
        _optional(report, EPSILON),
        str(report.details.get("mitigation") or ""),
        report.command,
    )


def _dataset(subject: str) -> str:
    """The dataset of a recipe whose generator is not here."""
    from lab.generators.training.recipe import RECIPES

    if subject not in RECIPES.names():
        return ""
    return RECIPES.get(subject).dataset or PHANTOM


def _optional(report: GateReport, name: str) -> Figure | None:
    return next(
        (figure for figure in report.figures if figure.name == name and figure.value is not None), None
    )
