"""A calibration that was interrupted goes on with its finished blocks and gives the same numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lab.config import settings
from lab.data.store import add_folder
from lab.features.store import FeatureStore
from lab.neighbours import calibrate as module
from lab.neighbours.calibrate import calibrate
from lab.neighbours.calibration import Calibration
from lab.neighbours.memo import Memo
from lab.neighbours.reference import prepare
from lab.runs import requests
from lab.runs.context import RunContext
from lab.runs.inline import run_inline
from lab.runs.kinds import calibrate as kind
from lab.runs.kinds import embed
from lab.runs.requests import calibrate_run
from lab.runs.resident import Residents
from lab.runs.store import RunStore
from tests.builders.memory_set import CoarsePixels, MemorySet, blobs
from tests.builders.runs import claimed


def ended(work: Iterator) -> tuple[int, Calibration]:
    steps = 0
    while True:
        try:
            next(work)
            steps += 1
        except StopIteration as end:
            return steps, end.value


def test_no_finished_block_is_computed_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 10)
    train = MemorySet("w:train", blobs(1, 60), [f"p{row // 2}" for row in range(60)])
    held_out, extractor = MemorySet("w:held-out", blobs(2, 25)), CoarsePixels()
    store = FeatureStore(tmp_path)
    for images in (train, held_out):
        list(prepare(images, extractor, store, mirrored=True))
    searched: list[int] = []
    plain = module.detect
    monkeypatch.setattr(
        module, "detect", lambda queries, *rest: searched.append(len(queries)) or plain(queries, *rest)
    )
    blocks: dict[str, np.ndarray] = {}

    def started(memo: Memo | None) -> Iterator:
        return calibrate(train, held_out, extractor, store, canaries=12, vae=lambda film: film, memo=memo)

    memo = Memo(blocks.get, blocks.__setitem__)
    work = started(memo)
    for _ in range(14):  # 6 blocks of training films, 3 of held-out ones, 5 of canaries
        next(work)
    work.close()
    assert len(searched) == len(blocks) == 14
    steps, resumed = ended(started(memo))
    whole = steps
    assert len(searched) == whole == len(blocks) == 6 + 3 + 2 * 8, "only what was missing was computed"
    _, afresh = ended(started(None))
    assert len(searched) == 2 * whole
    assert json.dumps(resumed.to_dict()) == json.dumps(afresh.to_dict())
    for name in afresh.reference:
        np.testing.assert_array_equal(resumed.reference[name], afresh.reference[name])
        np.testing.assert_array_equal(resumed.held_out[name], afresh.held_out[name])


@pytest.fixture
def films(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Sixty drawn films as a dataset, and an extractor without weights in place of the real one."""
    from PIL import Image

    folder = tmp_path / "films"
    folder.mkdir()
    for number, film in enumerate(blobs(3, 60)):
        Image.fromarray(film).save(folder / f"{number:02d}.png")
    add_folder(folder, "films")
    for place in (kind, embed):
        monkeypatch.setattr(place, "resident_extractor", lambda ctx, name: CoarsePixels())
    monkeypatch.setattr(requests, "autoencoder_digest", lambda dataset: "none")
    monkeypatch.setattr(module, "BLOCK", 8)
    return "films"


def test_an_interrupted_run_goes_on_with_its_parts(films: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store, place, spec = RunStore.open(), settings(), calibrate_run(films)
    searched: list[int] = []
    plain = module.detect
    monkeypatch.setattr(
        module, "detect", lambda queries, *rest: searched.append(len(queries)) or plain(queries, *rest)
    )
    claim = claimed(spec, "first")
    first = kind.execute(spec, RunContext(place, Residents(), store, claim))
    while len(searched) < 9:
        next(first)
    next(first)
    first.close()
    store.release(claim.token)
    run = run_inline(spec)
    total = len(searched)
    assert run.state == "done" and run.attempts == 2, run.error
    monkeypatch.setattr(kind, "_finished", lambda ctx, digest: None)
    claim = claimed(store.submit(spec, anew=True), "afresh")
    _, afresh = ended(kind.execute(spec, RunContext(place, Residents(), store, claim)))
    assert afresh == run.result and len(searched) == 2 * total, "both attempts together made each block once"


def test_a_calibration_that_is_there_is_taken_as_it_is(films: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = calibrate_run(films)
    measured = run_inline(spec).result
    monkeypatch.setattr(module, "calibrate", lambda *args, **options: pytest.fail("it was measured again"))
    store = RunStore.open()
    claim = claimed(store.submit(spec, anew=True), "anew")
    _, taken = ended(kind.execute(spec, RunContext(settings(), Residents(), store, claim)))
    assert taken == measured
