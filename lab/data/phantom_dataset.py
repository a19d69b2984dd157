"""Phantom radiographs as a dataset: rendered into a folder, then imported like anybody's folder."""

from __future__ import annotations

import shutil

from lab.config import settings
from lab.data.card import check_id
from lab.data.importer import ImportReport, OnProgress, add_folder
from lab.data.store import check_new_id

LICENCE = "CC0 1.0 (procedural, no patient)"
KEEP = ("side", "size", "lobe", "findings")


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
    The division is that of every dataset, and of the training recipe of the generator of the same name: so
    the training images of this set are exactly the films that the generator saw.

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
    )
    shutil.rmtree(folder, ignore_errors=True)
    return report
