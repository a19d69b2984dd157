"""Films of the text-image model: phantoms of training patients, each with a counterfactual, and held-out ones."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.atomic import write_json
from lab.errors import DatasetError
from lab.generators.training.films import Films, has_chunk, read_films, write_chunk
from lab.generators.training.phantom_source import CHUNK, OTHER_SIDE, Job, shrink

if TYPE_CHECKING:
    from lab.data.phantoms import Film, FindingSpec
    from lab.generators.training.clip import ClipRecipe


def folder_of(recipe: ClipRecipe, place: Path) -> Path:
    """Folder of the films: a run that is resumed keeps those it began with, whatever the renderer is now."""
    from lab.provenance import code_digest, digest_json

    pin = place / "films.json"
    if pin.is_file():
        digest = str(json.loads(pin.read_text(encoding="utf-8"))["digest"])
    else:
        asked = [recipe.patients, recipe.held_out, recipe.seed, recipe.size]
        digest = digest_json([asked, code_digest(["lab.data.phantoms"])])
        write_json(pin, {"digest": digest})
    return place / "films" / digest[:16]


def prepare(recipe: ClipRecipe, place: Path) -> Iterator[tuple[int, int]]:
    """Render what is missing; yields films done and films in all.

    Raises:
        DatasetError: when no patient falls into the training split.
    """
    jobs = jobs_of(recipe)
    folder = folder_of(recipe, place)
    for start in range(0, len(jobs), CHUNK):
        name = f"phantom-{start:06d}"
        if not has_chunk(folder, name):
            films = [film for job in jobs[start : start + CHUNK] for film in rendered(recipe, job)]
            images = np.stack([image for image, _ in films])
            write_chunk(folder, name, images, np.zeros_like(images), [row for _, row in films])
        yield min(start + CHUNK, len(jobs)), len(jobs)


def load(recipe: ClipRecipe, place: Path, split: str) -> Films:
    """The films of "train" or "held-out", in a fixed order."""
    return read_films(folder_of(recipe, place), split)


def jobs_of(recipe: ClipRecipe) -> list[Job]:
    """One film of each training patient and of the first held-out patients, as every phantom set divides them."""
    from lab.data.phantom_dataset import phantom_split

    splits: dict[str, list[int]] = {"train": [], "held-out": []}
    for number in range(recipe.patients):
        splits.setdefault(phantom_split(f"phantom-{recipe.seed}-{number:05d}"), []).append(number)
    if not splits["train"]:
        raise DatasetError("This recipe has no training films; nothing was trained; give it more patients.")
    jobs = [Job("held-out", number, 0) for number in splits["held-out"][: recipe.held_out]]
    return jobs + [Job("train", number, 0) for number in splits["train"]]


def rendered(recipe: ClipRecipe, job: Job) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
    """Pixels (size, size) uint8 and record of a film, then of its counterfactual where it is a training film."""
    from lab.data.phantoms import PhantomRecipe, render

    address = PhantomRecipe(recipe.seed, job.patient, job.film)
    film = render(address)
    row = record_of(job, film)
    yield shrink(film.image, recipe.size), row
    if job.split == "train":
        rng = random.Random(f"{recipe.seed} counterfactual {job.patient} {job.film}")  # noqa: S311
        twin = render(address, finding=counterfactual(row, rng))
        yield shrink(twin.image, recipe.size), record_of(job, twin)


def record_of(job: Job, film: Film) -> dict[str, Any]:
    """What is known about a film, as JSON."""
    told = {key: film.record[key] for key in ("patient_id", "caption", "view", "sex", "age")}
    findings = json.loads(str(film.record["findings"]))
    return {"split": job.split, "source": "phantom", "film": job.film, **told, "findings": findings}


def counterfactual(record: Mapping[str, Any], rng: random.Random) -> tuple[FindingSpec, ...]:
    """The findings of the twin: on the other side, of another size, without one of them, or with one where none was."""
    from lab.data.phantoms.draws import LABELS, OPPOSITE, SIZES, FindingSpec, draw_one

    found = [FindingSpec(**finding) for finding in record["findings"]]
    if not found:
        return (draw_one(np.random.default_rng(rng.getrandbits(63)), rng.choice(LABELS)),)
    kinds = ["absent"] + ["size"] * any(f.size for f in found)
    if record["view"] in ("AP", "PA") and any(f.side for f in found):
        kinds += ["side"] * 2
    kind = rng.choice(kinds)
    if kind == "side":
        return tuple(
            replace(f, side=OTHER_SIDE.get(f.side, ""), lobe=OPPOSITE.get(f.lobe, "")) for f in found
        )
    chosen = rng.randrange(len(found))
    if kind == "absent":
        return tuple(found[:chosen] + found[chosen + 1 :]) or (FindingSpec("no finding"),)
    chosen = rng.choice([k for k, f in enumerate(found) if f.size])
    size = rng.choice([size for size in SIZES if size != found[chosen].size])
    return tuple(replace(f, size=size) if k == chosen else f for k, f in enumerate(found))


def distinct(records: Sequence[Mapping[str, Any]], count: int) -> list[int]:
    """The first `count` rows whose captions say different things; fewer where there are not so many."""
    from lab.generators.training.clip_words import claims
    from lab.provenance import digest_json

    rows: dict[str, int] = {}
    for row, record in enumerate(records):
        rows.setdefault(digest_json(claims(record["caption"], record)), row)
    return list(rows.values())[:count]
