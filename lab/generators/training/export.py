"""From trained parts to a folder that `DiffusionPipeline.from_pretrained` opens, with card and figures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from lab.atomic import write_bytes, write_json
from lab.errors import GeneratorError
from lab.generators.card import GeneratorCard, card_from_json
from lab.generators.training import data, decoder, quality, text, unet, vae
from lab.generators.training.contact_sheet import write_sheet
from lab.generators.training.recipe import TrainingRecipe
from lab.provenance import digest_bytes

STEPS = 20
GUIDANCE = 2.5
SEEDS = (11, 12, 13, 14)


def export(recipe: TrainingRecipe, place: Path, target: Path, generator: str) -> Path:
    """Write `target`/model in float16, then measure it, then `target`/card.json and README.md.

    Args:
        recipe: what was trained.
        place: folder of the checkpoints.
        target: folder of the generator; an older export in it is replaced.
        generator: id of the card.

    Returns:
        Path of the card.

    Raises:
        GeneratorError: when a stage has not been trained yet.
    """
    for stage in ("vae", "decoder", "text", "unet"):
        if not (place / f"{stage}.safetensors").is_file():
            raise GeneratorError(
                f"The {stage} stage is not trained yet; nothing was exported; go on with --resume."
            )
    words = text.words_of(place)
    states = _write_model(recipe, place, target / "model")
    card = _card(recipe, generator, words, {})
    measured = _measure(recipe, place, target, card, states)
    card = _card(recipe, generator, words, measured)
    write_bytes(target / "README.md", _readme(recipe, card).encode())
    write_json(target / "card.json", card.to_json())
    return target / "card.json"


def _write_model(recipe: TrainingRecipe, place: Path, folder: Path) -> dict[str, Any]:
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    tokenizer, encoder, text_state = text.trained(recipe, place)
    denoiser, unet_state = unet.trained(recipe, place)
    pipeline = unet.pipeline_of(recipe, place, denoiser, (tokenizer, encoder))
    pipeline.vae.half(), pipeline.unet.half(), pipeline.text_encoder.half()
    pipeline.save_pretrained(fresh, safe_serialization=True)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    _, vae_state = vae.trained(recipe, place)
    decoder_state = decoder.counters(recipe, place)
    return {"vae": vae_state, "decoder": decoder_state, "text": text_state, "unet": unet_state}


def _measure(
    recipe: TrainingRecipe, place: Path, target: Path, card: GeneratorCard, states: dict[str, Any]
) -> dict[str, Any]:
    import dataclasses
    import time

    from lab.generators.load import load
    from lab.generators.request import GenerationRequest

    generator = load(dataclasses.replace(card, root=target))
    held_out, train = data.load_films(recipe, place, "held-out"), data.load_films(recipe, place, "train")
    given = np.concatenate(
        [generator.autoencode(held_out.images[k : k + 8]) for k in range(0, len(held_out.images), 8)]
    )
    wanted, images, took = [], [], []
    for name, prompts in quality.PROMPTS.items():
        for prompt in prompts:
            began = time.perf_counter()
            request = GenerationRequest(card.id, prompt, SEEDS, STEPS, GUIDANCE, recipe.size)
            images += [sample.image for batch in generator.generate(request) for sample in batch]
            took.append(time.perf_counter() - began)
            wanted += [name] * len(SEEDS)
    samples = np.stack(images)
    write_sheet(samples[:: len(SEEDS)], target / "contact_sheet.png", len(quality.PROMPTS))
    return {
        "autoencoder_psnr_db": round(quality.psnr(held_out.images, given), 2),
        "autoencoder_fine_energy": round(quality.fine_energy(held_out.images, given), 3),
        "autoencoder_held_out_films": len(held_out.images),
        **_agreements(train, held_out, samples, wanted),
        "seconds_for_four": round(float(np.median(took)), 2),
        "training": {name: _history(state) for name, state in states.items()},
        "training_films": len(train.images),
        "training_patients": len({record["patient_id"] for record in train.records}),
        "films_digest": digest_bytes(train.images.tobytes()),
    }


def _agreements(train: data.Films, held_out: data.Films, samples: Any, wanted: list[str]) -> dict[str, Any]:
    """The probe's agreement on the samples and, as their ceiling, on held-out films with and without small findings."""
    classes = [quality.class_of(record["findings"]) for record in train.records]
    kept = [k for k, name in enumerate(classes) if name in quality.PROMPTS]
    probe = quality.Probe(train.images[kept], [classes[k] for k in kept])
    real = [quality.class_of(record["findings"]) for record in held_out.records]
    single = [k for k, name in enumerate(real) if name in quality.PROMPTS]
    plain = [k for k in single if all(f["size"] != "small" for f in held_out.records[k]["findings"])]
    found = {"probe_agreement_samples": quality.agreement(probe, samples, wanted)}
    for name, rows in (("held_out", single), ("held_out_not_small", plain)):
        found[f"probe_agreement_{name}"] = (
            quality.agreement(probe, held_out.images[rows], [real[k] for k in rows]) if rows else {"n": 0}
        )
    return found


def _history(state: Any) -> dict[str, Any]:
    curve = state.losses[:: max(1, len(state.losses) // 40)]
    return {
        "parameters": sum(p.numel() for p in state.model.parameters()),
        "steps": state.step,
        "seconds": round(state.seconds),
        "loss_curve": [[step, round(loss, 4)] for step, loss in curve],
    }


def _card(
    recipe: TrainingRecipe, generator: str, words: list[str], measured: dict[str, Any]
) -> GeneratorCard:
    return card_from_json({
        "id": generator,
        "title": "Phantom chest radiographs",
        "family": "diffusion",
        "conditioning": "text",
        "modality": "chest radiograph",
        "folder": "model",
        "size": recipe.size,
        "steps": STEPS,
        "guidance": GUIDANCE,
        "dtype": "float32",
        "licence": "Apache-2.0",
        "training_dataset": "phantom-cxr",
        "phantom_trained": True,
        "vocabulary": words,
        "examples": [prompts[0] for prompts in quality.PROMPTS.values()],
        "notes": "Trained on procedural films only; no patient data. Research use, not for diagnosis.",
        "measured": measured,
    })  # fmt: skip


def _readme(recipe: TrainingRecipe, card: GeneratorCard) -> str:
    found = card.measured
    samples, films = found["probe_agreement_samples"], found["probe_agreement_held_out"]
    plain = found["probe_agreement_held_out_not_small"]
    stages = "\n".join(
        f"| {name} | {row['parameters'] / 1e6:.2f} M | {row['steps']} | {row['seconds']} |"
        for name, row in found["training"].items()
    )
    return f"""# {card.title} (`{card.id}`)

A small text-to-image latent diffusion model in the Stable-Diffusion folder layout, {recipe.size} px, grey.
It was trained on procedural chest radiographs (phantoms) only. It shows no patient and knows no real film.
Research use, not for diagnosis. Licence: Apache-2.0.

## Data
{found["training_films"]} films of {found["training_patients"]} phantom training patients: the *train* split
of {recipe.patients} patients with {recipe.films_per_patient} films each, seed {recipe.seed},
split by patient 60/30/10. Films of 256 px were averaged to {recipe.size} px.
Augmented by rotation, scale, shift and gain; never flipped.
Captions are the phantoms' own, with synonyms.

## Training
| stage | parameters | steps | seconds |
| --- | --- | --- | --- |
{stages}

On CPU, float32, one thread, on a machine shared with other work. Loss curves stand in `card.json`.
Denoiser: velocity prediction, squared-cosine betas, zero terminal signal, 20 trailing DDIM steps, min-SNR 5,
captions dropped in 10 %, error weighted threefold inside the finding.
Weights are running averages, stored in float16.

## Measured
- Autoencoder on {found["autoencoder_held_out_films"]} films of held-out patients:
  {found["autoencoder_psnr_db"]} dB, fine-detail energy {found["autoencoder_fine_energy"]} of the original.
- Prompt agreement of a small probe trained on the training films (64 px, eight classes of finding and side):
  {samples["share"]} of {samples["n"]} samples; on held-out phantom films {films.get("share")} of {films["n"]},
  without small findings {plain.get("share")} of {plain["n"]}. Few films: read these as rough.
- Four images, {card.steps} steps, guidance {card.guidance}: {found["seconds_for_four"]} s (median).

`contact_sheet.png`: sixteen prompts, two wordings of each of eight findings, the same seed throughout.
"""


def read_measured(folder: Path) -> dict[str, Any]:
    """The measured figures of an exported generator."""
    return dict(json.loads((folder / "card.json").read_text(encoding="utf-8"))["measured"])
