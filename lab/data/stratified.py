"""Splits by patient in which every label has its share, and the table that says how well they do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import pandas as pd

from lab.data.splits import DEFAULT_FRACTIONS, SPLITS, canonical_patient, check_fractions, ranked_patients
from lab.errors import InputError


def split_stratified(
    patient_ids: Sequence[str],
    labels: Sequence[str],
    fractions: Sequence[float] = DEFAULT_FRACTIONS,
    seed: int = 0,
) -> dict[str, str]:
    """Give every patient one split, so that each label is divided in the wanted shares.

    Patients stand in one row, label after label (a patient counts for the most frequent label of the images, the
    rarer one of the set where two are equally frequent), in an order that depends on `seed` and the ids alone. Each
    in turn goes to the split that lacks most, so any run of the row, and with it any label, is within one patient of
    its shares.

    Args:
        patient_ids: patient of each image.
        labels: label of each image; "" is a label of its own.
        fractions: shares of patients in train, held-out and test.
        seed: another seed gives another division.

    Returns:
        Each distinct id as given, mapped to `train`, `held-out` or `test`.

    Raises:
        InputError: for impossible fractions, an empty id, or lists of unequal length.
    """
    if len(patient_ids) != len(labels):
        raise InputError(
            "Each image needs a patient and a label; nothing was split; give lists of one length."
        )
    shares = check_fractions(fractions)
    order = ranked_patients(patient_ids, seed)
    stratum = _strata(patient_ids, labels)
    row = sorted(dict.fromkeys(map(canonical_patient, order)), key=lambda patient: stratum[patient])
    counts = [0, 0, 0]
    assigned: dict[str, str] = {}
    for place, patient in enumerate(row, 1):
        lacks = [share * place - count for share, count in zip(shares, counts, strict=True)]
        best = max(range(3), key=lambda i: (lacks[i], -i))
        counts[best] += 1
        assigned[patient] = SPLITS[best]
    return {patient: assigned[canonical_patient(patient)] for patient in patient_ids}


def _strata(patient_ids: Sequence[str], labels: Sequence[str]) -> dict[str, str]:
    total = Counter(labels)
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for patient, label in zip(patient_ids, labels, strict=True):
        seen[canonical_patient(patient)][label] += 1
    return {
        patient: min(found, key=lambda label: (-found[label], total[label], label))
        for patient, found in seen.items()
    }


def split_table(table: pd.DataFrame) -> pd.DataFrame:
    """Images and patients of each label in each split.

    Args:
        table: a manifest.

    Returns:
        One row a label, most frequent first: label, images, share (of all images, in percent; the column sums to 100),
        patients, and images in train, held-out and test.
    """
    by_label = table.groupby("label", sort=False)
    found = pd.DataFrame({
        "images": by_label.size(),
        "patients": by_label["patient_id"].nunique(),
        **{split: table["split"].eq(split).groupby(table["label"], sort=False).sum() for split in SPLITS},
    })  # fmt: skip
    found.insert(1, "share", 100.0 * found["images"] / max(len(table), 1))
    return found.sort_values("images", ascending=False, kind="stable").rename_axis("label").reset_index()
