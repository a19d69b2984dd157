"""Runs of the Neighbours page beyond the search itself: several spaces for one image, the audit of a whole set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.errors import InputError, WeightsError
from lab.runs.artifacts import write_artifact
from lab.runs.dependencies import (
    EXTRACTOR,
    calibration_digest,
    dataset_digest,
    dataset_name,
    extractor_digest,
    known_extractor,
    set_digest,
)
from lab.runs.spec import RunSpec

MOST_SPACES = 8
MOST_WORDS = 400


def spaces_run(
    image: bytes | str,
    dataset: str,
    shown: Sequence[str] = (),
    extractors: Sequence[str] = (EXTRACTOR,),
    perceptual: bool = False,
) -> RunSpec:
    """A run that ranks the training images of a dataset around one image in several spaces.

    Args:
        image: the file, or the digest of an artifact that holds it.
        dataset: id of the dataset.
        shown: ids of training images whose ranks are wanted in any case.
        extractors: feature spaces beside pixels and structure, 1 to 8.
        perceptual: whether LPIPS is measured as well, on the nearest of the other spaces.

    Raises:
        InputError: for none or too many of them.
        NotFoundError: for an unknown one.
        WeightsError: when LPIPS is wanted and its weights are not here.
    """
    from lab.neighbours.perceptual import installed_digest, why_not

    if perceptual and (why := why_not()):
        raise WeightsError(why)
    names = [known_extractor(name) for name in dict.fromkeys(extractors)]
    if not 1 <= len(names) <= MOST_SPACES:
        raise InputError(
            f"Choose one to {MOST_SPACES} feature spaces; nothing was started; change the choice."
        )
    digest = image if isinstance(image, str) else write_artifact(image, ".image")
    chosen: dict[str, Any] = {"image": digest, "dataset": dataset, "shown": list(shown), "extractors": names}
    chosen["perceptual"] = perceptual
    label = f"One image in {len(names) + 2 + perceptual} spaces of {dataset}"
    inputs = {"dataset": dataset_digest(dataset), "lpips": installed_digest() if perceptual else "none"}
    inputs |= {f"extractor {name}": extractor_digest(name) for name in names}
    return RunSpec("spaces", chosen, inputs, label)


def audit_run(samples: str, dataset: str, extractor: str = EXTRACTOR) -> RunSpec:
    """A run that puts every image of a set beside its nearest training image and tells copies apart.

    Args:
        samples: a sample set or "ID:SPLIT"; no path.
        dataset: id of the dataset whose training images are searched.
    """
    from lab.neighbours.perceptual import installed_digest

    name = dataset_name(dataset)
    chosen = {"samples": samples, "dataset": name, "extractor": known_extractor(extractor)}
    inputs = {
        "samples": set_digest(samples),
        "dataset": dataset_digest(name),
        "calibration": calibration_digest(name, extractor),
        "extractor": extractor_digest(extractor),
        "lpips": installed_digest(),
    }
    return RunSpec("audit", chosen, inputs, f"Audit of {samples} against {name}")


def retrieve_run(dataset: str, words: str = "", image: str = "", k: int = 8) -> RunSpec:
    """A run that finds training images for some words, or captions of training images for an image.

    Args:
        words: what to look for; or
        image: digest of the artifact of an image.
        k: hits wanted, 1 to 100.

    Raises:
        InputError: unless exactly one of words and image is given, or for too many words.
    """
    from lab.features.text_image_models import digest_of, model_for

    text = " ".join(words.split())
    if bool(text) == bool(image) or len(text) > MOST_WORDS or not 1 <= k <= 100:
        raise InputError(
            f"A search takes up to {MOST_WORDS} characters of words, or an image; nothing was started; write some."
        )
    model = model_for(dataset)
    chosen = {"dataset": dataset, "words": text, "image": image, "k": k, "model": model}
    inputs = {"dataset": dataset_digest(dataset), "text_image": digest_of(model)}
    return RunSpec("retrieve", chosen, inputs, f"Search by {'words' if text else 'an image'} in {dataset}")
