"""Weights published elsewhere in place of a network trained here: checked, judged, kept as safetensors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from lab.identification.card import IdentityCard, own_folder
from lab.identification.models import (
    PUBLISHED_SIZE,
    IdentityModel,
    fill,
    judged,
    published_state,
    write_model,
)
from lab.identification.network import Shape, build
from lab.identification.pairs import several_films
from lab.provenance import digest_file

MOST_FILMS = 600
NOTES = (
    "Weights published elsewhere, in the layout of CXR-Patient-ReID: they may have seen patients of this dataset."
    " Judged on its held-out and test patients. Research use, not for diagnosis."
)


def install(dataset: str, file: Path) -> IdentityCard:
    """Put a published Siamese ResNet-50 in place as the Re-ID network of a dataset.

    Args:
        dataset: id of an installed dataset with patients; at most 600 of its held-out and test images judge.
        file: safetensors or a plain state dictionary, keys `model.` + torchvision's resnet50 with `fc` to 128 numbers,
            `fc_end.weight` and `fc_end.bias`; input 224 x 224 RGB in 0..1 without normalisation.

    Raises:
        WeightsError: when the file is missing, would run code or does not fit; nothing is installed.
    """
    from lab.data.resolve import resolve

    state = published_state(file)
    network = build(Shape("patient", PUBLISHED_SIZE, (), "resnet50"))
    fill(network, state)
    card = IdentityCard(
        dataset, "patient", PUBLISHED_SIZE, (), "resnet50", "published weights",
        "as the publisher of the weights says", notes=NOTES,
    )  # fmt: skip
    model = IdentityModel(card, network, digest_file(file))
    images = resolve(dataset, whole=True)
    others = np.flatnonzero(images.frame()["split"].astype(str).to_numpy() != "train")
    names = np.asarray(images.patients())[others]
    chosen = several_films(names, MOST_FILMS)
    if len(chosen):
        ids = images.ids()
        embedded = model.embed([images.image(ids[row]) for row in others[chosen]])
        found = judged(model, embedded, names[chosen])
        card = replace(card, verification={} if found is None else found.to_json())
    write_model(own_folder(dataset, "patient"), card, network, half=False)
    return card
