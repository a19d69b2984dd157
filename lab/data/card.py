"""The card of a dataset: what it is, where it comes from and what may be done with it. Data, not code."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.errors import DatasetError, InputError

ORIGINS = ("real", "phantom")
_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?\Z")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|\Z)", re.IGNORECASE)


def check_id(id: str) -> str:
    """The id, when it can name a folder on every system and a word in a URL.

    Raises:
        InputError: for anything else.
    """
    if not _ID.match(id) or _RESERVED.match(id):
        raise InputError(
            "The id is not 1 to 64 letters, digits, dots, dashes or underscores; nothing was started; "
            "choose an id such as chest-films."
        )
    return id


@dataclass(frozen=True)
class DatasetCard:
    """What is known about a dataset without reading its manifest.

    Attributes:
        id: name of the dataset in references, URLs and folders.
        title: for people.
        modality: "chest radiograph", "dermoscopy", "cardiac MRI" or another word.
        origin: "real" or "phantom".
        licence: the distinct licences of the images in one line.
        public: whether every image may be shown in public.
        attribution: whom to name when an image is shown.
        digest: SHA-256 over image digests, patient pseudonyms, splits, labels and captions.
        created: UTC time of the import, ISO 8601.
        size: edge length in px where all images are square and equal, else `None`.
        columns: columns of the manifest.
        images: number of images.
        patients: number of patients.
        splits: images in each split.
        notes: what the import had to decide, one sentence each, without names of files or patients.
        source: id of the source that read the layout; "" for sets imported before there were any.
        parent: id of the dataset this one was derived from; "" for none.
        recipe: what the preprocessing was (recipe, digest, seed, packages); empty where every pixel is as imported.
        mask_labels: value of a mask, as text, to the structure's name.
    """

    id: str
    title: str
    modality: str
    origin: str
    licence: str
    public: bool
    attribution: str
    digest: str
    created: str
    size: int | None
    columns: tuple[str, ...]
    images: int = 0
    patients: int = 0
    splits: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: str = ""
    parent: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    mask_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """What stands in the frame of every image: "PHANTOM" or "REAL"."""
        return "PHANTOM" if self.origin == "phantom" else "REAL"

    def as_json(self) -> dict[str, Any]:
        """The card as JSON-able data."""
        return json.loads(json.dumps(dataclasses.asdict(self)))


def read_card(path: Path) -> DatasetCard:
    """Read a `card.json`; unknown keys of later versions are ignored.

    Raises:
        DatasetError: when the file is missing or damaged.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
        known = {f.name for f in dataclasses.fields(DatasetCard)}
        value = {key: item for key, item in value.items() if key in known}
        value["columns"], value["notes"] = tuple(value["columns"]), tuple(value.get("notes", ()))
        return DatasetCard(**value)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DatasetError(
            "The card of this dataset is missing or damaged; its images are kept; remove it and import it "
            "again."
        ) from error
