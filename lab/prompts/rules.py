"""Rules about one generator's reading of a prompt: removed names, sides, words it never saw, and "no"."""

from __future__ import annotations

import re

from lab.generators.card import GeneratorCard
from lab.prompts.mentions import DEVICES, mentions
from lab.prompts.remark import Remark, listed

_MARK = re.compile(r"_{2,}|\[\*\*.*?\*\*\]|\bXXXX+\b")
_SIDED = re.compile(r"\b(?:left|right)(?:[- ]sided)?\b|\b[RL][UML]L\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+", re.UNICODE)


def marks(prompt: str, card: GeneratorCard) -> list[Remark]:
    """Marks that stand where a report's names and dates were removed."""
    spans = tuple(hit.span() for hit in _MARK.finditer(prompt))
    if not spans:
        return []
    text = (
        f"{prompt[slice(*spans[0])]} stands where a report's text was removed; the generator reads it as a word. "
        "Leave it out."
    )
    return [Remark("warning", "removed text", text, spans)]


def sides(prompt: str, card: GeneratorCard) -> list[Remark]:
    """Left and right, for a checkpoint that was trained with mirrored films."""
    spans = tuple(hit.span() for hit in _SIDED.finditer(prompt))
    if not card.flipped or not spans:
        return []
    text = (
        "This generator was trained with mirrored films, so left and right mean little to it: the finding may come "
        "out on either side."
    )
    return [Remark("warning", "left and right", text, spans)]


def unseen(prompt: str, card: GeneratorCard) -> list[Remark]:
    """Words outside the vocabulary; where a generator knows captions only, any other text."""
    text = prompt.strip()
    if card.captions and text and text not in card.captions:
        return [
            Remark(
                "hint",
                "other captions",
                f"This generator was trained on {len(card.captions)} captions only; other words are read, but they "
                "mean nothing to it.",
            )
        ]
    if not card.vocabulary:
        return []
    held = set(card.vocabulary)
    hits = [hit for hit in _WORD.finditer(prompt) if hit.group().lower() not in held]
    if not hits:
        return []
    words = listed([hit.group() for hit in hits])
    return [
        Remark(
            "warning",
            "unseen words",
            f"This generator has never seen: {words}. What they do to the picture is chance.",
            tuple(hit.span() for hit in hits),
        )
    ]


def negation(prompt: str, card: GeneratorCard) -> list[Remark]:
    """Denied findings, for general text encoders: they are known to draw what "no" rules out."""
    if card.vocabulary:
        return []
    spans = tuple(m.span for m in mentions(prompt) if m.denied and m.name not in DEVICES)
    if not spans:
        return []
    words = listed([prompt[slice(*span)] for span in spans])
    return [
        Remark(
            "hint",
            "negation",
            f"Text encoders of this kind read “no” poorly and may draw {words} all the same. Leaving it out is safer.",
            spans,
        )
    ]
