"""Words of a prompt that cannot be true together."""

from __future__ import annotations

import re
from itertools import combinations

from lab.prompts.mentions import DEVICES, IN_LUNG, Mention, mentions
from lab.prompts.remark import Remark, Span

RULE = "contradiction"
_NORMAL = re.compile(
    r"\bno (?:acute |significant |focal )?(?:cardiopulmonary |pulmonary |intrathoracic )?"
    r"(?:findings?|abnormalit(?:y|ies)|disease|process)\b|\bunremarkable\b|\bhealthy\b|"
    r"(?<!otherwise )(?<!near )\bnormal\b(?! (?:heart|cardiac|in size|size|position|limits))",
    re.IGNORECASE,
)
_HEART_NORMAL = re.compile(
    r"\bnormal (?:heart|cardiac silhouette)(?: size)?\b|\bheart size (?:is )?normal\b", re.IGNORECASE
)
_LUNGS_CLEAR = re.compile(r"\bclear lungs\b|\blungs (?:are|is) clear\b", re.IGNORECASE)
_BOTH_AT_ONCE = re.compile(
    r"\b(left|right)(?:[- ]sided)?[ ,]+(?!and\b|or\b)(left|right)(?:[- ]sided)?\b", re.IGNORECASE
)
_NO_SUCH_LOBE = re.compile(r"\bleft middle (?:lobe|zone)\b|\blml\b", re.IGNORECASE)
_SIDED = re.compile(r"\W*\b(?:left|right)\b\W*", re.IGNORECASE)
_END = re.compile(r"[.;!?\n]\s*")
_VIEW = re.compile(r"\b(AP|PA)\b|\b(lateral)(?= (?:view|projection|chest|film|radiograph))")
_SEXES = {"woman": "f", "female": "f", "lady": "f", "man": "m", "male": "m", "gentleman": "m"}
_SEX = re.compile(r"\b(" + "|".join(_SEXES) + r")\b", re.IGNORECASE)


def contradictions(prompt: str) -> list[Remark]:
    """Remarks about findings asked and denied at once, on two sides or of two sizes, and about normal films."""
    said = mentions(prompt)
    remarks = [remark for first, second in combinations(said, 2) if (remark := _pair(prompt, first, second))]
    return remarks + _normal(prompt, said) + _places(prompt) + _people(prompt)


def _pair(prompt: str, first: Mention, second: Mention) -> Remark | None:
    if first.name != second.name:
        return None
    spans = (first.span, second.span)
    apart = bool(first.sides and second.sides and not first.sides & second.sides)
    if first.denied != second.denied:
        if apart:
            return None
        return Remark("warning", RULE, f"The prompt both asks for and denies {first.name}. Keep one.", spans)
    if first.denied:
        return None
    if apart and not _twins(prompt, first, second):
        return Remark(
            "hint",
            "two sides",
            f"{first.name.capitalize()} is asked on the left and on the right. Keep both only if you want both sides.",
            spans,
        )
    if first.size and second.size and first.size != second.size:
        return Remark(
            "warning",
            RULE,
            f"{first.name.capitalize()} is called {first.size} and {second.size}. Keep one.",
            spans,
        )
    return None


def _twins(prompt: str, first: Mention, second: Mention) -> bool:
    """Whether two sentences differ by nothing but the side: the plain way to ask for both."""
    one, other = (_sentence(prompt, mention.span[0]) for mention in (first, second))
    return one != other and _SIDED.sub("", prompt[slice(*one)]) == _SIDED.sub("", prompt[slice(*other)])


def _sentence(prompt: str, at: int) -> Span:
    """The sentence around a place: from behind the last mark or line to before the next."""
    start = max((hit.end() for hit in _END.finditer(prompt, 0, at)), default=0)
    end = next((hit.start() for hit in _END.finditer(prompt, at)), len(prompt))
    return start, end


def _normal(prompt: str, said: tuple[Mention, ...]) -> list[Remark]:
    """A film called normal, or a part of it, beside a finding in it."""
    there = [m for m in said if not m.denied and m.name not in DEVICES]
    claims = (
        ("The prompt calls the film normal and asks for {}. Keep one.", _NORMAL, None),
        ("The prompt calls the heart normal and asks for {}. Keep one.", _HEART_NORMAL, ("cardiomegaly",)),
        ("The prompt calls the lungs clear and asks for {}. Keep one.", _LUNGS_CLEAR, IN_LUNG),
    )
    found = []
    for text, pattern, names in claims:
        hit = pattern.search(prompt)
        against = [m for m in there if names is None or m.name in names]
        if hit and against:
            words = " and ".join(dict.fromkeys(m.name for m in against))
            spans = tuple(sorted([hit.span(), *(m.span for m in against)]))
            found.append(Remark("warning", RULE, text.format(words), spans))
    return found


def _places(prompt: str) -> list[Remark]:
    found = []
    for hit in _BOTH_AT_ONCE.finditer(prompt):
        if hit.group(1).lower() != hit.group(2).lower():
            found.append(
                Remark(
                    "warning",
                    RULE,
                    "Left and right stand side by side for one finding. Keep one.",
                    (hit.span(),),
                )
            )
    for hit in _NO_SUCH_LOBE.finditer(prompt):
        found.append(
            Remark("warning", RULE, "The left lung has no middle lobe: write upper or lower.", (hit.span(),))
        )
    return found


def _people(prompt: str) -> list[Remark]:
    """Two views or two sexes of one picture."""
    views: dict[str, Span] = {}
    for hit in _VIEW.finditer(prompt):
        views.setdefault(hit.group().lower(), hit.span())
    sexes: dict[str, Span] = {}
    for hit in _SEX.finditer(prompt):
        sexes.setdefault(_SEXES[hit.group().lower()], hit.span())
    return [
        Remark(
            "warning",
            RULE,
            f"The prompt names more than one {what}. Keep one.",
            tuple(sorted(places.values())),
        )
        for what, places in (("view", views), ("sex", sexes))
        if len(places) > 1
    ]
