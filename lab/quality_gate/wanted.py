"""What a prompt asks for: age, sex, race and finding, read from its words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lab.data.labels import prompted_label
from lab.errors import InputError

_YEARS = re.compile(r"\b(\d{1,3})[- ]?(?:years?|yrs?|yo|y/o)\b[- ]?(?:old)?", re.IGNORECASE)
_FEMALE = re.compile(r"\b(female|woman|women|lady|girl)\b", re.IGNORECASE)
_MALE = re.compile(r"\b(male|man|men|gentleman|boy)\b", re.IGNORECASE)
# The races that RoentGen-v2's check knows.
_RACE = re.compile(r"\b(white|black|asian)\b(?=\s+(?:female|male|woman|man|girl|boy)\b)", re.IGNORECASE)
OLDEST = 120


def wanted_by(prompt: str, labels: Sequence[str] = ()) -> dict[str, Any]:
    """What the prompt asks for, by subject; what it does not name is absent.

    Args:
        prompt: such as "63 year old white female. Small right effusion."
        labels: findings of the training dataset, one of which may be asked for.
    """
    found: dict[str, Any] = {}
    years = _YEARS.search(prompt)
    if years and int(years.group(1)) <= OLDEST:
        found["age"] = float(years.group(1))
    female, male = _FEMALE.search(prompt), _MALE.search(prompt)
    if bool(female) != bool(male):
        found["sex"] = "female" if female else "male"
    if race := _RACE.search(prompt):
        found["race"] = race.group(1).lower()
    if label := prompted_label(prompt, labels):
        found["finding"] = label
    return found


def one_sex(value: str) -> str:
    """The word for a sex as tables write it ("F", "Male", "woman"); "" where it is none of the two."""
    text = value.strip().lower()
    return "female" if text in ("f", "female", "woman") else "male" if text in ("m", "male", "man") else ""


def checked_wanted(values: Any) -> dict[str, Any]:
    """What a person asks for beyond the prompt, checked.

    Raises:
        InputError: for another subject, an age outside 0 to 120, or a word that is too long.
    """
    if not isinstance(values, Mapping):
        raise InputError("What the gate expects must be given by subject; nothing was started.")
    found: dict[str, Any] = {}
    for subject, value in values.items():
        if subject == "age":
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= OLDEST:
                raise InputError(f"The age must be a number from 0 to {OLDEST}; nothing was started.")
            found["age"] = float(value)
        elif subject in ("sex", "race", "finding") and isinstance(value, str) and 0 < len(value) <= 80:
            found[subject] = value
        else:
            raise InputError("The gate expects an age, a sex, a race or a finding; nothing was started.")
    return found
