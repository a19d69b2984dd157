"""Text in a prompt that could name a patient: prompts are stored with their runs and inside every PNG."""

from __future__ import annotations

import re

from lab.prompts.remark import Remark, Span

RULE = "patient"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = re.compile(
    r"\b\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b|\b\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b|"
    rf"\b\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}(?: \d{{2,4}})?\b|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\b(?:mrn|accession|patient (?:id|number|no)|medical record(?: number)?|nhs|ssn|case (?:id|number|no))\b"
    r"[\s.:#]*[A-Z0-9-]*\d[A-Z0-9-]*|\b[A-Z]{0,3}\d{6,}\b|\b\d{3}-\d{2}-\d{4}\b",
    re.IGNORECASE,
)
_CONTACT = re.compile(
    r"\b[\w.+-]+@[\w-]+\.[\w.]+\b|(?<!\w)\+?\d{2,4}[ -]\d{3,4}[ -]\d{3,4}(?:[ -]\d{2,4})?\b"
)
_TITLED = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir)\b\.? +[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?|"
    r"\b[Nn]ame(?:d|:)? *:? *[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?|\b[Pp]atient:? [A-Z][a-z'’-]+ [A-Z][a-z'’-]+"
)
# Two capitals in the middle of a sentence look like a name, unless they are the names of devices and signs.
_PAIR = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,} [A-Z][a-z]{2,}\b")
_NOT_NAMES = frozenset(
    [
        "swan", "ganz", "kerley", "hickman", "port", "cath", "chest", "right", "left", "upper", "lower", "middle",
        "lobe", "hampton", "hump", "westermark", "dobhoff", "blakemore", "pleural", "lateral", "view", "cine", "axis",
    ]
)  # fmt: skip
_OLD = re.compile(r"\b(9\d|1[0-2]\d)(?=[- ]?years?[- ]old|[- ]?y/?o\b)", re.IGNORECASE)


def identifying(prompt: str) -> list[Remark]:
    """Warnings about dates, record numbers, contacts and names."""
    checks = (
        ("a date", _spans(_DATE, prompt)),
        ("a record number", _spans(_NUMBER, prompt)),
        ("a way to reach a person", _spans(_CONTACT, prompt)),
        ("a name", _names(prompt)),
        ("an age over 89", _spans(_OLD, prompt)),
    )
    what = [(words, spans) for words, spans in checks if spans]
    if not what:
        return []
    told = " and ".join(words for words, _ in what)
    return [
        Remark(
            "warning",
            RULE,
            f"This looks like {told}, which could identify a patient. The prompt is stored with the run and inside "
            "every PNG: take it out.",
            tuple(sorted({span for _, spans in what for span in spans})),
        )
    ]


def _spans(pattern: re.Pattern[str], prompt: str) -> list[Span]:
    return [hit.span() for hit in pattern.finditer(prompt)]


def _names(prompt: str) -> list[Span]:
    paired = [
        hit.span() for hit in _PAIR.finditer(prompt) if not set(hit.group().lower().split()) & _NOT_NAMES
    ]
    return _spans(_TITLED, prompt) + paired
