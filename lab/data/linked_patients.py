"""Patients who are linked because they share an equal image: they may be one person under two ids."""

from __future__ import annotations

from collections.abc import Iterable


def linked_groups(patients: Iterable[str], links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each patient mapped to the smallest id of everybody linked to them, directly or through others."""
    group = {patient: patient for patient in patients}

    def root(patient: str) -> str:
        while group.setdefault(patient, patient) != patient:
            group[patient] = group[group[patient]]
            patient = group[patient]
        return patient

    for first, second in links:
        low, high = sorted((root(first), root(second)))
        group[high] = low
    return {patient: root(patient) for patient in list(group)}
