"""Runs about sample sets that were made elsewhere: pages and commands build them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.errors import DatasetError, InputError
from lab.provenance import digest_bytes
from lab.runs.dependencies import checked_seed, dataset_digest, last_made, listing_digest
from lab.runs.spec import RunSpec

KIND = "import-samples"


def import_samples_run(
    place: str,
    name: str,
    parent: str = "",
    licence: str = "",
    metadata: Path | None = None,
    generator: str = "",
    limit: int | None = None,
    seed: int = 0,
) -> RunSpec:
    """A run that takes images made elsewhere in as a sample set.

    Args:
        place: folder, zip, Parquet file, or hf://datasets/OWNER/NAME@REVISION.
        name: id of the new set.
        parent: id of the dataset the generator learned from.
        licence: of the samples.
        metadata: the table.
        generator: word for what made them.
        limit: at most so many, drawn at random.
        seed: of the draw.

    Raises:
        InputError: for a bad id, limit or place.
        NotFoundError: when the parent is not here.
        DatasetError: when the id is taken.
    """
    from lab.config import settings
    from lab.data.card import check_id
    from lab.data.containers.hub_location import is_hub_location

    if (settings().samples / check_id(name)).exists():
        raise DatasetError(
            "There is already a sample set of that id; it was kept; choose another or remove it."
        )
    if limit is not None and limit < 1:
        raise InputError("The limit is below 1; nothing was imported; leave it out or raise it.")
    remote = is_hub_location(place)
    where = place if remote else str(_here(place))
    chosen: dict[str, Any] = {
        "place": where,
        "id": name,
        "parent": parent,
        "licence": licence,
        "metadata": str(metadata) if metadata else None,
        "generator": generator,
        "limit": limit,
        "seed": checked_seed(seed),
    }
    inputs = {"listing": digest_bytes(where.encode()) if remote else _content(Path(where))}
    inputs["after"] = last_made(KIND, name)
    if parent:
        inputs["parent"] = dataset_digest(parent)
    return RunSpec(KIND, chosen, inputs, f"Import of samples {name}")


def _here(place: str) -> Path:
    path = Path(place).expanduser().resolve()
    if not path.exists():
        raise InputError("Nothing of that name is on this machine; nothing was imported; check the path.")
    return path


def _content(path: Path) -> str:
    if path.is_dir():
        return listing_digest(path)
    facts = path.stat()
    return digest_bytes(f"{path}\x1f{facts.st_size}\x1f{facts.st_mtime_ns}".encode())
