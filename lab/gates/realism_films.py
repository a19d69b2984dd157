"""The films of the realism gate: adult frontal films, one of each patient, drawn at random; and phantoms alike.

At most one film of a patient is taken because the kernel distance is unbiased for independent films alone: further
films of a patient resemble the first and raise it. A set with fewer patients than asked for stays smaller.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab.data.images import decode
from lab.data.pixels import resize, to_grey8
from lab.errors import DatasetError
from lab.metrics.patients import balanced_draw
from lab.provenance import digest_file, digest_json

Tick = Callable[[str, int, int], None]
VIEWS = ("PA", "AP")
ADULT = 18
RENDERED = 256
GIVE = "name a folder that holds cxr_nih64 and cxr_covid with --films or LAB_TEST_DATA"


@dataclass(frozen=True, eq=False)
class Films:
    """Films of one set, one of each patient.

    Attributes:
        images: (n, size, size) uint8.
        patients: (n,) names.
        lungs: (n, size, size) bool; None where masks were not asked for.
        digest: of the files used, or of the recipes.
        seconds: CPU seconds that rendering took; 0 for real films.
        views: (n,) "PA" or "AP".
    """

    images: NDArray[np.uint8]
    patients: NDArray[np.str_]
    lungs: NDArray[np.bool_] | None
    digest: str
    seconds: float = 0.0
    views: NDArray[np.str_] | None = None

    @property
    def n(self) -> int:
        """Number of films."""
        return len(self.images)


def real_folder(given: Path | None) -> Path:
    """The folder of real sets: the one given, else the one that LAB_TEST_DATA names.

    Raises:
        DatasetError: when neither is there.
    """
    named = str(given) if given is not None else os.environ.get("LAB_TEST_DATA", "")
    if not named or not Path(named).is_dir():
        raise DatasetError(f"There are no real films to compare with; nothing was measured; {GIVE}.")
    return Path(named)


def adult_rows(folder: Path) -> pd.DataFrame:
    """The rows of metadata.csv with view PA or AP whose patient is not known to be younger than 18.

    Raises:
        DatasetError: when the table is missing or lacks a column.
    """
    try:
        table = pd.read_csv(folder / "metadata.csv", dtype=str, keep_default_na=False)
        age = pd.to_numeric(table["age"], errors="coerce")
        return table[table["view"].isin(VIEWS) & ~(age < ADULT) & (table["patient_id"] != "")]
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(
            f"The set {folder.name[:40]} has no readable metadata.csv with view, age and patient_id; nothing was "
            f"measured; {GIVE}."
        ) from error


def real_films(folder: Path, n: int, size: int, seed: int, masks: bool = False) -> Films:
    """Draw real films at random, one of each patient, and reduce each whole film to a square by area averages.

    Args:
        folder: with metadata.csv and the files it names.
        n: at most so many films.
        masks: take only films with a lung mask, and read it: a pixel is lung where at least half its area is.

    Raises:
        DatasetError: when the table or a film cannot be read, or no film is left.
    """
    table = adult_rows(folder)
    if masks:
        table = table[table["mask"] != ""] if "mask" in table else table.iloc[:0]
    if table.empty:
        raise DatasetError(
            f"The set {folder.name[:40]} has no film of that kind; nothing was measured; {GIVE}."
        )
    names = table["patient_id"].to_numpy(dtype=str)
    count = min(n, len(np.unique(names)))
    table = table.iloc[balanced_draw(names, count, np.random.default_rng(seed))]
    columns = ["image", "mask"] if masks else ["image"]
    try:
        images = np.stack([_square(folder / name, size) for name in table["image"]])
        lungs = np.stack([_square(folder / name, size) > 127 for name in table["mask"]]) if masks else None
        used = [[name, digest_file(folder / name)] for column in columns for name in table[column]]
    except OSError as error:
        raise DatasetError(
            f"A file that the set {folder.name[:40]} names is missing; nothing was measured; {GIVE}."
        ) from error
    return Films(
        images, names_of(table["patient_id"]), lungs, digest_json(used), 0.0, names_of(table["view"])
    )


def phantom_films(n: int, sizes: tuple[int, ...], seed: int, tick: Tick) -> tuple[Films, ...]:
    """Render film 0 of the first `n` adult patients of a seed whose film is frontal, once, reduced to each size.

    Films are rendered at 256 px, as the phantom set is, and reduced like real films.

    Returns:
        one `Films` a size, with lungs; `seconds` is the CPU time of rendering alone.

    Raises:
        DatasetError: when fewer than one film in six is adult and frontal.
    """
    from lab.data.phantom_films import renderer_digest
    from lab.data.phantoms import PhantomRecipe, render

    kept: list[Any] = []
    seconds = 0.0
    for patient in range(6 * n):
        if len(kept) == n:
            break
        start = time.process_time()
        film = render(PhantomRecipe(seed, patient, 0), size=RENDERED)
        spent = time.process_time() - start
        if film.record["view"] in VIEWS and int(str(film.record["age"])) >= ADULT:
            kept.append(film)
            seconds += spent
            tick("Phantom films rendered", len(kept), n)
    if len(kept) < n:
        raise DatasetError(
            f"Only {len(kept)} of {6 * n} phantom films are adult and frontal; nothing was measured; "
            f"restore the renderer."
        )
    digest = digest_json([renderer_digest(), seed, n])
    patients = names_of([film.record["patient_id"] for film in kept])
    views = names_of([film.record["view"] for film in kept])
    found = []
    for size in sizes:
        images = np.stack([resize(film.image, size, "box") for film in kept])
        lungs = [resize(film.masks["lungs"].astype(np.uint8) * 255, size, "box") > 127 for film in kept]
        found.append(Films(images, patients, np.stack(lungs), digest, seconds, views))
    return tuple(found)


def names_of(values: Any) -> NDArray[np.str_]:
    """Words as an array."""
    return np.asarray([str(value) for value in values])


def _square(path: Path, size: int) -> NDArray[np.uint8]:
    grey = to_grey8(decode(path.read_bytes(), name=path.name).array)
    return np.asarray(resize(grey, size, "box"), dtype=np.uint8)
