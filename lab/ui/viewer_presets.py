"""Window presets of each modality, relative to the window that was given with a film.

Radiographs carry no absolute unit as CT does, so a preset is a shift of the level and a factor of the width, both
in units of the given width: it means the same on 8 and 16 bits. Where no window was given, the grey levels between
the 0.5th and 99.5th percentile stand for it; the browser finds them. The first preset is the film as stored.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """One window on a number key: its name, level shift and width factor (both in given widths)."""

    name: str
    level: float
    spread: float


PRESETS: dict[str, tuple[Preset, ...]] = {
    "cxr": (
        Preset("As stored", 0.0, 1.0),
        Preset("Lungs", -0.14, 0.6),
        Preset("Mediastinum", 0.18, 0.5),
        Preset("Bones", 0.24, 0.72),
    ),
    "dermoscopy": (
        Preset("As photographed", 0.0, 1.0),
        Preset("More contrast", 0.0, 0.65),
        Preset("Brighter", -0.15, 0.8),
        Preset("Pigment", -0.22, 0.5),
    ),
    "cardiac": (
        Preset("As stored", 0.0, 1.0),
        Preset("Myocardium", -0.22, 0.5),
        Preset("Blood pool", 0.1, 0.7),
        Preset("Wide", 0.1, 1.5),
    ),
}
_WORDS = {"derm": "dermoscopy", "skin": "dermoscopy", "card": "cardiac", "mri": "cardiac"}


def modality_of(words: str) -> str:
    """The viewer's word for a dataset card's modality, such as "chest radiograph" or "cardiac MRI"."""
    low = words.lower()
    return next((found for part, found in _WORDS.items() if part in low), "cxr")


def presets(modality: str) -> list[dict[str, Any]]:
    """The presets of keys 1 to 4 as JSON-able data; those of a radiograph for an unknown modality."""
    return [asdict(preset) for preset in PRESETS.get(modality, PRESETS["cxr"])]
