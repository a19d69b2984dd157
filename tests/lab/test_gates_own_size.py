"""The gate at the generator's own size: figures beside their control, seeds, one picture a patient."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lab.config import ASSETS
from lab.data.imageset import FrameSet
from lab.gates import own_size
from lab.gates.registry import get_gate, unmeasured
from lab.gates.report import reports_of
from lab.gates.ship_samples import FIRST_SEED, made, plan
from lab.generators.cards import get_card


def figures(shift):
    rng = np.random.default_rng(0)
    features = {
        name: rng.normal(size=(n, 8)) for name, n in (("train", 200), ("held-out", 100), ("samples", 200))
    }
    features["samples"] += shift
    features["blurred"] = features["held-out"] + 3.0
    patients = {
        split: np.array([f"{split}-{k}" for k in range(len(features[split]))])
        for split in ("train", "held-out")
    }
    # In coarse shape nothing is shifted.
    shapes = {name: rows - shift * (name == "samples") for name, rows in features.items()}
    report = own_size.report(
        get_card("phantom-cxr-gan"), "d", features, shapes, patients, "toy", time.monotonic()
    )
    return {figure.name: figure.value for figure in report.figures}


def test_samples_of_the_same_kind_score_as_held_out_pictures_and_others_do_not():
    same, other = figures(0.0), figures(3.0)
    for name in ("Precision", "Coverage", "Recall"):
        control = same[f"{name}, held-out pictures instead"]
        assert same[name] == pytest.approx(control, abs=0.25) and other[name] < 0.3 * control
        assert other[f"{name}, blurred held-out pictures instead"] < 0.3 * control
        shape = other.get(f"{name} in coarse shape")
        assert shape == pytest.approx(control, abs=0.25)
    assert abs(same["Kernel distance"]) < 0.2 < other["Kernel distance"]


def test_one_picture_of_each_patient_at_the_generators_size():
    rows = [("a", "p0", "train"), ("b", "p0", "train"), ("c", "p1", "train"), ("d", "p2", "held-out")]
    frame = pd.DataFrame(rows, columns=["image_id", "patient_id", "split"])
    plane = np.arange(64, dtype=np.uint8).reshape(8, 8)
    dataset = SimpleNamespace(manifest=frame, image=lambda name: plane)
    images, patients = own_size._films(dataset, "train", 4, lambda *told: None)
    assert patients.tolist() == ["p0", "p1"] and images.shape == (2, 4, 4)
    assert abs(int(images[0, 0, 0]) - plane[:2, :2].mean()) <= 0.5


def test_coarse_shape_knows_neither_detail_nor_contrast_and_blur_takes_detail_alone():
    draw = np.random.default_rng(1)
    plain = np.kron(draw.integers(60, 200, (3, 16, 16)), np.ones((4, 4))).astype(np.uint8)
    fine = np.where(np.indices((64, 64)).sum(axis=0) % 2, 8, -8)
    noisy = (plain.astype(int) + fine).astype(np.uint8)
    assert np.allclose(own_size.coarse(plain), own_size.coarse(noisy), atol=0.05)
    assert np.allclose(own_size.coarse(plain), own_size.coarse(plain // 2), atol=0.05)
    steps = [np.abs(np.diff(part.astype(int), axis=2)).mean() for part in (noisy, own_size.blurred(noisy))]
    assert steps[1] < 0.5 * steps[0] and abs(own_size.blurred(noisy).mean() - noisy.mean()) < 1


def test_samples_are_those_of_the_seeds_in_order_and_of_the_ship_gate(workspace):
    seen = []

    class Echo:
        def generate(self, request):
            seen.append(request.seeds)
            yield [SimpleNamespace(image=np.full((64, 64), seed % 251, np.uint8)) for seed in request.seeds]

    card, quiet = get_card("phantom-cxr-gan"), lambda *told: None
    samples = made(card, "weights", own_size.asked(6), Echo, quiet)
    assert seen == [tuple(range(FIRST_SEED, FIRST_SEED + 4)), (FIRST_SEED + 4, FIRST_SEED + 5)]
    assert own_size.pixels_of(samples)[:, 0, 0].tolist() == [(FIRST_SEED + k) % 251 for k in range(6)]
    rows = [("f", "d", "p", "x")]
    table = pd.DataFrame(rows, columns=["image_id", "digest", "patient_id", "label"])
    films = FrameSet("a:train", "PHANTOM", table)
    made(card, "weights", plan(card, films, films, 4), Echo, quiet)
    assert len(seen) == 2, "the ship gate finds its samples here"


def test_every_unconditional_generator_is_named_and_what_is_shipped_is_measured():
    names = {f"phantom-cxr-{family}" for family in ("ddpm", "flow", "gan", "vae")}
    assert set(get_gate("own-size").assets) == names <= set(get_gate("ship").assets)
    assert not [row for row in unmeasured() if row[1] in ("phantom-cxr-gan", "phantom-cxr-vae")]
    for name in ("phantom-cxr-gan", "phantom-cxr-vae"):
        told = next(r for r in reports_of(ASSETS / "generators" / name) if r.id == "own-size")
        measured = get_card(name).measured
        assert measured["recall"]["value"] == pytest.approx(told.figure("Recall").value, abs=1e-3)
        # Fine detail and not variety brings it down: real pictures without detail score no better.
        assert told.figure("Recall, blurred held-out pictures instead").value < 0.05
        assert told.figure("Recall in coarse shape").value > 0.5
