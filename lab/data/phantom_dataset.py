"""Phantom radiographs as a dataset: taken from a pack, or rendered into a folder and imported like anybody's."""

from __future__ import annotations

import csv
import io
import shutil
from functools import lru_cache
from pathlib import Path

from lab.atomic import write_bytes
from lab.config import settings
from lab.data.card import check_id
from lab.data.importer import ImportReport, OnProgress, add_folder
from lab.data.phantom_films import FILM
from lab.data.splits import split_by_patient
from lab.data.store import check_new_id
from lab.errors import InputError

LICENCE = "CC0 1.0 (procedural, no patient)"
BLOCK = 1000
KEEP = ("side", "size", "lobe", "findings", FILM)
TABLE = "films.csv"


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
    """Take phantom chest radiographs in as a dataset: from a pack where one fits, else by rendering them.

    From a pack, features and calibration come with it and each film is rendered when somebody first asks for it.

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
    from lab.data.phantom_pack import find_pack, install

    check_new_id(id)
    pack = find_pack(patients, films_per_patient, seed)
    if pack is None:
        return render_phantom(id, patients, films_per_patient, seed, on_progress, processes)
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
) -> ImportReport:
    """Render phantom chest radiographs and import them.

    A call that was interrupted goes on with the films it has; the rendering folder is removed at the end.
    The division is that of `phantom_split`, here and in the training recipe: what a shipped generator saw is in
    train in a phantom set of any size, and no held-out film of any phantom set was seen.

    Args and errors are those of `add_phantom`.
    """
    from lab.data.phantoms import make_dataset_folder

    check_new_id(id)
    folder = settings().datasets / f".rendering-{check_id(id)}-{seed}-{patients}x{films_per_patient}"
    make_dataset_folder(
        folder, patients, films_per_patient, seed=seed, processes=processes, on_progress=on_progress
    )
    _number_films(folder)
    report = add_folder(
        folder,
        id,
        TABLE,
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


def _number_films(folder: Path) -> None:
    """Write the table of the rendering folder anew with the number of each film, which completes its recipe."""
    text = io.StringIO()
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    writer = csv.DictWriter(text, [*rows[0], FILM], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, FILM: int(Path(row["image"]).stem.rpartition("_f")[2])})
    write_bytes(folder / TABLE, text.getvalue().encode())
