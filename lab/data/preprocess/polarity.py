"""Whole sets: inverted pictures, and grey among colour. Findings ask to be confirmed; nothing is changed here.

Two ways to see an inverted picture:
- *by convention* of the modality: the spine of a chest film is brighter than the film, the air around a heart is
  darker than the middle of the picture, skin is more red than blue.
- *by the set*, for any modality: thumbnails of one kind of picture resemble each other, and a negative is the
  mirror of that resemblance. The set's leading common pattern is found first, so it stays found when many are
  inverted; pictures that correlate with it clearly the wrong way form one group, and the convention says which
  of the two groups is the inverted one. Without a convention it is the smaller one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lab.data.preprocess.polarity_figures import PolarityFigures, figures, thumbnail
from lab.errors import InputError

Kind = Literal["inverted set", "inverted pictures", "mixed colour", "grey stored as colour"]
MIN_PICTURES = 8
MIN_COHERENCE = 0.35
"""Mean |correlation| with the common pattern below which a set has none to be measured by."""
AGAINST = -0.25
COLOURED = 0.02


@dataclass(frozen=True)
class Convention:
    """How a modality shows that it is not inverted.

    Attributes:
        figure: of `PolarityFigures`, above `limit` where the picture is right way round.
        grouped: judge the groups of a set by their medians; a single picture can deceive.
        singly: judge single pictures where there are no groups to judge.
        words: what an inverted picture looks like.
    """

    figure: str
    limit: float
    grouped: bool
    singly: bool
    words: str


CONVENTIONS = {
    "chest radiograph": Convention("spine_contrast", 0.0, True, True, "the spine is darker than the film"),
    "cardiac MRI": Convention(
        "centre_contrast", 0.0, True, False, "the air around the body is brighter than the middle"
    ),
    "dermoscopy": Convention("warmth", -0.03, False, True, "the skin is more blue than red"),
}


@dataclass(frozen=True)
class PolarityFinding:
    """One finding a person has to confirm.

    Attributes:
        kind: what it is about.
        ids: the pictures concerned.
        sentence: what was seen, how sure, and what to confirm.
    """

    kind: Kind
    ids: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class SetPolarity:
    """Figures of a set.

    Attributes:
        findings: empty for a set of one polarity and one kind of colour.
        n: pictures looked at.
        coherence: mean |correlation| with the set's common pattern, 0 to 1.
        against_convention: share of pictures that single-handed break the modality's convention; 0 without one.
    """

    findings: tuple[PolarityFinding, ...]
    n: int
    coherence: float
    against_convention: float


def examine_polarity(pictures: Iterable[tuple[str, NDArray[Any]]], modality: str = "") -> SetPolarity:
    """Look for inverted pictures and mixed colour in a set.

    Args:
        pictures: id and image, uint8, uint16 or float32, (H, W) or (H, W, 3); read once, thumbnails are kept.
        modality: "chest radiograph", "cardiac MRI" or "dermoscopy" adds its convention.

    Raises:
        InputError: for an empty set.
    """
    ids: list[str] = []
    small: list[NDArray[np.float32]] = []
    found: list[PolarityFigures] = []
    planes: list[int] = []
    for name, image in pictures:
        ids.append(name)
        reduced = thumbnail(image)
        grey = reduced if reduced.ndim == 2 else reduced.mean(axis=2)
        small.append(grey.astype(np.float32).ravel())  # 4 kB a picture, whatever its size
        found.append(figures(reduced))
        planes.append(image.ndim)
    if not ids:
        raise InputError("The set holds no picture; nothing was looked at; import some first.")
    signs, coherence = _signs(np.stack(small))
    convention = CONVENTIONS.get(modality)
    values = np.array([getattr(entry, convention.figure) for entry in found]) if convention else None
    flagged = _flagged(signs, coherence >= MIN_COHERENCE, values, convention)
    against = 0.0 if values is None or convention is None else float((values < convention.limit).mean())
    findings = [*_inverted(ids, flagged, convention), *_colour(ids, found, planes)]
    return SetPolarity(tuple(findings), len(ids), coherence, against)


def _signs(thumbnails: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    """Correlation of each thumbnail with the set's leading pattern, the majority positive; and their coherence."""
    centred = thumbnails - thumbnails.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = centred / np.maximum(lengths, 1e-9)
    if len(unit) < MIN_PICTURES:
        return np.ones(len(unit)), 0.0
    _, vectors = np.linalg.eigh(unit.T @ unit)
    along = unit @ vectors[:, -1]
    if np.median(along) < 0 or (np.median(along) == 0 and along.sum() < 0):
        along = -along
    coherence = float(np.mean(np.abs(along)))
    return (along if coherence >= MIN_COHERENCE else np.ones(len(unit))), coherence


def _flagged(
    signs: NDArray[np.float64],
    coherent: bool,
    values: NDArray[np.float64] | None,
    convention: Convention | None,
) -> NDArray[np.bool_]:
    """Which pictures look inverted."""
    against = signs < AGAINST
    if convention is None or values is None:
        return against
    if convention.grouped:
        if coherent:
            return ~against if float(np.median(values[~against])) < convention.limit else against
        return values < convention.limit if convention.singly else np.zeros(len(signs), dtype=bool)
    return values < convention.limit


def _inverted(
    ids: list[str], flagged: NDArray[np.bool_], convention: Convention | None
) -> list[PolarityFinding]:
    names = tuple(name for name, flag in zip(ids, flagged, strict=True) if flag)
    n, share = len(ids), float(flagged.mean())
    if not names:
        return []
    if convention is not None and share > 0.9:
        sentence = (
            f"{len(names)} of {n} pictures look like negatives: {convention.words}. Look at them and confirm that "
            "they are to be inverted, or that they are meant so."
        )
        return [PolarityFinding("inverted set", names, sentence)]
    how = f": {convention.words}" if convention else " of the others"
    doubt = "" if convention or share < 0.35 else " Nearly half of the set is, so it may be the others."
    sentence = (
        f"{len(names)} of {n} pictures look like negatives{how}.{doubt} Look at them and confirm before they are "
        "inverted."
    )
    return [PolarityFinding("inverted pictures", names, sentence)]


def _colour(ids: list[str], found: list[PolarityFigures], planes: list[int]) -> list[PolarityFinding]:
    coloured = np.array([entry.colour_share > COLOURED for entry in found])
    stored = np.array(planes) == 3
    findings = []
    if 0 < coloured.sum() < len(ids):
        rarer = coloured if coloured.mean() <= 0.5 else ~coloured
        names = tuple(name for name, flag in zip(ids, rarer, strict=True) if flag)
        word = "colour" if coloured.mean() <= 0.5 else "grey"
        sentence = (
            f"{len(names)} of {len(ids)} pictures are {word} and the others are not. Confirm that they belong to "
            "one set."
        )
        findings.append(PolarityFinding("mixed colour", names, sentence))
    grey = stored & ~coloured
    if grey.any() and not coloured.any():
        names = tuple(name for name, flag in zip(ids, grey, strict=True) if flag)
        sentence = (
            f"{len(names)} of {len(ids)} pictures are grey but stored as red, green and blue. Confirm that one "
            "plane is kept."
        )
        findings.append(PolarityFinding("grey stored as colour", names, sentence))
    return findings
