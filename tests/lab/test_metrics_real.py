"""Directions on real radiographs: unseen films, copies with noise and blurred films as the synthetic side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.result import MetricResult

NAMES = [
    "kernel-distance",
    "frechet-distance",
    "precision",
    "coverage",
    "closer-to-training",
    "label-agreement",
]
TRAIN, HELD_OUT, FRESH = slice(0, 120), slice(120, 180), slice(180, 240)


@pytest.fixture(scope="module")
def measured(test_data: Path) -> dict[str, dict[str, MetricResult]]:
    from PIL import Image, ImageFilter

    from lab.features.extractors import get_extractor

    table = pd.read_csv(test_data / "cxr_kermany" / "metadata.csv", dtype=str).drop_duplicates("patient_id")
    table = table.sample(240, random_state=0)
    films = []
    for name in table["image"]:
        with Image.open(test_data / "cxr_kermany" / name) as film:
            grey = film.convert("L")
            grey.thumbnail((320, 320))
            films.append(grey)
    rng = np.random.default_rng(0)
    noisy = [
        np.clip(np.asarray(film, dtype=np.int16) + rng.integers(-8, 9, (film.height, film.width)), 0, 255)
        for film in films[:60]
    ]
    blurred = [np.asarray(film.filter(ImageFilter.GaussianBlur(4))) for film in films[FRESH]]
    images = [np.asarray(film) for film in films] + [film.astype(np.uint8) for film in noisy] + blurred
    extractor = get_extractor("efficientnet-lite0")
    features = np.concatenate([extractor.embed(images[at : at + 8]) for at in range(0, len(images), 8)])
    labels, patients = table["label"].to_numpy(dtype=str), table["patient_id"].to_numpy(dtype=str)
    sides = {
        "unseen": (features[FRESH], labels[FRESH]),
        "copied": (features[:60], labels[:60]),
        "noisy copies": (features[240:300], labels[:60]),
        "blurred": (features[300:], labels[FRESH]),
    }
    found = {}
    for name, (synthetic, prompted) in sides.items():
        given = MetricInput(
            features[TRAIN], patients[TRAIN], synthetic, held_out=features[HELD_OUT],
            held_out_patients=patients[HELD_OUT], real_labels=labels[TRAIN], synthetic_labels=prompted,
            held_out_labels=labels[HELD_OUT], extractor=extractor.id,
        )  # fmt: skip
        found[name] = {result.metric: result for result in evaluate(NAMES, given)}
    return found


def test_unseen_films_score_like_the_held_out_control(measured: dict[str, dict[str, MetricResult]]) -> None:
    for name, result in measured["unseen"].items():
        assert result.control_low is not None and result.low is not None
        assert result.low <= result.control_high and result.control_low <= result.high, name


def test_copies_improve_fidelity_and_raise_the_share_closer_to_training(
    measured: dict[str, dict[str, MetricResult]],
) -> None:
    unseen, copied = measured["unseen"], measured["copied"]
    assert copied["kernel-distance"].value < unseen["kernel-distance"].value + 1e-3
    assert copied["precision"].value > unseen["precision"].value
    assert copied["coverage"].value > unseen["coverage"].value
    assert copied["closer-to-training"].value > 0.65 > unseen["closer-to-training"].value
    assert "copies would score about 0.75" in copied["closer-to-training"].note


def test_noise_and_blur_lower_fidelity(measured: dict[str, dict[str, MetricResult]]) -> None:
    unseen = measured["unseen"]
    for name in ("noisy copies", "blurred"):
        found = measured[name]
        assert found["kernel-distance"].low > unseen["kernel-distance"].high, name
        assert found["frechet-distance"].value > unseen["frechet-distance"].value, name
    assert measured["blurred"]["coverage"].value < unseen["coverage"].value
