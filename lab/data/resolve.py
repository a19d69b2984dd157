"""From a reference, as people write it, to the images it names."""

from __future__ import annotations

from pathlib import Path

from lab.data.dataset import Dataset, parse_reference
from lab.data.folder_set import from_folder
from lab.data.imageset import ImageSet
from lab.data.merged import JOIN, open_merged
from lab.data.samples import list_sample_sets, open_sample_set
from lab.data.splits import TRAIN
from lab.data.store import list_datasets, open_dataset
from lab.errors import InputError, NotFoundError


def resolve(reference: str | Path, whole: bool = False, folders: bool = True) -> ImageSet:
    """Find an image set.

    Args:
        reference: "ID" or "ID:SPLIT" of a dataset, the id of a sample set, "ID+ID" of several, or the path of a folder.
        whole: a bare dataset id means all splits (an inventory) instead of train (a reference).
        folders: whether paths are understood; pages say no to what comes from a URL.

    Raises:
        NotFoundError: with everything that exists.
        InputError: for an unknown split.
        DatasetError: when the folder holds no readable image, or the dataset is damaged.
    """
    text = str(reference).strip()
    if folders and (isinstance(reference, Path) or _is_path(text)):
        return from_folder(Path(text))
    if JOIN in text and not (folders and Path(text).is_dir()):
        return open_merged(text)
    id, split = parse_reference(text)
    dataset = _dataset(id)
    if dataset is not None:
        return dataset.subset(split if split or whole else TRAIN)
    samples = _samples(id) if split is None else None
    if samples is not None:
        return samples
    if folders and split is None and Path(text).is_dir() and text:
        return from_folder(Path(text))
    raise NotFoundError(f"Nothing here has that name; nothing was started; {_inventory()}.")


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text or text.startswith((".", "~"))


def _dataset(id: str) -> Dataset | None:
    try:
        return open_dataset(id)
    except (NotFoundError, InputError):
        return None


def _samples(id: str) -> ImageSet | None:
    try:
        return open_sample_set(id)
    except (NotFoundError, InputError):
        return None


def _inventory() -> str:
    datasets = ", ".join(card.id for card in list_datasets()) or "none yet"
    samples = ", ".join(card.id for card in list_sample_sets()[:20]) or "none yet"
    return f"datasets: {datasets}; sample sets: {samples}; or give the path of a folder"
