"""The words of a prompt from three choices, in the phrasing of a report; free text stays free."""

from __future__ import annotations

from collections.abc import Sequence

# Each finding on the screen, and the word a generator has to know to be asked for it.
WORDS = {
    "No finding": "finding",
    "Effusion": "effusion",
    "Pneumothorax": "pneumothorax",
    "Consolidation": "consolidation",
    "Nodule": "nodule",
    "Cardiomegaly": "cardiomegaly",
    "Oedema": "edema",
}
FINDINGS = tuple(WORDS)
SIDES = ("Right", "Left")
SIZES = ("Small", "Moderate", "Large")
_SEVERITY = {"Small": "mild", "Moderate": "moderate", "Large": "severe"}
_GRADED = {"Cardiomegaly": "cardiomegaly", "Oedema": "pulmonary edema"}
_LOBE = {"Consolidation": "lower lobe", "Nodule": "upper lobe"}


def findings_of(vocabulary: Sequence[str]) -> tuple[str, ...]:
    """The findings a generator knows the word for; all of them when its vocabulary is open (empty)."""
    return tuple(name for name, word in WORDS.items() if not vocabulary or word in vocabulary)


def compose(finding: str, side: str | None = None, size: str | None = None) -> str:
    """A prompt in report style.

    Args:
        finding: one of `FINDINGS`.
        side: the patient's side, or None.
        size: one of `SIZES`, or None.

    Returns:
        One sentence with a capital and a full stop.
    """
    small, where = (size or "").lower(), (side or "").lower()
    if finding == "No finding":
        words = "no acute finding"
    elif finding in _GRADED:
        words = f"{_SEVERITY.get(size or '', '')} {_GRADED[finding]}"
    elif finding in _LOBE:
        words = f"{small} {finding.lower()}" + (f" in the {where} {_LOBE[finding]}" if where else "")
    else:
        name = "pleural effusion" if finding == "Effusion" else "pneumothorax"
        words = f"{small} {where} {name}"
    text = " ".join(words.split())
    return text[:1].upper() + text[1:] + "."


def takes(finding: str | None) -> tuple[bool, bool]:
    """Whether a finding has a side, and whether it has a size."""
    return finding not in (None, "No finding", *_GRADED), finding not in (None, "No finding")
