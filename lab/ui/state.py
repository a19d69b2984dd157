"""Names of everything kept in a session, one prefix a page: no page writes a key as a literal.

What matters lives in the run store; these are only choices a person would not mind making again.
"""

from __future__ import annotations

from enum import StrEnum

from lab.ui.state_privacy import PrivacyKey as PrivacyKey
from lab.ui.state_prompt import AttentionKey as AttentionKey
from lab.ui.state_prompt import GateKey as GateKey
from lab.ui.state_prompt import GridKey as GridKey
from lab.ui.state_prompt import PromptKey as PromptKey
from lab.ui.state_prompt import ReviewKey as ReviewKey


class FrameKey(StrEnum):
    """What every page shares."""

    # dataset: how far it is to be made ready, and the run that it waits for
    PREPARING = "frame.preparing"


class ArmsKey(StrEnum):
    """The comparison of subsets and arms in the library."""

    SHOWN = "arms.shown"
    NAME = "arms.name"
    DATASET = "arms.dataset"
    TARGET = "arms.target"
    SUBSET = "arms.subset"
    REFERENCE = "arms.reference"
    REFUSAL = "arms.refusal"


class NeighboursKey(StrEnum):
    """The neighbours page."""

    SET = "neighbours.set"
    SAMPLE = "neighbours.sample"
    DATASET = "neighbours.dataset"
    VIEWER = "neighbours.viewer"
    RUN = "neighbours.run"
    UPLOAD = "neighbours.upload"
    KIND = "neighbours.kind"
    ADDRESS = "neighbours.address"
    LOST = "neighbours.lost"
    VIEW = "neighbours.view"
    LAYOUT = "neighbours.layout"
    TRAIL = "neighbours.trail"
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
    SPACE = "map.space"
    WANTED = "map.wanted"


class MetricsKey(StrEnum):
    """The metrics page."""

    REAL = "metrics.real"
    SYNTHETIC = "metrics.synthetic"
    CHOSEN = "metrics.chosen"
    EXTRACTOR = "metrics.extractor"
    SECOND = "metrics.second"
    SEED = "metrics.seed"
    SUBMIT = "metrics.submit"
    RUN = "metrics.run"
    ADDRESS = "metrics.address"
    COMPARE = "metrics.compare"
    PICKED = "metrics.picked"
    FOLDER = "metrics.folder"
    REFUSAL = "metrics.refusal"
    # the choice
    FORM = "metrics.form"
    PRESET = "metrics.preset"
    BOX = "metrics.box"
    SEARCH = "metrics.search"
    BY = "metrics.by"
    OPTION = "metrics.option"
    TASK = "metrics.task"
    # the results
    VIEW = "metrics.view"
    QUESTION = "metrics.question"
    OPEN = "metrics.open"
    NUMBERS = "metrics.numbers"
    GROUP = "metrics.group"
    DELTA = "metrics.delta"
    PAIRS = "metrics.pairs"
    # several runs
    TRADE = "metrics.trade"
    GALLERY = "metrics.gallery"
    RELATED = "metrics.related"
    BOARD = "metrics.board"
    EXPORT = "metrics.export"


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
    # one dataset
    PART = "library.part"
    SPLIT = "library.split"
    LABEL = "library.label"
    PAGE = "library.page"
    SHARES = "library.shares"
    SEED = "library.seed"
    STRATIFY = "library.stratify"
    TOGETHER = "library.together"
    TERMS = "library.terms."
    SURE = "library.sure"
    RECIPE = "library.recipe"
    PICTURE = "library.picture"
    STEP = "library.step."
    STEP_ON = "library.step_on."
    RECIPE_SEED = "library.recipe_seed"
    NEW_ID = "library.new_id"
    DERIVED = "library.derived"
    CROPS = "library.crops"
    # adding one
    CONTROL = "library.control"
    MEDMNIST = "library.medmnist"
    MEDMNIST_SIZE = "library.medmnist_size"
    HUB = "library.hub"
    HUB_REVISION = "library.hub_revision"
    LAYOUT = "library.layout."
    CHOICE = "library.choice."
    CLASSES = "library.classes."


class GeneratorKey(StrEnum):
    """The generators of the library page."""

    PART = "library.generators"
    OPEN = "library.generator"
    TABLE = "library.generator_table"
    QUERY = "library.generator_query"
    FAMILY = "library.generator_family"
    CONDITION = "library.generator_condition"
    DATA = "library.generator_data"
    ORIGIN = "library.generator_origin"
    METRIC = "library.generator_metric"
    HERE = "library.generator_here"
    # its weights
    SIZE = "library.weights_size."
    FOLDER = "library.weights_folder."
    HUB = "library.weights_hub."
    COMMIT = "library.weights_commit."
    SURE = "library.weights_sure."
    TOLD = "library.weights_told"
    # its card
    TEMPLATE = "library.card_template"
    MODE = "library.card_mode"
    FIELD = "library.card."
    REST = "library.card_rest"
    TEXT = "library.card_text"
    FILE = "library.card_file"
    EDITED = "library.card_edited"
    CHECKED = "library.card_checked"
    # training one
    RECIPE = "library.train_recipe"
    MINUTES = "library.train_minutes"
    RESUME = "library.train_resume"
    TRAINING = "library.train_run"
    LOG = "library.train_log"


class LeakageKey(StrEnum):
    """The leakage page."""

    LEVEL = "leakage.level"
    # the case
    CASE_SET = "leakage.case_set"
    CASE_SAMPLE = "leakage.case_sample"
    CASE_AT = "leakage.case_at"
    CASE_READER = "leakage.case_reader"
    CASE_OTHER_READER = "leakage.case_other_reader"
    CASE_STEPS = "leakage.case_steps"
    CASE_ACTIVE = "leakage.case_active"
    CASE_SHOWN = "leakage.case_shown"
    CASE_REVEALED = "leakage.case_revealed"
    CASE_LISTED = "leakage.case_listed"
    CASE_REGION = "leakage.case_region"
    CASE_VIEWER = "leakage.case_viewer"
    CASE_ASKED = "leakage.case_asked"
    CASE_SHIPPED = "leakage.case_shipped"
    CASE_GO = "leakage.case_go"
    # the population
    POPULATION_ORIGIN = "leakage.population_origin"
    POPULATION_SETS = "leakage.population_sets"
    POPULATION_DATASET = "leakage.population_dataset"
    POPULATION_DETECTOR = "leakage.population_detector"
    POPULATION_THRESHOLD = "leakage.population_threshold"
    POPULATION_GALLERY = "leakage.population_gallery"
    POPULATION_PAGE = "leakage.population_page"
    POPULATION_ATTACK = "leakage.population_attack"
    POPULATION_ATTACKS = "leakage.population_attacks"
    POPULATION_FILMS = "leakage.population_films"
    POPULATION_LOG = "leakage.population_log"
    POPULATION_LEDGER = "leakage.population_ledger"
    # the cause
    CAUSE_PANEL = "leakage.cause_panel"
    CAUSE_GENERATOR = "leakage.cause_generator"
    CAUSE_FILM = "leakage.cause_film"
    CAUSE_COUNT = "leakage.cause_count"
    CAUSE_SEED = "leakage.cause_seed"
    CAUSE_START = "leakage.cause_start"
    CAUSE_DETECTOR = "leakage.cause_detector"
    CAUSE_SHOWN = "leakage.cause_shown"
    CAUSE_CHART = "leakage.cause_chart"
    CAUSE_VIEWER = "leakage.cause_viewer"
    CAUSE_LIVE = "leakage.cause_live"
    CAUSE_DRILLED = "leakage.cause_drilled"
    CAUSE_AUDIT = "leakage.cause_audit"
    CAUSE_DATASET = "leakage.cause_dataset"
    # the guided demo
    DEMO_DECK = "leakage.deck"
    DEMO_BAR = "leakage.deck.bar"
    DEMO_FILMS = "leakage.deck.films"
    DEMO_ACT = "leakage.demo_act"
    DEMO_NOTES = "leakage.demo_notes"
    DEMO_VIEWER = "leakage.demo_viewer"
    DEMO_AGAIN = "leakage.demo_again"
    DEMO_LEVEL = "leakage.demo_level"


class QueryKey(StrEnum):
    """Parameters of the address: opaque ids only, never prompt text or names."""

    RUN = "run"
    RUNS = "runs"
    BOARD = "board"
    SET = "set"
    SAMPLE = "sample"
    TRAIL = "trail"
    READER = "reader"
    STEP = "step"
    DECK = "deck"
