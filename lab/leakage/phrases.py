"""The phrases of a prompt, and the prompt without each of them: which one is the key to a memorised film?

A phrase of the phantoms' captions ("large", "in the right upper lobe", "PA view") is known by their grammar. Words in
between stay together; a prompt with no known phrase is cut at its marks, and where it has none, into words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*|[^\w\s]|_")
_ENDS = ".;!?"
_OPENS = "([{"
_JOINS = frozenset({"and", "with", "or"})
# They stand for nothing of their own: alone between two phrases they go with the one that follows.
_EMPTY = frozenset({"there", "is", "are", "a", "an", "the", "of"})


@dataclass(frozen=True)
class Phrase:
    """One phrase of a prompt.

    Attributes:
        text: its words as they stand.
        without: the prompt without it, its marks put in order.
    """

    text: str
    without: str


def phrases(prompt: str) -> tuple[Phrase, ...]:
    """The phrases of a prompt from left to right; none for a prompt of a single phrase, which would leave no words."""
    tokens = _TOKEN.findall(prompt)
    spans = _spans(tokens)
    if len(spans) < 2:
        return ()
    found = (
        Phrase(_joined(tokens[start:stop]), _joined(_tidied([*tokens[:start], "", *tokens[stop:]])))
        for start, stop in spans
    )
    return tuple(phrase for phrase in found if phrase.without)


def _spans(tokens: list[str]) -> list[tuple[int, int]]:
    words = [token.lower() for token in tokens]
    known = _known()
    longest = max(map(len, known))
    spans: list[tuple[int, int]] = []
    found, start, at = False, 0, 0
    while at < len(words):
        width = next((n for n in range(longest, 0, -1) if tuple(words[at : at + n]) in known), 0)
        if width or not _is_word(words[at]) or words[at] in _JOINS:
            spans += [(start, at)] if start < at and not set(words[start:at]) <= _EMPTY else []
            spans += [(at, at + width)] if width else []
            found = found or width > 0
            at += width or 1
            start = at
        else:
            at += 1
    spans += [(start, at)] if start < at else []
    if len(spans) < 2 and not found:
        return [(place, place + 1) for place, word in enumerate(words) if _is_word(word)]
    return spans


def _is_word(token: str) -> bool:
    return token[:1].isalnum()


@lru_cache(maxsize=1)
def _known() -> frozenset[tuple[str, ...]]:
    """Phrases of the phantoms' grammar as tuples of lower-case words."""
    from lab.data.phantoms.phrases import (
        AGES,
        LOBES,
        NEGATIONS,
        NO_DEVICES,
        SEXES,
        SIZE_WORDS,
        TEMPLATES,
        VIEWS,
    )

    sizes = {word for group in SIZE_WORDS.values() for words in group.values() for word in words}
    lobes = {*LOBES.values(), *(lobe.partition(" ")[2] for lobe in LOBES.values())}
    people = [*SEXES.values(), *(f"{age} {sex}" for age, _ in AGES for sex in SEXES.values())]
    placed = [f"{before} the {side}" for before in ("on", "in") for side in ("left", "right")]
    # Half of "no effusion or pneumothorax" would say the contrary of the whole.
    denied = [text for text in TEMPLATES["no finding"] if text.startswith("no ")]
    texts = [
        *sizes, *lobes, *(f"in the {lobe}" for lobe in lobes), *people, *VIEWS.values(), *NEGATIONS.values(),
        NO_DEVICES, *placed, *denied, "with leads", "left", "right",
    ]  # fmt: skip
    return frozenset(tuple(_TOKEN.findall(text.lower())) for text in texts)


def _tidied(tokens: list[str]) -> list[str]:
    """Tokens around a gap (""): sentences without a finding, and marks and joints at their edges, are dropped."""
    out: list[str] = []
    sentence: list[str] = []
    for token in [*tokens, "."]:
        if token not in _ENDS or not token:
            sentence.append(token)
            continue
        kept = _trimmed(sentence)
        if kept and not {word.lower() for word in kept} <= _EMPTY:
            out += [kept[0][:1].upper() + kept[0][1:], *kept[1:], token]
        sentence = []
    return out


def _trimmed(sentence: list[str]) -> list[str]:
    """One sentence without the gap, and without marks and joints that have lost a side to join."""
    kept: list[str] = []
    for token in filter(None, sentence):
        loose = not _is_word(token) or token.lower() in _JOINS
        if loose and (not kept or not _is_word(kept[-1]) or kept[-1].lower() in _JOINS):
            continue
        kept.append(token)
    while kept and (not _is_word(kept[-1]) or kept[-1].lower() in _JOINS):
        kept.pop()
    return kept


def _joined(tokens: list[str]) -> str:
    """Tokens as text: a blank before words and opening brackets, none before other marks."""
    text = ""
    for token in tokens:
        apart = (_is_word(token) or token in _OPENS) and text and text[-1] not in _OPENS
        text += f" {token}" if apart else token
    return text
