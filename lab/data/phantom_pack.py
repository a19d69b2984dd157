"""The phantom pack: a rendered phantom set without its films, so that a first start takes seconds.

A pack holds the card and the manifest as the importer wrote them, the features of every film by several
extractors, the finished calibrations and the fitted map. It is taken only when what it cannot do without was made by
the code that is installed here; otherwise the films are rendered, embedded and calibrated as for any other set.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from lab.atomic import write_bytes, write_json
from lab.config import ASSETS, Settings, settings
from lab.data import manifest
from lab.data.card import read_card
from lab.data.dataset import CARD, MANIFEST, Dataset
from lab.data.importing.staging import staging_folder
from lab.data.phantom_families import CXR, FAMILIES, PhantomFamily
from lab.data.phantom_features import as_stored, extractors, further, row_digests
from lab.data.phantom_films import FILM, renderer_digest, write_note
from lab.errors import StoreError
from lab.provenance import digest_file

FOLDER = ASSETS / "phantoms"
FORMAT = 1
PACK, CALIBRATIONS, MAPS = "pack.json", "calibrations", "maps"
REMAKE = "python -m lab phantoms pack"


@dataclass(frozen=True)
class PhantomPack:
    """A pack on disk and what it says of itself.

    Attributes:
        folder: where its files lie.
        asked: patients, films_per_patient and seed of the set.
        family: id of the kind of phantom.
        renderer: digest of the code that rendered the films.
        dataset: content digest of the set.
        features: name of a feature file's stem to the digest of what computed it.
        files: every other file, relative, to its SHA-256.
    """

    folder: Path
    asked: Mapping[str, int]
    renderer: str
    dataset: str
    features: Mapping[str, str]
    files: Mapping[str, str]
    family: str = CXR.id

    def as_json(self) -> dict[str, Any]:
        """What `pack.json` holds."""
        told = {key: value for key, value in dataclasses.asdict(self).items() if key != "folder"}
        return {"format": FORMAT, **told}


def find_pack(
    patients: int, films_per_patient: int, seed: int, family: PhantomFamily = CXR
) -> PhantomPack | None:
    """The pack of that set which fits the installed code; None where there is none."""
    asked = {"patients": patients, "films_per_patient": films_per_patient, "seed": seed}
    for file in sorted(FOLDER.glob(f"*/{PACK}")):
        pack = read_pack(file.parent)
        if pack is not None and (pack.family, pack.asked) == (family.id, asked) and not misfit(pack):
            return pack
    return None


def read_pack(folder: Path) -> PhantomPack | None:
    """What a pack says of itself; None where there is none or it cannot be read."""
    try:
        told = json.loads((folder / PACK).read_bytes())
        if told.pop("format") != FORMAT:
            return None
        return PhantomPack(folder, **told)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def image_ids(seed: int) -> Mapping[tuple[str, int], str]:
    """Image ids by patient id and number of the film, of the radiograph packs of a seed, rendered as here."""
    return _image_ids(seed, renderer_digest())


@lru_cache(maxsize=4)
def _image_ids(seed: int, renderer: str) -> Mapping[tuple[str, int], str]:
    found: dict[tuple[str, int], str] = {}
    for file in sorted(FOLDER.glob(f"*/{PACK}")):
        pack = read_pack(file.parent)
        if (
            pack is None
            or pack.family != CXR.id
            or pack.renderer != renderer
            or pack.asked.get("seed") != seed
        ):
            continue
        table = manifest.read(pack.folder / MANIFEST)
        for patient, film, name in zip(table["patient_id"], table[FILM], table["image_id"], strict=True):
            found[str(patient), int(film)] = str(name)
    return found


def misfit(pack: PhantomPack) -> str:
    """Why a pack cannot be taken, as half a sentence; "" when it fits the installed code and is whole."""
    if pack.family not in FAMILIES or pack.renderer != FAMILIES[pack.family].digest:
        return "the renderer of the phantoms has changed since"
    if any(pack.features.get(name) != extractor.digest for name, extractor in extractors().items()):
        return "the feature extractor has changed since"
    try:
        whole = all(digest_file(pack.folder / name) == digest for name, digest in pack.files.items())
    except OSError:
        whole = False
    return "" if whole else "its files are damaged or incomplete"


def install(pack: PhantomPack, id: str) -> Dataset:
    """Take a pack in as the dataset `id`; no film is rendered.

    The dataset appears last and at once: where it is, its features and calibrations are. A call that was cut off
    is simply made again.

    Raises:
        DatasetError: when the id is taken, or the manifest is damaged.
        StoreError: when the disk is full.
    """
    return _taken(pack, id, whole=True)


def take_films(pack: PhantomPack, id: str) -> Dataset:
    """Take the films of a pack in as the dataset `id`, and nothing that was computed of them.

    Raises:
        DatasetError, StoreError: as `install`.
    """
    return _taken(pack, id, whole=False)


def _taken(pack: PhantomPack, id: str, whole: bool) -> Dataset:
    place = settings()
    table = manifest.read(pack.folder / MANIFEST)
    card = read_card(pack.folder / CARD)
    if manifest.content_digest(table) != pack.dataset or card.digest != pack.dataset:
        raise StoreError(
            f"The phantom pack contradicts itself; nothing was kept of it; make it anew: {REMAKE}"
        )
    with staging_folder(place.datasets / id) as staging:
        if whole:
            _put_features(pack, table, place)
            _put_finished(pack.folder / CALIBRATIONS, "calibration.json", place.workspace / CALIBRATIONS)
            _put_finished(pack.folder / MAPS, "map.json", place.workspace / MAPS)
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        shutil.copyfile(pack.folder / MANIFEST, staging / MANIFEST)
        write_json(staging / CARD, dataclasses.replace(card, id=id, created=now).as_json())
        write_note(staging, FAMILIES[pack.family])
    return Dataset(place.datasets / id)


def _put_features(pack: PhantomPack, table: pd.DataFrame, place: Settings) -> None:
    from lab.features.packed import unpack
    from lab.features.store import FeatureStore

    store = FeatureStore(place.features)
    usable = {name: key for name, key in further().items() if pack.features.get(name) == key.digest}
    for name, key in {**extractors(), **usable}.items():
        digests = row_digests(name, table)
        missing = set(store.missing(key, digests))
        if not missing:
            continue
        rows = [row for row, digest in enumerate(digests) if digest in missing]
        matrix = unpack((pack.folder / f"{name}.npz").read_bytes())
        if len(matrix) != len(digests):
            raise StoreError(f"The phantom pack is incomplete; nothing was kept; make it anew: {REMAKE}")
        store.put(key, [digests[row] for row in rows], as_stored(name, matrix[rows]))


def _put_finished(source: Path, last: str, target: Path) -> None:
    """Copy the folders that are not there yet, each with its JSON last: without it none is read."""
    for told in sorted(source.glob(f"*/{last}")):
        place = target / told.parent.name
        if (place / last).is_file():
            continue
        for array in sorted(told.parent.glob("*.npy")):
            write_bytes(place / array.name, array.read_bytes())
        write_bytes(place / last, told.read_bytes())
