"""Names kept in a session by the privacy tests of the metrics page, see `lab.ui.state`."""

from __future__ import annotations

from enum import StrEnum


class PrivacyKey(StrEnum):
    """The privacy tests of the metrics page; those that end in a point take the kind of run behind it."""

    PANEL = "privacy.panel"
    SEEN = "privacy.seen"
    RUN = "privacy.run."
    FORM = "privacy.form."
    EARLIER = "privacy.earlier."
    REFUSAL = "privacy.refusal."
    SUBMIT = "privacy.submit."
    # prompts with fixed seeds
    GENERATOR = "privacy.generator"
    CAPTIONS = "privacy.captions"
    PROMPTS = "privacy.prompts"
    SEEDS = "privacy.seeds"
    STEPS = "privacy.steps"
    MEASURE = "privacy.measure"
    DELTA = "privacy.delta"
    PAIRS = "privacy.pairs"
    # a network that knows patients or copies
    LEARN_FROM = "privacy.learn_from"
    QUESTION = "privacy.question"
    LEARN_STEPS = "privacy.learn_steps."
    LEARN_SIZE = "privacy.learn_size"
    NETWORK = "privacy.network"
    # planted copies
    PLANT_IN = "privacy.plant_in"
    DETECTORS = "privacy.detectors"
    COPIES = "privacy.copies"
    PLANT_SEED = "privacy.plant_seed"
    RULE = "privacy.rule"
