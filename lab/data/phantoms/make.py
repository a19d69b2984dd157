"""Write a folder of phantom films: images, label masks and a metadata table, resumable and in several processes."""

from __future__ import annotations

import csv
import io
import itertools
import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from lab import atomic
from lab.data.phantoms.render import Body, Film, PhantomRecipe, body_of, render_body
from lab.errors import DatasetError

MASK_LABELS = {"lungs": 1, "heart": 2, "lesion": 3}
COLUMNS = (
    "image",
    "patient_id",
    "label",
    "side",
    "size",
    "lobe",
    "view",
    "sex",
    "age",
    "text",
    "findings",
    "mask",
)
ROWS_FOLDER = ".rows"


def film_name(recipe: PhantomRecipe) -> str:
    """File stem of one film."""
    return f"p{recipe.patient:05d}_f{recipe.film:02d}"


def png_bytes(image: np.ndarray) -> bytes:
    """A grey image (H, W) uint8 as PNG bytes, the same on every run."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="PNG", compress_level=4)
    return stream.getvalue()


def label_mask(film: Film) -> np.ndarray:
    """One label image (H, W) uint8: 0 elsewhere, 1 lungs, 2 heart, 3 lesion; later labels lie on top."""
    labels = np.zeros(film.image.shape, np.uint8)
    for name, value in MASK_LABELS.items():
        labels[film.masks[name]] = value
    return labels


def write_film(folder: Path, recipe: PhantomRecipe, body: Body) -> None:
    """Render one film and write image, mask and, last of all, its metadata row: the row says the film is finished."""
    film = render_body(body, recipe)
    name = film_name(recipe)
    row = {
        **film.record,
        "text": film.record["caption"],
        "image": f"images/{name}.png",
        "mask": f"masks/{name}.png",
    }
    atomic.write_bytes(folder / "images" / f"{name}.png", png_bytes(film.image))
    atomic.write_bytes(folder / "masks" / f"{name}.png", png_bytes(label_mask(film)))
    atomic.write_json(folder / ROWS_FOLDER / f"{name}.json", {column: row[column] for column in COLUMNS})


def write_films(folder: str, recipes: list[tuple[int, int, int]]) -> int:
    """Write a batch of films, given as plain tuples so that a fresh process can run it. Returns how many."""
    body, built = None, None
    for seed, patient, film in recipes:
        if body is None or built != (seed, patient):
            body, built = body_of(seed, patient), (seed, patient)
        write_film(Path(folder), PhantomRecipe(seed, patient, film), body)
    return len(recipes)


def make_dataset_folder(
    folder: Path,
    patients: int,
    films_per_patient: int,
    seed: int = 0,
    processes: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write ``patients`` x ``films_per_patient`` films to ``folder`` and return it.

    Layout: ``images/*.png``, ``masks/*.png`` (labels of ``MASK_LABELS``), ``metadata.csv`` (``COLUMNS``), written last.
    Finished films of an earlier, interrupted call are kept. ``on_progress(done, total)`` is called after every patient.
    The bytes do not depend on ``processes``.

    Raises:
        DatasetError: when a count is below one, or the folder holds films of another seed.
    """
    if patients < 1 or films_per_patient < 1 or processes < 1:
        raise DatasetError(
            "The phantom set needs at least one patient, one film and one process; nothing was written."
        )
    claim_folder(folder, seed)
    recipes = [PhantomRecipe(seed, p, f) for p in range(patients) for f in range(films_per_patient)]
    missing = [r for r in recipes if not (folder / ROWS_FOLDER / f"{film_name(r)}.json").is_file()]
    done, total = len(recipes) - len(missing), len(recipes)
    if on_progress is not None:
        on_progress(done, total)
    for count in write_missing(folder, missing, processes):
        done += count
        if on_progress is not None:
            on_progress(done, total)
    write_metadata(folder, recipes)
    return folder


def claim_folder(folder: Path, seed: int) -> None:
    """Create the sub-folders and refuse a folder begun with another seed."""
    for name in ("images", "masks", ROWS_FOLDER):
        (folder / name).mkdir(parents=True, exist_ok=True)
    note = folder / ROWS_FOLDER / "seed.json"
    if note.is_file() and json.loads(note.read_text())["seed"] != seed:
        raise DatasetError(
            f"{folder.name} holds phantoms of another seed; they were kept, choose an empty folder."
        )
    atomic.write_json(note, {"seed": seed})


def write_missing(folder: Path, missing: list[PhantomRecipe], processes: int) -> Iterator[int]:
    """Write the films that are missing; yields the number of films after each step."""
    batches = patient_batches(missing)
    if processes == 1 or len(batches) == 1:
        for batch in batches:
            yield write_films(str(folder), batch)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(batches)), mp_context=context) as pool:
        yield from pool.map(write_films, [str(folder)] * len(batches), batches)


def patient_batches(missing: list[PhantomRecipe]) -> list[list[tuple[int, int, int]]]:
    """The films as plain tuples, grouped by patient so that each patient is built once."""
    plain = [(r.seed, r.patient, r.film) for r in missing]
    return [list(group) for _, group in itertools.groupby(plain, key=lambda recipe: recipe[1])]


def write_metadata(folder: Path, recipes: list[PhantomRecipe]) -> None:
    """Gather the rows of all films, in recipe order, into ``metadata.csv``."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for recipe in recipes:
        writer.writerow(json.loads((folder / ROWS_FOLDER / f"{film_name(recipe)}.json").read_text()))
    atomic.write_bytes(folder / "metadata.csv", text.getvalue().encode())
