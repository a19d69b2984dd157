"""Report-style captions in a small controlled vocabulary; the tokenizer of the generator is built from it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from lab.data.phantoms.findings import NO_FINDING, FindingSpec

SIZE_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "cardiomegaly": {"small": ("mild",), "moderate": ("moderate",), "large": ("severe", "marked")},
    "": {"small": ("small",), "moderate": ("moderate",), "large": ("large",)},
}
LOBES: dict[str, str] = {
    "RUL": "right upper lobe",
    "RML": "right middle lobe",
    "RLL": "right lower lobe",
    "LUL": "left upper lobe",
    "LLL": "left lower lobe",
}
TEMPLATES: dict[str, tuple[str, ...]] = {
    "effusion": (
        "{size} {side} pleural effusion",
        "{size} {side} pleural effusion",
        "{size} pleural effusion on the {side}",
        "there is a {size} {side} pleural effusion",
        "{side} pleural effusion, {size}",
        "{side} pleural effusion",
    ),
    "pneumothorax": (
        "{size} {side} pneumothorax",
        "{size} {side} pneumothorax",
        "{size} pneumothorax on the {side}",
        "there is a {size} {side} pneumothorax",
        "{side} pneumothorax, {size}",
        "{side} pneumothorax",
    ),
    "cardiomegaly": (
        "{size} cardiomegaly",
        "{size} cardiomegaly",
        "{size} enlargement of the heart",
        "there is {size} cardiomegaly",
        "the heart is enlarged, {size}",
        "cardiomegaly",
    ),
    "consolidation": (
        "{size} consolidation in the {lobe}",
        "{size} consolidation in the {lobe}",
        "{size} {lobe} consolidation",
        "there is a {size} consolidation in the {lobe}",
        "{lobe} consolidation, {size}",
        "consolidation in the {lobe}",
    ),
    "no finding": (
        "no acute finding",
        "no acute finding",
        "normal chest radiograph",
        "clear lungs, normal heart size",
        "no acute cardiopulmonary abnormality",
        "no pleural effusion or pneumothorax",
    ),
}
NEGATIONS: dict[str, str] = {
    "effusion": "no pleural effusion",
    "pneumothorax": "no pneumothorax",
    "cardiomegaly": "normal heart size",
    "consolidation": "no consolidation",
}
NEGATION_SHARE = 0.15
_PARTS = (
    "finding",
    "and",
    "with",
    "right",
    "left",
    "clear",
    "lungs",
    "heart",
    "size",
    "normal",
    "no",
    "small",
    "moderate",
    "large",
)


def _vocabulary() -> tuple[str, ...]:
    texts = (
        [t for group in TEMPLATES.values() for t in group]
        + list(NEGATIONS.values())
        + list(LOBES.values())
        + list(_PARTS)
    )
    texts += [w for sizes in SIZE_WORDS.values() for words in sizes.values() for w in words]
    plain = re.sub(r"\{\w+\}", " ", " ".join(texts))
    return tuple(sorted(set(re.findall(r"[a-z]+|[.,]", plain)) | {".", ","}))


VOCABULARY: tuple[str, ...] = _vocabulary()
"""Every lower-case word and mark a caption can hold, sorted."""


def phrase(finding: FindingSpec, rng: np.random.Generator) -> str:
    """One finding in words, lower case, no full stop."""
    templates = TEMPLATES[finding.label]
    template = templates[int(rng.integers(len(templates)))]
    sizes = SIZE_WORDS.get(finding.label, SIZE_WORDS[""])
    words = sizes.get(finding.size, ("",))
    return template.format(
        size=words[int(rng.integers(len(words)))], side=finding.side, lobe=LOBES.get(finding.lobe, "")
    )


def caption(findings: Sequence[FindingSpec], rng: np.random.Generator) -> str:
    """A caption of one to three sentences for the findings of one film (none: a normal film)."""
    phrases = [phrase(f, rng) for f in findings] or [phrase(NO_FINDING, rng)]
    if len(phrases) == 2 and rng.random() < 0.5 and "there" not in phrases[1]:
        phrases = [f"{phrases[0]} and {phrases[1]}"]
    absent = [text for name, text in NEGATIONS.items() if name not in {f.label for f in findings}]
    if findings and rng.random() < NEGATION_SHARE:
        phrases.append(absent[int(rng.integers(len(absent)))])
    return " ".join(p[0].upper() + p[1:] + "." for p in phrases)
