"""Calibration, canaries and neighbour reports on small drawn films."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lab.errors import NotComputable, StoreError
from lab.features.store import FeatureStore
from lab.neighbours import candidates
from lab.neighbours.calibrate import calibrate, calibration_digest
from lab.neighbours.calibration import Calibration, load
from lab.neighbours.canaries import kinds
from lab.neighbours.detect import detect
from lab.neighbours.neighbours import find
from lab.neighbours.reference import ReferenceSet, new_queries, prepare, reference_set, stored_queries
from lab.neighbours.verdict import COSINE, REGISTERED
from tests.builders.memory_set import CoarsePixels, MemorySet, blobs

PAIRS = 120


class World:
    """120 training patients with two alike films each, 60 held-out patients with one."""

    def __init__(self, root: Path) -> None:
        rng = np.random.default_rng(0)
        self.films = []
        for film in blobs(10, PAIRS):
            again = np.clip(np.roll(film, 1, axis=1) + rng.normal(0, 3, film.shape), 0, 255).astype(np.uint8)
            self.films += [film, again]
        self.train = MemorySet("w:train", self.films, [f"p{row // 2}" for row in range(2 * PAIRS)])
        self.held_out = MemorySet("w:held-out", blobs(11, 60), [f"h{row}" for row in range(60)])
        self.extractor, self.store = CoarsePixels(), FeatureStore(root / "features")
        for images in (self.train, self.held_out):
            list(prepare(images, self.extractor, self.store, mirrored=True))
        self.steps, self.calibration = self.calibrated(canaries=20)
        self.reference = reference_set(self.train, self.extractor, self.store, "train")
        self.control = reference_set(self.held_out, self.extractor, self.store, "held-out")

    def calibrated(self, **options) -> tuple[list[tuple[str, int, int]], Calibration]:
        work, steps = calibrate(self.train, self.held_out, self.extractor, self.store, **options), []
        while True:
            try:
                steps.append(next(work))
            except StopIteration as end:
                return steps, end.value


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    return World(tmp_path_factory.mktemp("world"))


def test_reference_distances_are_to_another_patient(world) -> None:
    """A film's twin of the same patient would be far nearer than any film of another patient."""
    own = detect(stored_queries(world.train, world.extractor, world.store), world.reference, 2).nearest()
    assert all((values < 1e-6).all() for values in own.values()), "nothing is left out of a sample's search"
    features = world.reference.features.astype(float)
    mirrored = stored_queries(world.train, world.extractor, world.store).features[1].astype(float)
    plain = np.minimum(1 - features @ features.T, 1 - mirrored @ features.T)
    patients = world.reference.patients
    plain[patients[:, None] == patients[None]] = np.inf
    np.testing.assert_allclose(world.calibration.reference[COSINE], np.sort(plain.min(axis=1)), atol=1e-6)
    assert world.calibration.reference[REGISTERED][0] > 0.005
    assert (world.calibration.n_reference, world.calibration.n_patients) == (240, 120)


def test_false_alarms_are_measured_on_held_out_patients(world) -> None:
    alarms = world.calibration.false_alarms
    assert (alarms.n, alarms.clusters) == (60, 60)
    assert alarms.value <= 0.05 and alarms.low <= alarms.value <= alarms.high
    limit = np.percentile(world.calibration.held_out[COSINE], 99)
    assert world.calibration.off_map == pytest.approx(limit)


def test_canaries_are_found_and_stand_beside_the_verdict(world) -> None:
    rates = {rate.kind: rate for rate in world.calibration.canaries}
    assert list(rates) == list(kinds())
    assert all(rate.found.n == 20 for rate in rates.values())
    for kind in ("exact", "flipped", "noised", "resampled"):
        assert rates[kind].found.value == rates[kind].source_first.value == 1.0
        assert rates[kind].by_detector[REGISTERED].value == 1.0
    assert min(rate.found.value for rate in rates.values()) >= 0.8


def test_every_step_can_be_the_last(world) -> None:
    stages = list(dict.fromkeys(step[0] for step in world.steps))
    assert stages == ["Calibrating on training films", "Measuring false alarms", "Planting canaries"]
    assert all(0 < done <= total for _, done, total in world.steps)
    assert world.steps[-1][1:] == (140, 140)


@pytest.mark.row("C13")
def test_planted_duplicate_is_first_and_flagged(world) -> None:
    samples = [world.films[42], np.ascontiguousarray(world.films[77][:, ::-1]), *blobs(12, 2)]
    queries = new_queries(samples, world.extractor, [world.train.digests()[42], "", "", ""])
    reports = find(queries, world.reference, world.control, world.calibration, k=5)
    names = world.train.ids()
    for report, source in zip(reports, (42, 77), strict=False):
        assert report.matches[0].image_id == names[source]
        assert report.matches[0].patient_id == f"p{source // 2}" and report.matches[0].split == "train"
        assert report.matches[0].distance == pytest.approx(0, abs=1e-6)
        assert report.verdict.label == "near-copy" and set(report.verdict.agreeing) == {COSINE, REGISTERED}
        assert report.verdict.n_reference == 240
        assert report.matches[1].image_id == names[source ^ 1], "the twin of the same patient is not left out"
        assert len(report.matches) == 5 and report.held_out.split == "held-out"
    assert reports[0].identical == names[42] and reports[1].identical is None
    assert [report.verdict.label for report in reports[2:]] == ["ordinary", "ordinary"]
    json.dumps([report.to_dict() for report in reports])


def test_a_noised_copy_that_features_lose_is_first_by_pixels(world) -> None:
    """Features that see nothing but an average: only registered correlation finds the copy, and it goes first."""

    class Blind(CoarsePixels):
        def __init__(self) -> None:
            super().__init__(7)

        def embed(self, images):
            means = np.array([[float(image.mean()), 100.0] for image in images], dtype=np.float32)
            return np.concatenate([means, np.zeros((len(images), 62), np.float32)], axis=1)

    blind = Blind()
    for images in (world.train, world.held_out):
        list(prepare(images, blind, world.store, mirrored=True))
    work = calibrate(world.train, world.held_out, blind, world.store, canaries=0)
    while True:
        try:
            next(work)
        except StopIteration as end:
            calibration = end.value
            break
    reference = reference_set(world.train, blind, world.store, "train")
    film = np.clip(world.films[50].astype(int) // 2 + 60, 0, 255).astype(np.uint8)
    report = find(new_queries([film], blind), reference, None, calibration, k=3)[0]
    assert report.matches[0].image_id == world.train.ids()[50]
    assert report.matches[0].found_by == (REGISTERED,) and report.matches[0].registered < 0.01
    assert report.verdict.label == "near-copy" and report.verdict.agreeing == (REGISTERED,)
    assert len(report.matches) == 3 and report.matches[1].found_by == (COSINE,)
    assert calibration.canaries == () and report.held_out is None


def test_far_samples_are_off_the_map(world) -> None:
    noise = np.random.default_rng(0).choice([0, 255], (64, 64)).astype(np.uint8)
    stripes = np.tile(np.repeat(np.array([0, 255], np.uint8), 8), (64, 4))
    reports = find(new_queries([stripes, noise], world.extractor), world.reference, None, world.calibration)
    assert reports[0].off_map is True
    inside = find(new_queries(world.films[:1], world.extractor), world.reference, None, world.calibration)
    assert inside[0].off_map is False
    assert find(new_queries(world.films[:1], world.extractor), world.reference)[0].verdict is None


def test_candidates_of_a_large_set_give_the_same_nearest_films(world, monkeypatch) -> None:
    queries = new_queries([*blobs(13, 12), *world.films[:4]], world.extractor)
    whole = detect(queries, world.reference, 3)
    monkeypatch.setattr(candidates, "TOP", 60)
    monkeypatch.setattr(candidates.candidate_rows, "__defaults__", (None, 10))
    assert candidates.candidate_rows(queries, world.reference) is not None
    part = detect(queries, world.reference, 3)
    np.testing.assert_array_equal(part.by_features.rows, whole.by_features.rows)
    # Candidates are there to lose no copy; of films that resemble nothing the nearest may be passed over.
    np.testing.assert_array_equal(part.by_pixels.rows[-4:, 0], whole.by_pixels.rows[-4:, 0])
    np.testing.assert_allclose(part.by_pixels.distances[-4:, 0], whole.by_pixels.distances[-4:, 0], atol=1e-6)
    assert (part.by_pixels.distances[:, 0] >= whole.by_pixels.distances[:, 0] - 1e-6).all()
    assert (part.by_pixels.rows[:, 0] == whole.by_pixels.rows[:, 0]).mean() > 0.7


def test_saved_and_read_again(world, tmp_path: Path) -> None:
    saved = world.calibration.save(tmp_path)
    again = load(tmp_path, world.calibration.digest)
    assert again.to_dict() == world.calibration.to_dict()
    for name, values in world.calibration.reference.items():
        np.testing.assert_array_equal(again.reference[name], values)
    assert load(tmp_path, "0" * 64) is None
    matrix = next(saved.glob("reference.*.npy"))
    matrix.write_bytes(matrix.read_bytes()[:200])
    with pytest.raises(StoreError, match="damaged"):
        load(tmp_path, world.calibration.digest)


def test_equal_inputs_give_an_equal_calibration(world) -> None:
    digest = calibration_digest(world.train, world.held_out, world.extractor, 20, 0)
    assert digest == world.calibration.digest
    assert digest != calibration_digest(world.train, None, world.extractor, 20, 0)
    assert digest != calibration_digest(world.train, world.held_out, CoarsePixels(2), 20, 0)
    assert digest != calibration_digest(world.train, world.held_out, world.extractor, 20, 0, "weights")


def test_one_patient_cannot_be_calibrated(world, tmp_path: Path) -> None:
    films = MemorySet("one", blobs(14, 5), ["same"] * 5)
    list(prepare(films, world.extractor, world.store, mirrored=True))
    with pytest.raises(NotComputable, match="one patient"):
        next(calibrate(films, None, world.extractor, world.store))


@pytest.mark.parametrize("shape", [(50, 70), (40, 40, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_canaries_keep_type_and_shape(shape, dtype) -> None:
    film = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    known = kinds(vae=lambda image: image // 2)
    assert list(known)[-1] == "through the VAE" and len(known) == 8
    for kind, alter in known.items():
        altered = alter(film, np.random.default_rng(1))
        assert altered.shape == film.shape and altered.dtype == film.dtype, kind
        assert (altered == film).all() == (kind == "exact"), kind
    reach = np.abs(known["noised"](film, np.random.default_rng(1)).astype(float) - film).max()
    assert reach <= 8 * np.iinfo(dtype).max / 255 + 1


def test_an_empty_reference_gives_no_matches(world) -> None:
    empty = ReferenceSet(
        "e",
        "train",
        "",
        (),
        np.empty(0, str),
        (),
        np.empty((0, 64), np.float32),
        np.empty((0, 2304), np.float32),
    )
    assert len(empty) == 0
    report = find(new_queries(world.films[:1], world.extractor), world.reference, empty, None, k=1)[0]
    assert report.held_out is None and len(report.matches) == 1
    with pytest.raises(NotComputable, match="no training images"):
        find(new_queries(world.films[:1], world.extractor), empty)
