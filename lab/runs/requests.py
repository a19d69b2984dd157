"""From a person's choice to a `RunSpec`: pages and commands build their runs here and nowhere else.

A spec names what it depends on by content digest, so that the same question is answered from the store
and a changed dataset, weight file or setting is a new run. Nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.data.phantom_families import CXR, PhantomFamily
from lab.errors import InputError
from lab.runs.artifacts import write_artifact
from lab.runs.dependencies import (
    EXTRACTOR,
    autoencoder_digest,
    calibration_digest,
    checked_seed,
    dataset_digest,
    dataset_name,
    extractor_digest,
    file_bytes,
    known_extractor,
    last_made,
    set_digest,
)
from lab.runs.metric_requests import checked_options as checked_options
from lab.runs.metric_requests import evaluate_run as evaluate_run
from lab.runs.spec import RunSpec

if TYPE_CHECKING:
    from lab.generators.card import GeneratorCard
    from lab.generators.request import GenerationRequest
    from lab.runs.store import Run

PHANTOM = CXR.id
MAP_METHODS = ("umap", "pca", "tsne")
PHANTOM_PATIENTS = CXR.patients
PHANTOM_FILMS = CXR.films


def default_dataset(card: GeneratorCard) -> str | None:
    """The dataset a generator was trained on, where it is installed here."""
    from lab.data.store import list_datasets

    installed = {dataset.id for dataset in list_datasets()}
    return card.training_dataset if card.training_dataset in installed else None


def generate_run(
    request: GenerationRequest,
    dataset: str | None,
    extractor: str = EXTRACTOR,
    gate: Mapping[str, Any] | None = None,
) -> RunSpec:
    """A run that generates images and delivers the whole answer: features, neighbours, alignment, map position.

    Args:
        request: as checked at the border.
        dataset: id of the dataset whose training images are searched; None generates only.
        extractor: the feature extractor.
        gate: a quality gate as JSON (`lab.quality_gate.gate`); None for none.
    """
    from lab.features.text_image_fit import installed_digest
    from lab.generators.cards import get_card
    from lab.generators.load import model_digest
    from lab.generators.request import MICRO_BATCH
    from lab.quality_gate.gate import gate_from_json

    chosen: dict[str, Any] = {
        "generator": request.generator,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seeds": list(request.seeds),
        "steps": request.steps,
        "guidance": request.guidance,
        "size": request.size,
        "dataset": dataset,
        "extractor": extractor,
    }
    if request.condition:
        chosen["condition"] = request.condition.to_json()
    if request.micro_batch != MICRO_BATCH:
        chosen["micro_batch"] = request.micro_batch
    if gate:
        chosen["gate"] = gate_from_json(gate).to_json()
    inputs = {"weights": model_digest(get_card(request.generator)), "text_image": installed_digest()}
    if dataset is not None:
        inputs |= {
            "dataset": dataset_digest(dataset),
            "calibration": calibration_digest(dataset, extractor),
        }
        inputs |= {"map": map_coordinates(dataset, extractor), "extractor": extractor_digest(extractor)}
    label = f"{_images(len(request.seeds))} with {request.generator}"
    return RunSpec("generate", chosen, inputs, label)


def embed_run(reference: str, extractor: str = EXTRACTOR) -> RunSpec:
    """A run that extracts and stores the features of a dataset."""
    name = dataset_name(reference)
    chosen = {"dataset": name, "extractor": known_extractor(extractor)}
    inputs = {"dataset": dataset_digest(name), "extractor": extractor_digest(extractor)}
    return RunSpec("embed", chosen, inputs, f"Features of {name}")


def calibrate_run(reference: str, extractor: str = EXTRACTOR) -> RunSpec:
    """A run that measures real-to-real distances, false alarms and canaries of a dataset."""
    name = dataset_name(reference)
    chosen = {"dataset": name, "extractor": known_extractor(extractor)}
    inputs = {"dataset": dataset_digest(name), "autoencoder": autoencoder_digest(name)}
    inputs["extractor"] = extractor_digest(extractor)
    return RunSpec("calibrate", chosen, inputs, f"Calibration of {name}")


def map_run(
    reference: str,
    extractor: str = EXTRACTOR,
    samples: str | None = None,
    seed: int = 0,
    method: str = "umap",
) -> RunSpec:
    """A run that fits the feature-space map on train and places the others on it.

    Raises:
        InputError: for a method other than "umap", "pca" and "tsne".
    """
    if method not in MAP_METHODS:
        raise InputError(
            f"There is no map method of that name; nothing was started; take {', '.join(MAP_METHODS)}."
        )
    name = dataset_name(reference)
    chosen = {
        "dataset": name,
        "extractor": known_extractor(extractor),
        "samples": samples,
        "seed": checked_seed(seed),
        "method": method,
    }
    inputs = {"dataset": dataset_digest(name), "extractor": extractor_digest(extractor)}
    if samples is not None:
        inputs["samples"] = set_digest(samples)
    return RunSpec("map", chosen, inputs, f"Map of {name}")


def place_run(fitted: Run, samples: str) -> RunSpec:
    """A run that places a sample set on a finished map."""
    result = fitted.result or {}
    chosen = {
        "dataset": fitted.spec.settings["dataset"],
        "extractor": fitted.spec.settings["extractor"],
        "samples": samples,
        "method": result["method"],
        "off_map_limit": result.get("off_map_limit"),
    }
    inputs = {"map": str(result["reference"]), "samples": set_digest(samples)}
    inputs["extractor"] = extractor_digest(chosen["extractor"])
    return RunSpec("place", chosen, inputs, f"Placing {samples} on the map")


def neighbours_run(
    images: Sequence[Path | bytes], reference: str, k: int = 5, extractor: str = EXTRACTOR
) -> RunSpec:
    """A run that finds the nearest images of a dataset for some image files.

    The files travel as artifacts named by content: no file name enters the store.

    Raises:
        InputError: for no image, an empty or a too large file, or k outside 1..100.
    """
    if not images or not 1 <= k <= 100:
        raise InputError(
            "Neighbours need at least one image and k from 1 to 100; nothing was started; choose again."
        )
    name = dataset_name(reference)
    digests = [write_artifact(file_bytes(image), ".image") for image in images]
    chosen = {"images": digests, "dataset": reference, "k": k, "extractor": known_extractor(extractor)}
    inputs = {"dataset": dataset_digest(name), "calibration": calibration_digest(name, extractor)}
    inputs["extractor"] = extractor_digest(extractor)
    return RunSpec("neighbours", chosen, inputs, f"Neighbours of {_images(len(digests))} in {name}")


def phantom_run(
    patients: int = PHANTOM_PATIENTS,
    films: int = PHANTOM_FILMS,
    name: str = PHANTOM,
    family: PhantomFamily = CXR,
) -> RunSpec:
    """A run that makes a phantom set."""
    chosen = {
        "id": name, "patients": patients, "films_per_patient": films, "seed": 0, "family": family.id,
    }  # fmt: skip
    inputs = {"after": last_made("phantom", name)}
    return RunSpec("phantom", chosen, inputs, f"{patients * films:,} phantom {family.noun}")


def train_run(recipe: str, minutes: float, resume: bool) -> RunSpec:
    """A run that trains a generator by a recipe; each call is a run of its own.

    Args:
        recipe: name of one of the project's recipes, or path of a YAML file. What the file says travels with the run.
        minutes: for the training.
        resume: go on from the last checkpoint.

    Raises:
        NotFoundError: for an unknown recipe.
        InputError: for a file that is no recipe.
    """
    import secrets

    from lab.generators.training import known
    from lab.generators.training.families.recipe import FamilyRecipe

    found = known.find(recipe)
    chosen = {"recipe": found.id, "minutes": minutes, "resume": resume}
    if isinstance(found, FamilyRecipe):
        chosen["values"] = found.to_json()
    return RunSpec("train", chosen, {"call": secrets.token_hex(8)}, f"Training {found.id}")


def latest_map(dataset: str, extractor: str = EXTRACTOR, method: str = "umap") -> Run | None:
    """The newest finished map of a dataset as it is now, by one method, or None."""
    from lab.runs.store import RunStore

    wanted = (dataset, extractor, dataset_digest(dataset), extractor_digest(extractor), method)
    for run in RunStore.open().list(states=("done",), kinds=("map",), limit=200):
        chosen, inputs = run.spec.settings, run.spec.inputs
        known = (chosen["dataset"], chosen["extractor"], inputs["dataset"], inputs.get("extractor"))
        if (*known, chosen.get("method", "umap")) == wanted:
            return run
    return None


def map_coordinates(dataset: str, extractor: str = EXTRACTOR) -> str:
    """Digest of the reference layer of the newest map, "none" before there is one."""
    run = latest_map(dataset, extractor)
    return str(run.result["reference"]) if run and run.result else "none"


def _images(count: int) -> str:
    return f"{count} image" if count == 1 else f"{count} images"
