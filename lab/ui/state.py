"""Names of everything kept in a session, one prefix a page: no page writes a key as a literal.

What matters lives in the run store; these are only choices a person would not mind making again.
"""

from __future__ import annotations

from enum import StrEnum


class PromptKey(StrEnum):
    """The prompt page."""

    GENERATOR = "prompt.generator"
    TEXT = "prompt.text"
    CAPTION = "prompt.caption"
    FINDING = "prompt.finding"
    SIDE = "prompt.side"
    SIZE = "prompt.size"
    COUNT = "prompt.count"
    SEED = "prompt.seed"
    LOCK = "prompt.lock"
    DICE = "prompt.dice"
    GUIDANCE = "prompt.guidance"
    STEPS = "prompt.steps"
    SUBMIT = "prompt.submit"
    SUBMITTED_AT = "prompt.submitted_at"
    USED_SEED = "prompt.used_seed"
    RUN = "prompt.run"
    PICKED = "prompt.picked"
    GRID = "prompt.grid"
    GRID_PAGE = "prompt.grid_page"
    REFUSAL = "prompt.refusal"
    SEARCH = "prompt.search"
    HISTORY_PAGE = "prompt.history_page"


class ReviewKey(StrEnum):
    """Quick review of a sample; the image's digest follows the prefix."""

    QUALITY = "review.quality."
    FLAGS = "review.flags."
    NOTE = "review.note."
    FILTER_QUALITY = "review.filter_quality"
    FILTER_FLAGS = "review.filter_flags"


class NeighboursKey(StrEnum):
    """The neighbours page."""

    SET = "neighbours.set"
    SAMPLE = "neighbours.sample"
    DATASET = "neighbours.dataset"
    VIEWER = "neighbours.viewer"
    RUN = "neighbours.run"
    UPLOAD = "neighbours.upload"
    KIND = "neighbours.kind"
    ASKED = "neighbours.asked"
    VIEW = "neighbours.view"
    LAYOUT = "neighbours.layout"
    TRAIL = "neighbours.trail"
    OPENED = "neighbours.opened"
    SPACES = "neighbours.spaces"
    SPACES_RUN = "neighbours.spaces_run"
    WHOLE = "neighbours.whole"
    WHOLE_DATASET = "neighbours.whole_dataset"
    WHOLE_SET = "neighbours.whole_set"
    WHOLE_PAGE = "neighbours.whole_page"
    WORDS = "neighbours.words"
    WORDS_DATASET = "neighbours.words_dataset"
    WORDS_RUN = "neighbours.words_run"


class MapKey(StrEnum):
    """The feature space page."""

    DATASET = "map.dataset"
    SAMPLES = "map.samples"
    COLOUR = "map.colour"
    LABELS = "map.labels"
    ASKED = "map.asked"
    SHOWN = "map.shown"
    CHART = "map.chart"
    GALLERY = "map.gallery"
    GALLERY_PAGE = "map.gallery_page"
    METHOD = "map.method"
    LAYERS = "map.layers"
    VERDICTS = "map.verdicts"
    EXTRAS = "map.extras"
    SELECTED = "map.selected"
    STALE = "map.stale"
    FILMS = "map.films"
    REFUSAL = "map.refusal"


class MetricsKey(StrEnum):
    """The metrics page."""

    REAL = "metrics.real"
    SYNTHETIC = "metrics.synthetic"
    CHOSEN = "metrics.chosen"
    EXTRACTOR = "metrics.extractor"
    SEED = "metrics.seed"
    SUBMIT = "metrics.submit"
    RUN = "metrics.run"
    COMPARE = "metrics.compare"
    FOLDER = "metrics.folder"
    REFUSAL = "metrics.refusal"


class LibraryKey(StrEnum):
    """The library page."""

    TAB = "library.tab"
    SOURCE = "library.source"
    FOLDER = "library.folder"
    METADATA = "library.metadata"
    UPLOAD = "library.upload"
    ID = "library.id"
    LICENCE = "library.licence"
    PUBLIC = "library.public"
    COLUMN = "library.column."
    RUN = "library.run"
    SHOWN = "library.shown"


class QueryKey(StrEnum):
    """Parameters of the address: opaque ids only, never prompt text or names."""

    RUN = "run"
    SET = "set"
    SAMPLE = "sample"
