"""Report-style captions in a small controlled vocabulary; the tokenizer of the generator is built from it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from lab.data.phantoms.draws import DEVICES, NO_FINDING, FindingSpec
from lab.data.phantoms.phrases import (
    AGES,
    LOBES,
    NEGATIONS,
    NO_DEVICES,
    NORMAL_BESIDE_DEVICES,
    PARTS,
    SEXES,
    SIZE_WORDS,
    TEMPLATES,
    VIEWS,
)

NEGATION_SHARE = 0.15
VIEW_SHARE = 0.25
PERSON_SHARE = 0.20
LIMIT = 29  # words and marks: with its start and end mark a caption fits the text encoder, a synonym longer or not
_TOKEN = re.compile(r"[a-z]+|[.,-]")


def _vocabulary() -> tuple[str, ...]:
    texts = [t for group in TEMPLATES.values() for t in group] + [
        *NEGATIONS.values(),
        *LOBES.values(),
        *PARTS,
    ]
    texts += [*SEXES.values(), *(word for word, _ in AGES), *VIEWS.values(), NO_DEVICES]
    texts += [w for sizes in SIZE_WORDS.values() for words in sizes.values() for w in words]
    plain = re.sub(r"\{\w+\}", " ", " ".join(texts).lower())
    return tuple(sorted(set(_TOKEN.findall(plain)) | {".", ","}))


VOCABULARY: tuple[str, ...] = _vocabulary()
"""Every lower-case word and mark a caption can hold, sorted."""


def age_word(age: int) -> str:
    """The word for an adult's age in years: young below 40, elderly from 70."""
    return next(word for word, below in AGES if age < below)


def phrase(finding: FindingSpec, rng: np.random.Generator, sided: bool = True) -> str:
    """One finding in words, lower case, no full stop; without ``sided`` it says neither right nor left."""
    templates = TEMPLATES[finding.label]
    if not sided:
        templates = tuple(t for t in templates if "the {side}" not in t)
    template = templates[int(rng.integers(len(templates)))]
    sizes = SIZE_WORDS.get(finding.label, SIZE_WORDS[""])
    words = sizes.get(finding.size, ("",))
    text = template.format(
        size=words[int(rng.integers(len(words)))],
        side=finding.side if sided else "",
        lobe=LOBES.get(finding.lobe, "") if sided else LOBES.get(finding.lobe, "").partition(" ")[2],
        mass="mass" if finding.size == "large" else "nodule",
    )
    return " ".join(text.split())


def caption(
    findings: Sequence[FindingSpec],
    rng: np.random.Generator,
    *,
    view: str = "",
    sex: str = "",
    age: int | None = None,
) -> str:
    """A caption of one to six sentences for the findings and devices of one film (none: a normal film).

    A quarter of captions name the ``view`` and a fifth the patient ("F" or "M", years); empty or None is never named.
    A view other than AP and PA counts as lateral: its captions always name it and no side.
    """
    frontal = view in ("", "AP", "PA")
    ill = [f for f in findings if f.label not in DEVICES]
    placed = [f for f in findings if f.label in DEVICES]
    phrases = [phrase(f, rng, frontal) for f in ill] or [normal(bool(placed), rng)]
    if len(phrases) == 2 and rng.random() < 0.5 and "there" not in phrases[1]:
        phrases = [f"{phrases[0]} and {phrases[1]}"]
    phrases += [phrase(f, rng, frontal) for f in placed]
    room = LIMIT - len(_TOKEN.findall(". ".join(phrases).lower() + "."))
    said = " ".join(phrases)
    for words, first in optional(findings, rng, view, sex, age):
        if words in NEGATIONS.values() and words.rpartition(" ")[2] in said:
            continue
        cost = len(_TOKEN.findall(words.lower())) + 1
        if cost <= room:
            room -= cost
            phrases = [words, *phrases] if first else [*phrases, words]
    return " ".join(p[0].upper() + p[1:] + "." for p in phrases)


def normal(beside_devices: bool, rng: np.random.Generator) -> str:
    """Words for a film without pathology."""
    if not beside_devices:
        return phrase(NO_FINDING, rng)
    return NORMAL_BESIDE_DEVICES[int(rng.integers(len(NORMAL_BESIDE_DEVICES)))]


def optional(
    findings: Sequence[FindingSpec], rng: np.random.Generator, view: str, sex: str, age: int | None
) -> list[tuple[str, bool]]:
    """Sentences a caption may hold beside its findings, the most important first, and whether each stands in front."""
    found: list[tuple[str, bool]] = []
    chance = rng.random(5)
    if view and (view not in ("AP", "PA") or chance[0] < VIEW_SHARE):
        found.append((VIEWS.get(view, VIEWS[""]), bool(chance[1] < 0.5)))
    if sex and chance[2] < PERSON_SHARE:
        years = f"{age_word(age)} " if age is not None and chance[3] < 0.75 else ""
        found.append((years + SEXES[sex], True))
    labels = {f.label for f in findings}
    absent = [text for name, text in NEGATIONS.items() if name not in labels]
    if not labels & set(DEVICES):
        absent.append(NO_DEVICES)
    if chance[4] < NEGATION_SHARE:
        found.append((absent[int(rng.integers(len(absent)))], False))
    return found
