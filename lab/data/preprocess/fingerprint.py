"""Were two sets made by the same pipeline? What JPEG and resampling leave in the pixels, compared between sets.

A distance between real pictures and samples also measures how each was shrunk and stored. Two traces are read:
- *blocking*: JPEG codes squares of 8 x 8 pixels, and their edges show. Only in pictures kept at the size they were
  coded at; once resized, the squares are gone.
- *fall-off*: how the power spectrum falls from one band of frequencies to the next, up to the finest. A kernel
  without anti-aliasing folds fine detail back, a soft one takes it away. Differences between neighbouring bands are
  used, so that contrast and sharpness of the subject count less.

Sets are told apart by the area under the ROC curve of a linear rule, fitted on three quarters of the groups
(patients) and read on the rest. Two sets of different subjects differ too: a warning says what differs, not why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.auroc import auroc
from lab.data.preprocess.fingerprint_figures import fingerprint
from lab.errors import NotComputable

Floats = NDArray[np.float64]
MIN_PICTURES = 20
LIMIT = 0.8
FOLDS = 4
FORMAT_GAP = 0.5
_RIDGE = 1e-2


@dataclass(frozen=True, eq=False)
class SetFingerprint:
    """Fingerprints of a set.

    Attributes:
        name: as the warning calls the set, for example "the real pictures".
        figures: (n, 9): blocking, then the eight steps of the fall-off.
        groups: patient of each picture.
        formats: file format of each picture as imported ("jpeg", "png"...); "" where not known.
    """

    name: str
    figures: Floats
    groups: tuple[str, ...]
    formats: tuple[str, ...]


@dataclass(frozen=True)
class Mismatch:
    """How far two sets can be told apart by traces of their pipelines.

    Attributes:
        warnings: sentences; empty where nothing was found.
        blocking: area under the ROC curve by JPEG blocks, 0.5 to 1.
        falloff: area under the ROC curve by spectral fall-off, cross-validated; 0.5 is chance.
        limit: from where a warning is given: 0.8, more for small sets.
        n: pictures of each set.
    """

    warnings: tuple[str, ...]
    blocking: float
    falloff: float
    limit: float
    n: tuple[int, int]


def set_fingerprint(name: str, pictures: Iterable[tuple[NDArray[Any], str, str]]) -> SetFingerprint:
    """Fingerprints of a set, one picture in memory at a time; a few hundred, evenly drawn, tell as much as all.

    Args:
        name: for the warnings.
        pictures: image (uint8, uint16 or float32, at least 32 px a side), group, file format. Smaller pictures are
            passed over.
    """
    rows, groups, formats = [], [], []
    for image, group, file_format in pictures:
        if min(image.shape[:2]) < 32:
            continue
        rows.append(fingerprint(image))
        groups.append(group)
        formats.append(file_format)
    return SetFingerprint(name, np.array(rows).reshape(len(rows), 9), tuple(groups), tuple(formats))


def compare(first: SetFingerprint, second: SetFingerprint, seed: int = 0) -> Mismatch:
    """Warnings where two sets look as if they had gone through different pipelines.

    Args:
        first, second: at least 20 pictures each.
        seed: of the folds.

    Raises:
        NotComputable: for fewer pictures.
    """
    n, m = len(first.figures), len(second.figures)
    if min(n, m) < MIN_PICTURES:
        raise NotComputable(
            f"Traces of the pipeline are compared from {MIN_PICTURES} pictures of 32 px or more in each set; "
            f"here are {n} and {m}; nothing was compared."
        )
    chance = float(np.sqrt((n + m + 1) / (12 * n * m)))
    limit = max(LIMIT, 0.5 + 4 * chance)
    blocking = auroc(second.figures[:, 0], first.figures[:, 0])
    falloff = _cross_validated(first, second, seed)
    warnings = [*_format_warning(first, second), *_block_warning(first, second, blocking, limit)]
    if falloff >= limit:
        warnings.append(
            f"{_capital(first.name)} and {second.name} differ in how their finest detail falls off, as after resizing "
            f"by different kernels (told apart {falloff:.0%} of the time, chance 50%): resize both the same way, or "
            "read distances between them with care."
        )
    return Mismatch(tuple(warnings), max(blocking, 1 - blocking), falloff, limit, (n, m))


def _format_warning(first: SetFingerprint, second: SetFingerprint) -> list[str]:
    shares = []
    for side in (first, second):
        known = [entry.lower().replace("jpg", "jpeg") for entry in side.formats if entry]
        if not known:
            return []
        shares.append({name: count / len(known) for name, count in Counter(known).items()})
    names = sorted(set(shares[0]) | set(shares[1]))
    gaps = {name: shares[0].get(name, 0.0) - shares[1].get(name, 0.0) for name in names}
    worst = max(names, key=lambda name: abs(gaps[name]))
    if abs(gaps[worst]) < FORMAT_GAP:
        return []
    return [
        f"{shares[0].get(worst, 0.0):.0%} of {first.name} came as {worst.upper()} files and "
        f"{shares[1].get(worst, 0.0):.0%} of {second.name}: part of any distance between them may be the "
        "file format."
    ]


def _block_warning(first: SetFingerprint, second: SetFingerprint, blocking: float, limit: float) -> list[str]:
    if max(blocking, 1 - blocking) < limit:
        return []
    more, less = (second, first) if blocking > 0.5 else (first, second)
    return [
        f"{_capital(more.name)} show the 8 x 8 squares of JPEG and {less.name} show them less or not at all (told "
        f"apart {max(blocking, 1 - blocking):.0%} of the time, chance 50%): store both the same way, or read "
        "distances between them with care."
    ]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _cross_validated(first: SetFingerprint, second: SetFingerprint, seed: int) -> float:
    """Mean area under the ROC curve over folds that no group is split by."""
    values = np.concatenate([first.figures[:, 1:], second.figures[:, 1:]])
    labels = np.repeat([False, True], [len(first.figures), len(second.figures)])
    groups = np.array([*first.groups, *second.groups])
    areas = []
    for fold in _folds(groups, labels, seed):
        train, test = ~fold, fold
        if min(np.bincount(labels[train], minlength=2)) < 8 or len(set(labels[test])) < 2:
            continue
        weights = _rule(values[train], labels[train])
        scores = values[test] @ weights
        areas.append(auroc(scores[labels[test]], scores[~labels[test]]))
    return float(np.mean(areas)) if areas else 0.5


def _folds(groups: NDArray[np.str_], labels: NDArray[np.bool_], seed: int) -> list[NDArray[np.bool_]]:
    """Groups dealt out to folds, those of each set evenly; a group of both sets stays in one fold."""
    rng = np.random.default_rng(seed)
    place: dict[str, int] = {}
    for side in (False, True):
        own = [str(name) for name in np.unique(groups[labels == side]) if str(name) not in place]
        for number, index in enumerate(rng.permutation(len(own))):
            place[own[index]] = number % FOLDS
    numbers = np.array([place[str(name)] for name in groups])
    return [numbers == fold for fold in range(FOLDS)]


def _rule(values: Floats, labels: NDArray[np.bool_]) -> Floats:
    """Fisher's linear rule with a little ridge, positive towards True."""
    low, high = values[~labels].mean(axis=0), values[labels].mean(axis=0)
    spread = np.cov(np.concatenate([values[~labels] - low, values[labels] - high]).T)
    ridge = _RIDGE * float(np.trace(spread)) / len(spread) + 1e-12
    return np.asarray(np.linalg.solve(spread + ridge * np.eye(len(spread)), high - low))
