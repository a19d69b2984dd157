"""Words for the text-image model: fresh captions of a film, what they say, and captions that are wrong in one word."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lab.generators.training.wording import reworded

Record = Mapping[str, Any]
NOUNS = {
    "effusion": "pleural effusion",
    "pneumothorax": "pneumothorax",
    "cardiomegaly": "cardiomegaly",
    "consolidation": "consolidation",
    "nodule": "pulmonary nodule",
    "oedema": "pulmonary edema",
}
# Words for each rank of size, the first being the one that takes another's place.
SIZES = (
    ("small", "tiny", "minimal", "trace", "little"),
    ("moderate", "medium", "mid-sized", "moderately sized"),
    ("large", "big", "massive", "huge", "extensive"),
)
GRADES = (("mild", "slight", "borderline"), ("moderate",), ("severe", "marked", "gross"))
PRESENT_SHARE = 0.85
RANKS = {word: rank for family in (SIZES, GRADES) for rank, words in enumerate(family) for word in words}
_SIZE_WORD = re.compile(r"\b(" + "|".join(sorted(RANKS, key=len, reverse=True)) + r")\b", re.IGNORECASE)
_SIDE_WORD = re.compile(r"\b(right|left)\b", re.IGNORECASE)
_GRADED = re.compile(r"cardi|heart|edema|congestion|overload", re.IGNORECASE)
_NO_LEFT_MIDDLE = re.compile(r"\bleft (?:middle|mid)\b", re.IGNORECASE)


def fresh_caption(record: Record, rng: random.Random) -> str:
    """Another caption of the same film, in the phantoms' own words.

    Args:
        record: of a film, with findings, view, sex and age.
        rng: draws the template and what else is said.
    """
    return _caption(record["findings"], record, rng)


def claims(text: str, record: Record) -> dict[str, Any]:
    """What a caption of a film says: its findings by label, each (side, size, lobe) with "" for what is not said,
    then view, sex and age band.
    """
    from lab.data.phantoms.captions import age_word

    words = set(re.findall(r"[a-z-]+", text.lower()))
    ranks = {RANKS[word.lower()] for word in _SIZE_WORD.findall(text)}
    lateral = "lateral" in words
    said: dict[str, Any] = {}
    for finding in record["findings"]:
        size = finding["size"]
        rank = ("small", "moderate", "large").index(size) if size else -1
        place = ("", "") if lateral else (finding["side"], finding["lobe"])
        said[finding["label"]] = (place[0], size if rank in ranks else "", place[1])
    view = str(record["view"])
    band = age_word(int(record["age"]))
    return {
        "findings": said,
        "view": view if view.lower() in words else "",
        "sex": record["sex"] if words & {"woman", "man"} else "",
        "age": band if band in words else "",
    }


def fits(said: Mapping[str, Any], record: Record) -> bool:
    """Whether a caption with these claims is true of a film and names all its findings."""
    from lab.data.phantoms.captions import age_word

    shown = {f["label"]: (f["side"], f["size"], f["lobe"]) for f in record["findings"]}
    if set(shown) != set(said["findings"]):
        return False
    own = {"view": record["view"], "sex": record["sex"], "age": age_word(int(record["age"]))}
    same = all(not said[key] or said[key] == value for key, value in own.items())
    return same and all(
        not word or word == there
        for label, words in said["findings"].items()
        for word, there in zip(words, shown[label], strict=True)
    )


def swapped_sides(text: str) -> str:
    """The text with right and left exchanged; "" where it names no side. There is no left middle lobe."""
    other = {"right": "left", "left": "right"}
    if not _SIDE_WORD.search(text):
        return ""
    swapped = _SIDE_WORD.sub(lambda found: _cased(found.group(0), other[found.group(0).lower()]), text)
    return _NO_LEFT_MIDDLE.sub(lambda found: _cased(found.group(0), "left upper"), swapped)


def other_sizes(text: str) -> list[str]:
    """The text with its first size word replaced by each of the two other sizes; empty where it names none."""
    found = _SIZE_WORD.search(text)
    if found is None:
        return []
    start = max(text.rfind(".", 0, found.start()), 0)
    end = text.find(".", found.end())
    sentence = text[start : end if end >= 0 else len(text)]
    family = GRADES if _GRADED.search(sentence) else SIZES
    own = RANKS[found.group(0).lower()]
    return [
        text[: found.start()] + _cased(found.group(0), words[0]) + text[found.end() :]
        for rank, words in enumerate(family)
        if rank != own
    ]


def denied(record: Record, rng: random.Random) -> str:
    """A caption that leaves out one finding of the film and denies it, or adds one to a film that has none."""
    from dataclasses import asdict

    import numpy as np

    from lab.data.phantoms.draws import LABELS, draw_one

    findings = list(record["findings"])
    if not findings:
        drawn = draw_one(np.random.default_rng(rng.getrandbits(63)), rng.choice(LABELS))
        return _caption([asdict(drawn)], record, rng)
    gone = findings.pop(rng.randrange(len(findings)))
    text = _caption(findings, record, rng)
    noun = NOUNS.get(gone["label"], gone["label"])
    return f"{text} No {noun}." if rng.random() < 0.5 else text


def hard_negative(record: Record, text: str, rng: random.Random) -> str:
    """The film's caption made wrong: sides exchanged, another size, or a finding denied or added."""
    kinds = [denied(record, rng)]
    if record["view"] in ("AP", "PA") and (swapped := swapped_sides(text)):
        kinds += [swapped] * 2
    if sizes := other_sizes(text):
        kinds.append(rng.choice(sizes))
    return rng.choice(kinds)


def statements(record: Record, rng: random.Random) -> tuple[str, str]:
    """A short true statement about a film and the false one beside it: a finding and its denial, side or size."""
    import numpy as np

    from lab.data.phantoms.captions import phrase
    from lab.data.phantoms.draws import DEVICES, FindingSpec

    ill = [f for f in record["findings"] if f["label"] not in DEVICES]
    frontal = record["view"] in ("AP", "PA")
    if ill and rng.random() < 0.5:
        found = rng.choice(ill)
        text = phrase(FindingSpec(**found), np.random.default_rng(rng.getrandbits(63)), sided=frontal)
        wrong = ([swapped_sides(text)] * 2 if frontal else []) + other_sizes(text)
        if any(wrong):
            return text, rng.choice([one for one in wrong if one])
    present = {f["label"] for f in ill}
    absent = [label for label in NOUNS if label not in present]
    # Many films show nothing: asked evenly of the others, presence and absence are true equally often.
    shown = bool(present) and rng.random() < PRESENT_SHARE
    noun = NOUNS[rng.choice(sorted(present) if shown else absent)]
    denial = rng.choice(("no ", "no ", "no evidence of ", "without ")) + noun
    return (noun, denial) if shown else (denial, noun)


def spoken(texts: Sequence[str], rng: random.Random) -> list[str]:
    """Texts as somebody may write them: each reworded by the same draws, so that a pair differs in its own word."""
    seed = rng.getrandbits(63)
    return [reworded(text, random.Random(seed)) for text in texts]  # noqa: S311 - words, not secrets


def _caption(findings: Sequence[Mapping[str, Any]], record: Record, rng: random.Random) -> str:
    import numpy as np

    from lab.data.phantoms import FindingSpec, caption

    return caption(
        [FindingSpec(**finding) for finding in findings],
        np.random.default_rng(rng.getrandbits(63)),
        view=str(record["view"]),
        sex=str(record["sex"]),
        age=int(record["age"]),
    )


def _cased(model: str, word: str) -> str:
    return word[0].upper() + word[1:] if model[0].isupper() else word
