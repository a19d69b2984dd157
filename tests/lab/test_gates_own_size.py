"""The gate at the generator's own size: figures beside their control, seeds, one picture a patient."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lab.gates import own_size
from lab.gates.registry import get_gate, unmeasured
from lab.generators.cards import get_card


def figures(shift):
    rng = np.random.default_rng(0)
    features = {
        name: rng.normal(size=(n, 8)) for name, n in (("train", 200), ("held-out", 100), ("samples", 200))
    }
    features["samples"] += shift
    patients = {
        split: np.array([f"{split}-{k}" for k in range(len(features[split]))])
        for split in ("train", "held-out")
    }
    report = own_size.report(get_card("phantom-cxr-gan"), "d", features, patients, "toy", time.monotonic())
    return {figure.name: figure.value for figure in report.figures}


def test_samples_of_the_same_kind_score_as_held_out_pictures_and_others_do_not():
    same, other = figures(0.0), figures(3.0)
    for name in ("Precision", "Coverage", "Recall"):
        control = same[f"{name}, held-out pictures instead"]
        assert same[name] == pytest.approx(control, abs=0.25) and other[name] < 0.3 * control
    assert abs(same["Kernel distance"]) < 0.2 < other["Kernel distance"]


def test_one_picture_of_each_patient_at_the_generators_size():
    rows = [("a", "p0", "train"), ("b", "p0", "train"), ("c", "p1", "train"), ("d", "p2", "held-out")]
    frame = pd.DataFrame(rows, columns=["image_id", "patient_id", "split"])
    plane = np.arange(64, dtype=np.uint8).reshape(8, 8)
    dataset = SimpleNamespace(manifest=frame, image=lambda name: plane)
    images, patients = own_size._films(dataset, "train", 4, lambda *told: None)
    assert patients.tolist() == ["p0", "p1"] and images.shape == (2, 4, 4)
    assert abs(int(images[0, 0, 0]) - plane[:2, :2].mean()) <= 0.5


def test_samples_are_those_of_the_seeds_in_order():
    asked = []

    class Echo:
        def generate(self, request):
            asked.append(request.seeds)
            yield [SimpleNamespace(image=np.full((64, 64), seed % 251, np.uint8)) for seed in request.seeds]

    images = own_size.drawn(get_card("phantom-cxr-gan"), Echo(), 6, lambda *told: None)
    first = own_size.FIRST_SEED
    assert asked == [tuple(range(first, first + 4)), (first + 4, first + 5)]
    assert images[:, 0, 0].tolist() == [(first + k) % 251 for k in range(6)]


def test_both_shipped_generators_are_measured():
    assert get_gate("own-size").assets == ("phantom-cxr-gan", "phantom-cxr-vae")
    assert not [row for row in unmeasured() if row[1] in ("phantom-cxr-gan", "phantom-cxr-vae")]
