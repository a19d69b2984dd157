"""From a person's choice to a `RunSpec`: pages and commands build their runs here and nowhere else.

A spec names what it depends on by content digest, so that the same question is answered from the store
and a changed dataset, weight file or setting is a new run. Nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lab.config import settings
from lab.errors import InputError
from lab.provenance import digest_bytes
from lab.runs.artifacts import write_artifact
from lab.runs.spec import RunSpec

if TYPE_CHECKING:
    from lab.generators.card import GeneratorCard
    from lab.generators.request import GenerationRequest
    from lab.runs.store import Run

EXTRACTOR = "efficientnet-lite0"
PHANTOM = "phantom-cxr"
PHANTOM_PATIENTS = 1000
PHANTOM_FILMS = 3
MAX_SEED = 2**32 - 1


def default_dataset(card: GeneratorCard) -> str | None:
    """The dataset a generator was trained on, where it is installed here."""
    from lab.data.store import list_datasets

    installed = {dataset.id for dataset in list_datasets()}
    return card.training_dataset if card.training_dataset in installed else None


def generate_run(request: GenerationRequest, dataset: str | None, extractor: str = EXTRACTOR) -> RunSpec:
    """A run that generates images and delivers the whole answer: features, neighbours, alignment, map position.

    Args:
        request: as checked at the border.
        dataset: id of the dataset whose training images are searched; None generates only.
        extractor: the feature extractor.
    """
    from lab.generators.cards import get_card
    from lab.generators.load import model_folder
    from lab.generators.weights import weights_digest

    chosen = {
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
    inputs = {"weights": weights_digest(model_folder(get_card(request.generator)))}
    if dataset is not None:
        inputs |= {
            "dataset": _dataset_digest(dataset),
            "calibration": _calibration_digest(dataset, extractor),
        }
        inputs |= {"map": map_coordinates(dataset, extractor)}
    label = f"{len(request.seeds)} images with {request.generator}"
    return RunSpec("generate", chosen, inputs, label)


def embed_run(reference: str, extractor: str = EXTRACTOR) -> RunSpec:
    """A run that extracts and stores the features of a dataset."""
    name = _name(reference)
    chosen = {"dataset": name, "extractor": _known_extractor(extractor)}
    return RunSpec("embed", chosen, {"dataset": _dataset_digest(name)}, f"Features of {name}")


def calibrate_run(reference: str, extractor: str = EXTRACTOR) -> RunSpec:
    """A run that measures real-to-real distances, false alarms and canaries of a dataset."""
    name = _name(reference)
    chosen = {"dataset": name, "extractor": _known_extractor(extractor)}
    inputs = {"dataset": _dataset_digest(name), "autoencoder": _autoencoder_digest(name)}
    return RunSpec("calibrate", chosen, inputs, f"Calibration of {name}")


def map_run(reference: str, extractor: str = EXTRACTOR, samples: str | None = None, seed: int = 0) -> RunSpec:
    """A run that fits the feature-space map on train and places held-out images and samples on it."""
    name = _name(reference)
    chosen = {
        "dataset": name,
        "extractor": _known_extractor(extractor),
        "samples": samples,
        "seed": _seed(seed),
    }
    inputs = {"dataset": _dataset_digest(name)}
    if samples is not None:
        inputs["samples"] = _set_digest(samples)
    return RunSpec("map", chosen, inputs, f"Map of {name}")


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
    name = _name(reference)
    digests = [write_artifact(_file_bytes(image), ".image") for image in images]
    chosen = {"images": digests, "dataset": reference, "k": k, "extractor": _known_extractor(extractor)}
    inputs = {"dataset": _dataset_digest(name), "calibration": _calibration_digest(name, extractor)}
    return RunSpec("neighbours", chosen, inputs, f"Neighbours of {len(digests)} images in {name}")


def evaluate_run(
    real: str,
    synthetic: str,
    metrics: Sequence[str],
    extractor: str = EXTRACTOR,
    seed: int = 0,
    copies: Literal["refuse", "measure"] = "refuse",
) -> RunSpec:
    """A run that measures a synthetic set against a real one.

    Args:
        real: "ID" or "ID:SPLIT"; an ID means train.
        synthetic: a sample set, a folder or "ID:SPLIT".
        metrics: names, see `lab.metrics.registry`.
        extractor: the feature extractor.
        seed: of patient groups and draws.
        copies: "refuse" ends the run when the synthetic side holds images of the real side, byte for byte;
            "measure" counts them, says so in every note and goes on.

    Raises:
        InputError: when no metric is named.
        NotFoundError: for an unknown metric, dataset or set.
    """
    from lab.metrics.registry import get_metric

    names = list(dict.fromkeys(metrics))
    if not names:
        raise InputError("No metric was chosen; nothing was started; choose at least one.")
    for name in names:
        get_metric(name)
    chosen = {
        "real": real,
        "synthetic": synthetic,
        "metrics": names,
        "extractor": _known_extractor(extractor),
        "copies": copies,
    }
    inputs = {
        "real": _set_digest(real),
        "synthetic": _set_digest(synthetic),
        "dataset": _dataset_digest(_name(real)),
    }
    if "near-copy-share" in names:
        inputs["calibration"] = _calibration_digest(_name(real), extractor)
    # A folder's name can hold a patient's: it stays out of the list of runs.
    named = "a folder" if "/" in synthetic or "\\" in synthetic else synthetic
    label = f"{len(names)} metrics of {named} against {real}"
    return RunSpec("evaluate", {**chosen, "seed": _seed(seed)}, inputs, label)


def import_run(
    folder: Path,
    name: str,
    metadata: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    licence: str | None = None,
    seed: int = 0,
) -> RunSpec:
    """A run that imports a folder of images as a dataset."""
    from lab.data.store import check_new_id

    check_new_id(name)
    place = Path(folder).expanduser().resolve()
    if not place.is_dir():
        raise InputError("That folder does not exist on this machine; nothing was imported; check the path.")
    table = _table(place, metadata)
    chosen: dict[str, Any] = {
        "folder": str(place),
        "id": name,
        "metadata": str(Path(table).expanduser().resolve()) if table else None,
        "mapping": dict(mapping or {}),
        "licence": licence,
        "seed": _seed(seed),
    }
    inputs = {"listing": _listing_digest(place), "after": _last_made("import", name)}
    return RunSpec("import", chosen, inputs, f"Import of {name}")


def _table(place: Path, metadata: Path | None) -> Path | None:
    """The CSV a person named, looked for in the folder first and then from here; None where the folder decides."""
    if metadata is None:
        return None
    named = Path(metadata).expanduser()
    return next((path for path in (place / named, named) if path.is_file()), named)


def phantom_run(patients: int = PHANTOM_PATIENTS, films: int = PHANTOM_FILMS, name: str = PHANTOM) -> RunSpec:
    """A run that renders the phantom radiographs."""
    chosen = {"id": name, "patients": patients, "films_per_patient": films, "seed": 0}
    inputs = {"after": _last_made("phantom", name)}
    return RunSpec("phantom", chosen, inputs, f"Rendering {patients * films} phantom radiographs")


def train_run(recipe: str, minutes: float, resume: bool) -> RunSpec:
    """A run that trains a generator by one of the project's recipes; each call is a run of its own."""
    import secrets

    chosen = {"recipe": recipe, "minutes": minutes, "resume": resume}
    return RunSpec("train", chosen, {"call": secrets.token_hex(8)}, f"Training {recipe}")


def latest_map(dataset: str, extractor: str = EXTRACTOR) -> Run | None:
    """The newest finished map of a dataset as it is now, or None."""
    from lab.runs.store import RunStore

    digest = _dataset_digest(dataset)
    for run in RunStore.open().list(states=("done",), kinds=("map",), limit=200):
        chosen = run.spec.settings
        if (chosen["dataset"], chosen["extractor"], run.spec.inputs["dataset"]) == (
            dataset,
            extractor,
            digest,
        ):
            return run
    return None


def map_coordinates(dataset: str, extractor: str = EXTRACTOR) -> str:
    """Digest of the reference layer of the newest map, "none" before there is one."""
    run = latest_map(dataset, extractor)
    return str(run.result["reference"]) if run and run.result else "none"


def _name(reference: str) -> str:
    from lab.data.dataset import parse_reference

    return parse_reference(reference)[0]


def _dataset_digest(name: str) -> str:
    from lab.data.store import open_dataset

    return open_dataset(name).card.digest


def _set_digest(reference: str) -> str:
    from lab.data.resolve import resolve

    return resolve(reference).digest


def _calibration_digest(dataset: str, extractor: str) -> str:
    from lab.runs.prepare import calibration_run

    run = calibration_run(dataset, extractor)
    return str(run.result["digest"]) if run and run.result else "none"


def _autoencoder_digest(dataset: str) -> str:
    from lab.generators.cards import autoencoder_card
    from lab.generators.load import model_folder
    from lab.generators.weights import weights_digest

    card = autoencoder_card(dataset)
    return "none" if card is None else weights_digest(model_folder(card))


def _known_extractor(name: str) -> str:
    from lab.features.extractors import EXTRACTORS

    EXTRACTORS.get(name)
    return name


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        raise InputError(
            f"The seed must be a whole number from 0 to {MAX_SEED}; nothing was started; choose one."
        )
    return seed


def _file_bytes(image: Path | bytes) -> bytes:
    if isinstance(image, bytes):
        return image
    try:
        size = image.stat().st_size
        if size > settings().max_file_bytes:
            raise InputError(
                "An image file is larger than the limit; nothing was started; choose a smaller one."
            )
        return image.read_bytes()
    except OSError as error:
        raise InputError("An image file cannot be read; nothing was started; check its path.") from error


def _last_made(kind: str, name: str) -> str:
    """The run that last made a dataset of this id: once it was removed, making it again is another run."""
    from lab.runs.store import RunStore

    made = RunStore.open().list(states=("done",), kinds=(kind,), limit=1000)
    return next((run.id for run in made if run.spec.settings["id"] == name), "none")


def _listing_digest(folder: Path) -> str:
    entries = [
        (file.relative_to(folder).as_posix(), file.stat().st_size, file.stat().st_mtime_ns)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]
    return digest_bytes(repr(entries).encode())
