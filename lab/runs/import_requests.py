"""From a person's choice to a run that makes a dataset: of a folder, of MedMNIST, or of another dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.data.containers.hub_location import is_hub_location
from lab.errors import InputError
from lab.provenance import digest_bytes
from lab.runs.dependencies import checked_seed, dataset_digest, last_made, listing_digest, named_table
from lab.runs.spec import RunSpec

if TYPE_CHECKING:
    from lab.data.preprocess.recipe import Recipe

Place = str | Path


def import_run(
    folder: Place,
    name: str,
    metadata: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    licence: str | None = None,
    seed: int = 0,
    control: Place | None = None,
    *,
    source: str | None = None,
    classes: Mapping[str, str] | None = None,
    choices: Mapping[str, str] | None = None,
    recipe: Recipe | None = None,
    also: Sequence[tuple[Place, str | None]] = (),
) -> RunSpec:
    """A run that imports images as a dataset.

    Args:
        folder: a folder, a zip, a file of many images, or "hf://datasets/OWNER/NAME@REVISION".
        name: id of the new dataset.
        metadata, mapping, licence, source, classes, choices: as `lab.data.importing.importer.add_folder`.
        seed: of the division by patient and of the recipe.
        control: a second folder of other patients, held out whole.
        recipe: preprocessing of every image.
        also: further folders that go into the same dataset, each with its source or None.

    Raises:
        InputError: when a folder does not exist here, or the id is malformed.
        DatasetError: when the id is taken.
        NotFoundError: for an unknown source.
    """
    from lab.data.sources.registry import get_source
    from lab.data.store import check_new_id

    check_new_id(name)
    for asked in (source, *(one for _, one in also)):
        if asked:
            get_source(asked)
    place, beside = _here(folder), None if control is None else _here(control)
    further = [(_here(one), asked) for one, asked in also]
    chosen: dict[str, Any] = {
        "folder": place,
        "id": name,
        "metadata": _table(place, metadata),
        "mapping": dict(mapping or {}),
        "licence": licence,
        "seed": checked_seed(seed),
        "control": beside,
        "source": source,
        "classes": dict(classes or {}),
        "choices": dict(choices or {}),
        "recipe": recipe.as_json() if recipe is not None and recipe.steps else None,
        "also": [list(pair) for pair in further],
        "medmnist": None,
    }
    inputs = {"listing": _place_digest(place), "after": last_made("import", name)}
    if beside is not None:
        inputs["control"] = _place_digest(beside)
    for number, (one, _) in enumerate(further):
        inputs[f"also-{number}"] = _place_digest(one)
    return RunSpec("import", chosen, inputs, f"Import of {name}")


def medmnist_run(
    flag: str, size: int, name: str, choices: Mapping[str, str] | None = None, recipe: Recipe | None = None
) -> RunSpec:
    """A run that downloads an official MedMNIST file, where it is not here yet, and imports it.

    Raises:
        NotFoundError, InputError: for a set or size that does not exist.
        DatasetError: when the package medmnist is not installed, or the id is taken.
    """
    from lab.config import settings
    from lab.data.medmnist.info import check_set, file_name
    from lab.data.store import check_new_id

    check_new_id(name)
    check_set(flag, size)
    path = settings().workspace / "downloads" / "medmnist" / file_name(flag, size)
    chosen: dict[str, Any] = {
        "folder": str(path), "id": name, "metadata": None, "mapping": {}, "licence": None, "seed": 0,
        "control": None, "source": "medmnist", "classes": {}, "choices": dict(choices or {}),
        "recipe": recipe.as_json() if recipe is not None and recipe.steps else None, "also": [],
        "medmnist": {"set": flag, "size": size},
    }  # fmt: skip
    return RunSpec("import", chosen, {"after": last_made("import", name)}, f"Import of {name}")


def derive_run(parent: str, name: str, recipe: Recipe, seed: int = 0) -> RunSpec:
    """A run that makes a new dataset of an existing one by a recipe.

    Raises:
        NotFoundError: when there is no such dataset.
        InputError: for a recipe without steps, or a malformed id.
        DatasetError: when the new id is taken.
    """
    from lab.data.store import check_new_id

    check_new_id(name)
    if not recipe.steps:
        raise InputError("The recipe has no steps, so the dataset would be the same; choose another recipe.")
    chosen = {"parent": parent, "id": name, "recipe": recipe.as_json(), "seed": checked_seed(seed)}
    inputs = {"parent": dataset_digest(parent), "after": last_made("derive", name)}
    return RunSpec("derive", chosen, inputs, f"{name} of {parent}")


def _here(place: Place) -> str:
    """The place in full, when it is on this machine or on the hub."""
    if is_hub_location(str(place)):
        return str(place)
    path = Path(place).expanduser().resolve()
    if not path.exists():
        raise InputError("That folder does not exist on this machine; nothing was imported; check the path.")
    return str(path)


def _table(place: str, metadata: Path | None) -> str | None:
    """The table in full; inside a zip, where it is not there yet, as it was named."""
    found = None if metadata is None else named_table(Path(place), metadata)
    if not found:
        return None
    path = Path(found).expanduser()
    return str(path if Path(place).is_file() and not path.is_file() else path.resolve())


def _place_digest(place: str) -> str:
    if is_hub_location(place):
        return digest_bytes(place.encode())
    return listing_digest(Path(place))
