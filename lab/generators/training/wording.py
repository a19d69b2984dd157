"""Captions as people write them: the phantoms' captions with other words for the same thing."""

from __future__ import annotations

import random
import re
from typing import Any

# Each entry: a phrase of the phantom captions and other phrases that mean the same.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "pleural effusion": ("effusion", "pleural fluid", "fluid"),
    "pneumothorax": ("ptx", "collapsed lung"),
    "cardiomegaly": ("enlarged heart", "cardiac enlargement", "enlarged cardiac silhouette"),
    "consolidation": ("pneumonia", "opacity", "airspace opacity", "infiltrate", "airspace disease"),
    "small": ("tiny", "minimal", "trace", "mild", "little"),
    "moderate": ("medium", "mid-sized", "moderately sized"),
    "large": ("big", "massive", "huge", "extensive", "severe"),
    "mild": ("slight", "borderline", "small"),
    "severe": ("gross", "massive", "large"),
    "on the right": ("of the right side", "right sided", "in the right chest"),
    "on the left": ("of the left side", "left sided", "in the left chest"),
    "right pleural": ("right-sided pleural", "right sided pleural"),
    "left pleural": ("left-sided pleural", "left sided pleural"),
    "right pneumothorax": ("right-sided pneumothorax",),
    "left pneumothorax": ("left-sided pneumothorax",),
    "upper lobe": ("upper zone", "apex"),
    "middle lobe": ("mid zone", "middle zone"),
    "lower lobe": ("lower zone", "base"),
    "no acute finding": (
        "no finding",
        "normal",
        "healthy chest",
        "unremarkable",
        "no abnormality",
        "negative",
    ),
    "normal chest radiograph": ("normal chest x-ray", "normal film", "unremarkable chest radiograph"),
    "there is a": ("showing", "with", "chest radiograph with", "chest x-ray with", "evidence of"),
    "no ": ("without ", "no evidence of ", "absent "),
}
SWAP_SHARE = 0.25
ABBREVIATIONS = ("rul", "rml", "rll", "lul", "lll")


def reworded(caption: str, rng: random.Random) -> str:
    """The caption in lower case with some phrases swapped for others of the same meaning."""
    text = caption.lower()
    for phrase, others in SYNONYMS.items():
        if phrase in text and rng.random() < SWAP_SHARE:
            text = re.sub(rf"\b{re.escape(phrase.strip())}\b", rng.choice(others).strip(), text, count=1)
    if rng.random() < 0.3:
        text = text.replace(".", "").replace(",", "")
    return " ".join(text.split())


def vocabulary() -> tuple[str, ...]:
    """All words the text encoder is trained on: those of the phantom captions and the synonyms."""
    from lab.data.phantoms import VOCABULARY

    words = set(VOCABULARY)
    for phrase, others in SYNONYMS.items():
        for text in (phrase, *others):
            words |= set(re.findall(r"[a-z]+|[^\sa-z]", text))
    return tuple(sorted(words))


def drawn_caption(rng: random.Random) -> tuple[list[dict[str, Any]], str]:
    """Findings and a caption for them, drawn as the phantoms draw theirs; no film belongs to it."""
    import dataclasses

    import numpy as np

    from lab.data.phantoms import caption
    from lab.data.phantoms.findings import draw_findings

    source = np.random.default_rng(rng.getrandbits(63))
    findings = draw_findings(source)
    return [dataclasses.asdict(finding) for finding in findings], caption(findings, source)
