"""A dermoscopy prompt from choices, in the phrasing of the phantoms' captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CLASSES = {
    "Nevus": "melanocytic nevus",
    "Basal cell carcinoma": "basal cell carcinoma",
    "Benign keratosis": "benign keratosis-like lesion",
    "Melanoma": "melanoma",
    "Squamous cell carcinoma": "squamous cell carcinoma",
}
SITES = (
    "back", "lower extremity", "face", "upper extremity", "trunk", "abdomen", "chest", "neck", "scalp", "foot",
)  # fmt: skip
TONES = ("Light", "Medium", "Dark")
SYMMETRY = ("symmetric", "asymmetric pigment", "asymmetric")
BORDERS = ("sharp", "blurred")
STRUCTURES = (
    "regular network", "irregular network", "dots and globules", "irregular dots and globules",
    "cobblestone globules", "streaks", "dark blotches", "regression", "blue-grey peppering", "blue-white veil",
    "blue-grey ovoid nests", "leaf-like areas", "arborising vessels", "dotted vessels", "shiny white structures",
    "ulceration", "comedo-like openings", "milia-like cysts", "fingerprint lines", "ridges and furrows",
    "moth-eaten border", "strawberry pattern", "follicular openings", "central keratin", "crust", "scale",
    "grey-blue tinge", "redness",
)  # fmt: skip
ARTEFACTS = ("dark hair", "ruler", "dark corners", "gel bubbles", "glare", "marker ink")


@dataclass(frozen=True)
class SkinChoice:
    """What was chosen for a dermoscopic picture; every part may be left out.

    Attributes:
        lesion: a title of `CLASSES`.
        site, symmetry, border, tone: of the lists above.
        age: years.
        sex: "Female" or "Male".
        structures, artefacts: in the order they are said.
        free: words of one's own, put last.
    """

    lesion: str | None = None
    site: str | None = None
    tone: str | None = None
    symmetry: str | None = None
    border: str | None = None
    age: int | None = None
    sex: str | None = None
    structures: tuple[str, ...] = ()
    artefacts: tuple[str, ...] = ()
    free: str = ""


def compose(choice: SkinChoice) -> str:
    """One sentence, such as "Dermoscopy of a melanoma on the back of a 62-year-old man, asymmetric, streaks."."""
    if choice == SkinChoice(free=choice.free):
        return " ".join(choice.free.split())
    lesion = CLASSES.get(choice.lesion or "", "skin lesion")
    head = f"Dermoscopy of a {lesion}" + (f" on the {choice.site}" if choice.site else "")
    parts = [head + _person(choice), choice.symmetry or ""]
    parts += [f"{choice.border} border" if choice.border else "", *choice.structures, *choice.artefacts]
    parts.append(f"{choice.tone.lower()} skin" if choice.tone else "")
    text = ", ".join(part for part in parts if part) + "."
    free = " ".join(choice.free.split())
    return f"{text} {free}" if free else text


def known_words(words: Sequence[str], vocabulary: Sequence[str]) -> tuple[str, ...]:
    """Those of `words` whose every word is in the vocabulary; all where it is open (empty)."""
    if not vocabulary:
        return tuple(words)
    held = set(vocabulary)
    return tuple(w for w in words if set(w.lower().replace("-", " ").split()) <= held)


def _person(choice: SkinChoice) -> str:
    sex = {"Female": "woman", "Male": "man"}.get(choice.sex or "", "person")
    if choice.age is None:
        return f" of a {sex}" if choice.sex else ""
    article = "an" if str(choice.age).startswith("8") or choice.age in (11, 18) else "a"
    return f" of {article} {choice.age}-year-old {sex}"
