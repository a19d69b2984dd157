"""Utility on real skin images: unseen images teach, copies and wrong labels are told from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.result import MetricResult

NAMES = ["utility-tstr", "utility-augmentation", "finding-auroc", "real-vs-fake-auc"]
TRAIN, HELD_OUT, FRESH = slice(0, 100), slice(100, 200), slice(200, 320)


@pytest.fixture(scope="module")
def measured(test_data: Path) -> dict[str, dict[str, MetricResult]]:
    from PIL import Image

    from lab.features.extractors import get_extractor

    table = pd.read_csv(test_data / "derm_ham" / "metadata.csv", dtype=str).drop_duplicates("patient_id")
    table = table.sample(320, random_state=1)
    images = []
    for name in table["image"]:
        with Image.open(test_data / "derm_ham" / name) as picture:
            small = picture.convert("RGB")
            small.thumbnail((224, 224))
            images.append(np.asarray(small))
    extractor = get_extractor("efficientnet-lite0")
    features = np.concatenate([extractor.embed(images[at : at + 16]) for at in range(0, len(images), 16)])
    labels, patients = table["label"].to_numpy(dtype=str), table["patient_id"].to_numpy(dtype=str)
    rng = np.random.default_rng(0)
    sides = {
        "unseen": (features[FRESH], labels[FRESH]),
        "mislabelled": (features[FRESH], rng.permutation(labels[FRESH])),
        "copied": (
            features[TRAIN] + 0.01 * rng.normal(size=(100, features.shape[1])).astype(np.float32),
            labels[TRAIN],
        ),
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


@pytest.mark.slow
def test_directions_on_real_skin_images(measured: dict[str, dict[str, MetricResult]]) -> None:
    unseen, wrong, copied = (measured[name] for name in ("unseen", "mislabelled", "copied"))
    assert unseen["utility-tstr"].value > 0.65 > wrong["utility-tstr"].value
    assert unseen["utility-augmentation"].value > 0.0 > wrong["utility-augmentation"].value
    assert copied["utility-augmentation"].value < unseen["utility-augmentation"].value
    assert copied["finding-auroc"].value > 0.99 and wrong["finding-auroc"].value < 0.6
    assert copied["real-vs-fake-auc"].value < 0.3 < unseen["real-vs-fake-auc"].value < 0.65
