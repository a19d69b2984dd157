"""Which label a prompt asks for: the words of a dataset's labels found in it, negations left out.

Used where a synthetic image carries a prompt but no label (label agreement, alignment). A prompt that
names no label gives the empty string, and such an image is left out of label metrics, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NEGATION = re.compile(r"\b(no|without|absent|free of|negative for|resolved)\b[^.;,]*$")
_NOTHING = re.compile(
    r"\b(no (acute |significant |active |focal )?(finding|findings|disease|abnormality|process)"
    r"|normal|clear lungs|unremarkable)\b"
)
_NORMAL_LABELS = ("no finding", "normal")
# Other words for the same finding, in reports on either side of the ocean.
_ALSO = {"oedema": ("edema",), "edema": ("oedema",), "nodule": ("mass",), "effusion": ("pleural fluid",)}


def prompted_label(prompt: str, labels: Sequence[str]) -> str:
    """The first of `labels` that the prompt affirms.

    Args:
        prompt: free text.
        labels: the labels of the reference dataset, in any case.

    Returns:
        A member of `labels`, or "" when the prompt affirms none of them.
    """
    text = prompt.lower()
    found: list[tuple[int, str]] = []
    for label in labels:
        places = [
            place for words in _readings(label.lower()) if (place := _affirmed(words, text)) is not None
        ]
        found += [(min(places), label)] if places else []
    if found:
        return min(found)[1]
    if _NOTHING.search(text):
        return next((label for label in labels if label.lower() in _NORMAL_LABELS), "")
    return ""


def _readings(label: str) -> list[list[str]]:
    """The ways a prompt may name a label: each is a list of phrases that all have to stand in it."""
    if label in _NORMAL_LABELS:
        return [[label]]
    # "pneumonia_bacterial" is how a table says what a prompt calls bacterial pneumonia.
    return [[label], re.findall(r"[^\W_]+", label) or [label], *([other] for other in _ALSO.get(label, ()))]


def _affirmed(phrases: list[str], text: str) -> int | None:
    """Where the first of the phrases stands, when all of them are affirmed; else None."""
    starts = []
    for phrase in phrases:
        matches = re.finditer(rf"\b{re.escape(phrase)}", text)
        kept = [
            m.start() for m in matches if phrase in _NORMAL_LABELS or not _NEGATION.search(text[: m.start()])
        ]
        if not kept:
            return None
        starts.append(kept[0])
    return min(starts)
