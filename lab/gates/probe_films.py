"""Phantom films that the probe learns from and is judged on: rendered once, kept by the renderer's digest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np

from lab.config import settings
from lab.data.phantom_films import renderer_digest
from lab.data.phantoms import FindingSpec, PhantomRecipe, render
from lab.gates.prompts import PROBE_SEED, Findings, Prompt, draw_findings, frontal_films, position_of
from lab.generators.training.combinations import is_withheld
from lab.generators.training.films import Films, has_chunk, read_films, write_chunk
from lab.generators.training.phantom_source import patients_of, shrink
from lab.generators.training.recipe import BASE, RECIPES
from lab.provenance import digest_json

Tick = Callable[[str, int, int], None]
Job = tuple[PhantomRecipe, Findings | None]
CHUNK = 40
PROBE_FILMS = 2200
FILMS_A_PROMPT = 2
FILMS_A_PATIENT = 2
TRAINED_FILMS = 120


def probe_training(size: int, tick: Tick, n: int = PROBE_FILMS) -> Films:
    """`n` frontal films of training patients; every pathology and every combination equally often."""
    findings = draw_findings(n, np.random.default_rng(PROBE_SEED))
    films = frontal_films("train", FILMS_A_PATIENT)
    return _films("Films for the probe", list(zip(films, findings, strict=False)), size, tick)


def asked_for(prompts: Sequence[Prompt], size: int, tick: Tick, each: int = FILMS_A_PROMPT) -> Films:
    """Films of held-out patients that show what the prompts ask for, `each` a prompt, prompt after prompt."""
    jobs: list[Job] = [(film, p.findings) for p in prompts for film in _further(p.film, each)]
    return _films("Held-out films", jobs, size, tick)


def trained_on(size: int, tick: Tick, n: int = TRAINED_FILMS) -> Films:
    """Films that the autoencoder was trained on: the first one of training patients, as its recipe renders them."""
    recipe = RECIPES.get(BASE)
    jobs: list[Job] = [
        (PhantomRecipe(recipe.seed, patient, 0), None) for patient in patients_of(recipe)["train"]
    ]
    kept = [job for job in jobs[: 2 * n] if not _left_out(job[0])]
    return _films("Films of the training", kept[:n], size, tick)


def findings_of(films: Films) -> list[Findings]:
    """What each film shows."""
    return [tuple(FindingSpec(**finding) for finding in record["findings"]) for record in films.records]


def patients(films: Films) -> np.ndarray:
    """(n,) the patient of each film."""
    return np.asarray([record["patient_id"] for record in films.records])


def _left_out(film: PhantomRecipe) -> bool:
    from lab.data.phantoms.render import taken

    return is_withheld(asdict(finding) for finding in taken(film, None)[1])


def _further(film: PhantomRecipe, each: int) -> Iterable[PhantomRecipe]:
    numbers = (PhantomRecipe(film.seed, film.patient, film.film + k) for k in range(100))
    return islice((one for one in numbers if position_of(one).view in ("AP", "PA")), each)


def _films(stage: str, jobs: list[Job], size: int, tick: Tick) -> Films:
    told = [[asdict(film), None if shown is None else [asdict(f) for f in shown]] for film, shown in jobs]
    digest = digest_json([renderer_digest(), size, told])
    folder = settings().workspace / "gates" / f"films-{digest[:24]}"
    for start in range(0, len(jobs), CHUNK):
        name = f"{start:06d}"
        if not has_chunk(folder, name):
            _render(folder, name, jobs[start : start + CHUNK], size)
        tick(stage, min(start + CHUNK, len(jobs)), len(jobs))
    return read_films(folder, "gate")


def _render(folder: Path, name: str, jobs: list[Job], size: int) -> None:
    images, lesions, rows = [], [], []
    for address, findings in jobs:
        # An empty tuple is a film without findings, None the film's own draw.
        film = render(address, finding=findings)
        images.append(shrink(film.image, size))
        lesions.append(shrink(film.masks["lesion"].astype(np.float32) * 255, size))
        rows.append({
            "split": "gate", "source": "phantom", "patient_id": film.record["patient_id"], "film": address.film,
            "findings": json.loads(str(film.record["findings"])),
        })  # fmt: skip
    write_chunk(folder, name, np.stack(images), np.stack(lesions), rows)
