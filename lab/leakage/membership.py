"""Membership inference: was this film among those the generator was trained on?

Black box (GAN-Leaks, Chen et al. 2020): a film the generator learnt by heart lies unusually near to one of its samples.
The score is the distance to the nearest film of a reference set minus the distance to the nearest sample, so that a
film which is near to everything is not taken for a member.

White box: the attacks of `lab.leakage.attacks` ask the denoiser. Either kind is tried on members and on films never
seen that are alike in label, view and vendor, lest it tell one kind of film from another.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lab.data.imageset import patient_balanced, subset
from lab.errors import NotComputable, StoreError

if TYPE_CHECKING:
    from lab.data.imageset import ImageSet

Floats = NDArray[np.float64]
MEMBERS = "members.json"
# What both sides must be alike in; the last is given up first where too few films are left.
MATCHED = ("view", "label", "vendor")
# Of the films that could be had without matching, this share must be left.
KEPT = 0.8


@dataclass(frozen=True)
class Sides:
    """The films an attack is tried on.

    Attributes:
        members, others: films the generator saw, and films it never saw.
        columns: what both are matched in, of those the dataset tells.
        apart: how far both mixes are apart all the same: total variation, 0 (the same shares) to 1.
    """

    members: ImageSet
    others: ImageSet
    columns: tuple[str, ...]
    apart: float


def read_members(root: Path | None) -> tuple[str, ...] | None:
    """Image ids of a generator's training films, from `members.json` beside its card; None without that file.

    Raises:
        StoreError: when the file is damaged.
    """
    path = None if root is None else root / MEMBERS
    if path is None or not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(told, list) or not told or not all(isinstance(name, str) for name in told):
            raise ValueError("no list of ids")
    except (OSError, ValueError) as error:
        raise StoreError(
            "The list of training films beside the generator's card cannot be read; nothing was measured; "
            "restore members.json."
        ) from error
    return tuple(told)


def sides(
    train: ImageSet, held_out: ImageSet, members: Sequence[str] | None, most: int, seed: int = 0
) -> Sides:
    """The films an attack is tried on: members and non-members, at most `most` of each, one a patient first.

    Non-members are drawn with the members' shares of label, view and vendor, where the dataset tells them.

    Args:
        train, held_out: of the dataset the generator was trained on.
        members: ids of its training films; None takes all of `train`.

    Raises:
        NotComputable: when none of the members is in the dataset, or no film was held out.
    """
    known = set(train.ids())
    mine = train if members is None else subset(train, [name for name in members if name in known])
    if not mine.ids() or not held_out.ids():
        raise NotComputable(
            "An attack needs films that the generator saw and films it never saw; nothing was measured; install the "
            "dataset it was trained on, with held-out images."
        )
    ours = subset(mine, patient_balanced(mine, most, seed))
    columns = _told_by_both(ours, held_out)
    wanted = KEPT * min(len(ours.ids()), len(held_out.ids()))
    while True:
        chosen = _matched(ours, held_out, columns, most, seed)
        if not columns or len(chosen) >= wanted:
            break
        columns = columns[:-1]
    theirs = subset(held_out, chosen)
    return Sides(ours, theirs, columns, _apart(_strata(ours, columns), _strata(theirs, columns)))


def _told_by_both(ours: ImageSet, theirs: ImageSet) -> tuple[str, ...]:
    """The columns of `MATCHED` that both tables have and that tell films apart."""
    frames = [images.frame() for images in (ours, theirs)]
    shared = (name for name in MATCHED if all(name in frame for frame in frames))
    return tuple(name for name in shared if any(frame[name].nunique() > 1 for frame in frames))


def _strata(images: ImageSet, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    frame = images.frame()
    told = [frame[name].astype(str).tolist() for name in columns]
    return list(zip(*told, strict=True)) if told else [()] * len(frame)


def _matched(ours: ImageSet, theirs: ImageSet, columns: tuple[str, ...], most: int, seed: int) -> list[str]:
    """Ids of non-members, patients first, no kind of film beyond its share among the members."""
    kinds = dict(zip(theirs.ids(), _strata(theirs, columns), strict=True))
    shares = Counter(_strata(ours, columns))
    total = sum(shares.values())
    room = {kind: round(most * count / total) for kind, count in shares.items()}
    chosen: list[str] = []
    for name in patient_balanced(theirs, len(kinds), seed):
        if len(chosen) < most and room.get(kinds[name], 0):
            room[kinds[name]] -= 1
            chosen.append(name)
    return chosen


def _apart(ours: list[tuple[str, ...]], theirs: list[tuple[str, ...]]) -> float:
    """Total variation between the two mixes of kinds, 0..1."""
    a, b = Counter(ours), Counter(theirs)
    return sum(abs(a[kind] / len(ours) - b[kind] / max(1, len(theirs))) for kind in a | b) / 2.0


def calibrated(to_samples: Floats, to_reference: Floats) -> Floats:
    """Scores (n,) of the black box attack from distances to the nearest sample and to the nearest reference film."""
    return np.asarray(to_reference, np.float64) - np.asarray(to_samples, np.float64)
