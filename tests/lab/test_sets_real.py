"""Set metrics on real radiographs: unseen films beside planted copies and coarse films, features computed once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.result import MetricResult

NAMES = [
    "xing-fidelity", "xing-real-share", "xing-privacy", "alpha-precision", "beta-recall", "realism", "vendi-score",
    "feature-std", "sliced-wasserstein", "energy-distance", "kl-knn", "mahalanobis-mean", "mifid",
]  # fmt: skip
TRAIN, HELD_OUT, UNSEEN = slice(0, 56), slice(56, 90), slice(90, 124)
COPIED = COARSE = 20


@pytest.fixture(scope="module")
def measured(test_data: Path) -> dict[str, dict[str, MetricResult]]:
    from PIL import Image

    from lab.features.extractors import get_extractor

    table = pd.read_csv(test_data / "cxr_kermany" / "metadata.csv", dtype=str).drop_duplicates("patient_id")
    table = table.sample(124, random_state=0)
    films = []
    for name in table["image"]:
        with Image.open(test_data / "cxr_kermany" / name) as film:
            grey = film.convert("L")
            grey.thumbnail((320, 320))
            films.append(grey)
    rng = np.random.default_rng(0)
    copies = [
        np.clip(np.asarray(film, np.int16) + rng.integers(-2, 3, (film.height, film.width)), 0, 255)
        for film in films[:COPIED]
    ]
    coarse = [np.asarray(film.resize((24, 24)).resize(film.size)) for film in films[90 : 90 + COARSE]]
    images = [np.asarray(film) for film in films] + [film.astype(np.uint8) for film in copies] + coarse
    extractor = get_extractor("efficientnet-lite0")
    features = np.concatenate([extractor.embed(images[at : at + 8]) for at in range(0, len(images), 8)])
    patients = table["patient_id"].to_numpy(dtype=str)
    sides = {
        "unseen": features[UNSEEN],
        "copied": np.concatenate([features[124 : 124 + COPIED], features[UNSEEN][:14]]),
        "exact": features[:34],
        "coarse": features[124 + COPIED :],
    }
    return {
        name: {
            result.metric: result
            for result in evaluate(
                NAMES,
                MetricInput(
                    features[TRAIN], patients[TRAIN], synthetic, held_out=features[HELD_OUT],
                    held_out_patients=patients[HELD_OUT], extractor=extractor.id,
                ),
            )
        }
        for name, synthetic in sides.items()
    }  # fmt: skip


def test_unseen_films_score_like_the_held_out_control(measured: dict[str, dict[str, MetricResult]]) -> None:
    for name, result in measured["unseen"].items():
        assert result.low is not None and result.control_low is not None, name
        assert result.low <= result.control_high and result.control_low <= result.high, name


@pytest.mark.row("XI-13")
def test_honest_films_are_far_from_perfectly_private_and_copies_fall_below_them(
    measured: dict[str, dict[str, MetricResult]],
) -> None:
    privacy = {name: found["xing-privacy"].value for name, found in measured.items()}
    assert 0.15 < measured["unseen"]["xing-privacy"].control < 0.85
    assert privacy["exact"] == 0.0 < privacy["copied"] < privacy["unseen"] < privacy["coarse"] == 1.0
    flagged = measured["exact"]["xing-privacy"].details["flagged"]
    assert len(flagged) == 34
    assert all(pair["sample"] == pair["training"] and pair["score"] == 0.0 for pair in flagged)
    # Only training images with the smaller neighbourhoods count, so copies of the others escape this score.
    assert 8 <= measured["exact"]["realism"].details["at_the_limit"] < 34
    assert measured["unseen"]["realism"].details["at_the_limit"] == 0


def test_exact_copies_improve_every_distance_and_coarse_films_worsen_it(
    measured: dict[str, dict[str, MetricResult]],
) -> None:
    unseen, exact, coarse = (measured[name] for name in ("unseen", "exact", "coarse"))
    for name in ("sliced-wasserstein", "energy-distance", "kl-knn", "mahalanobis-mean"):
        assert exact[name].value < unseen[name].value < coarse[name].value, name
        assert coarse[name].low > unseen[name].control_high, name
    for name in ("xing-fidelity", "alpha-precision", "beta-recall", "realism"):
        assert coarse[name].value < unseen[name].value <= exact[name].value + 0.1, name
    # Copies of varied films are varied: neither score of variety warns.
    for name in ("vendi-score", "feature-std"):
        assert exact[name].value == pytest.approx(unseen[name].value, rel=0.25), name
