"""The Re-ID network of the phantoms that comes with this program: small, and worth what its card says."""

from __future__ import annotations

import numpy as np
import pytest

from lab.identification.card import FOLDERS, read_card
from lab.network_folders import WEIGHTS

FOLDER = FOLDERS.shipped / "phantom-cxr" / "patient"
# With 20 patients of two films an area of 0.87 has a standard error of about 0.06.
ROOM = 0.18


@pytest.mark.row("C12")
def test_the_shipped_network_tells_phantom_patients_apart_as_its_card_says(workspace):
    from lab.data.phantom_dataset import phantom_split
    from lab.data.phantom_families import CXR
    from lab.identification.models import judged, open_model

    if not (FOLDER / WEIGHTS).is_file():
        pytest.skip("the Re-ID network is not in this checkout")
    card = read_card(FOLDER)
    assert card.origin == "shipped" and card.licence == "Apache-2.0" and "phantoms only" in card.notes
    assert (FOLDER / WEIGHTS).stat().st_size < 1_500_000 and (FOLDER / "MODEL.md").is_file()
    numbers = [n for n in range(CXR.patients) if phantom_split(f"phantom-0-{n:05d}") != "train"][:20]
    films = [CXR.render(0, number, film).image for number in numbers for film in (0, 1)]
    names = np.repeat([f"phantom-0-{number:05d}" for number in numbers], 2)
    model = open_model(FOLDER)
    found = judged(model, model.embed(films), names, threshold=card.verification["threshold"])
    assert found.auc == pytest.approx(card.verification["auc"], abs=ROOM)
    assert found.auc > 0.7 and found.missed < 0.5 and found.taken < 0.5
