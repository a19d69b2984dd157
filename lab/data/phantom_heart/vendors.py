"""Four fictional makers of scanners, and how their pictures differ.

| vendor | field | contrast (flip, TR) | resolution | noise | uneven coil | edges of the field |
| --- | --- | --- | --- | --- | --- | --- |
| vendor A | 1.5 T | high (62-72 degrees, 2.9-3.3 ms) | 1.6-2.1 mm, filtered | low | mostly corrected | drawn in |
| vendor B | 1.5 T | middle (48-56, 3.4-3.9) | 1.7-2.3 mm, strongly filtered | middle | strong, not corrected | a disc |
| vendor C | 3 T | lower (34-42, 3.0-3.3), more bands | 1.3-1.8 mm, filtered | low | dark middle (B1) | none |
| vendor D | 1.5 T, older | middle (52-60, 3.6-4.2) | 2.0-2.8 mm, no filter: ringing | high | middle | none |

Patients of one vendor differ by the ranges above.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.data.phantom_heart.draws import stream
from lab.data.phantom_heart.signal import Sequence

Range = tuple[float, float]


@dataclass(frozen=True)
class Style:
    """What a vendor's scanners have in common, as ranges; lengths in mm."""

    tesla: float
    flip: Range
    tr: Range
    across: Range  # resolution along the read-out
    down: Range  # resolution along the phase encoding
    roll_off: float  # of k-space at its edge, 0 none .. 1 strong
    noise: Range  # against blood at the heart
    coil: Range  # 0 even .. 1 as received
    middle: float  # B1: how much darker the middle of the body is
    ghost: Range
    top: Range  # percentile of grey values that is shown white
    edge: str  # "none", "disc" or "drawn in"


STYLES = {
    "vendor A": Style(1.5, (62, 72), (2.9, 3.3), (1.6, 1.9), (1.7, 2.1), 0.5, (0.02, 0.045), (0.2, 0.5), 0.0,
                      (0.0, 0.02), (99.3, 99.8), "drawn in"),
    "vendor B": Style(1.5, (48, 56), (3.4, 3.9), (1.7, 2.0), (1.9, 2.3), 0.7, (0.035, 0.07), (0.9, 1.3), 0.0,
                      (0.0, 0.03), (99.5, 99.9), "disc"),
    "vendor C": Style(3.0, (34, 42), (3.0, 3.3), (1.3, 1.6), (1.4, 1.8), 0.5, (0.025, 0.05), (0.5, 0.8), 0.3,
                      (0.0, 0.025), (99.0, 99.7), "none"),
    "vendor D": Style(1.5, (52, 60), (3.6, 4.2), (2.0, 2.4), (2.2, 2.8), 0.0, (0.07, 0.13), (0.5, 0.9), 0.0,
                      (0.01, 0.04), (98.8, 99.6), "none"),
}  # fmt: skip


@dataclass(frozen=True)
class Scan:
    """One patient's examination: the numbers of its scanner and its planning. Lengths in mm, angles in radians."""

    sequence: Sequence
    vendor: str
    across: float
    down: float
    roll_off: float
    noise: float
    coil: float
    middle: float
    ghost: float
    top: float
    edge: str
    field: float
    heart: tuple[float, float]  # from the upper left corner, as a share of the field
    turn: float
    thickness: float
    spacing: float
    phase_down: bool
    shim: tuple[float, float, float, float, float, float]  # radians of turn a TR at 100 mm


def scan_of(seed: int, number: int, vendor: str) -> Scan:
    """Draw the examination of a patient on a scanner of a vendor."""
    rng = stream(seed, "vendor", number, 1)
    style = STYLES[vendor]
    draw = lambda ends: float(rng.uniform(*ends))  # noqa: E731
    tr = draw(style.tr)
    sequence = Sequence(style.tesla, tr, tr / 2, draw(style.flip))
    axial = rng.random() < 0.3
    turn = rng.normal(40, 10) if axial else rng.normal(-22, 16)
    strength = 2 * np.pi * tr / 1000 * np.sqrt(style.tesla / 1.5)  # at 3 tesla people shim with more care
    shim = rng.normal(0, (46, 88, 88, 98, 98, 98)) * strength
    spacing = float(rng.choice((8.0, 9.0, 10.0)))
    return Scan(
        sequence, vendor, draw(style.across), draw(style.down), style.roll_off, draw(style.noise), draw(style.coil),
        style.middle, draw(style.ghost) * float(rng.choice((1.0, 3.0), p=(0.8, 0.2))), draw(style.top), style.edge,
        float(rng.uniform(205, 265)),
        (float(np.clip(rng.normal(0.45, 0.05), 0.33, 0.6)), float(np.clip(rng.normal(0.46, 0.045), 0.34, 0.6))),
        float(np.deg2rad(turn)), spacing - float(rng.choice((0.0, 2.0))), spacing, bool(rng.random() < 0.6),
        tuple(float(v) for v in shim),  # type: ignore[arg-type]
    )  # fmt: skip
