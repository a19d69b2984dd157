"""From a trained text-image model to a folder that open_clip opens by `local-dir:`, with its card."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.atomic import write_bytes, write_json
from lab.errors import GeneratorError
from lab.features.text_image import open_text_image
from lab.features.text_image_folder import CARD, CONFIG

if TYPE_CHECKING:
    from lab.generators.training.clip import ClipRecipe

WEIGHTS = "open_clip_model.safetensors"
LICENCE = "Apache-2.0"


def export(recipe: ClipRecipe, place: Path, target: Path) -> Path:
    """Write the model in float16 to `target`, whole or not at all, and measure it on held-out films.

    Args:
        recipe: what was trained.
        place: folder of its films and checkpoints.
        target: the folder; model files and card of an older export in it are replaced, its reports are kept.

    Returns:
        Path of the card.

    Raises:
        GeneratorError: when nothing is trained yet.
    """
    from lab.generators.training import clip_fit
    from lab.generators.training.text import words_of

    if not (place / f"{clip_fit.STAGE}.safetensors").is_file():
        raise GeneratorError("The clip stage is not trained yet; nothing was exported; go on with --resume.")
    tokenizer, model, state = clip_fit.trained(recipe, place)
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    write_model(model, tokenizer, recipe.config(len(tokenizer)), fresh)
    card = _card(recipe, place, words_of(place), state)
    write_json(fresh / CARD, {**card, **_measured(recipe, place, fresh)})
    write_bytes(fresh / "README.md", _readme(recipe, card).encode())
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(fresh.iterdir()):
        file.replace(target / file.name)
    fresh.rmdir()
    return target / CARD


def write_model(model: Any, tokenizer: Any, config: dict[str, Any], folder: Path) -> None:
    """Write weights, `open_clip_config.json` and tokenizer files; parameters in float16, variances stay float32."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    learned = {name for name, _ in model.named_parameters()}
    tensors = {
        name: (tensor.half() if name in learned else tensor).contiguous()
        for name, tensor in model.state_dict().items()
    }
    save_file(tensors, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)  # safetensors writes for its owner alone
    tokenizer.save_pretrained(folder)
    write_json(folder / CONFIG, config)


def _card(recipe: ClipRecipe, place: Path, words: list[str], state: Any) -> dict[str, Any]:
    from lab.generators.training import clip_data
    from lab.provenance import digest_bytes

    films = clip_data.load(recipe, place, "train")
    return {
        "id": recipe.id,
        "title": recipe.title,
        "family": "open_clip",
        "modality": "chest radiograph",
        "licence": LICENCE,
        "citation": "",
        "phantom_trained": True,
        "notes": "Trained on procedural films and captions only; no patient data. Research use, not for diagnosis.",
        "dimension": recipe.dimension,
        "input_size": recipe.size,
        "vocabulary": words,
        "training": {
            "films": len(films.images),
            "patients": len({record["patient_id"] for record in films.records}),
            "films_digest": digest_bytes(films.images.tobytes()),
            "parameters": sum(parameter.numel() for parameter in state.model.parameters()),
            "steps": state.step,
            "batch": recipe.batch,
            "seconds": round(state.seconds),
            "loss_curve": state.curve(),
        },
    }


def _measured(recipe: ClipRecipe, place: Path, folder: Path) -> dict[str, Any]:
    """Figures on held-out films by the written files, as anybody would open them, and the reference cosines."""
    from lab.generators.training import clip_data, clip_probes

    model = open_text_image(folder)
    films = clip_data.load(recipe, place, "held-out")
    answers = clip_probes.probe(model, films.images, films.records)
    figures = {
        name: {"share": one.share, "n": len(one.hits), "patients": one.patients, "chance": one.chance}
        for name, one in answers.items()
    }
    return {
        "measured": figures,
        "reference": clip_probes.reference(model, films.images, films.records, recipe.seed),
    }


def _readme(recipe: ClipRecipe, card: dict[str, Any]) -> str:
    training = card["training"]
    return f"""# {recipe.title} (`{recipe.id}`)

A small text-image model in the open_clip folder layout: a residual image tower ({recipe.size} px, width {recipe.width})
and a {recipe.text_layers}-layer text tower ({recipe.text_length} tokens, one token a known word), {recipe.dimension}
numbers a vector, {training["parameters"] / 1e6:.1f} M parameters, float16. {card["notes"]} Licence: {LICENCE}.

Opens offline: `open_clip.create_model_from_pretrained("local-dir:FOLDER")`, `open_clip.get_tokenizer(...)`.

## Data
{training["films"]} procedural films of {training["patients"]} patients (seed {recipe.seed}), half of them
counterfactuals: the same exposure with the finding on the other side, of another size, or without it. Captions are
drawn anew at each step and reworded with synonyms. Films are moved, softened and made noisier a little; never flipped.

## Training
{training["steps"]} steps of {recipe.batch} films, {training["seconds"]} s on one CPU thread. Contrastive loss in both
directions; captions that are true of a film are never its negatives; each film also stands beside a caption of its own
that is wrong in side, size or presence, and beside a short statement and its contrary. Loss curve: `card.json`.

## Measured
On held-out patients, in `card.json` ("measured": share, n, chance). `python -m lab gates run text-image` measures anew.

## Known limits
It knows the words of its vocabulary and phantom films alone: on real films its scores mean nothing.
"""
