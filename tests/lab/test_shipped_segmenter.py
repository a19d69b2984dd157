"""The segmenter that is shipped for phantom hearts: small, and right on hearts that nobody has rendered before."""

from __future__ import annotations

import numpy as np
import pytest

from lab.network_folders import WEIGHTS
from lab.segmentation.card import FOLDERS, read_card

FOLDER = FOLDERS.shipped / "phantom-cmr"
LEAST = {"right ventricle": 0.8, "myocardium": 0.8, "left ventricle": 0.88}


def test_its_card_says_what_it_is_worth() -> None:
    card = read_card(FOLDER)
    assert (FOLDER / WEIGHTS).stat().st_size < 1_000_000
    assert card.origin == "shipped" and card.names == tuple(LEAST) and card.values == (1, 2, 3)
    assert all(card.overlap[name] >= least for name, least in LEAST.items())
    assert "no patient data" in card.notes and card.training["judged_images"] >= 100


@pytest.mark.row("CM-07")
def test_it_outlines_hearts_of_new_phantom_patients() -> None:
    from lab.data.phantom_heart import HeartRecipe, render
    from lab.metrics.mask_shapes import dice
    from lab.segmentation.segmenter import open_segmenter

    made = [render(HeartRecipe(77, patient, 1)) for patient in range(5)]
    found = open_segmenter(FOLDER).segment([one.image for one in made])
    scores = [
        [dice(one.mask == value, answer == value) for value in (2, 3) if (one.mask == value).any()]
        for one, answer in zip(made, found, strict=True)
    ]
    assert all(answer.shape == one.image.shape[:2] for one, answer in zip(made, found, strict=True))
    assert np.mean([score for row in scores for score in row]) > 0.7
