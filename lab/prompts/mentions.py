"""Findings and devices that a prompt mentions: which, affirmed or denied, on which side and how large."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.prompts.remark import Span

# Each finding under one name, and how people write it; the longer wording of two that overlap counts.
WRITTEN: dict[str, str] = {
    "effusion": r"(?<!pericardial )(?:pleural )?effusions?|pleural fluid",
    "pneumothorax": r"(?:hydro)?pneumothora(?:x|ces)|ptx|collapsed lung",
    "consolidation": r"consolidations?|airspace (?:opacity|opacities|disease)|infiltrates?",
    "pneumonia": r"pneumonias?",
    "atelectasis": r"atelectas[ie]s",
    "nodule": r"(?:lung |pulmonary )?nodules?|coin lesions?",
    "mass": r"(?:lung |pulmonary )?mass(?:es)?|tumou?rs?",
    "cardiomegaly": r"cardiomegaly|enlarged (?:heart|cardiac silhouette)|enlargement of the heart|"
    r"heart is enlarged|cardiac enlargement",
    "oedema": r"(?:pulmonary |lung |interstitial |perihilar |alveolar )?o?edema|pulmonary congestion",
    "pleural thickening": r"pleural thickening",
    "fracture": r"(?:rib )?fractures?",
    "emphysema": r"emphysema",
    "fibrosis": r"(?:pulmonary )?fibrosis",
    "hernia": r"(?:hiatal |hiatus )?hernias?",
    "pacemaker": r"pacemakers?|cardiac device|pacer",
    "endotracheal tube": r"endotracheal tubes?|et tube|ett|breathing tube",
    "gastric tube": r"(?:naso|oro)?gastric tubes?|ng tube|ngt|feeding tube|enteric tube",
    "central line": r"central (?:venous )?(?:lines?|catheters?)|cvc|picc(?: line)?",
    "support devices": r"support devices?|lines or tubes|tubes or lines",
}
DEVICES = ("pacemaker", "endotracheal tube", "gastric tube", "central line", "support devices")
IN_LUNG = ("consolidation", "pneumonia", "atelectasis", "nodule", "mass", "oedema", "emphysema", "fibrosis")
_ANY = re.compile(
    "|".join(rf"(?P<f{n}>\b(?:{written})\b)" for n, written in enumerate(WRITTEN.values())), re.IGNORECASE
)
_NAMES = tuple(WRITTEN)
_SENTENCE = re.compile(r"[^.;!?\n]+")
_DENIES = re.compile(
    r"\b(?:no|without|denies|negative for|free of|absence of|absent|rules? out|not|neither|nor)\b",
    re.IGNORECASE,
)
_GONE = re.compile(
    r"^[\s,]*(?:(?:is|are|was|has|have)\s+)?(?:been\s+)?(?:absent|resolved|cleared|ruled out|not seen|no longer)",
    re.IGNORECASE,
)
_TURNS = re.compile(r"\b(?:but|however|although|except|with|showing)\b", re.IGNORECASE)
_SIDE = re.compile(r"\b(left|right|bilateral|both)\b", re.IGNORECASE)
_SIZES = {
    "small": "small", "tiny": "small", "minimal": "small", "trace": "small", "mild": "small", "slight": "small",
    "little": "small", "moderate": "moderate", "medium": "moderate", "large": "large", "big": "large",
    "massive": "large", "huge": "large", "extensive": "large", "severe": "large", "marked": "large", "gross": "large",
}  # fmt: skip
_SIZE = re.compile(r"\b(" + "|".join(_SIZES) + r")\b", re.IGNORECASE)
_TRAIL = re.compile(
    r"\s*,\s*(?:on the |in the )?(?:left|right|" + "|".join(_SIZES) + r")\s*(?:,|and\b|$)", re.IGNORECASE
)
_AND = re.compile(r"\b(?:and|but|however|although|except|with)\b|[,&+]", re.IGNORECASE)


@dataclass(frozen=True)
class Mention:
    """One finding or device as a prompt mentions it.

    Attributes:
        name: of `WRITTEN`.
        span: the words themselves, (start, end) characters.
        denied: said not to be there.
        sides: some of "left", "right"; empty where none is said.
        size: "small", "moderate", "large", or "".
    """

    name: str
    span: Span
    denied: bool = False
    sides: frozenset[str] = frozenset()
    size: str = ""


def mentions(text: str) -> tuple[Mention, ...]:
    """All mentions in their order."""
    found: list[Mention] = []
    for sentence in _SENTENCE.finditer(text):
        found += _in_sentence(sentence.group(), sentence.start())
    return tuple(found)


def _in_sentence(words: str, offset: int) -> list[Mention]:
    hits = list(_ANY.finditer(words))
    found: list[Mention] = []
    for number, hit in enumerate(hits):
        start = hits[number - 1].end() if number else 0
        end = hits[number + 1].start() if number + 1 < len(hits) else len(words)
        before = words[start : hit.start()]
        after = words[hit.end() : end]
        # What stands behind "and" or a comma belongs to the next finding, if there is one.
        if number + 1 < len(hits) and (cut := _AND.search(after)):
            after = after[: cut.start()] if not _trails(after) else after
        own = before[_last_end(_AND, before) :] if number else before
        sides = _sides(own) or _sides(after)
        size = _size(own) or _size(after)
        name = _NAMES[int((hit.lastgroup or "f0")[1:])]
        denied = _denied(words[: hit.start()], found, before, bool(sides or size)) or bool(_GONE.match(after))
        span = (offset + hit.start(), offset + hit.end())
        found.append(Mention(name, span, denied, sides, size))
    return found


def _trails(after: str) -> bool:
    """Whether a size or a side alone follows a comma, as in "right pleural effusion, large"."""
    return bool(_TRAIL.match(after))


def _denied(before_all: str, found: list[Mention], before: str, described: bool) -> bool:
    """Whether "no" reaches a mention: up to a turn such as "but", or a new, described finding after a comma."""
    last = _last_end(_DENIES, before_all)
    if not last:
        return False
    between = before_all[last:]
    if _TURNS.search(between):
        return False
    fresh = bool(found) and "," in before and described and not _DENIES.search(before)
    return not fresh and (not found or found[-1].denied or bool(_DENIES.search(before)))


def _last_end(pattern: re.Pattern[str], words: str) -> int:
    ends = [hit.end() for hit in pattern.finditer(words)]
    return ends[-1] if ends else 0


def _sides(words: str) -> frozenset[str]:
    said = {side.lower() for side in _SIDE.findall(words)}
    return frozenset({"left", "right"} if said & {"bilateral", "both"} else said)


def _size(words: str) -> str:
    hits = _SIZE.findall(words)
    return _SIZES[hits[-1].lower()] if hits else ""
