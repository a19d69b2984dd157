"""The image whose neighbours are asked for: a sample of a run, a held-out film, or an upload; one shape for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.data.store import list_datasets, open_dataset
from lab.prompts.past import words_of
from lab.runs.records import Run
from lab.runs.requests import neighbours_run
from lab.ui.films import dataset_film, may_be_public, origin_note, sample_film
from lab.ui.grid_about import dataset_of
from lab.ui.run_panel import submit
from lab.ui.sets import generation_runs, grid_runs
from lab.ui.viewer import Film

K = 5


@dataclass(frozen=True)
class Subject:
    """What the neighbours page draws.

    Attributes:
        film: the image itself.
        dataset: whose training images were searched.
        verdict: {label, p, n_reference, detectors}, or None.
        neighbours: nearest training images, nearest first.
        held_out: the nearest held-out image, or None.
        identical: id of a training image whose file is the same, byte for byte, or None.
        artifact: digest of the image's file in the store.
        known: whether the image is itself one of the training images; it then has no verdict.
        own: its id where it is an image of that dataset, else "".
    """

    film: Film
    dataset: str
    verdict: dict[str, Any] | None
    neighbours: Sequence[dict[str, Any]]
    held_out: dict[str, Any] | None
    identical: str | None = None
    artifact: str = ""
    known: bool = False
    own: str = ""


def sources() -> dict[str, str]:
    """Where an image can come from: opaque id to words."""
    found: dict[str, str] = {}
    for run in generation_runs():
        prompt = words_of(run.spec.settings)
        words = prompt if len(prompt) <= 70 else f"{prompt[:70]}…"
        found[run.id] = f"{words} ({len(run.spec.settings['seeds'])} samples)"
    for run in grid_runs():
        found[run.id] = f"{run.spec.settings['name'] or 'Grid'} ({len(run.spec.settings['cells'])} cells)"
    for card in list_datasets():
        if card.splits.get("held-out"):
            found[f"{card.id}:held-out"] = f"Held-out images of {card.title}"
    return found


def of_sample(run: Run, sample: dict[str, Any]) -> Subject | None:
    """The subject of a generated sample; None when its run searched no dataset."""
    dataset = searched_in(run, sample)
    if dataset is None or not sample.get("neighbours"):
        return None
    public = may_be_public(dataset)
    film = sample_film(sample, origin_note(dataset), badge=False, public=public)
    return Subject(
        film,
        dataset,
        sample.get("verdict"),
        sample["neighbours"][:K],
        sample.get("held_out"),
        sample.get("identical"),
        str(sample["artifact"]),
    )


def searched_in(run: Run, sample: dict[str, Any]) -> str | None:
    """The dataset a sample was compared with; in a grid each generator has its own."""
    if run.spec.kind == "grid":
        return dataset_of(run, sample["generator"])
    found: str | None = run.spec.settings["dataset"]
    return found


def search_film(dataset: str, image_id: str) -> Run:
    """Start, or take from the store, the search for one image of a dataset; one more, as it may find itself."""
    return submit(neighbours_run([open_dataset(dataset).image_bytes_path(image_id)], dataset, K + 1))


def of_film(run: Run, film: Film, image_id: str) -> Subject:
    """The subject of a finished search for one image of the dataset; the image itself is no neighbour of its own.

    A training image gets no verdict: the detectors say how a new image stands to the training images.
    """
    result = run.result or {}
    found = result["images"][0]
    others = [match for match in found["neighbours"] if match["image_id"] != image_id]
    known = len(others) < len(found["neighbours"])
    held_out = found["held_out"]
    return Subject(
        film,
        str(result["dataset"]),
        None if known else found["verdict"],
        others[:K],
        None if held_out and held_out["image_id"] == image_id else held_out,
        artifact=str(found["digest"]),
        known=known,
        own=image_id,
    )


def search_held_out(dataset: str, image_id: str) -> Run:
    """Start, or take from the store, the search for one held-out film."""
    return submit(neighbours_run([open_dataset(dataset).image_bytes_path(image_id)], dataset, K))


def search_upload(data: bytes, dataset: str) -> Run:
    """Start, or take from the store, the search for an uploaded image."""
    return submit(neighbours_run([data], dataset, K))


def of_search(run: Run, film: Film, own: str = "") -> Subject:
    """The subject of a finished neighbour search for one image; `own` is its id where it is held out itself."""
    found = (run.result or {})["images"][0]
    held_out = found["held_out"]
    return Subject(
        film,
        str((run.result or {})["dataset"]),
        found["verdict"],
        found["neighbours"][:K],
        None if held_out and held_out["image_id"] == own else held_out,
        found.get("identical"),
        str(found["digest"]),
        own=own,
    )


def uploaded_film(pixels: NDArray[np.generic], kind: str) -> Film:
    """The film of an uploaded image, tagged as the person says: "Synthetic" or "Real"."""
    return Film(pixels, "REAL" if kind == "Real" else "SYNTHETIC", "uploaded image", "(uploaded)")


def held_out_film(dataset: str, image_id: str) -> Film:
    """A held-out film as the subject of a search."""
    return dataset_film(dataset, image_id, "held-out image")
