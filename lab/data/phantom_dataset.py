"""Phantom radiographs as a dataset: rendered into a folder, then imported like anybody's folder."""

from __future__ import annotations

import shutil
from functools import lru_cache

from lab.config import settings
from lab.data.card import check_id
from lab.data.importer import ImportReport, OnProgress, add_folder
from lab.data.splits import split_by_patient
from lab.data.store import check_new_id
from lab.errors import InputError

LICENCE = "CC0 1.0 (procedural, no patient)"
BLOCK = 1000
KEEP = ("side", "size", "lobe", "findings")


def phantom_split(patient_id: str) -> str:
    """The split of a phantom patient, the same in every phantom set that holds the patient.

    Patients are divided in blocks of `BLOCK` by number. Dividing each set by itself would put patients near the
    borders into held-out in a small set and into train in a large one.

    Raises:
        InputError: when the id does not end in a number.
    """
    prefix, _, number = patient_id.rpartition("-")
    if not number.isdecimal():
        raise InputError(
            "A phantom patient's id does not end in a number; nothing was split; render the set again."
        )
    return _block(prefix, int(number) // BLOCK)[patient_id]


@lru_cache(maxsize=16)
def _block(prefix: str, block: int) -> dict[str, str]:
    return split_by_patient(
        [f"{prefix}-{number:05d}" for number in range(block * BLOCK, (block + 1) * BLOCK)]
    )


def add_phantom(
    id: str,
    patients: int,
    films_per_patient: int,
    seed: int = 0,
    on_progress: OnProgress | None = None,
    processes: int = 2,
) -> ImportReport:
    """Render phantom chest radiographs and import them.

    A call that was interrupted goes on with the films it has; the rendering folder is removed at the end.
    The division is that of `phantom_split`, here and in the training recipe: what a shipped generator saw is in
    train in a phantom set of any size, and no held-out film of any phantom set was seen.

    Args:
        id: id of the new dataset.
        patients: number of phantom patients.
        films_per_patient: films of each.
        seed: seed of the whole set.
        on_progress: called with films done and films in all, first while rendering, then while importing.
        processes: how many render; the bytes do not depend on it.

    Raises:
        InputError: for a bad id.
        DatasetError: when the id is taken or a count is below one.
    """
    from lab.data.phantoms import make_dataset_folder

    check_new_id(id)
    folder = settings().datasets / f".rendering-{check_id(id)}-{seed}-{patients}x{films_per_patient}"
    make_dataset_folder(
        folder, patients, films_per_patient, seed=seed, processes=processes, on_progress=on_progress
    )
    report = add_folder(
        folder,
        id,
        mapping={"labels": "label"},
        licence=LICENCE,
        on_progress=on_progress,
        keep=KEEP,
        title="Phantom chest radiographs",
        modality="chest radiograph",
        attribution="Rendered by this program",
        origin="phantom",
        assign=phantom_split,
    )
    shutil.rmtree(folder, ignore_errors=True)
    return report
