"""From a checkpoint to a generator's folder: model, card, contact sheet, model card."""

from __future__ import annotations

import dataclasses
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from lab.atomic import write_bytes, write_json
from lab.errors import GeneratorError
from lab.generators.card import GeneratorCard, card_from_json
from lab.generators.condition import Condition, encode_mask
from lab.generators.training import checkpoint
from lab.generators.training.checkpoint import TrainingState
from lab.generators.training.contact_sheet import write_sheet
from lab.generators.training.families import films, loop, mask_sheet
from lab.generators.training.families.readme import readme
from lab.generators.training.families.recipe import FamilyRecipe
from lab.generators.training.families.train import built

COLUMNS, ROWS = 8, 5
FIRST_SEED = 11


def export(recipe: FamilyRecipe, place: Path, target: Path, generator: str = "") -> Path:
    """Write the averaged networks of `place` as a generator into `target`; returns the card's path.

    The contact sheet is drawn by the loader that everybody will use, from the files just written.

    Args:
        generator: id of the generator; the target's name when empty.

    Raises:
        GeneratorError: when nothing is trained yet.
        WeightsError: when the checkpoint belongs to another recipe.
    """
    from lab.device import CPU

    trainer = built(recipe, place, CPU)
    state = TrainingState(trainer.turns, recipe.average, recipe.rate)
    if not checkpoint.restore(state, place / loop.FILE):
        raise GeneratorError(
            f"{recipe.title} is not trained yet; nothing was exported; train it first: "
            f"python -m lab train {recipe.id}"
        )
    fresh = target / ".model.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    with state.averaged():
        told = trainer.save(fresh)
    shutil.rmtree(target / "model", ignore_errors=True)
    fresh.rename(target / "model")
    about = films.read_about(place)
    card = card_from_json({**_fields(recipe, about, generator or target.name), **told})
    measured = {**card.measured, **_facts(recipe, about, state)}
    card = dataclasses.replace(card, measured=measured)
    seconds = draw_sheet(dataclasses.replace(card, root=target), place, target / "contact_sheet.png")
    card = dataclasses.replace(card, measured={**measured, "seconds_for_four": seconds})
    write_bytes(target / "README.md", readme(recipe, card, about, trainer.words()).encode())
    write_json(target / "card.json", card.to_json())
    return target / "card.json"


def _fields(recipe: FamilyRecipe, about: films.About, generator: str) -> dict[str, Any]:
    return {
        "id": generator,
        "title": recipe.title,
        "conditioning": next((c for c in ("mask", "class", "vendor") if c in recipe.conditioning), "none"),
        "modality": recipe.modality or about.modality,
        "folder": "model",
        "size": recipe.size,
        "steps": recipe.sample_steps,
        "guidance": recipe.guidance,
        "colour": recipe.colour,
        "licence": recipe.licence,
        "training_dataset": recipe.dataset,
        "phantom_trained": about.phantom,
        "local_only": not about.phantom,
        "flipped": "flip" in recipe.augment,
        "classes": list(about.classes) if "class" in recipe.conditioning else [],
        "vendors": list(about.vendors) if "vendor" in recipe.conditioning else [],
        "structures": list(about.structures) if "mask" in recipe.conditioning else [],
        "notes": recipe.notes or _notes(about),
    }


def _notes(about: films.About) -> str:
    if about.phantom:
        return "SYNTHETIC (phantom-trained): trained on procedural pictures only; no patient data. Not for diagnosis."
    return "Trained on this machine on pictures of patients: it stays here. Research use, not for diagnosis."


def _facts(recipe: FamilyRecipe, about: films.About, state: TrainingState) -> dict[str, Any]:
    return {
        "training": {
            recipe.family: {
                "parameters": {
                    name: sum(p.numel() for p in turn.network.parameters())
                    for name, turn in state.turns.items()
                },
                "steps": state.step,
                "batch": recipe.batch,
                "seconds": round(state.seconds),
                "loss_curve": state.curve(),
            }
        },
        "training_films": about.films,
        "training_patients": about.patients,
        "films_digest": about.digest,
    }


def conditions_of(card: GeneratorCard, place: Path, rows: int) -> list[Condition]:
    """What the rows of a contact sheet are asked for: the classes or vendors in turn, masks of training pictures."""
    masks = films.some_masks(place, rows) if card.structures else []
    asked = []
    for row in range(rows):
        label = card.classes[row % len(card.classes)] if card.classes else ""
        vendor = card.vendors[row % len(card.vendors)] if card.vendors else ""
        mask = encode_mask(masks[row % len(masks)]) if masks else b""
        asked.append(Condition(label=label, vendor=vendor, mask=mask))
    return asked


def draw_sheet(card: GeneratorCard, place: Path, path: Path) -> float:
    """Draw a contact sheet through the loader; returns the median seconds of four pictures."""
    from lab.generators.load import load
    from lab.generators.request import request_for

    if card.structures:
        return mask_sheet.draw(card, films.some_masks(place, mask_sheet.ROWS), path)
    generator = load(card)
    rows = len(card.classes) or ROWS
    images, took = list[Any](), list[float]()
    for turn, condition in enumerate(conditions_of(card, place, rows)):
        # The same seeds in each row where rows are asked for different things.
        first = FIRST_SEED + (0 if condition else turn * COLUMNS)
        request = request_for(card, "", COLUMNS, first, condition=condition)
        began = time.perf_counter()
        images += [sample.image for batch in generator.generate(request) for sample in batch]
        took.append((time.perf_counter() - began) / COLUMNS * 4)
    write_sheet(np.stack(images), path, COLUMNS)
    return round(statistics.median(took), 2)
