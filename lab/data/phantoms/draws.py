"""Which findings a film shows and how large they are: the words first, then the continuous numbers behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.errors import DatasetError

LABELS = ("effusion", "pneumothorax", "cardiomegaly", "consolidation", "nodule", "oedema")
DEVICES = ("pacemaker", "endotracheal tube", "gastric tube", "central line")
SIDES = ("right", "left")
SIZES = ("small", "moderate", "large")
LOBES_OF = {"right": ("RUL", "RML", "RLL"), "left": ("LUL", "LLL")}
SIDED = ("effusion", "pneumothorax", "consolidation", "nodule", "pacemaker", "central line")
WITH_LOBE = ("consolidation", "nodule")
OPPOSITE = {"RUL": "LUL", "RML": "LUL", "RLL": "LLL", "LUL": "RUL", "LLL": "RLL"}

FINDING_SHARE = 0.85
SECOND_SHARE = 0.13
FLOODED_SHARE = 0.6  # of severe oedemas come with an effusion
DEVICE_SHARE = {"AP": 0.42, "PA": 0.15}
COMPANION_SHARE = 0.35
PARTNERS: dict[str, tuple[str, ...]] = {
    "effusion": ("cardiomegaly", "consolidation", "nodule"),
    "pneumothorax": ("effusion", "nodule"),
    "cardiomegaly": ("effusion", "oedema"),
    "consolidation": ("effusion", "cardiomegaly"),
    "nodule": ("effusion", "consolidation"),
    "oedema": ("effusion", "cardiomegaly"),
}
# Chances of each of DEVICES: bed-bound patients have tubes and lines, walking ones pacemakers and ports.
DEVICE_CHANCES = {"AP": (0.16, 0.30, 0.22, 0.32), "PA": (0.55, 0.03, 0.12, 0.30)}
COMPANIONS = {
    "endotracheal tube": ("gastric tube", "central line"),
    "gastric tube": ("endotracheal tube", "central line"),
    "central line": ("endotracheal tube", "gastric tube"),
    "pacemaker": ("central line",),
}


@dataclass(frozen=True)
class FindingSpec:
    """One finding or device. ``side`` is the patient's.

    ``label`` is one of ``LABELS``, ``DEVICES`` or "no finding". ``side``, ``size`` and ``lobe`` are empty where they
    do not apply: cardiomegaly and oedema have no side, devices no size, only consolidation and nodule a lobe.
    """

    label: str
    side: str = ""
    size: str = ""
    lobe: str = ""


NO_FINDING = FindingSpec("no finding")


@dataclass(frozen=True)
class Shape:
    """The continuous numbers behind a finding's size word. ``jitter``: three numbers in -1..1."""

    heart_ratio: float | None
    shift: float
    extent: float
    jitter: tuple[float, float, float]


def draw_findings(rng: np.random.Generator, view: str = "PA") -> tuple[FindingSpec, ...]:
    """The pathologies of a film, then its devices.

    85 % of films have a pathology, uniform over label, side, size and lobe; some 13 % have a second one that goes with
    it. Devices come independently of that, more often where ``view`` is "AP".
    """
    return draw_pathologies(rng) + draw_devices(rng, view)


def draw_pathologies(rng: np.random.Generator) -> tuple[FindingSpec, ...]:
    """None, one or two of ``LABELS``."""
    if rng.random() >= FINDING_SHARE:
        return ()
    first = draw_one(rng, LABELS[int(rng.integers(len(LABELS)))])
    flooded = first.label == "oedema" and first.size == "large"
    if rng.random() >= (FLOODED_SHARE if flooded else SECOND_SHARE):
        return (first,)
    partners = PARTNERS[first.label]
    second = draw_one(rng, partners[int(rng.integers(len(partners)))])
    if flooded:
        second = FindingSpec("effusion", SIDES[int(rng.integers(2))], "small")
    elif first.label == "oedema" and second.label == "effusion":
        # Fluid beside a milder oedema would contradict the grading of oedema.
        second = FindingSpec("cardiomegaly", "", second.size)
    return (first, apart(first, second))


def apart(first: FindingSpec, second: FindingSpec) -> FindingSpec:
    """The second finding, on the other side where it and the first would hide a nodule."""
    if "nodule" not in (first.label, second.label) or not second.side or first.side != second.side:
        return second
    side = SIDES[1 - SIDES.index(second.side)]
    return FindingSpec(second.label, side, second.size, OPPOSITE.get(second.lobe, ""))


def number_of(finding: FindingSpec) -> int:
    """The place of a finding's label among ``LABELS`` and ``DEVICES``: the address of its random numbers.

    Raises:
        DatasetError: when no such finding can be rendered, or its side, size or lobe is missing.
    """
    whole = (
        finding.label in (*LABELS, *DEVICES)
        and (finding.side in SIDES or finding.label not in SIDED)
        and (finding.size in SIZES or finding.label not in LABELS)
        and (finding.label not in WITH_LOBE or finding.lobe in LOBES_OF[finding.side])
    )
    if not whole:
        raise DatasetError(
            f"A film cannot show {finding}; nothing was rendered; name a known finding with its side, size and lobe."
        )
    return (*LABELS, *DEVICES).index(finding.label)


def draw_devices(rng: np.random.Generator, view: str) -> tuple[FindingSpec, ...]:
    """None, one or two of ``DEVICES``."""
    bedside = "AP" if view == "AP" else "PA"
    if rng.random() >= DEVICE_SHARE[bedside]:
        return ()
    first = draw_one(rng, DEVICES[int(rng.choice(len(DEVICES), p=DEVICE_CHANCES[bedside]))])
    if bedside == "PA" or rng.random() >= COMPANION_SHARE:
        return (first,)
    others = COMPANIONS[first.label]
    return (first, draw_one(rng, others[int(rng.integers(len(others)))]))


def draw_one(rng: np.random.Generator, label: str) -> FindingSpec:
    """One finding of a given kind with side, size and lobe drawn uniformly, as far as it has them."""
    side = SIDES[int(rng.integers(2))]
    size = SIZES[int(rng.integers(3))]
    lobes = LOBES_OF[side]
    lobe = lobes[int(rng.integers(len(lobes)))]
    return FindingSpec(
        label,
        side if label in SIDED else "",
        size if label in LABELS else "",
        lobe if label in WITH_LOBE else "",
    )


def draw_shape(finding: FindingSpec, rng: np.random.Generator) -> Shape:
    """How large exactly.

    ``extent`` means: height share of an effusion, collapse factor of a pneumothorax, radius in cm of a consolidation
    or nodule, filled share of the air spaces in oedema, 0..1 along the range of courses of a device.
    """
    rank = SIZES.index(finding.size) if finding.size else 0
    u = float(rng.random())
    jitter = (float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1)))
    push = -1.0 if finding.side == "left" else 1.0
    if finding.label == "cardiomegaly":
        return Shape(((0.535, 0.60, 0.675)[rank]) + 0.03 * u, 0.0, 0.0, jitter)
    if finding.label == "oedema":
        # Often a slightly large heart, below what counts as cardiomegaly.
        heart = 0.50 + 0.03 * u if jitter[2] > -0.4 else None
        return Shape(heart, 0.0, (0.26, 0.45, 0.66)[rank] + (0.05, 0.07, 0.09)[rank] * u, jitter)
    if finding.label == "effusion":
        low, span = ((0.02, 0.08), (0.27, 0.13), (0.60, 0.20))[rank]
        return Shape(None, push * (0.0, 0.3, 1.3)[rank] * u, low + span * u, jitter)
    if finding.label == "pneumothorax":
        high, span = ((0.78, 0.04), (0.58, 0.08), (0.32, 0.10))[rank]
        return Shape(None, push * (0.0, 0.3, 1.4)[rank] * u, high - span * u, jitter)
    if finding.label == "nodule":
        return Shape(None, 0.0, (1.12, 1.55, 2.30)[rank] + (0.12, 0.18, 0.45)[rank] * u, jitter)
    if finding.label in DEVICES:
        return Shape(None, 0.0, u, jitter)
    return Shape(None, 0.0, (2.9, 4.2, 5.8)[rank] + (0.4, 0.6, 1.0)[rank] * u, jitter)
