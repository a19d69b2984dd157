"""Phantoms become a dataset by the same importer, with splits that do not depend on how many there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.data.phantom_dataset import add_phantom, phantom_split
from lab.data.resolve import resolve
from lab.data.splits import split_by_patient
from lab.errors import DatasetError, InputError

pytestmark = pytest.mark.usefixtures("workspace")


def test_a_small_phantom_set(workspace: Path):
    report = add_phantom("few", patients=3, films_per_patient=1, processes=1)
    card, rows = report.dataset.card, report.dataset.manifest
    assert (card.tag, card.images, card.patients, card.public, card.size) == ("PHANTOM", 3, 3, True, 256)
    assert not report.left_out and (rows["caption"] != "").all() and (rows["label"] != "").all()
    assert (rows["split"] == [phantom_split(patient) for patient in rows["patient_id"]]).all()
    assert resolve("few", whole=True).tag == "PHANTOM"
    mask = report.dataset.mask(rows["image_id"][0])
    assert mask is not None and mask.shape == (256, 256) and {1, 2} <= set(np.unique(mask))
    assert [path.name for path in (workspace / "datasets").iterdir()] == ["few"]
    larger = add_phantom("more", patients=4, films_per_patient=1, processes=1).dataset.manifest
    both = rows.merge(larger, on="digest")
    assert len(both) == 3 and (both["split_x"] == both["split_y"]).all()
    with pytest.raises(DatasetError, match="already"):
        add_phantom("few", 3, 1, processes=1)


def test_a_phantom_patient_has_one_split_in_sets_of_any_size():
    thousand = [f"phantom-0-{number:05d}" for number in range(1000)]
    assert {patient: phantom_split(patient) for patient in thousand} == split_by_patient(thousand)
    assert phantom_split("phantom-0-01000") in ("train", "held-out", "test")
    with pytest.raises(InputError):
        phantom_split("Doe")
