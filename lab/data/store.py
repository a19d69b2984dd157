"""The datasets of the workspace: list, open, remove."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from lab.config import settings
from lab.data.card import DatasetCard, check_id
from lab.data.dataset import CARD, Dataset
from lab.data.importing.importer import ImportReport, add_folder, plan_import
from lab.data.importing.staging import refuse_taken
from lab.errors import DatasetError, NotFoundError

__all__ = [
    "ImportReport", "add_folder", "check_new_id", "list_datasets", "open_dataset", "plan_import",
    "remove_dataset",
]  # fmt: skip


def list_datasets() -> list[DatasetCard]:
    """Cards of all datasets, by id; a folder with a damaged card is passed over."""
    cards = []
    for path in sorted(settings().datasets.glob(f"*/{CARD}")):
        if path.parent.name.startswith("."):
            continue
        try:
            cards.append(Dataset(path.parent).card)
        except DatasetError:
            continue
    return cards


def dataset_folder(id: str) -> Path:
    """Where a dataset of this id lies or would lie."""
    return settings().datasets / check_id(id)


def check_new_id(id: str) -> None:
    """Refuse an id that cannot be used for a new dataset, before any work is done.

    Raises:
        InputError: when it is not an id.
        DatasetError: when it is taken.
    """
    refuse_taken(dataset_folder(id))


def open_dataset(id: str) -> Dataset:
    """Open a dataset.

    Raises:
        NotFoundError: with the ids that exist.
        DatasetError: when its card is damaged.
    """
    folder = dataset_folder(id)
    if not (folder / CARD).is_file():
        known = ", ".join(card.id for card in list_datasets()) or "none yet"
        raise NotFoundError(f"There is no dataset of that id; nothing was started; these exist: {known}.")
    return Dataset(folder)


def remove_dataset(id: str) -> None:
    """Remove a dataset and its copied images; the folder it was imported from is not touched.

    Raises:
        NotFoundError: when there is none.
    """
    folder = open_dataset(id).folder
    gone = folder.with_name(f".removed-{os.getpid()}-{secrets.token_hex(4)}")
    folder.rename(gone)  # from here on nobody sees half a dataset
    shutil.rmtree(gone, ignore_errors=True)
