"""A folder of phantom pictures as anybody might bring it: images, masks, a table. Resumable, in several processes."""

from __future__ import annotations

import csv
import io
import itertools
import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from lab import atomic
from lab.data.phantom_families import CXR, PhantomFamily, get_family
from lab.errors import DatasetError

TABLE = "films.csv"
FILM = "film"
_ROWS = ".rows"

OnProgress = Callable[[int, int], None]


def write_folder(
    folder: Path,
    family: PhantomFamily,
    patients: int,
    films_per_patient: int,
    seed: int = 0,
    processes: int = 2,
    on_progress: OnProgress | None = None,
) -> Path:
    """Write the pictures of a phantom set and the table that names them; returns the table.

    Pictures of an earlier, interrupted call are kept. The bytes do not depend on `processes`. The column `film` holds
    the number of each picture, which together with the patient id is its recipe.

    Raises:
        DatasetError: when a count is below one.
    """
    if patients < 1 or films_per_patient < 1 or processes < 1:
        raise DatasetError(
            "The phantom set needs at least one patient, one picture and one process; nothing was written."
        )
    if family is CXR:
        return _radiographs(folder, patients, films_per_patient, seed, processes, on_progress)
    for name in ("images", "masks", _ROWS):
        (folder / name).mkdir(parents=True, exist_ok=True)
    recipes = [(seed, patient, film) for patient in range(patients) for film in range(films_per_patient)]
    missing = [recipe for recipe in recipes if not (folder / _ROWS / f"{_stem(recipe)}.json").is_file()]
    done = len(recipes) - len(missing)
    for count in itertools.chain([0], _written(folder, family, missing, processes)):
        done += count
        if on_progress is not None:
            on_progress(done, len(recipes))
    return _table(folder, recipes)


def write_pictures(folder: str, family: str, recipes: list[tuple[int, int, int]]) -> int:
    """Write a batch of pictures, given as plain tuples so that a fresh process can run it; returns how many."""
    from lab.data.phantoms.make import png_bytes

    place, kind = Path(folder), get_family(family)
    for recipe in recipes:
        made, stem = kind.render(*recipe), _stem(recipe)
        atomic.write_bytes(place / "images" / f"{stem}.png", png_bytes(made.image))
        atomic.write_bytes(place / "masks" / f"{stem}.png", png_bytes(made.mask))
        row = {
            **made.record,
            "image": f"images/{stem}.png",
            "mask": f"masks/{stem}.png",
            FILM: str(recipe[2]),
        }
        # The row last: where it is, the picture is.
        atomic.write_json(place / _ROWS / f"{stem}.json", row)
    return len(recipes)


def _stem(recipe: tuple[int, int, int]) -> str:
    return f"p{recipe[1]:05d}_f{recipe[2]:02d}"


def _written(
    folder: Path, family: PhantomFamily, missing: list[tuple[int, int, int]], processes: int
) -> Iterator[int]:
    batches = [list(group) for _, group in itertools.groupby(missing, key=lambda recipe: recipe[1])]
    if processes == 1 or len(batches) <= 1:
        for batch in batches:
            yield write_pictures(str(folder), family.id, batch)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(batches)), mp_context=context) as pool:
        names = itertools.repeat(str(folder)), itertools.repeat(family.id)
        yield from pool.map(write_pictures, *names, batches)


def _table(folder: Path, recipes: list[tuple[int, int, int]]) -> Path:
    rows = [json.loads((folder / _ROWS / f"{_stem(recipe)}.json").read_bytes()) for recipe in recipes]
    return _as_csv(folder / TABLE, list(dict.fromkeys(key for row in rows for key in row)), rows)


def _as_csv(path: Path, columns: list[str], rows: list[dict[str, str]]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic.write_bytes(path, text.getvalue().encode())
    return path


def _radiographs(
    folder: Path, patients: int, films: int, seed: int, processes: int, on_progress: OnProgress | None
) -> Path:
    """The folder of the radiographs, by their own writer; its table gets the number of each film."""
    from lab.data.phantoms import make_dataset_folder

    make_dataset_folder(folder, patients, films, seed=seed, processes=processes, on_progress=on_progress)
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row[FILM] = str(int(Path(row["image"]).stem.rpartition("_f")[2]))
    return _as_csv(folder / TABLE, list(rows[0]), rows)
