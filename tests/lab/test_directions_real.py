"""Directions on real films of three modalities: unseen films, planted copies of training films, blurred films."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.result import MetricResult
from tests.builders.real_sets import blurred, real_films, saved_again

FIDELITY = ("kernel-distance", "precision", "coverage")
# A set of which half are copies scores above an honest one (+1) or below it (-1).
PRIVACY = {
    "closer-to-training": 1, "nearest-distance": 1, "nndr": -1, "authpct": -1, "copy-detection": 1, "gan-leaks": 1,
}  # fmt: skip
# Films of a patient: short-axis slices of one heart are alike, radiographs and lesions stand alone.
SETS = {"cxr_kermany": (1, True), "derm_ham": (1, False), "cmr_acdc": (2, True)}
TRAIN, HELD_OUT, FRESH = 24, 18, 18
Found = dict[str, dict[str, MetricResult]]


@pytest.fixture(scope="module", params=list(SETS))
def measured(test_data: Path, request: pytest.FixtureRequest) -> Found:
    from lab.features.extractors import get_extractor

    each, grey = SETS[request.param]
    counts = [count * (2 if each == 1 else 1) for count in (TRAIN, HELD_OUT, FRESH)]
    films, rows = real_films(test_data / request.param, sum(counts), each, grey=grey)
    edges = np.cumsum([0, *counts]) * each
    train, held_out, fresh = (slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True))
    half = counts[2] * each // 2
    extractor = get_extractor("efficientnet-lite0")
    features = extractor.embed(films)
    copies = extractor.embed([saved_again(film) for film in films[:half]])
    out_of_focus = extractor.embed([blurred(film) for film in films[fresh]])
    patients = rows["patient_id"].to_numpy(dtype=str)
    sides = {
        "unseen": features[fresh],
        "half copied": np.concatenate([copies, features[fresh][half:]]),
        "blurred": out_of_focus,
    }
    return {
        name: {
            one.metric: one
            for one in evaluate(
                [*FIDELITY, *PRIVACY],
                MetricInput(
                    features[train], patients[train], samples, held_out=features[held_out],
                    held_out_patients=patients[held_out], extractor=extractor.id,
                ),
            )
        }
        for name, samples in sides.items()
    }  # fmt: skip


@pytest.mark.parametrize("metric", list(PRIVACY))
def test_planted_copies_are_the_worse_for_privacy(measured: Found, metric: str) -> None:
    honest, copied = (measured[side][metric].value for side in ("unseen", "half copied"))
    assert honest is not None and copied is not None
    assert (copied - honest) * PRIVACY[metric] > 0, (honest, copied)


def test_copies_look_faithful_and_blur_does_not(measured: Found) -> None:
    unseen, copied, soft = (measured[side] for side in ("unseen", "half copied", "blurred"))
    assert copied["kernel-distance"].value < unseen["kernel-distance"].value < soft["kernel-distance"].value
    assert copied["precision"].value >= unseen["precision"].value >= soft["precision"].value
    assert copied["coverage"].value >= soft["coverage"].value


def test_unseen_films_score_like_the_held_out_control(measured: Found) -> None:
    share, copied = (measured[side]["closer-to-training"] for side in ("unseen", "half copied"))
    if share.low is not None and share.high is not None:  # hearts are too few patients for an interval
        assert share.low <= 0.5 <= share.high, "the null value lies within the interval"
    assert copied.value > share.value + 0.08
