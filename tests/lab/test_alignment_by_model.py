"""Alignment by a chosen text-image model, in the same process as everything else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lab.runs.captions import why_no_pairs
from tests.builders.memory_set import MemorySet, blobs

pytest.importorskip("torch")
CAPTIONS = ["large left effusion", "no nodule", "small right effusion", ""]


@pytest.fixture
def model(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """BioViL-T at toy size, entered as an extractor, for chest radiographs."""
    from tests.builders.text_models import biovil_record, toy_biovil_whole

    monkeypatch.setenv("LAB_THREADS", "1")
    folder = tmp_path / "biovil"
    toy_biovil_whole(folder)
    place = workspace / "extractors" / "toy-biovil.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps({**biovil_record(folder), "modalities": ["chest radiograph"]}), "utf-8")
    return "toy-biovil"


def captioned() -> MemorySet:
    made = MemorySet("films", blobs(0, 4))
    made._table["caption"] = CAPTIONS
    return made


@pytest.mark.row("C8")
def test_pairs_of_a_chosen_model_are_its_own_vectors_in_this_process(model: str) -> None:
    from lab.config import settings
    from lab.features.text_image_models import open_named
    from lab.runs.context import RunContext
    from lab.runs.kinds.text_image import pairs_of
    from lab.runs.resident import Residents

    films, steps = captioned(), pairs_of(RunContext(settings(), Residents()), captioned(), name=model)
    try:
        while True:
            next(steps)
    except StopIteration as ended:
        pairs = ended.value
    opened = open_named(model)
    images = opened.embed_images([films.image(name) for name in films.ids()[:3]])
    np.testing.assert_allclose(pairs.images[:3], images, atol=1e-5)
    np.testing.assert_allclose(pairs.texts[:3], opened.embed_texts(CAPTIONS[:3]), atol=1e-5)
    assert pairs.model == model and pairs.told.tolist() == [True, True, True, False]
    assert np.abs((pairs.images[:3] * pairs.texts[:3]).sum(axis=1)).max() <= 1 + 1e-6


@pytest.mark.row("C8")
def test_a_model_judges_the_images_it_was_made_for(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from lab.data import store

    def reason(modality: str, origin: str, name: str) -> str:
        card = SimpleNamespace(modality=modality, origin=origin)
        monkeypatch.setattr(store, "open_dataset", lambda _: SimpleNamespace(card=card))
        return why_no_pairs("films", captioned(), name)

    assert reason("chest radiograph", "import", model) == ""
    assert "knows chest radiographs only" in reason("dermoscopy", "import", model)
    assert "reads no text" in reason("chest radiograph", "import", "efficientnet-lite0")
    assert reason("chest radiograph", "import", "nobody").endswith(".")
