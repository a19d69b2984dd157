"""Directions on real radiographs: honest unseen films against a fake set of which half are planted copies."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.pictures import pictures_of
from lab.metrics.result import MetricResult

# A fake set of which half are copies scores above an honest one (+1) or below it (-1).
NAMES = {
    "nearest-distance": 1, "nndr": -1, "authpct": -1, "copy-detection": 1, "c-t": -1, "gan-leaks": 1,
    "extraction-ratio": 1,
}  # fmt: skip
TRAIN, HELD_OUT, FRESH = slice(0, 80), slice(80, 124), slice(124, 164)


@pytest.fixture(scope="module")
def measured(test_data: Path) -> dict[str, dict[str, MetricResult]]:
    from PIL import Image

    from lab.features.extractors import get_extractor

    table = pd.read_csv(test_data / "cxr_kermany" / "metadata.csv", dtype=str).drop_duplicates("patient_id")
    table = table.sample(164, random_state=0)
    films = []
    for name in table["image"]:
        with Image.open(test_data / "cxr_kermany" / name) as film:
            grey = film.convert("L")
            grey.thumbnail((256, 256))
            films.append(np.asarray(grey))
    # Saved again as JPEG: these features miss copies with noise, which is for the sensitivity report to tell.
    copies = [_saved_again(film) for film in films[:20]]
    extractor = get_extractor("efficientnet-lite0")
    features, copied = extractor.embed(films), extractor.embed(copies)
    patients = table["patient_id"].to_numpy(dtype=str)
    sides = {
        "honest": (features[FRESH], films[FRESH]),
        "half copied": (np.concatenate([copied, features[FRESH][:20]]), [*copies, *films[FRESH][:20]]),
    }
    found = {}
    for name, (synthetic, pictures) in sides.items():
        given = MetricInput(
            features[TRAIN], patients[TRAIN], synthetic, held_out=features[HELD_OUT],
            held_out_patients=patients[HELD_OUT], real_pictures=pictures_of(films[TRAIN]),
            synthetic_pictures=pictures_of(pictures), held_out_pictures=pictures_of(films[HELD_OUT]),
            options={"c-t.clusters": 1},
        )  # fmt: skip
        found[name] = {one.metric: one for one in evaluate(list(NAMES), given)}
    return found


def _saved_again(film: np.ndarray) -> np.ndarray:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(film).save(stream, "JPEG", quality=90)
    return np.asarray(Image.open(stream))


@pytest.mark.fault(32)
@pytest.mark.parametrize("name", NAMES)
def test_planted_copies_of_real_films_move_each_number_and_honest_films_stay_with_the_control(
    measured: dict[str, dict[str, MetricResult]], name: str
) -> None:
    honest, copied = (measured[side][name] for side in ("honest", "half copied"))
    assert honest.value is not None and copied.value is not None, (honest.note, copied.note)
    assert NAMES[name] * (copied.value - honest.value) > 0
    # Half of these held-out films, one patient group left out, are too few for C_T's control interval.
    if name != "c-t":
        assert honest.low <= honest.control_high and honest.control_low <= honest.high


def test_the_pairs_shown_first_are_the_planted_copies(measured: dict[str, dict[str, MetricResult]]) -> None:
    for name in ("nearest-distance", "copy-detection", "extraction-ratio"):
        pairs = measured["half copied"][name].details["flagged"][:15]
        assert len(pairs) == 15, name
        assert all(pair["sample"] < 20 and pair["sample"] == pair["training"] for pair in pairs), name
