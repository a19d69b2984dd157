"""The 14 CheXpert findings: from a row of numbers, or from a dictionary written as text, to labels."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping

from lab.data.sources.contract import Choice

FINDINGS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum", "Fracture", "Lung Lesion",
    "Lung Opacity", "No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia", "Pneumothorax", "Support Devices",
)  # fmt: skip
"""Names of the labels, in alphabetical order."""

AS_NEGATIVE, AS_POSITIVE, LEFT_OUT = "uncertain is negative", "uncertain is positive", "uncertain left out"
UNCERTAIN = Choice(
    "uncertain",
    "Uncertain findings",
    (AS_NEGATIVE, AS_POSITIVE, LEFT_OUT),
    "What a finding marked -1 counts as; the last leaves its image out. A blank finding was not mentioned: negative.",
)
_MAX_TEXT = 2_000
_BY_NAME = {name.lower().replace(" ", "").replace("_", ""): name for name in FINDINGS}


def labels_of(values: Mapping[str, str], uncertain: str) -> list[str] | None:
    """The findings of an image.

    Args:
        values: finding to "1", "0", "-1" (also "1.0" and the like) or "" where it was not mentioned.
        uncertain: one of the values of `UNCERTAIN`.

    Returns:
        the positive findings in alphabetical order, or `None` where an uncertain one leaves the image out.
    """
    found = []
    for name in FINDINGS:
        text = values.get(name)
        if not text:
            continue
        value = _number(text)
        if value == -1 and uncertain == LEFT_OUT:
            return None
        if value == 1 or (value == -1 and uncertain == AS_POSITIVE):
            found.append(name)
    return found


def parse_labels(text: str) -> dict[str, str]:
    """A dictionary of findings written as text, as Python or as JSON; {} for anything else.

    Nothing is evaluated but literals, and no text above 2,000 characters is looked at.
    """
    if not text or len(text) > _MAX_TEXT or not text.lstrip().startswith("{"):
        return {}
    try:
        value = ast.literal_eval(text.replace(": nan", ": None"))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return {}
    return named_labels(value) if isinstance(value, dict) else {}


def named_labels(values: Mapping[object, object]) -> dict[str, str]:
    """Findings of a dictionary under their usual spelling, values as text; other keys are passed over."""
    found = {}
    for key, value in values.items():
        name = _BY_NAME.get(str(key).lower().replace(" ", "").replace("_", ""))
        if name is not None and (value is None or isinstance(value, int | float | str)):
            found[name] = "" if value is None else str(value)
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
