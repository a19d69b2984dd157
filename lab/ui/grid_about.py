"""What a grid is, in words: its generators, its tag, its axes."""

from __future__ import annotations

from lab.config import settings
from lab.errors import NotFoundError
from lab.generators.card import GeneratorCard
from lab.generators.cards import get_card
from lab.report.grid_files import axis_words
from lab.runs.records import Run
from lab.ui.films import may_be_public
from lab.ui.grid_table import Labels


def card_of(generator: str) -> GeneratorCard | None:
    """The generator's card; None where it is not here any more."""
    try:
        return get_card(generator)
    except NotFoundError:
        return None


def is_radiograph(generator: str) -> bool:
    """Whether the left of the picture is the patient's right."""
    card = card_of(generator)
    return card is not None and card.modality == "chest radiograph"


def note_of(generator: str) -> str:
    """ "(phantom-trained)" where that generator is, else nothing."""
    card = card_of(generator)
    return "(phantom-trained)" if card is not None and card.phantom_trained else ""


def is_public(run: Run, generator: str) -> bool:
    """Whether samples of that generator may be shown in public."""
    return may_be_public(run.spec.settings["datasets"].get(generator))


def shown_here(run: Run, generator: str) -> bool:
    """Whether samples of that generator may be shown by this server."""
    return not settings().public or is_public(run, generator)


def labels_of(run: Run) -> Labels:
    """Axis titles and labels."""
    return Labels(*axis_words(run))


def largest(labels: Labels) -> int:
    """Pixels of a cell on the screen, at most: so that the whole grid is seen without scrolling where that can be."""
    by_columns = {1: 300, 2: 240, 3: 190}.get(len(labels.columns), 160)
    return min(by_columns, max(110, 660 // max(1, len(labels.rows))))
