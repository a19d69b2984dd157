"""Words for a picture: the diagnosis, the person, and what is drawn, nothing that is not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lab.data.phantom_skin.classes import LABEL_NAMES
from lab.data.phantom_skin.scene import AREA
from lab.data.phantom_skin.structures import STRUCTURES

MOST = 4  # structures named, the most visible first
PEOPLE = {"male": "man", "female": "woman"}
ARTEFACTS = {
    "ruler": "ruler",
    "vignette": "dark corners",
    "bubbles": "gel bubbles",
    "glare": "glare",
    "ink": "marker ink",
}


def shown(seen: Mapping[str, float]) -> list[str]:
    """Names of the structures that change enough of the picture to be named, the most visible first."""
    found = [name for name in seen if STRUCTURES[name][1] and seen[name] >= AREA]
    return sorted(found, key=lambda name: -seen[name])


def caption(
    label: str,
    person: tuple[str, int, str],
    attributes: Mapping[str, str],
    structures: list[str],
    artefacts: list[str],
    rng: np.random.Generator,
) -> str:
    """One sentence.

    Args:
        person: sex, years and place of the lesion.
        attributes: asymmetry and pigment_asymmetry, "0" to "2", and border.
        structures: names as `shown` gives them.
        artefacts: words, such as "dark hair".
    """
    sex, age, site = person
    shape, pigment = attributes["asymmetry"] != "0", attributes["pigment_asymmetry"] != "0"
    parts = ["asymmetric" if shape else "asymmetric pigment" if pigment else "symmetric"]
    if attributes["border"] != "mixed" and rng.random() < 0.5:
        parts.append(f"{attributes['border']} border")
    parts += [STRUCTURES[name][1] for name in structures[:MOST]]
    parts += artefacts
    who = f"{age}-year-old {PEOPLE[sex]}"
    article = "an" if str(age).startswith("8") or age in (11, 18) else "a"
    return f"Dermoscopy of a {LABEL_NAMES[label]} on the {site} of {article} {who}, {', '.join(parts)}."
