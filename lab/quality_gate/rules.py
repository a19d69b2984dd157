"""The rule table of a quality gate, and its judgement: plain values, no model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.errors import InputError

SUBJECTS = ("age", "sex", "race", "finding")
WITHIN, EQUAL, PRESENT = "within", "equal", "present"
_WAYS = {"age": (WITHIN,), "sex": (EQUAL,), "race": (EQUAL,), "finding": (PRESENT,)}
_RANGES = {WITHIN: (0.0, 120.0), EQUAL: (0.0, 0.0), PRESENT: (0.0, 1.0)}


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        subject: age, sex, race or finding.
        way: "within" (limit in years), "equal", or "present" (limit is the least probability, 0 to 1).
        limit: of the rule.
    """

    subject: str
    way: str
    limit: float = 0.0

    @property
    def words(self) -> str:
        """The rule as a person reads it."""
        if self.way == WITHIN:
            return f"{self.subject.capitalize()} within {self.limit:g} years"
        if self.way == EQUAL:
            return f"{self.subject.capitalize()} as asked"
        return f"{self.subject.capitalize()} present at {100 * self.limit:.0f} % or more"


AGE, SEX, RACE = Rule("age", WITHIN, 16.0), Rule("sex", EQUAL), Rule("race", EQUAL)
FINDING = Rule("finding", PRESENT, 0.5)
# The demographic check of RoentGen-v2: age within 16 years, sex and race as asked.
PRESETS: Mapping[str, tuple[Rule, ...]] = {
    "RoentGen-v2": (AGE, SEX, RACE),
    "Sex and finding": (SEX, FINDING),
    "Finding": (FINDING,),
}


@dataclass(frozen=True)
class Outcome:
    """What one rule said of one sample.

    Attributes:
        subject: of the rule.
        wanted: what was asked for; None where the prompt does not say.
        seen: what the predictor sees: years, a class, or a probability; None where it was not asked.
        passed: None where the rule was not applied.
        why: why it was not applied; "" where it was.
    """

    subject: str
    wanted: str | float | None
    seen: str | float | None
    passed: bool | None
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def judge(
    rules: Sequence[Rule], wanted: Mapping[str, Any], seen: Mapping[str, Any], unasked: Mapping[str, str]
) -> list[Outcome]:
    """Apply every rule to one sample.

    Args:
        rules: the table.
        wanted: what was asked for, by subject.
        seen: what the predictors see, by subject.
        unasked: why a subject has no reading, by subject.
    """
    return [_outcome(rule, wanted.get(rule.subject), seen.get(rule.subject), unasked) for rule in rules]


def passes(outcomes: Sequence[Outcome]) -> bool | None:
    """Whether a sample passes: no applied rule is broken; None when no rule was applied at all."""
    applied = [one.passed for one in outcomes if one.passed is not None]
    return all(applied) if applied else None


def rules_from_json(values: Any) -> tuple[Rule, ...]:
    """Checked rules from plain JSON.

    Raises:
        InputError: with what is valid, for the first rule that is not.
    """
    try:
        rules = tuple(Rule(str(v["subject"]), str(v["way"]), float(v.get("limit", 0.0))) for v in values)
    except (TypeError, KeyError, ValueError) as error:
        raise _refused("A rule needs a subject and a way") from error
    if not rules or len({rule.subject for rule in rules}) < len(rules):
        raise _refused("A quality gate needs one rule or more, and one for each subject at most")
    for rule in rules:
        if rule.way not in _WAYS.get(rule.subject, ()):
            raise _refused(f"A rule is on one of {', '.join(SUBJECTS)}, in the way that suits it")
        low, high = _RANGES[rule.way]
        if not math.isfinite(rule.limit) or not low <= rule.limit <= high:
            raise _refused(
                f"The limit of the rule on {rule.subject} must be a number from {low:g} to {high:g}"
            )
    return rules


def _outcome(rule: Rule, wanted: Any, seen: Any, unasked: Mapping[str, str]) -> Outcome:
    if wanted is None:
        return Outcome(rule.subject, None, seen, None, f"The prompt names no {rule.subject}.")
    if seen is None:
        return Outcome(rule.subject, wanted, None, None, unasked.get(rule.subject, "It was not read."))
    if rule.way == WITHIN:
        held = abs(float(seen) - float(wanted)) <= rule.limit
    elif rule.way == EQUAL:
        held = str(seen).lower() == str(wanted).lower()
    else:
        held = float(seen) >= rule.limit
    return Outcome(rule.subject, wanted, seen, held)


def _refused(what: str) -> InputError:
    return InputError(f"{what}; nothing was started.")
