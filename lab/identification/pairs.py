"""Who is compared with whom: patients that teach and judge, batches, and pairs of films to judge by."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.provenance import digest_json

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Divided:
    """Rows of a set for learning, for choosing when to stop and for judging; no patient stands in two.

    Args:
        learn, choose, judge: rows of the set.
    """

    learn: Rows
    choose: Rows
    judge: Rows


def divide(patients: Sequence[str], splits: Sequence[str], share: float = 0.1) -> Divided:
    """Training patients learn and choose, all other patients judge.

    Args:
        patients, splits: of each image of the whole dataset.
        share: of the training patients that only choose.
    """
    names, split = np.asarray(patients).astype(str), np.asarray(splits).astype(str)
    chosen = np.array([_share(name) < share for name in names], dtype=bool)
    train = split == "train"
    return Divided(np.flatnonzero(train & ~chosen), np.flatnonzero(train & chosen), np.flatnonzero(~train))


def _share(name: str) -> float:
    """A number from 0 to 1 that depends on the patient's name alone."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:12], 16) / 16**12


def batch_rows(patients: NDArray[np.str_], people: int, seed: int, step: int) -> Rows:
    """Rows of two films each of some patients, first films first, (2 * people,).

    A patient with many films is drawn as often as one with two. The draw depends on seed and step alone.
    """
    rng = np.random.default_rng(int(digest_json([seed, "batch", step])[:12], 16))
    films = several(patients)
    drawn = rng.permutation(len(films))[: min(people, len(films))]
    two = np.array([rng.permutation(films[one])[:2] for one in drawn])
    return two.T.reshape(-1)


def several(patients: NDArray[np.str_]) -> list[Rows]:
    """Rows of every patient that has two films or more, in the order of their names."""
    names, codes = np.unique(patients, return_inverse=True)
    rows = [np.flatnonzero(codes == code) for code in range(len(names))]
    return [one for one in rows if len(one) > 1]


def judging_pairs(patients: NDArray[np.str_], seed: int, most: int = 10) -> tuple[Rows, Rows]:
    """Pairs of films by which a network is judged: (p, 2) of one patient, (p, 2) of two.

    Each patient gives at most `most` pairs of the first kind; each such pair is followed by one of the second kind that
    begins with the same film.
    """
    rng = np.random.default_rng(int(digest_json([seed, "judge"])[:12], 16))
    same: list[tuple[int, int]] = []
    for films in several(patients):
        first, second = np.triu_indices(len(films), 1)
        kept = rng.permutation(len(first))[:most]
        same += [(int(films[first[k]]), int(films[second[k]])) for k in kept]
    other = []
    for row, _ in same:
        strangers = np.flatnonzero(patients != patients[row])
        if len(strangers):
            other.append((row, int(rng.choice(strangers))))
    return np.array(same, dtype=np.int64).reshape(-1, 2), np.array(other, dtype=np.int64).reshape(-1, 2)


def several_films(patients: NDArray[np.str_], most: int, each: int = 4) -> Rows:
    """Rows of at most `most` films of patients with two or more, at most `each` of one, in an order names decide."""
    found: list[int] = []
    for films in sorted(several(patients), key=lambda rows: _share(str(patients[rows[0]]))):
        if len(found) + 2 > most:
            break
        found += [int(row) for row in films[: min(each, most - len(found))]]
    return np.array(sorted(found), dtype=np.int64)
