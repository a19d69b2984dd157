"""Captions as people write them: the phantoms' captions with other words for the same thing."""

from __future__ import annotations

import random
import re
from dataclasses import asdict, dataclass
from typing import Any

# Each entry: a phrase of the phantom captions and other phrases that mean the same.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "pleural effusion": ("effusion", "pleural fluid", "fluid"),
    "pneumothorax": ("ptx", "collapsed lung"),
    "cardiomegaly": ("enlarged heart", "cardiac enlargement", "enlarged cardiac silhouette"),
    "consolidation": ("pneumonia", "opacity", "airspace opacity", "infiltrate", "airspace disease"),
    "pulmonary edema": ("pulmonary oedema", "edema", "lung edema", "pulmonary congestion", "fluid overload"),
    "pulmonary oedema": ("pulmonary edema", "oedema", "lung oedema", "interstitial oedema", "edema"),
    "perihilar edema": ("perihilar oedema", "bat-wing edema", "perihilar haze", "alveolar edema"),
    "nodule": ("lesion", "lung nodule", "coin lesion", "nodular opacity"),
    "mass": ("lesion", "tumour", "tumor", "lung mass", "nodule"),
    "pacemaker": ("cardiac device", "pacer", "pacemaker generator", "cardiac implant"),
    "endotracheal tube": ("et tube", "ett", "breathing tube", "tracheal tube"),
    "nasogastric tube": ("ng tube", "ngt", "feeding tube", "gastric tube"),
    "gastric tube": ("ng tube", "nasogastric tube", "feeding tube", "enteric tube", "stomach tube"),
    "central line": ("central venous catheter", "cvc", "picc", "picc line", "central venous line"),
    "central venous catheter": ("cvc", "central line", "picc", "central catheter"),
    "support devices": ("lines or tubes", "devices", "tubes or lines", "tubes"),
    "in place": ("in situ", "present", "noted", "visible"),
    "ap view": (
        "ap",
        "ap projection",
        "frontal view",
        "frontal ap view",
        "portable ap view",
        "anteroposterior view",
    ),
    "pa view": (
        "pa",
        "pa projection",
        "frontal view",
        "frontal pa view",
        "erect pa view",
        "posteroanterior view",
    ),
    "lateral view": (
        "lateral",
        "lateral projection",
        "side view",
        "lateral chest radiograph",
        "profile view",
    ),
    "woman": ("female", "female patient", "lady"),
    "man": ("male", "male patient", "gentleman"),
    "elderly": ("old", "older"),
    "middle-aged": ("middle aged", "mid-life"),
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
    "there is": ("showing", "with", "evidence of"),
    "normal paediatric chest radiograph": ("normal", "healthy child", "normal child"),
    ", paediatric chest radiograph": ("", " in a child", ", pediatric chest x-ray", ", child"),
    "no ": ("without ", "no evidence of ", "absent "),
}
SWAP_SHARE = 0.25
ABBREVIATIONS = ("rul", "rml", "rll", "lul", "lll")
# Captions of a real set of children's films, for a generator of its own that shares this vocabulary.
CHILDREN = (
    "normal paediatric chest radiograph.",
    "bacterial pneumonia, paediatric chest radiograph.",
    "viral pneumonia, paediatric chest radiograph.",
    "pediatric child children frontal",
)
VIEWS = ("AP", "PA", "LATERAL")
VIEW_CHANCES = (0.34, 0.46, 0.20)


def reworded(caption: str, rng: random.Random) -> str:
    """The caption in lower case with some phrases swapped for others of the same meaning."""
    text = caption.lower()
    for phrase, others in SYNONYMS.items():
        if phrase in text and rng.random() < SWAP_SHARE:
            edge = r"\b" if phrase[0].isalpha() else ""
            swap = rng.choice(others)
            text = re.sub(
                rf"{edge}{re.escape(phrase.strip())}\b", swap.rstrip() if swap else "", text, count=1
            )
    if rng.random() < 0.3:
        text = text.replace(".", "").replace(",", "")
    return " ".join(text.split())


def vocabulary() -> tuple[str, ...]:
    """All words the text encoder is trained on: the phantoms', the synonyms and those of children's films."""
    from lab.data.phantoms import VOCABULARY

    words = set(VOCABULARY) | set(re.findall(r"[a-z]+|[^\sa-z]", " ".join(CHILDREN)))
    for phrase, others in SYNONYMS.items():
        for text in (phrase, *others):
            words |= set(re.findall(r"[a-z]+|[^\sa-z]", text))
    return tuple(sorted(words))


@dataclass(frozen=True)
class DrawnCaption:
    """A caption without a film, and what it is about.

    Attributes:
        findings: the pathologies, then the devices, each with label, side, size, lobe.
        view: "AP", "PA" or "LATERAL" where the caption names it, else "".
        sex: "F" or "M" where the caption names it, else "".
        age: in years where the caption has a word for it, else None.
        text: the caption.
    """

    findings: list[dict[str, Any]]
    view: str
    sex: str
    age: int | None
    text: str


def drawn_caption(rng: random.Random) -> DrawnCaption:
    """Findings, view, sex and age and a caption for them, drawn as the phantoms draw theirs; no film belongs to it."""
    import numpy as np

    from lab.data.phantoms import caption
    from lab.data.phantoms.draws import draw_findings
    from lab.data.phantoms.phrases import AGES

    source = np.random.default_rng(rng.getrandbits(63))
    view = VIEWS[int(source.choice(len(VIEWS), p=VIEW_CHANCES))]
    sex, age = "FM"[int(source.integers(2))], int(source.integers(19, 93))
    findings = draw_findings(source, view)
    text = caption(findings, source, view=view, sex=sex, age=age)
    said = set(re.findall(r"[a-z-]+", text.lower()))
    return DrawnCaption(
        [asdict(finding) for finding in findings],
        view if f"{view} view".lower() in text.lower() else "",
        sex if said & {"woman", "man"} else "",
        age if said & {word for word, _ in AGES} else None,
        text,
    )
