"""Phantoms as a dataset: taken from a pack, or rendered into a folder and imported like anybody's."""

from __future__ import annotations

import csv
import shutil
from functools import lru_cache
from pathlib import Path

from lab.config import settings
from lab.data.card import check_id
from lab.data.importing.importer import ImportReport, OnProgress, add_folder
from lab.data.phantom_families import CXR, PhantomFamily
from lab.data.phantom_folder import write_folder
from lab.data.splits import split_by_patient
from lab.data.store import check_new_id
from lab.errors import InputError

LICENCE = "CC0 1.0 (procedural, no patient)"
BLOCK = 1000
KEEP = {CXR.id: ("side", "size", "lobe", "findings", "film")}
"""Further columns of a set's table that its manifest holds; all of them where nothing is said."""


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
    family: PhantomFamily = CXR,
) -> ImportReport:
    """Take phantoms in as a dataset: from a pack where one fits, else by rendering them.

    From a pack, features and calibration come with it and each picture is rendered when somebody first asks for it.

    Args:
        id: id of the new dataset.
        patients: number of phantom patients.
        films_per_patient: pictures of each.
        seed: seed of the whole set.
        on_progress: called with pictures done and pictures in all, first while rendering, then while importing.
        processes: how many render; the bytes do not depend on it.
        family: what is drawn.

    Raises:
        InputError: for a bad id.
        DatasetError: when the id is taken or a count is below one.
    """
    from lab.data.phantom_pack import find_pack, install

    check_new_id(id)
    pack = find_pack(patients, films_per_patient, seed, family)
    if pack is None:
        return render_phantom(id, patients, films_per_patient, seed, on_progress, processes, family)
    dataset = install(pack, id)
    if on_progress is not None:
        on_progress(dataset.card.images, dataset.card.images)
    return ImportReport(dataset.card.images, (), (), dataset.card.notes, (), dataset)


def render_phantom(
    id: str,
    patients: int,
    films_per_patient: int,
    seed: int = 0,
    on_progress: OnProgress | None = None,
    processes: int = 2,
    family: PhantomFamily = CXR,
) -> ImportReport:
    """Render phantoms and import them.

    A call that was interrupted goes on with the pictures it has; the rendering folder is removed at the end.
    The division is that of `phantom_split`, here and in the training recipe: what a shipped generator saw is in
    train in a phantom set of any size, and no held-out picture of any phantom set was seen.

    Args and errors are those of `add_phantom`.
    """
    check_new_id(id)
    asked = f"{family.id}-{seed}-{patients}x{films_per_patient}"
    folder = settings().datasets / f".rendering-{check_id(id)}-{asked}"
    table = write_folder(folder, family, patients, films_per_patient, seed, processes, on_progress)
    report = add_folder(
        folder,
        id,
        table.name,
        mapping={"labels": "label"},
        licence=LICENCE,
        on_progress=on_progress,
        keep=KEEP.get(family.id) or _columns(table),
        title=family.title,
        modality=family.modality,
        attribution="Rendered by this program",
        origin="phantom",
        assign=phantom_split,
    )
    shutil.rmtree(folder, ignore_errors=True)
    return report


def _columns(table: Path) -> list[str]:
    with table.open(newline="", encoding="utf-8") as stream:
        return next(csv.reader(stream))
