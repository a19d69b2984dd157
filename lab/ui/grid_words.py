"""Which words of a prompt may be changed, and what is offered in their place."""

from __future__ import annotations

import re
from collections.abc import Sequence

LEFT_OUT = "(left out)"
# Words that stand for the same question; each family offers its members in place of one another.
FAMILIES: tuple[tuple[str, ...], ...] = (
    ("right", "left", "bilateral"),
    ("small", "moderate", "large"),
    ("mild", "moderate", "severe"),
    ("pleural effusion", "pneumothorax", "consolidation", "nodule", "cardiomegaly", "pulmonary edema"),
    ("upper lobe", "middle lobe", "lower lobe"),
    ("upper", "middle", "lower"),
    ("male", "female"),
    ("man", "woman"),
    ("pa", "ap"),
    ("symmetric", "asymmetric"),
    ("regular", "irregular"),
    ("basal", "mid", "apical"),
    ("end-diastole", "end-systole"),
)
_PLAIN = frozenset(
    [
        "a",
        "an",
        "and",
        "at",
        "by",
        "for",
        "from",
        "in",
        "is",
        "of",
        "on",
        "or",
        "the",
        "there",
        "to",
        "with",
        "without",
        "no",
    ]
)
MOST = 40


def phrases(prompt: str) -> list[str]:
    """Words of a prompt that may be changed, those that stand for a question first."""
    low = " ".join(prompt.lower().split())
    known = [word for family in FAMILIES for word in family if _stands(word, low)]
    known = [word for word in known if not any(word != other and _stands(word, other) for other in known)]
    order = sorted(dict.fromkeys(known), key=lambda word: _question(word))
    single = [word for word in re.findall(r"[^\W\d_][\w-]*", low) if word not in _PLAIN]
    rest = [word for word in dict.fromkeys(single) if not any(_stands(word, phrase) for phrase in order)]
    return (order + rest)[:MOST]


def alternatives(phrase: str, vocabulary: Sequence[str] = ()) -> list[str]:
    """What may stand in place of a phrase, itself and "left out" among them.

    Args:
        phrase: words of the prompt.
        vocabulary: words the generator knows; alternatives with another word are left out. Empty: any.
    """
    low = " ".join(phrase.lower().split())
    found = [word for family in FAMILIES if low in family for word in family]
    known = set(vocabulary)
    return list(dict.fromkeys(
        [phrase, *(word for word in found if word != low and (not known or set(word.split()) <= known)), LEFT_OUT]
    ))  # fmt: skip


def spoken(values: Sequence[str]) -> list[str]:
    """Values of an axis: "left out" as no words."""
    return ["" if value == LEFT_OUT else value for value in values]


def _question(word: str) -> int:
    return next(at for at, family in enumerate(FAMILIES) if word in family)


def _stands(phrase: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text) is not None
