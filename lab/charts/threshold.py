"""The draggable threshold: what the browser needs to draw three distributions and to count within a threshold.

A packet is `DTH1`, the length of a JSON header (uint32, little-endian), the header, and float64 arrays one after the
other. Counting happens in the browser, on these very arrays, so that a drag needs no server; nothing in it is markup.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.charts import theme
from lab.errors import NotComputable
from lab.provenance import digest_bytes

MAGIC = b"DTH1"
BINS = 56
HEIGHT = 300
WORDS: dict[theme.Side, str] = {
    "sample": "Samples",
    "held-out": "Held-out images (control)",
    "train": "Training images, to another patient",
}
# From the back to the front.
_DRAWN: tuple[tuple[str, theme.Side], ...] = (
    ("training", "train"),
    ("held", "held-out"),
    ("samples", "sample"),
)
Floats = NDArray[np.float64]


def exposed_at(samples: Floats, patients: NDArray[np.int64]) -> Floats:
    """The distance from which each exposed patient counts: that of its nearest sample, ascending.

    Args:
        samples: (m,) distances.
        patients: (m,) numbers of the patients matched; negative ones are left out.
    """
    nearest: dict[int, float] = {}
    for patient, distance in zip(patients.tolist(), samples.tolist(), strict=True):
        if patient >= 0:
            nearest[patient] = min(distance, nearest.get(patient, np.inf))
    return np.sort(np.array(list(nearest.values()), dtype=np.float64))


def packet(
    samples: Floats,
    patients: NDArray[np.int64],
    held_out: Floats,
    training: Floats,
    *,
    seen: int,
    held_out_patients: int,
    limit: float | None,
    threshold: float,
    detectors: int,
    title: str,
    training_word: str,
) -> bytes:
    """The bytes the browser gets.

    Args:
        samples: (m,) distances of samples to the nearest training film.
        patients: (m,) number of that film's patient, negative where the generator never saw the patient.
        held_out: (h,) of held-out films.
        training: (n,) of training films to another patient.
        seen: training patients the generator saw.
        held_out_patients: patients of the held-out films.
        limit: the calibrated threshold, None where there is none.
        threshold: where the handle stands at first.
        detectors: how many detectors a verdict joins, for the corrected p.
        title: the detector in words.
        training_word: what a training film is called: "training image" or "real training image".

    Raises:
        NotComputable: without samples, or for a distance that is not a number.
    """
    sides = {
        "samples": np.sort(samples),
        "exposed": exposed_at(samples, patients),
        "unseen": np.sort(samples[patients < 0]),
        "held": np.sort(held_out),
        "training": np.sort(training),
    }
    if not len(samples) or not all(np.isfinite(values).all() for values in sides.values()):
        raise NotComputable(
            "The distances of this audit are not whole; nothing was drawn; audit the set again."
        )
    low, high = _range(np.concatenate([samples, held_out, training]))
    header: dict[str, Any] = {
        "low": low, "high": high,
        "root": low >= 0, "bins": BINS, "height": HEIGHT, "limit": limit, "detectors": detectors,
        "seen": seen, "people": held_out_patients, "title": title, "trainingWord": training_word,
        "looks": [
            {"array": array, "name": WORDS[side], "colour": theme.MARKS[side].colour, "dash": theme.MARKS[side].dash}
            for array, side in _DRAWN
        ],
        "theme": {"danger": theme.DANGER, "text": theme.TEXT, "muted": theme.MUTED, "grid": theme.GRID,
                  "axis": theme.AXIS, "panel": theme.PANEL},
    }  # fmt: skip
    return _packed(header, sides, float(np.clip(threshold, low, high)))


def _packed(header: dict[str, Any], arrays: dict[str, Floats], threshold: float) -> bytes:
    """Header and arrays; `view` names all but the place of the handle, which a person may have moved."""
    bodies = {name: np.ascontiguousarray(values, "<f8").tobytes() for name, values in arrays.items()}
    described, offset = {}, 0
    for name, body in bodies.items():
        described[name] = {"offset": offset, "length": len(body)}
        offset += len(body)
    samples = b"".join(bodies.values())
    whole = {**header, "arrays": described}
    view = digest_bytes(digest_bytes(samples).encode() + json.dumps(whole).encode())[:24]
    text = json.dumps({**whole, "view": view, "threshold": threshold}).encode()
    return MAGIC + len(text).to_bytes(4, "little") + text + samples


def _range(values: Floats) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = 0.02 * (high - low) or 0.01
    # Non-negative distances stand on an axis of their roots: a share of the lowest is room enough there.
    return 0.8 * low if low >= 0 else low - room, high + room
