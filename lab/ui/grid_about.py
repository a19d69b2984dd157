"""What a grid is, in words: its generators, its tag, its axes."""

from __future__ import annotations

from lab.report.grid_files import axis_words
from lab.runs.records import Run
from lab.ui.grid_table import Labels


def dataset_of(run: Run, generator: str) -> str | None:
    """The training images that the cells of one generator were compared with."""
    return run.spec.settings["datasets"].get(generator)


def labels_of(run: Run) -> Labels:
    """Axis titles and labels."""
    return Labels(*axis_words(run))


def largest(labels: Labels) -> int:
    """Pixels of a cell on the screen, at most: so that the whole grid is seen without scrolling where that can be."""
    by_columns = {1: 300, 2: 240, 3: 190}.get(len(labels.columns), 160)
    return min(by_columns, max(110, 660 // max(1, len(labels.rows))))
