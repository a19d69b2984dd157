"""What a caption says, as answers to a fixed list of questions: what the text encoder is trained to understand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

IGNORED = -100
SIDES = ("", "right", "left")
SIZES = ("", "small", "moderate", "large")
LOBES = ("", "RUL", "RML", "RLL", "LUL", "LLL")
VIEWS = ("", "ap", "pa", "lateral")
SEXES = ("", "man", "woman")
# "middle" alone is a lobe.
AGES = ("", "young", "aged", "elderly")
# A second generator knows children's films by these words alone.
CHILD = ("", "normal", "bacterial", "viral")


@dataclass(frozen=True)
class Question:
    """One thing a caption may say: about which label ("" for the film as a whole), and how many answers there are."""

    topic: str
    label: str
    answers: int


def questions() -> tuple[Question, ...]:
    """All questions, in a fixed order."""
    from lab.data.phantoms.draws import DEVICES, LABELS, SIDED, WITH_LOBE

    asked = [Question("present", label, 2) for label in (*LABELS, *DEVICES)]
    asked += [Question("side", label, len(SIDES)) for label in SIDED]
    asked += [Question("size", label, len(SIZES)) for label in LABELS]
    asked += [Question("lobe", label, len(LOBES)) for label in WITH_LOBE]
    whole = {"view": VIEWS, "sex": SEXES, "age": AGES, "child": CHILD}
    return (*asked, *(Question(topic, "", len(words)) for topic, words in whole.items()))


def answers(findings: Sequence[Mapping[str, Any]], text: str) -> list[int]:
    """The answer to each question, `IGNORED` where a caption without that finding says nothing about it.

    Args:
        findings: of the film, each with label, side, size and lobe.
        text: the caption before any word is swapped for another.
    """
    by_label = {finding["label"]: finding for finding in findings}
    words = set(re.findall(r"[a-z]+", text.lower()))
    child = bool(words & {"paediatric", "pediatric", "child", "bacterial", "viral"})
    return [_answer(question, by_label, words, child) for question in questions()]


def _answer(question: Question, by_label: Mapping[str, Any], words: set[str], child: bool) -> int:
    if question.topic == "present":
        return int(question.label in by_label)
    if question.topic in ("side", "size", "lobe"):
        named = {"side": SIDES, "size": SIZES, "lobe": LOBES}[question.topic]
        finding = by_label.get(question.label)
        # A lateral caption names no side: what is not said cannot be answered.
        said = finding is not None and not ("lateral" in words and question.topic != "size")
        return named.index(finding[question.topic]) if said and finding is not None else IGNORED
    named = {"view": VIEWS, "sex": SEXES, "age": AGES, "child": CHILD}[question.topic]
    if question.topic == "child" and not child:
        return 0
    return next((k for k, word in enumerate(named) if word in words), 0)
