"""The settings of a quality gate, checked once at the border, and the seeds of its attempts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.errors import InputError
from lab.quality_gate.rules import PRESETS, Rule, rules_from_json
from lab.quality_gate.wanted import checked_wanted

MOST_RETRIES = 10
_SEEDS = 2**32


@dataclass(frozen=True)
class Gate:
    """A quality gate.

    Attributes:
        rules: the rule table.
        retries: how often a sample that breaks a rule is made anew, 0 to 10.
        wanted: what is expected, by subject, where the prompt does not say it.
        predictors: which predictor reads a subject, by subject; the embedded ones where none is named.
    """

    rules: tuple[Rule, ...]
    retries: int = 3
    wanted: Mapping[str, Any] = field(default_factory=dict, hash=False)
    predictors: Mapping[str, str] = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as a run's settings keep it."""
        return {
            "rules": [asdict(rule) for rule in self.rules], "retries": self.retries,
            "wanted": dict(self.wanted), "predictors": dict(self.predictors),
        }  # fmt: skip


def gate_from_json(values: Any) -> Gate:
    """A checked gate from plain JSON; {"preset": NAME} takes a preset's rules.

    Raises:
        InputError: one sentence with what is valid.
    """
    if not isinstance(values, Mapping):
        raise InputError("The quality gate of this run cannot be read; nothing was started; choose it again.")
    if "preset" in values and values["preset"] not in PRESETS:
        raise InputError(f"Presets of the quality gate are {', '.join(PRESETS)}; nothing was started.")
    rules = PRESETS[values["preset"]] if "preset" in values else rules_from_json(values.get("rules", ()))
    retries = values.get("retries", 3)
    if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries <= MOST_RETRIES:
        raise InputError(f"Retries must be a whole number from 0 to {MOST_RETRIES}; nothing was started.")
    named = values.get("predictors") or {}
    if not isinstance(named, Mapping) or not all(isinstance(name, str) for name in named.values()):
        raise InputError("The predictors of the quality gate must be named by subject; nothing was started.")
    return Gate(rules, retries, checked_wanted(values.get("wanted") or {}), dict(named))


def seed_of(seed: int, attempt: int) -> int:
    """The seed of an attempt, known before any work: the first is the seed itself, others follow by address.

    Args:
        seed: 0 to 2^32 - 1, of the sample.
        attempt: 0 for the first.
    """
    if attempt == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"gate:{seed}:{attempt}".encode()).digest()[:4], "big") % _SEEDS
