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
        for match in re.finditer(rf"\b{re.escape(label.lower())}", text):
            if not _NEGATION.search(text[: match.start()]) or label.lower() in _NORMAL_LABELS:
                found.append((match.start(), label))
                break
    if found:
        return min(found)[1]
    if _NOTHING.search(text):
        return next((label for label in labels if label.lower() in _NORMAL_LABELS), "")
    return ""
