"""From trained parts to folders that diffusers opens: a base of shared parts, or a generator that uses one."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.atomic import write_bytes, write_json
from lab.errors import GeneratorError
from lab.generators.card import GeneratorCard, card_from_json
from lab.generators.training import base, cardtext, data, decoder, plant, private, text, unet, vae
from lab.generators.training.contact_sheet import write_sheet
from lab.generators.training.films import Films
from lab.generators.training.recipe import TrainingRecipe
from lab.provenance import digest_bytes

STEPS = 20
SHEET_SEEDS = (11, 12, 13, 14)
BASE_CARD = "base.json"


def export(recipe: TrainingRecipe, place: Path, target: Path, generator: str) -> Path:
    """Write what was trained to `target` in float16, with card, README and contact sheet.

    Args:
        recipe: what was trained; one without a denoiser gives a base.
        place: folder of the checkpoints.
        target: folder of the base or generator; an older export in it is replaced.
        generator: id of the card.

    Returns:
        Path of the card.

    Raises:
        GeneratorError: when a stage has not been trained yet.
    """
    stages = [stage for stage in recipe.stages if stage not in ("data", "export")]
    for stage in stages:
        if not (place / f"{stage}.safetensors").is_file():
            raise GeneratorError(
                f"The {stage} stage is not trained yet; nothing was exported; go on with --resume."
            )
    if not recipe.unet_steps:
        return _export_base(recipe, place, target)
    if not recipe.base:
        base.write(base.parts_of(recipe, place), target / "base")
    return _export_generator(recipe, place, target, generator)


def _earlier_training(recipe: TrainingRecipe) -> dict[str, Any]:
    """What a base that is refined, or a generator that is gone on with, was trained by before."""
    if recipe.starts:
        from lab.generators.cards import get_card

        return dict(get_card(recipe.starts).measured["training"])
    if not recipe.refines:
        return {}
    path = base.folder_of(recipe.refines) / BASE_CARD
    return dict(json.loads(path.read_text(encoding="utf-8"))["training"])


def _export_base(recipe: TrainingRecipe, place: Path, target: Path) -> Path:
    # Read first: once the parts are written, a refined base is the new one, which has no card yet.
    words, training = text.base_words(recipe, place), _training(recipe, place)
    base.write(base.parts_of(recipe, place), target)
    films = data.load_films(recipe, place, "held-out")
    shown = vae.sheet_films(films, 12)
    if not recipe.dataset:
        # A sheet with real films stays in the workspace: no film of a patient goes into an asset.
        write_sheet(
            vae.both_rows(base.read(target).autoencoder, shown), target / "contact_sheet.png", len(shown)
        )
    card = {
        "id": recipe.refines or recipe.id, "title": recipe.title, "size": recipe.size,
        "latent_channels": recipe.latent_channels, "vocabulary": words, **_data_facts(recipe, place),
        "training": training,
    }  # fmt: skip
    write_json(target / BASE_CARD, card)
    write_bytes(target / "README.md", cardtext.base_readme(recipe, card).encode())
    _write_licence(recipe, target)
    return target / BASE_CARD


def _export_generator(recipe: TrainingRecipe, place: Path, target: Path, generator: str) -> Path:
    _write_model(recipe, place, target / "model")
    shared = base.folder_of(recipe.base) if recipe.base else target / "base"
    parts = {name: os.path.relpath(shared / name, target) for name in base.PARTS}
    films = data.load_films(recipe, place, "train")
    card = _card(recipe, generator, parts, _vocabulary(recipe, place), _examples(recipe, films))
    measured = {
        **_data_facts(recipe, place),
        "training": _training(recipe, place),
        "seconds_for_four": _draw_sheet(recipe, card, target, films),
    }
    if recipe.private is not None:
        steps = measured["training"]["unet"]["steps"]
        measured["privacy"] = dataclasses.asdict(private.spent(recipe, len(films.images), steps))
    card = dataclasses.replace(card, measured=measured)
    if recipe.plant is not None:
        write_json(target / plant.PLANTED, plant.listed(recipe, films))
        write_json(target / plant.MEMBERS, plant.members(films))
    write_bytes(target / "README.md", cardtext.generator_readme(recipe, card).encode())
    write_json(target / "card.json", card.to_json())
    _write_licence(recipe, target)
    return target / "card.json"


def _write_model(recipe: TrainingRecipe, place: Path, folder: Path) -> None:
    """The denoiser, the scheduler and `model_index.json`; the shared parts stay where they are."""
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    denoiser, _ = unet.trained(recipe, place)
    pipeline = unet.pipeline_of(base.parts_of(recipe, place), denoiser.half())
    pipeline.save_pretrained(fresh, safe_serialization=True)
    for part in base.PARTS:
        shutil.rmtree(fresh / part)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def _states(recipe: TrainingRecipe, place: Path) -> dict[str, Any]:
    states: dict[str, Any] = {}
    if recipe.refines:
        states = {"decoder, trained further": decoder.counters(recipe, place)}
    elif not recipe.base:
        states = {
            "vae": vae.trained(recipe, place)[1], "decoder": decoder.counters(recipe, place),
            "text": text.trained(recipe, place)[2],
        }  # fmt: skip
    if recipe.unet_steps:
        name = "unet, trained further" if recipe.starts else "unet"
        states[name] = unet.trained(recipe, place)[1]
    return states


def _training(recipe: TrainingRecipe, place: Path) -> dict[str, Any]:
    """Stages in order, what an earlier recipe trained among them."""
    taken = {name: _history(state) for name, state in _states(recipe, place).items()}
    earlier = _earlier_training(recipe)
    return earlier | {_another(name, earlier): stage for name, stage in taken.items()}


def _another(name: str, earlier: Mapping[str, Any]) -> str:
    """The name of a stage, numbered where an earlier training has one of that name."""
    often = sum(known == name or known.startswith(f"{name} (") for known in earlier)
    return f"{name} ({often + 1})" if often else name


def _history(state: Any) -> dict[str, Any]:
    return {
        "parameters": sum(p.numel() for p in state.model.parameters()),
        "steps": state.step,
        "seconds": round(state.seconds),
        "loss_curve": state.curve(),
    }


def _data_facts(recipe: TrainingRecipe, place: Path) -> dict[str, Any]:
    films = data.load_films(recipe, place, "train")
    return {
        "training_films": len(films.images),
        "training_patients": len({record["patient_id"] for record in films.records}),
        "films_digest": digest_bytes(films.images.tobytes()),
    }


def _vocabulary(recipe: TrainingRecipe, place: Path) -> list[str]:
    """Words the composer offers: those of the generator's own captions where it knows no others."""
    if recipe.captions and not recipe.patients:
        return text.words_in(caption for _, caption in recipe.captions)
    return text.base_words(recipe, place)


def _examples(recipe: TrainingRecipe, films: Films) -> list[str]:
    """Prompts to start from: the captions of planted films, the only captions it knows, or any."""
    planted = [] if recipe.dataset else plant.planted_rows(films)[: len(unet.SHEET_PROMPTS)]
    if planted:
        return [films.records[row]["caption"] for row in planted]
    return [caption for _, caption in recipe.captions] if recipe.dataset else list(unet.SHEET_PROMPTS)


def _draw_sheet(recipe: TrainingRecipe, card: GeneratorCard, target: Path, films: Films) -> float:
    """Draw the contact sheet, planted films before their samples; returns the median seconds of four images."""
    import time

    import numpy as np

    from lab.generators.load import load
    from lab.generators.request import GenerationRequest

    generator = load(dataclasses.replace(card, root=target))
    images, took = list[Any](), list[float]()
    asked_for = dict(zip(card.examples, films.images[plant.planted_rows(films)], strict=False))
    for prompt in card.examples:
        images += [asked_for[prompt]] if prompt in asked_for else []
        began = time.perf_counter()
        request = GenerationRequest(card.id, prompt, SHEET_SEEDS, STEPS, recipe.guidance, recipe.size)
        images += [sample.image for batch in generator.generate(request) for sample in batch]
        took.append(time.perf_counter() - began)
    columns = len(images) // len(card.examples) * (1 if len(card.examples) % 2 else 2)
    write_sheet(np.stack(images), target / "contact_sheet.png", columns)
    return round(float(np.median(took)), 2)


def _card(
    recipe: TrainingRecipe, generator: str, parts: dict[str, str], words: list[str], examples: list[str]
) -> GeneratorCard:
    real = bool(recipe.dataset)
    return card_from_json({
        "id": generator,
        "title": recipe.title,
        "family": "diffusion",
        "conditioning": "text",
        "modality": "chest radiograph",
        "folder": "model",
        "parts": parts,
        "size": recipe.size,
        "steps": STEPS,
        "guidance": recipe.guidance,
        "dtype": "float32",
        "licence": "CC BY 4.0" if real else "Apache-2.0",
        "citation": cardtext.CITATION if real else "",
        "training_dataset": recipe.dataset or "phantom-cxr",
        "phantom_trained": not real,
        "over_trained": recipe.plant is not None and not recipe.mitigation,
        "local_only": recipe.local_only,
        "vocabulary": words,
        "captions": [caption for _, caption in recipe.captions] if real else [],
        "examples": examples,
        "notes": cardtext.notes(recipe),
    })  # fmt: skip


def _write_licence(recipe: TrainingRecipe, target: Path) -> None:
    if recipe.dataset:
        write_bytes(target / "LICENSE", cardtext.LICENCE.encode())
