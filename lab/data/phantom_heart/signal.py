"""Balanced steady-state free precession: how bright a tissue is, and how its signal turns with the field's error.

The closed form of Freeman and Hill for a spin that turns by `theta` a repetition, with radio pulses of alternating
sign. Water lies on resonance; fat 3.5 ppm below, so that it usually falls into the neighbouring pass band, where the
signal has the opposite sign: a voxel that holds both goes dark, the black line between fat and muscle. Field error
of half a turn a repetition gives the dark bands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# T1 and T2 in ms at 1.5 and 3 tesla, proton density against blood.
TISSUES: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    "blood": ((1480, 220), (1800, 180), 1.08),
    "venous blood": ((1480, 170), (1800, 120), 1.12),
    "myocardium": ((980, 50), (1180, 45), 0.84),
    "muscle": ((940, 40), (1200, 34), 0.82),
    "fat": ((290, 75), (370, 65), 0.66),
    "liver": ((580, 46), (800, 38), 0.64),
    "spleen": ((1050, 72), (1300, 62), 0.86),
    "kidney": ((980, 78), (1160, 68), 0.86),
    "gut": ((1100, 75), (1350, 65), 0.85),
    "fluid": ((3000, 900), (3200, 800), 1.0),
    "marrow": ((450, 55), (560, 48), 0.55),
    "cartilage": ((1000, 42), (1150, 36), 0.7),
    "lung": ((1150, 40), (1300, 30), 0.30),
}
FAT_SHIFT = -3.5e-6 * 42.577e6  # Hz a tesla
TURNS = 720
SPREAD = 0.22  # radians a repetition, by which the field differs within a voxel


@dataclass(frozen=True)
class Sequence:
    """Field in tesla, repetition and echo time in ms, flip angle in degrees."""

    tesla: float
    tr: float
    te: float
    flip: float


def steady_state(
    sequence: Sequence, t1: float, t2: float, theta: NDArray[np.float64], flip: float | None = None
) -> NDArray[np.complex128]:
    """The transverse magnetisation at the echo, in shares of the equilibrium, for a turn `theta` a repetition."""
    alpha = np.deg2rad(sequence.flip if flip is None else flip)
    e1, e2 = np.exp(-sequence.tr / t1), np.exp(-sequence.tr / t2)
    turn = theta + np.pi  # the pulses alternate
    below = (1 - e1 * np.cos(alpha)) * (1 - e2 * np.cos(turn)) - e2 * (e1 - np.cos(alpha)) * (
        e2 - np.cos(turn)
    )
    after = (1 - e1) * np.sin(alpha) * (1 - e2 * np.exp(-1j * turn)) / below
    echo = sequence.te / sequence.tr
    return np.asarray(after * np.exp(-sequence.te / t2) * np.exp(1j * theta * echo))


def level(sequence: Sequence, tissue: str) -> float:
    """How bright a tissue is on its own resonance; fat counts at full strength, its turn comes later."""
    (t1, t2), density = _times(sequence, tissue)
    return float(density * np.abs(steady_state(sequence, t1, t2, np.zeros(1)))[0])


def profiles(
    sequence: Sequence,
) -> tuple[NDArray[np.complex64], NDArray[np.complex64], NDArray[np.complex64]]:
    """Signal over field error for blood, other water and fat, near 1 on its own resonance, mixed within a voxel.

    Returns:
        three (TURNS,) tables over -pi..pi of the turn of water; the fat table has fat's own shift in it.
    """
    theta = (np.arange(TURNS) + 0.5) / TURNS * 2 * np.pi - np.pi
    turns = np.arange(TURNS)
    within = np.exp(-0.5 * (np.minimum(turns, TURNS - turns) / TURNS * 2 * np.pi / SPREAD) ** 2)
    mixing = np.fft.fft(within / within.sum())
    shift = 2 * np.pi * FAT_SHIFT * sequence.tesla * sequence.tr / 1000
    tables = []
    for tissue, moved in (("blood", 0.0), ("myocardium", 0.0), ("fat", shift)):
        (t1, t2), _ = _times(sequence, tissue)
        own = np.abs(steady_state(sequence, t1, t2, np.zeros(1)))[0]
        exact = steady_state(sequence, t1, t2, theta + moved) / own
        tables.append(np.fft.ifft(np.fft.fft(exact) * mixing).astype(np.complex64))
    return tables[0], tables[1], tables[2]


def _times(sequence: Sequence, tissue: str) -> tuple[tuple[float, float], float]:
    low, high, density = TISSUES[tissue]
    return (low if sequence.tesla < 2 else high), density
