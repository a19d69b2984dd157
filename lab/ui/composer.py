"""The words of a prompt from three choices, in the phrasing of a report; free text stays free."""

from __future__ import annotations

FINDINGS = ("No finding", "Effusion", "Pneumothorax", "Consolidation", "Cardiomegaly")
SIDES = ("Right", "Left")
SIZES = ("Small", "Moderate", "Large")
_SEVERITY = {"Small": "mild", "Moderate": "moderate", "Large": "severe"}


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
    elif finding == "Cardiomegaly":
        words = f"{_SEVERITY.get(size or '', '')} cardiomegaly"
    elif finding == "Consolidation":
        words = f"{small} consolidation" + (f" in the {where} lower lobe" if where else "")
    else:
        name = "pleural effusion" if finding == "Effusion" else "pneumothorax"
        words = f"{small} {where} {name}"
    text = " ".join(words.split())
    return text[:1].upper() + text[1:] + "."


def takes(finding: str | None) -> tuple[bool, bool]:
    """Whether a finding has a side, and whether it has a size."""
    return finding not in (None, "No finding", "Cardiomegaly"), finding not in (None, "No finding")
