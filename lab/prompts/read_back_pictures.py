"""From a dermoscopy or cardiac prompt back to the choices that make it."""

from __future__ import annotations

import re
from typing import Any

from lab.prompts import heart, skin
from lab.prompts.heart import HeartChoice
from lab.prompts.skin import SkinChoice

_PERSON = r"(?: of an? (?:(?P<age>\d{1,2})-year-old )?(?P<sex>man|woman|person))?"
_SKIN = re.compile(
    rf"Dermoscopy of a (?P<lesion>{'|'.join(map(re.escape, (*skin.CLASSES.values(), 'skin lesion')))})"
    rf"(?: on the (?P<site>{'|'.join(skin.SITES)}))?{_PERSON}"
)
_SLICE = re.compile(r"(?:(?P<slice>\w+) slice)? ?(?:at (?P<phase>[\w-]+))?")
_EJECTION = re.compile(r"ejection fraction (\d{1,2}) %")


def read_skin(text: str) -> SkinChoice | None:
    """The choices that make exactly this dermoscopy prompt; None for none."""
    said, _, free = text.partition(". ")
    head, *parts = said.removesuffix(".").split(", ")
    found = _SKIN.fullmatch(head)
    if found is None:
        return None
    lesions = {words: title for title, words in skin.CLASSES.items()}
    age = found["age"]
    told: dict[str, Any] = {
        "lesion": lesions.get(found["lesion"]), "site": found["site"], "age": None if age is None else int(age),
        "sex": {"man": "Male", "woman": "Female"}.get(found["sex"] or ""), "free": free, "structures": (),
        "artefacts": (),
    }  # fmt: skip
    tones, borders = (
        {f"{tone.lower()} skin": tone for tone in skin.TONES},
        {f"{one} border": one for one in skin.BORDERS},
    )
    for part in parts:
        if part in skin.SYMMETRY:
            told["symmetry"] = part
        elif part in borders:
            told["border"] = borders[part]
        elif part in tones:
            told["tone"] = tones[part]
        elif part in skin.STRUCTURES:
            told["structures"] += (part,)
        elif part in skin.ARTEFACTS:
            told["artefacts"] += (part,)
        else:
            return None
    choice = SkinChoice(**told)
    return choice if skin.compose(choice) == text else None


def read_heart(text: str) -> HeartChoice | None:
    """The choices that make exactly this cardiac prompt; None for none."""
    said, _, free = text.partition(". ")
    head, *parts = said.removesuffix(".").split(", ")
    diseases = {words: title for title, words in heart.DISEASES.items()}
    phases = {words: title for title, words in heart.PHASES.items()}
    told: dict[str, Any] = {"free": free}
    for part in parts:
        place, ejection = _SLICE.fullmatch(part), _EJECTION.fullmatch(part)
        if place and (place["slice"] or place["phase"]):
            told |= {
                "slice": (place["slice"] or "").title() or None,
                "phase": phases.get(place["phase"] or ""),
            }
        elif part in diseases:
            told["disease"] = diseases[part]
        elif ejection:
            told["ejection"] = int(ejection[1])
        elif part.startswith("vendor "):
            told["vendor"] = part
        else:
            return None
    choice = HeartChoice(**told)
    return choice if head == "Short-axis cine MRI" and heart.compose(choice) == text else None
