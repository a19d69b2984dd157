"""The five classes: how often, on whom, where, and which structures a lesion of each shows how strongly.

Shares follow the order of SkinGenBench's table, with the rare classes raised so that every one can be measured.
Structures are those that texts on dermatoscopy name for the class; a kind is one usual combination of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LABELS = ("NV", "BCC", "BKL", "MEL", "SCC")
SHARES = (0.35, 0.20, 0.18, 0.17, 0.10)
LABEL_NAMES: dict[str, str] = {
    "NV": "melanocytic nevus",
    "BCC": "basal cell carcinoma",
    "BKL": "benign keratosis-like lesion",
    "MEL": "melanoma",
    "SCC": "squamous cell carcinoma",
}
AGES: dict[str, tuple[float, float]] = {
    "NV": (47, 13),
    "BCC": (67, 12),
    "BKL": (64, 12),
    "MEL": (62, 14),
    "SCC": (68, 11),
}
MALE = 0.56
SITES = (
    "back",
    "lower extremity",
    "face",
    "upper extremity",
    "trunk",
    "abdomen",
    "chest",
    "neck",
    "scalp",
    "foot",
)
SITE_CHANCES: dict[str, tuple[float, ...]] = {
    "NV": (0.23, 0.27, 0.02, 0.08, 0.18, 0.14, 0.01, 0.01, 0.02, 0.04),
    "BCC": (0.38, 0.13, 0.17, 0.09, 0.03, 0.03, 0.11, 0.04, 0.02, 0.0),
    "BKL": (0.21, 0.16, 0.29, 0.14, 0.04, 0.06, 0.05, 0.04, 0.01, 0.0),
    "MEL": (0.27, 0.18, 0.10, 0.22, 0.04, 0.06, 0.08, 0.03, 0.01, 0.01),
    "SCC": (0.10, 0.22, 0.36, 0.20, 0.02, 0.02, 0.03, 0.03, 0.02, 0.0),
}
DEVICE_CHANCES: dict[str, tuple[float, ...]] = {
    "NV": (0.48, 0.22, 0.09, 0.13, 0.08),
    "BCC": (0.10, 0.48, 0.16, 0.23, 0.03),
    "BKL": (0.10, 0.38, 0.30, 0.12, 0.10),
    "MEL": (0.08, 0.31, 0.35, 0.13, 0.13),
    "SCC": (0.17, 0.42, 0.19, 0.19, 0.03),
}
"""Camera of a person by class of the first lesion: public sets come from few clinics, each with diseases of its own."""

Chances = Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True)
class Kind:
    """One usual look of a class.

    Attributes:
        weight: how often within the class.
        brown: median melanin of the ground, in optical density; `spread` its log SD.
        red: median extra blood of the ground.
        irregular: 0 round, 1 bizarre outline.
        blur: width of the edge in mm, least and most.
        fill: median diameter as a share of the picture.
        patchy: how strongly colour varies inside.
        structures: name to (chance, least, most strength).
    """

    weight: float
    brown: float
    red: float
    irregular: float
    blur: tuple[float, float]
    fill: float
    patchy: float
    structures: Chances = field(default_factory=dict)
    spread: float = 0.4
    elongation: float = 0.2

    @property
    def crumbly(self) -> float:
        """How far the edge dissolves into grains."""
        return min(0.35 + 1.3 * self.irregular, 0.9)


KINDS: dict[str, tuple[Kind, ...]] = {
    "NV": (
        Kind(0.46, 1.0, 0.32, 0.16, (0.9, 2.6), 0.50, 0.35, {
            "network": (1.0, 0.35, 0.9), "dots": (0.35, 0.3, 0.7), "centre": (0.6, 0.3, 0.9),
        }),
        Kind(0.22, 1.10, 0.25, 0.12, (0.6, 1.8), 0.42, 0.22, {
            "cobblestones": (0.9, 0.5, 1.0), "dots": (0.5, 0.4, 0.8), "centre": (0.5, 0.2, 0.7),
        }),
        Kind(0.20, 1.25, 0.25, 0.22, (0.8, 2.2), 0.45, 0.30, {
            "centre": (0.8, 0.4, 1.0), "network": (0.4, 0.3, 0.6), "second_lobe": (0.3, 0.4, 0.9),
        }),
        Kind(0.12, 0.35, 0.35, 0.18, (1.1, 2.8), 0.50, 0.4, {
            "network": (0.5, 0.3, 0.5), "dotted_vessels": (0.3, 0.3, 0.6), "dots": (0.3, 0.3, 0.5),
        }),
    ),
    "BCC": (
        Kind(0.40, 0.16, 0.25, 0.45, (0.5, 1.5), 0.40, 0.6, {
            "nests": (0.7, 0.4, 1.0), "leaves": (0.5, 0.4, 1.0),
            "arborising": (0.75, 0.5, 1.0), "ulcer": (0.3, 0.4, 0.8),
            "shiny": (0.4, 0.3, 0.8), "redness": (0.5, 0.2, 0.6),
        }, 0.6),
        Kind(0.35, 0.10, 0.30, 0.35, (0.6, 1.8), 0.42, 0.5, {
            "arborising": (0.9, 0.6, 1.0), "ulcer": (0.4, 0.4, 1.0),
            "shiny": (0.6, 0.3, 0.9), "redness": (0.8, 0.3, 0.9),
            "nests": (0.3, 0.2, 0.6), "crust": (0.3, 0.4, 0.8),
        }, 0.6),
        Kind(0.25, 0.45, 0.20, 0.4, (0.3, 1.0), 0.35, 0.8, {
            "nests": (1.0, 0.8, 1.0), "leaves": (0.6, 0.5, 1.0),
            "grey": (0.5, 0.3, 0.7), "arborising": (0.5, 0.4, 0.8),
            "ulcer": (0.25, 0.4, 0.9), "dots": (0.4, 0.3, 0.7), "shiny": (0.3, 0.3, 0.7),
        }, 0.5),
    ),
    "BKL": (
        Kind(0.34, 1.0, 0.08, 0.22, (0.3, 1.1), 0.55, 0.45, {
            "milia": (0.75, 0.4, 1.0), "openings": (0.7, 0.4, 1.0),
            "ridges": (0.55, 0.4, 1.0), "grey": (0.45, 0.3, 0.8),
            "crust": (0.2, 0.3, 0.6),
        }, 0.45),
        Kind(0.36, 0.62, 0.05, 0.42, (0.4, 1.3), 0.55, 0.5, {
            "fingerprint": (0.4, 0.3, 0.7), "moth_eaten": (0.7, 0.4, 1.0), "network": (0.25, 0.3, 0.6),
            "milia": (0.25, 0.3, 0.6), "follicles": (0.4, 0.4, 0.8),
        }, 0.4),
        Kind(0.30, 0.30, 0.28, 0.4, (0.9, 2.6), 0.50, 0.6, {
            "peppering": (0.75, 0.4, 1.0), "redness": (0.5, 0.2, 0.6), "dotted_vessels": (0.25, 0.3, 0.6),
            "scale": (0.3, 0.2, 0.6), "follicles": (0.4, 0.3, 0.8),
        }, 0.5),
    ),
    "MEL": (
        Kind(0.48, 1.40, 0.10, 0.58, (0.9, 3.0), 0.55, 0.85, {
            "irregular_network": (0.8, 0.5, 1.0), "blotches": (0.9, 0.5, 1.0),
            "irregular_dots": (0.7, 0.4, 1.0),
            "streaks": (0.25, 0.4, 1.0), "veil": (0.5, 0.4, 1.0),
            "regression": (0.4, 0.4, 1.0), "peppering": (0.3, 0.3, 0.8),
        }, 0.45),
        Kind(0.27, 2.1, 0.08, 0.50, (0.6, 2.0), 0.48, 0.8, {
            "blotches": (0.9, 0.6, 1.0), "veil": (0.75, 0.5, 1.0), "irregular_dots": (0.7, 0.5, 1.0),
            "streaks": (0.3, 0.4, 1.0), "shiny": (0.3, 0.3, 0.7), "irregular_network": (0.4, 0.3, 0.7),
        }, 0.4),
        Kind(0.25, 0.65, 0.22, 0.58, (1.2, 3.2), 0.55, 0.8, {
            "regression": (0.7, 0.4, 1.0), "peppering": (0.6, 0.3, 0.9), "blotches": (0.6, 0.4, 0.9),
            "irregular_network": (0.5, 0.3, 0.7), "dotted_vessels": (0.4, 0.4, 0.8),
            "redness": (0.4, 0.3, 0.7),
            "irregular_dots": (0.4, 0.4, 0.8),
        }, 0.5),
    ),
    "SCC": (
        Kind(0.42, 0.24, 0.16, 0.4, (1.0, 2.6), 0.6, 0.6, {
            "strawberry": (0.75, 0.4, 1.0), "scale": (0.55, 0.3, 0.9), "redness": (0.8, 0.2, 0.8),
            "dotted_vessels": (0.35, 0.4, 0.9), "grey": (0.2, 0.2, 0.5),
        }, 0.5),
        Kind(0.33, 0.60, 0.12, 0.5, (0.8, 2.2), 0.55, 0.8, {
            "follicles": (0.6, 0.4, 1.0), "peppering": (0.4, 0.3, 0.8), "scale": (0.4, 0.2, 0.7),
            "redness": (0.6, 0.2, 0.7), "dots": (0.4, 0.3, 0.7), "blotches": (0.35, 0.3, 0.7),
        }, 0.5),
        Kind(0.25, 0.20, 0.20, 0.4, (0.7, 2.0), 0.5, 0.6, {
            "keratin": (0.8, 0.5, 1.0), "scale": (0.7, 0.4, 1.0), "dotted_vessels": (0.7, 0.5, 1.0),
            "redness": (0.9, 0.5, 1.0), "ulcer": (0.3, 0.3, 0.7),
        }, 0.5),
    ),
}  # fmt: skip
"""Looks by class; weights of a class add up to 1."""
