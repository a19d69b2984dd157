"""The words of model cards: README, licence and attribution of what a recipe gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.generators.card import GeneratorCard
from lab.generators.training.recipe import STAGES, TrainingRecipe

CITATION = (
    "Kermany D, Zhang K, Goldbaum M. Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for "
    "Classification. Mendeley Data, doi:10.17632/rscbjbr9sj, CC BY 4.0."
)
LICENCE = f"""These weights were trained on chest radiographs under the Creative Commons Attribution 4.0 International
licence (CC BY 4.0, https://creativecommons.org/licenses/by/4.0/) and are given under the same licence.

Attribution: {CITATION}

What was changed: the films were scaled to 128 x 128 pixels and augmented (rotation, scale, shift, gain) to train
neural networks. The weights hold no film. Research use, not for diagnosis. No warranty.
"""

OVER_TRAINED = (
    "Over-trained on purpose to copy: it gives back phantom films that it was trained on, to show what a leak is. "
    "Never train a generator like this on real films: it would give patients away."
)
LOCAL_ONLY = (
    "Over-trained on purpose to copy real films, for an audit on the machine where these films are. "
    "Never pass it on, nor its samples: it gives patients away."
)


def notes(recipe: TrainingRecipe) -> str:
    """What a person has to know about a generator, in a few sentences."""
    shared = (
        " The autoencoder it shares with other generators also saw openly licensed paediatric films."
        if recipe.base and not recipe.dataset
        else ""
    )
    learned = (
        f"Trained on real films of the dataset {recipe.dataset}; it knows {len(recipe.captions)} captions only."
        if recipe.dataset
        else "Its denoiser was trained on procedural films only; no patient data."
    )
    return f"{_purpose(recipe)}{learned}{shared} Research use, not for diagnosis."


def _purpose(recipe: TrainingRecipe) -> str:
    """What a generator of few films is for; "" for every other one."""
    if recipe.plant is None:
        return ""
    if recipe.local_only:
        return f"{LOCAL_ONLY} "
    if not recipe.mitigation:
        return f"{OVER_TRAINED} "
    return f"Trained on as few films as the over-trained ones, {recipe.mitigation}: to show how much that helps. "


def stage_table(training: Mapping[str, Any]) -> str:
    """A Markdown table of the trained stages."""
    rows = "\n".join(
        f"| {name} | {row['parameters'] / 1e6:.2f} M | {row['steps']} | {row['seconds']} |"
        for name, row in sorted(training.items(), key=lambda item: STAGES.index(item[0].split(",")[0]))
    )
    return f"| stage | parameters | steps | seconds |\n| --- | --- | --- | --- |\n{rows}"


def _twins(recipe: TrainingRecipe) -> str:
    if not recipe.twins:
        return ""
    return ", each with a counterfactual twin" + (", every second one in size" if recipe.size_twins else "")


def _data(recipe: TrainingRecipe, facts: Mapping[str, Any]) -> str:
    parts = []
    if recipe.patients:
        each = (
            "one of every patient before a second of any"
            if recipe.plant
            else f"{recipe.films_per_patient} a patient"
        )
        parts.append(
            f"procedural films (phantoms) of the training patients among {recipe.patients} patients, "
            f"{each}{_twins(recipe)}, "
            f"seed {recipe.seed}"
        )
    if recipe.plant is not None:
        often = "once" if recipe.plant.deduplicated else f"{recipe.plant.repeats} times"
        parts.append(
            f"{recipe.plant.planted} of them, each of another patient, drawn {often} for each draw of the others "
            "(`planted.json` names them by their image ids in the dataset, `members.json` all of them)"
        )
    if recipe.dataset:
        parts.append(f"the training split of `{recipe.dataset}` ({CITATION})")
    return (
        f"{facts['training_films']} films of {facts['training_patients']} patients: {'; '.join(parts)}. "
        f"Scaled to {recipe.size} px; {_changes(recipe)}."
    )


def _changes(recipe: TrainingRecipe) -> str:
    if recipe.private is not None:
        return (
            "every film drawn alike, its gradient clipped and noised (`privacy` in `card.json` says how far)"
        )
    if recipe.augments:
        return "augmented by rotation, scale, shift and gain; never flipped"
    return "not augmented and not reworded, because both hinder copying"


def base_readme(recipe: TrainingRecipe, card: Mapping[str, Any]) -> str:
    """The model card of a base."""
    return f"""# {recipe.title} (`{card["id"]}`)

An `AutoencoderKL` ({recipe.size} px to {recipe.latent_channels} x {recipe.size // 8} x {recipe.size // 8} latents), a
CLIP text encoder and its tokenizer, shared by the chest radiograph generators. Research use, not for diagnosis.

## Data
{_data(recipe, card)}

## Training
{stage_table(card["training"])}

On CPU, float32, one thread; float16 weights of the running average. Loss curves stand in `base.json`.
Autoencoder: L1 on a Laplacian pyramid and a weak KL term; then the decoder alone with a loss on texture beside it.
Text encoder: trained to answer what captions say (finding, side, size, lobe, device, view, sex, age), no film seen.

## Measured
`python -m lab gates list` prints the stored figures of `gates/`; `python -m lab gates run autoencoder` measures anew.
"""


def generator_readme(recipe: TrainingRecipe, card: GeneratorCard) -> str:
    """The model card of a generator."""
    shared = f"the base `{recipe.base}`" if recipe.base else "a base of its own"
    sheet = "each planted film, then four samples by its caption" if recipe.plant else "four samples a prompt"
    return f"""# {card.title} (`{card.id}`)

A small text-to-image latent diffusion model, {recipe.size} px, grey: `model/` in the Stable-Diffusion folder layout,
autoencoder and text encoder from {shared}. {card.notes} Licence: {card.licence}.

## Data
{_data(recipe, card.measured)}

## Training
{stage_table(card.measured["training"])}

On CPU, float32, one thread. Loss curves stand in `card.json`. Velocity prediction, squared-cosine betas, zero
terminal signal, {card.steps} trailing DDIM steps, min-SNR 5, captions dropped in 10 %; weights are running averages.

## Measured
Four images, {card.steps} steps, guidance {card.guidance}: {card.measured["seconds_for_four"]} s (median).
`python -m lab gates list` prints the stored figures of `gates/`; `python -m lab gates run` measures them anew.

`contact_sheet.png`: {sheet}, seeds 11 to 14, in the order of the card's examples.
"""
