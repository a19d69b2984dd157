"""What would help against copying, and what it costs: from the stored measurements and from the audit itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from lab.config import ASSETS
from lab.gates.planted import CONTROL, FOUND, ONCE
from lab.gates.planted_price import PRICE
from lab.gates.report import Figure, GateReport, all_reports
from lab.leakage.demo_counts import Truth
from lab.leakage.demo_plan import MEMORISED, PLANTED, WELL_TRAINED
from lab.neighbours.intervals import Share, wilson

NOT_MEASURED = "not measured here"
_WELL, _HELD_OUT = "Near-copy share of samples", "Near-copy share of held-out films"


@dataclass(frozen=True)
class Remedy:
    """One thing to do against copying.

    Attributes:
        title: what is done.
        leak: what still leaks after it; None where it was not measured.
        what: what `leak` counts.
        control: the same for what cannot leak; None where it was not measured.
        control_what: what `control` counts.
        price: what it costs, in words with numbers.
    """

    title: str
    leak: Share | None
    what: str
    control: Share | None
    control_what: str
    price: str


@dataclass(frozen=True)
class DoseOfFilms:
    """What one over-trained generator gives back.

    Attributes:
        films: how many films it was trained on.
        planted, once, control: films given back by their own captions: repeated ones, those seen once, held-out ones.
    """

    films: int
    planted: Share | None
    once: Share | None
    control: Share | None


def doses() -> list[DoseOfFilms]:
    """The over-trained generators with a stored measurement, the fewest films first."""
    from lab.generators.cards import list_cards

    films = {
        card.id: int(card.measured.get("training_films", 0)) for card in list_cards() if card.over_trained
    }
    found = [
        DoseOfFilms(films[one.subject], share(one, FOUND), share(one, ONCE), share(one, CONTROL))
        for one in _reports("planted")
        if films.get(one.subject)
    ]
    return sorted(found, key=lambda one: one.films)


def remedies(told: pd.DataFrame, truth: Truth, alarms: Mapping[str, object] | None) -> list[Remedy]:
    """What helps, beginning with nothing at all.

    Args:
        told: the joined audit of the over-trained generator's samples.
        truth: who was in its training.
        alarms: false alarms of the detectors on held-out images, as a calibration tells them.
    """
    return [*_nothing(), *_mitigated(), *_well_trained(), _filtered(told, truth, alarms)]


def share(report: GateReport, name: str) -> Share | None:
    """A figure of a report as a share with its interval; None where it is missing."""
    one = next((figure for figure in report.figures if figure.name == name), None)
    if one is None or one.value is None or not one.n or one.low is None or one.high is None:
        return None
    return Share(round(one.value * one.n), one.n, one.low, one.high, one.n)


def _reports(gate: str, subject: str = "") -> list[GateReport]:
    return [one for one in all_reports(ASSETS) if one.id == gate and subject in ("", one.subject)]


def _nothing() -> Iterator[Remedy]:
    for one in _reports("planted", MEMORISED):
        yield _given_back("Nothing: 20 films repeated, trained too long", one)


def _mitigated() -> Iterator[Remedy]:
    for one in _reports("mitigation"):
        yield _given_back(str(one.details.get("mitigation") or one.title).capitalize(), one)


def _given_back(title: str, report: GateReport) -> Remedy:
    return Remedy(
        title,
        share(report, FOUND),
        "planted patients found, ten samples each",
        share(report, CONTROL),
        "held-out patients",
        _distance(next((figure for figure in report.figures if figure.name == PRICE), None)),
    )


def _distance(figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return f"fidelity {NOT_MEASURED}"
    within = (
        f" ({figure.low:.0f} to {figure.high:.0f})"
        if figure.low is not None and figure.high is not None
        else ""
    )
    return f"distance to held-out films {figure.value:.0f}{within}, kernel distance × 1000; n = {figure.n}"


def _well_trained() -> Iterator[Remedy]:
    from lab.generators.cards import list_cards

    card = next((card for card in list_cards() if card.id == WELL_TRAINED), None)
    for one in _reports("ship", WELL_TRAINED):
        films = int(card.measured.get("training_films", 0)) if card else 0
        spent = _seconds(card.measured.get("training")) if card else 0.0
        many = f"{films:,} films" if films else "many more films"
        yield Remedy(
            f"Train on {many}, none repeated",
            share(one, _WELL),
            "samples that are near-copies",
            share(one, _HELD_OUT),
            "held-out films",
            f"more films, and {spent / 3600:.1f} h of training"
            if spent
            else "more films, and longer training",
        )


def _seconds(training: object) -> float:
    parts = training.values() if isinstance(training, Mapping) else ()
    return float(sum(part.get("seconds", 0) for part in parts if isinstance(part, Mapping)))


def _filtered(told: pd.DataFrame, truth: Truth, alarms: Mapping[str, object] | None) -> Remedy:
    """Discarding near-copies: what is thrown away, and which of the rest still lie nearest to their planted film."""
    kept = told[~told["copy"]]
    own = kept[
        (kept["group"] == PLANTED) & (kept["patient"] == [truth.patients.get(str(n)) for n in kept["film"]])
    ]
    control = None
    if alarms:
        low, high = (float(str(alarms[end])) for end in ("low", "high"))
        control = Share(int(str(alarms["hits"])), int(str(alarms["n"])), low, high, int(str(alarms["n"])))
    thrown = int(told["copy"].sum())
    return Remedy(
        "Discard every sample that is a near-copy",
        wilson(len(own), len(kept)) if len(kept) else None,
        "kept samples nearest to their own planted film",
        control,
        "held-out films discarded too",
        f"{thrown} of {len(told)} samples thrown away; the generator still holds the patients",
    )
