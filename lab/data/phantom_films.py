"""Films of a phantom dataset that are rendered when somebody first asks for them.

A set that came from a pack has a manifest and no films: each row holds the recipe of its film (seed and patient
in the patient id, the number of the film in `film`), so the film can be made anew at any time. A note beside the
manifest says which renderer the recipes are for.

The manifest names the digest of every film as it was on the machine that made the pack. Another CPU may round
otherwise: films then differ by at most one grey level here and there. So a film that does not come out with the
digest of the manifest is held to two other things: that it was rendered by the very code the note names, and that
its file has not changed since.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lab.atomic import write_bytes, write_json
from lab.data.phantom_families import CXR, PhantomFamily, family_of_patient
from lab.data.phantom_folder import FILM
from lab.errors import ImageError
from lab.provenance import digest_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOTE = "rendering.json"
AGAIN = "remove the dataset and prepare it again with: python -m lab prepare"


def renderer_digest(family: PhantomFamily = CXR) -> str:
    """Digest of the source of a family's renderer."""
    return family.digest


def write_note(folder: Path, family: PhantomFamily = CXR) -> None:
    """Say in a dataset's folder that its films may be rendered by the renderer as it is now."""
    write_json(folder / NOTE, {"format": 1, "family": family.id, "renderer": family.digest})


def supply(folder: Path, row: Any) -> None:
    """Render the film of a manifest row, and its mask, where the set is one that is rendered on demand.

    Each file appears whole or not at all, the film last: where the film is, its mask is.

    Args:
        folder: of the dataset; without a note nothing is done.
        row: with image_id, digest, path, mask, patient_id and film.

    Raises:
        ImageError: when another renderer than that of the set gives another film, or the row is not a recipe.
        StoreError: when the disk is full.
    """
    if not (folder / NOTE).is_file():
        return
    recipe = recipe_of(row)
    family = family_of_patient(str(row["patient_id"]))
    film = family.render(recipe.seed, recipe.patient, recipe.film)
    data = stored_bytes(film.image)
    path, digest = folder / str(row["path"]), digest_bytes(data)
    if digest != row["digest"]:
        _check_renderer(folder, family)
        write_bytes(_local_digest(path), digest.encode("ascii"))
    if row["mask"]:
        write_bytes(folder / str(row["mask"]), stored_bytes(film.mask))
    write_bytes(path, data)


def stored_bytes(image: NDArray[np.uint8]) -> bytes:
    """The file of a film (H, W[, 3]) or mask in a dataset; a film's id is the first 16 digits of its SHA-256."""
    from lab.data.images import decode_clean
    from lab.data.phantoms.make import png_bytes

    return decode_clean(png_bytes(image))[1]


def expected_digest(folder: Path, path: Path, digest: str) -> str:
    """The digest a film's file must have: the manifest's, or the one it had when this machine rendered it."""
    local = _local_digest(path)
    if (folder / NOTE).is_file() and local.is_file():
        return local.read_text("ascii").strip()
    return digest


@dataclass(frozen=True)
class FilmRecipe:
    """What a film is made from: seed of the set, number of the patient, number of the film."""

    seed: int
    patient: int
    film: int


def recipe_of(row: Any) -> FilmRecipe:
    """The recipe of a manifest row.

    Raises:
        ImageError: when the row does not hold one.
    """
    parts = str(row["patient_id"]).split("-")
    film = str(row[FILM]) if FILM in row else ""
    if len(parts) != 3 or not all(part.isdecimal() for part in (*parts[1:], film)):
        raise ImageError(f"The manifest does not say how to render a film; the others are kept; {AGAIN}.")
    return FilmRecipe(int(parts[1]), int(parts[2]), int(film))


def supply_all(folder: Path, table: pd.DataFrame) -> Iterator[tuple[int, int]]:
    """Render every film that is missing, patient by patient; yields (films there, films in all) after each.

    Raises:
        ImageError, StoreError: as `supply`; films rendered before are kept.
    """
    missing = [row for _, row in table.iterrows() if not (folder / str(row["path"])).is_file()]
    missing.sort(key=lambda row: (str(row["patient_id"]), str(row[FILM]) if FILM in row else ""))
    done, total = len(table) - len(missing), len(table)
    yield done, total
    for row in missing:
        supply(folder, row)
        done += 1
        yield done, total


def _check_renderer(folder: Path, family: PhantomFamily) -> None:
    try:
        known = json.loads((folder / NOTE).read_bytes())["renderer"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImageError(f"A film is not on this disk and its recipe cannot be read; {AGAIN}.") from error
    if known != family.digest:
        raise ImageError(
            f"A film is not on this disk and the program that renders it has changed; the manifest is kept; {AGAIN}."
        )


def _local_digest(path: Path) -> Path:
    return path.with_suffix(".sha256")
