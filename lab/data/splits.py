"""Splits by patient: no two images of one patient ever stand in different splits.

The order of the patients comes from SHA-256 of seed and patient id, so a split depends neither on the
order of the rows, nor on how many films a patient has, nor on the hash seed of the Python process.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence

from lab.errors import DatasetError, InputError

TRAIN, HELD_OUT, TEST = "train", "held-out", "test"
SPLITS = (TRAIN, HELD_OUT, TEST)
DEFAULT_FRACTIONS = (0.6, 0.3, 0.1)

_SYNONYMS = {
    "train": TRAIN, "training": TRAIN, "tr": TRAIN,
    "held-out": HELD_OUT, "held_out": HELD_OUT, "heldout": HELD_OUT, "held out": HELD_OUT,
    "holdout": HELD_OUT,
    "val": HELD_OUT, "valid": HELD_OUT, "validate": HELD_OUT, "validation": HELD_OUT, "dev": HELD_OUT,
    "test": TEST, "testing": TEST, "te": TEST,
}  # fmt: skip


def canonical_patient(patient_id: str) -> str:
    """A patient id without surrounding blanks and in one Unicode form, so that equal ids compare equal."""
    return unicodedata.normalize("NFC", patient_id).strip()


def canonical_split(name: str) -> str | None:
    """`train`, `held-out` or `test` for a name people give a split, `None` for any other word.

    A validation set was not trained on, so it becomes `held-out`.
    """
    return _SYNONYMS.get(name.strip().lower())


def check_fractions(fractions: Sequence[float]) -> tuple[float, float, float]:
    """Three shares of at least 0 that sum to 1, for train, held-out and test.

    Raises:
        InputError: otherwise.
    """
    shares = tuple(float(share) for share in fractions)
    if len(shares) != 3 or any(not 0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
        raise InputError(
            "The shares of train, held-out and test are not three numbers of 0 to 1 that sum to 1; "
            "nothing was split; give for example 0.6, 0.3, 0.1."
        )
    return shares[0], shares[1], shares[2]


def split_by_patient(
    patient_ids: Sequence[str],
    fractions: Sequence[float] = DEFAULT_FRACTIONS,
    seed: int = 0,
) -> dict[str, str]:
    """Give every patient one split.

    Args:
        patient_ids: one id an image or one a patient, in any order; repeats do not count twice.
        fractions: shares of patients in train, held-out and test. Every split with a share above 0
            gets at least one patient where there are enough patients.
        seed: another seed gives another division.

    Returns:
        Each distinct id as given, mapped to `train`, `held-out` or `test`.

    Raises:
        InputError: for impossible fractions, or an empty id (an image whose patient is unknown is its own
            patient: see `own_patients`).
    """
    shares = check_fractions(fractions)
    patients = ranked_patients(patient_ids, seed)
    # Ids that differ only in blanks or Unicode form are one patient and must share a split.
    distinct = list(dict.fromkeys(canonical_patient(patient) for patient in patients))
    counts = _counts(len(distinct), shares)
    names = [name for name, count in zip(SPLITS, counts, strict=True) for _ in range(count)]
    assigned = dict(zip(distinct, names, strict=True))
    return {patient: assigned[canonical_patient(patient)] for patient in patients}


def ranked_patients(patient_ids: Sequence[str], seed: int) -> list[str]:
    """The distinct ids in the order that decides a division: by seed and id alone.

    Raises:
        InputError: for an empty id.
    """
    patients = sorted(set(patient_ids), key=lambda patient: (_rank(seed, patient), patient))
    if any(not canonical_patient(patient) for patient in patients):
        raise InputError(
            "A patient id is empty; nothing was split; make each such image its own patient first."
        )
    return patients


def own_patients(patient_ids: Sequence[str], image_ids: Sequence[str]) -> list[str]:
    """Patient ids in which an unknown (empty) patient is replaced by the image's own opaque id."""
    return [canonical_patient(p) or image for p, image in zip(patient_ids, image_ids, strict=True)]


def patients_in_two_splits(patient_ids: Sequence[str], splits: Sequence[str]) -> list[str]:
    """The patients that stand in more than one split, sorted."""
    seen: dict[str, set[str]] = {}
    for patient, split in zip(patient_ids, splits, strict=True):
        seen.setdefault(canonical_patient(patient), set()).add(split)
    return sorted(patient for patient, names in seen.items() if len(names) > 1)


def check_splits(patient_ids: Sequence[str], splits: Sequence[str]) -> None:
    """Refuse a division that is not by patient. Ids are never part of the message.

    Raises:
        DatasetError: with the number of patients in more than one split, or of unknown split names.
    """
    unknown = sum(split not in SPLITS for split in splits)
    if unknown:
        raise DatasetError(
            f"{unknown} images have a split other than train, held-out or test; nothing was kept; correct "
            f"the split column."
        )
    twice = len(patients_in_two_splits(patient_ids, splits))
    if twice:
        raise DatasetError(
            f"{twice} {'patient stands' if twice == 1 else 'patients stand'} in more than one split; "
            f"nothing was "
            "imported; give each patient one split, or leave the split column out and the images are "
            "split by patient."
        )


def _rank(seed: int, patient: str) -> bytes:
    return hashlib.sha256(f"{int(seed)}\x1f{canonical_patient(patient)}".encode()).digest()


def _counts(n: int, shares: tuple[float, float, float]) -> tuple[int, int, int]:
    """Patients a split: largest remainders, then one at least for each wanted split."""
    exact = [share * n for share in shares]
    counts = [int(value + 1e-9) for value in exact]
    order = sorted(range(3), key=lambda i: (counts[i] - exact[i], i))
    for i in order[: n - sum(counts)]:
        counts[i] += 1
    wanted = [i for i in range(3) if shares[i] > 0]
    for i in wanted:
        richest = max(wanted, key=lambda j: counts[j])
        if counts[i] == 0 and counts[richest] > 1:
            counts[i], counts[richest] = 1, counts[richest] - 1
    return counts[0], counts[1], counts[2]
