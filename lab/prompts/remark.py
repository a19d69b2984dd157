"""What a prompt's linter says: one frozen remark a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["warning", "hint"]
Span = tuple[int, int]


@dataclass(frozen=True)
class Remark:
    """Something to know of a prompt before it is asked; never a refusal.

    Attributes:
        severity: "warning" where the picture will not be what the words say, "hint" where it may not.
        rule: which one, such as "cut words".
        text: one or two plain sentences.
        spans: (start, end) characters of the prompt it is about, in their order; empty for the whole prompt.
    """

    severity: Severity
    rule: str
    text: str
    spans: tuple[Span, ...] = ()


def listed(words: list[str], most: int = 8) -> str:
    """Words as a list, each once, cut with an ellipsis after `most`."""
    each = list(dict.fromkeys(words))
    return ", ".join(each[:most]) + (", …" if len(each) > most else "")
