"""The gate before shipping: honest sets pass it, sets with planted copies fail it, planted films are found."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from lab.config import ROOT
from lab.errors import InputError, NotFoundError, StoreError
from lab.gates.planted import CONTROL, FOUND, ONCE, PlantedFilm, measure_on, read_planted
from lab.gates.report import GateReport
from lab.gates.ship import EXCESS, LEVEL, report_of
from lab.gates.ship_excess import excess_p, first_failing, patient_shares
from lab.gates.ship_ground import Ground, RoundTrip, ground_of
from lab.gates.ship_pairs import check_place, write_sheet
from lab.gates.ship_samples import FIRST_SEED, SampleArrays, made, plan
from lab.gates.ship_verdicts import PAIRS, Judged, judge
from lab.generators.card import GeneratorCard
from tests.builders.copying_generator import CopyingGenerator
from tests.builders.memory_set import CoarsePixels, MemorySet, blobs

# As many held-out as training patients: a draw then holds all training films, and copies show at full strength.
TRAIN, HELD_OUT, SAMPLES = 240, 240, 200
COPIES, FIFTH = 60, 40
CARD = GeneratorCard("toy", "Toy", folder="model", size=64, steps=2, examples=("An example of plain.",))


def quiet(stage: str, done: int, total: int) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Calibrated once; what tests keep in its workspace is named by its content."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_WORKSPACE", str(tmp_path_factory.mktemp("gates")))
        patch.delenv("LAB_STORE_URL", raising=False)
        train = MemorySet("toy:train", blobs(1, TRAIN), [f"t{n // 2}" for n in range(TRAIN)])
        held_out = MemorySet("toy:held-out", blobs(2, HELD_OUT), [f"h{n // 2}" for n in range(HELD_OUT)])
        yield ground_of(train, held_out, CoarsePixels(), RoundTrip(), quiet, canaries=4)


@pytest.fixture(scope="module")
def honest(ground: Ground) -> Judged:
    """Films of yet other patients in place of samples."""
    return _judged(ground, blobs(3, SAMPLES))


@pytest.fixture(scope="module")
def copying(ground: Ground) -> Judged:
    """The same, 30 % of them noisy copies of training films."""
    rng, films = np.random.default_rng(5), list(blobs(3, SAMPLES))
    for n in range(COPIES):
        film = ground.train.image(ground.train.ids()[3 * n])
        films[n] = np.clip(film + rng.normal(0, 3, film.shape), 0, 255).astype(np.uint8)
    return _judged(ground, films)


def _samples(images: list[NDArray[np.uint8]]) -> SampleArrays:
    return SampleArrays(
        "toy.gate", images, [("A film.", "plain", FIRST_SEED + n) for n in range(len(images))]
    )


def _judged(ground: Ground, images: list[NDArray[np.uint8]]) -> Judged:
    return judge(_samples(images), ground, quiet)


def _report(judged: Judged) -> GateReport:
    return report_of("toy", judged, {"generator": "none"}, time.monotonic(), quiet)


def test_films_of_other_patients_pass_the_gate(honest: Judged) -> None:
    report = _report(honest)
    assert not report.missed
    value = report.figure("Near-copy share of samples").value
    assert value is not None
    assert value <= 0.05
    assert report.figure("Closer to training, registered-correlation").low is not None


def test_a_set_with_copies_fails_both_conditions(copying: Judged) -> None:
    report = _report(copying)
    outside = "How far 0.5 lies outside that interval, "
    assert {figure.name for figure in report.missed} == {
        EXCESS, f"{outside}feature-cosine", f"{outside}registered-correlation"
    }  # fmt: skip
    assert report.figure("Near-copy share of samples").value == pytest.approx(COPIES / SAMPLES, abs=0.02)


def test_a_fifth_of_copies_is_above_held_out_films(copying: Judged) -> None:
    samples = copying.near.astype(np.float64)
    samples[FIFTH:COPIES] = 0.0
    people = patient_shares(copying.control, copying.ground.held_out.patients())
    assert samples.mean() <= FIFTH / SAMPLES + 0.02
    assert excess_p(samples, people, 0) < 0.001


def test_the_closest_pairs_are_told_without_films_or_patients(copying: Judged) -> None:
    report, ground = _report(copying), copying.ground
    pairs = report.details["closest_pairs"]
    assert len(pairs) == PAIRS
    assert [pair["seed"] - FIRST_SEED for pair in pairs] == sorted(
        (pair["seed"] - FIRST_SEED for pair in pairs),
        key=lambda n: (copying.reports[n].verdict.p, copying.to_train[n].min()),  # type: ignore[union-attr]
    )
    for pair in pairs:
        assert pair["training_image"] == ground.train.ids()[3 * (pair["seed"] - FIRST_SEED)]
        assert pair["detectors"][pair["found_by"]]["distance"] < 0.1
    text = json.dumps(report.details)
    assert not any(
        f'"{patient}"' in text for patient in [*ground.train.patients(), *ground.held_out.patients()]
    )


def test_the_report_carries_the_sensitivity_of_its_verdicts(honest: Judged) -> None:
    report = _report(honest)
    canaries = [figure for figure in report.figures if figure.name.startswith("Canaries found")]
    assert {"exact", "flipped", "noised"} <= {figure.name.partition(", ")[2] for figure in canaries}
    assert report.figure("Canaries found, exact").value == 1.0
    assert report.figure("False alarms on held-out films").n == HELD_OUT


def test_a_kept_calibration_is_taken_as_it_is(ground: Ground) -> None:
    stages = list[str]()
    films = [ground.train, ground.held_out]
    again = ground_of(
        *films, CoarsePixels(), RoundTrip(), lambda stage, done, total: stages.append(stage), canaries=4
    )
    assert again.calibration.digest == ground.calibration.digest
    assert "Calibrating on training films" not in stages


def test_a_sheet_of_pairs_never_goes_into_the_project_when_films_are_real(
    copying: Judged, tmp_path: Path
) -> None:
    sheet = write_sheet(copying, tmp_path)
    assert sheet.is_file()
    assert len(json.loads((tmp_path / "closest_pairs.json").read_text())) == PAIRS
    with pytest.raises(InputError, match="films of this dataset are real"):
        write_sheet(copying, ROOT / "assets" / "pairs")
    assert not (ROOT / "assets" / "pairs").exists()
    check_place(ROOT / "assets", "PHANTOM")


def _labelled(name: str, captions: bool) -> MemorySet:
    images = MemorySet(name, blobs(4, 40))
    table = images._table
    table["label"] = ["plain"] * 30 + ["odd"] * 10
    table["caption"] = [f"Film {n}." if captions else "" for n in range(40)]
    return images


def test_prompts_keep_the_proportions_of_the_training_images() -> None:
    train, held_out = _labelled("a:train", True), _labelled("a:held-out", True)
    asked = plan(CARD, train, held_out, 402)
    assert sum(one.count for one in asked) == 402
    assert pd.Series([one.label for one in asked]).value_counts().to_dict() == {"plain": 76, "odd": 25}
    seeds = [seed for one in asked for seed in one.seeds]
    assert seeds == list(range(FIRST_SEED, FIRST_SEED + 402))
    without = plan(CARD, _labelled("b:train", False), held_out, 40)
    assert {(one.label, one.prompt) for one in without} == {("plain", "An example of plain."), ("odd", "odd")}


def test_samples_are_kept_by_weights_and_made_once(workspace: Path) -> None:
    asked = plan(CARD, _labelled("a:train", True), _labelled("a:held-out", True), 16)
    generator = CopyingGenerator(CARD, {})
    first = made(CARD, generator.digest, asked, lambda: generator, quiet)
    calls = len(generator.asked)
    again = made(CARD, generator.digest, asked, lambda: generator, quiet)
    assert len(generator.asked) == calls == 4
    assert again.digests() == first.digests()
    made(CARD, "other weights", asked, lambda: generator, quiet)
    assert len(generator.asked) == 2 * calls


def test_excess_keeps_its_level_with_patients_of_several_films() -> None:
    rng, low = np.random.default_rng(0), 0
    for seed in range(300):
        people = np.repeat(np.arange(120), rng.integers(1, 6, 120)[0])
        sick = rng.random(120) < 0.05
        control = sick[people] & (rng.random(len(people)) < 0.8)
        samples = (rng.random(150) < 0.04).astype(np.float64)
        low += excess_p(samples, patient_shares(control, people.astype(str)), seed) < LEVEL
    assert low <= 28  # 300 x 0.05 + 3.3 standard deviations


def test_excess_sees_copies_and_says_from_how_many() -> None:
    patients = np.zeros(100)
    patients[:2] = 1.0
    assert excess_p(np.zeros(100), np.zeros(100), 0) == 1.0
    failing = first_failing(100, patients, LEVEL, 0)
    assert 4 <= failing <= 12
    copies = np.zeros(100)
    copies[:30] = 1.0
    assert excess_p(copies, patients, 0) < 0.001


def _planted(ground: Ground, count: int = 6) -> list[PlantedFilm]:
    return [PlantedFilm(name, f"Planted {n}.", 40) for n, name in enumerate(ground.train.ids()[:count])]


def test_planted_films_are_found_and_others_are_not(ground: Ground) -> None:
    films = _planted(ground)
    generator = CopyingGenerator(CARD, {film.caption: ground.train.image(film.image_id) for film in films})
    report = measure_on(CARD, generator.digest, lambda: generator, films, ground, quiet)
    assert report.figure(FOUND).value == 1.0
    assert report.figure(FOUND).met is True
    assert report.figure(ONCE).value == report.figure(CONTROL).value == 0.0
    assert all(len(seeds) == 10 for _, seeds in generator.asked)


def test_a_generator_that_learnt_nothing_misses_the_planted_limit(ground: Ground) -> None:
    generator = CopyingGenerator(CARD, {})
    report = measure_on(CARD, generator.digest, lambda: generator, _planted(ground), ground, quiet)
    assert report.figure(FOUND).value == 0.0
    assert [figure.name for figure in report.missed] == [FOUND]


def test_another_film_than_the_planted_one_does_not_count_as_found(ground: Ground) -> None:
    films = _planted(ground)
    swapped = dict(zip((film.caption for film in films), films[1:] + films[:1], strict=True))
    learnt = {caption: ground.train.image(film.image_id) for caption, film in swapped.items()}
    generator = CopyingGenerator(CARD, learnt)
    report = measure_on(CARD, generator.digest, lambda: generator, films, ground, quiet)
    assert report.figure(FOUND).value == 0.0


def test_a_wrong_list_of_planted_films_is_refused(ground: Ground, tmp_path: Path) -> None:
    path = tmp_path / "planted.json"
    for text in (
        "",
        "[]",
        '[{"image_id": "a", "caption": "b"}]',
        '[{"image_id":"a","caption":"b","copies":1}]',
    ):
        path.write_text(text)
        with pytest.raises(StoreError, match="nothing was measured"):
            read_planted(path)
    path.write_text('[{"image_id": "f", "caption": "b", "copies": 5}]')
    generator = CopyingGenerator(CARD, {})
    with pytest.raises(NotFoundError, match="planted films are not among"):
        measure_on(CARD, generator.digest, lambda: generator, read_planted(path), ground, quiet)
