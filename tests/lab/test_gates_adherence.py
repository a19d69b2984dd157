"""The adherence gate: its prompts, its probe and its scores, each on something whose answer is known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.data.phantom_dataset import phantom_split
from lab.data.phantoms import FindingSpec
from lab.data.phantoms.draws import LABELS, SIDED
from lab.gates import adherence, autoencoder
from lab.gates.adherence_figures import BOTH, FLIPS, LOWEST, MACRO, NEVER, SIDE, SIZE, Read, Swapped, figures
from lab.gates.adherence_scores import auroc, estimate, rank_correlation, share, whole
from lab.gates.probe import ALL, Reading, Targets, kept_probe, targets, train
from lab.gates.probe_films import asked_for
from lab.gates.prompts import FRONTAL, Prompt, draw_prompts, position_of, swapped
from lab.generators.card import GeneratorCard
from lab.generators.contract import MICRO_BATCH
from lab.generators.request import GenerationRequest
from lab.generators.sample import Sample
from lab.generators.training.combinations import WITHHELD

SEEDS = 4


@pytest.fixture(scope="module")
def prompts() -> tuple[Prompt, ...]:
    return draw_prompts(80)


@pytest.fixture
def once(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One workspace for the tests that render films and train a probe."""
    folder = tmp_path_factory.getbasetemp() / "adherence"
    monkeypatch.setenv("LAB_WORKSPACE", str(folder))
    return folder


def silent(stage: str, done: int, total: int) -> None:
    assert 0 <= done <= total, stage


def test_prompts_come_from_their_seed_and_a_fifth_of_them_was_never_trained(
    prompts: tuple[Prompt, ...],
) -> None:
    assert draw_prompts(80) == prompts
    assert draw_prompts(80, seed=1) != prompts
    whole = draw_prompts()
    assert len(whole) == 200
    assert sum(p.withheld for p in whole) >= 0.20 * len(whole)
    assert {(f.label, f.side, f.size) for p in whole for f in p.findings} >= WITHHELD
    seen = Counter(label for p in whole for label in {f.label for f in p.findings})
    assert min(seen[label] for label in LABELS) >= 15
    assert sum(not p.findings for p in whole) >= 10


def test_prompts_belong_to_frontal_films_of_different_held_out_patients(prompts: tuple[Prompt, ...]) -> None:
    assert len({p.film.patient for p in prompts}) == len(prompts)
    for prompt in prompts:
        assert phantom_split(f"phantom-{prompt.film.seed}-{prompt.film.patient:05d}") == "held-out"
        assert position_of(prompt.film).view in FRONTAL


def test_a_combination_that_was_never_trained_is_asked_for_in_so_many_words() -> None:
    for prompt in (p for p in draw_prompts() if p.withheld):
        for finding in (f for f in prompt.findings if (f.label, f.side, f.size) in WITHHELD):
            assert finding.side in prompt.text.lower()
            assert prompt.states_size(finding)


def test_only_right_and_left_are_exchanged(prompts: tuple[Prompt, ...]) -> None:
    chosen = [p for p in prompts if p.swaps]
    assert len(chosen) > 20
    for prompt in chosen:
        other = swapped(prompt.text)
        assert other != prompt.text
        assert swapped(other) == prompt.text
        assert re.sub("right|left", "", other, flags=re.I) == re.sub(
            "right|left", "", prompt.text, flags=re.I
        )
        assert "left middle" not in other.lower()


def test_the_area_is_how_often_a_positive_one_lies_above_a_negative_one() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(40) < 0.3
    scores = np.round(rng.normal(size=(40, 4)) + positive[:, None], 1)
    twice = rng.integers(0, 3, 40)
    for counts in (np.ones(40, dtype=np.int64), twice):
        up, down = (np.repeat(scores[side], counts[side], axis=0).ravel() for side in (positive, ~positive))
        direct = ((up[:, None] > down) + 0.5 * (up[:, None] == down)).mean()
        assert 0.5 < direct < 1
        assert auroc(scores, positive)(counts[None])[0] == pytest.approx(direct)


def test_an_interval_covers_its_value_and_narrows_with_more_prompts() -> None:
    rng = np.random.default_rng(1)
    few, many = (share((rng.random((n, 4)) < 0.8).astype(float)) for n in (20, 400))
    wide, narrow = estimate(few, 20, 0), estimate(many, 400, 0)
    assert wide.low <= wide.value <= wide.high
    assert narrow.high - narrow.low < wide.high - wide.low


def test_size_that_follows_the_word_ranks_and_size_that_does_not_is_told() -> None:
    wanted = np.array([-1.0, 0.0, 1.0, np.nan] * 10)
    noise = np.random.default_rng(2).normal(0, 0.2, (40, 4))
    follows = np.nan_to_num(wanted)[:, None] + noise
    assert whole(rank_correlation(follows, wanted), 40) > 0.9
    assert whole(rank_correlation(-follows, wanted), 40) < -0.9
    assert abs(whole(rank_correlation(noise, wanted), 40)) < 0.3


def test_rank_correlation_of_a_draw_is_that_of_its_repeated_rows() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(7)
    wanted = rng.integers(-1, 2, 30).astype(float)
    scores = np.round(wanted[:, None] + rng.normal(size=(30, 4)), 1)
    counts = rng.integers(0, 3, 30)
    repeated = np.repeat(scores, counts, axis=0).ravel(), np.repeat(np.repeat(wanted, counts), 4)
    found = rank_correlation(scores, wanted)(counts[None])[0]
    assert found == pytest.approx(spearmanr(*repeated).statistic)


def reading_of(wanted: Targets, seeds: int, seed: int) -> Reading:
    """What a good probe would read of images that show what was wanted."""
    rng = np.random.default_rng(seed)
    full = [np.repeat(part, seeds, axis=0) for part in (wanted.present, wanted.side, wanted.size)]
    present, side, size = (np.nan_to_num(part, nan=0.5) for part in full)
    present, size = (part + rng.normal(0, 0.3, part.shape) for part in (present, size))
    return Reading(4 * present - 2, 20 * (side - 0.5) + rng.normal(0, 1, side.shape), size)


def scored(samples: Reading, after: Reading, prompts: tuple[Prompt, ...]) -> dict[str, float | None]:
    films = Read(prompts, reading_of(targets([p.findings for p in prompts]), 2, 9), 2)
    read = Read(prompts, samples, SEEDS)
    found, table = figures(read, films, Swapped(read, after))
    assert set(table) == set(ALL)
    return {figure.name: figure.value for figure in found}


def test_a_generator_that_shows_what_is_asked_scores_one_and_one_that_does_not_scores_nothing(
    prompts: tuple[Prompt, ...],
) -> None:
    wanted = targets([p.findings for p in prompts])
    good = reading_of(wanted, SEEDS, 3)
    opposite = Reading(good.present, -good.side, good.size)
    best = scored(good, opposite, prompts)
    assert best[MACRO] == pytest.approx(1.0, abs=0.02)
    assert best[LOWEST] == pytest.approx(1.0, abs=0.05)
    assert best[SIDE] > 0.98
    assert best[FLIPS] > 0.97
    assert best[BOTH] > 0.97
    assert best[SIZE] > 0.8
    assert best[NEVER] >= 0.20

    order = np.random.default_rng(4).permutation(len(prompts))
    other = targets([prompts[k].findings for k in order])
    worst = scored(reading_of(other, SEEDS, 5), good, prompts)
    assert abs(worst[MACRO]) < 0.25
    assert worst[LOWEST] < 0.2
    assert worst[SIZE] < 0.4


def test_a_generator_deaf_to_sides_is_detected(prompts: tuple[Prompt, ...]) -> None:
    good = reading_of(targets([p.findings for p in prompts]), SEEDS, 6)
    assert scored(good, good, prompts)[FLIPS] == 0.0
    right = Reading(good.present, np.abs(good.side), good.size)
    assert 0.3 < scored(right, right, prompts)[SIDE] < 0.7
    mirrored = Reading(good.present, -good.side, good.size)
    wrong = scored(mirrored, good, prompts)
    assert wrong[SIDE] < 0.02
    assert wrong[FLIPS] > 0.97
    assert wrong[BOTH] < 0.03


def blobs(n: int, seed: int) -> tuple[Any, Any, list[tuple[FindingSpec, ...]]]:
    """Grey noise, half of it with a bright disc: right or left, of three sizes."""
    rng = np.random.default_rng(seed)
    images = rng.normal(110, 15, (n, 64, 64))
    lesions = np.zeros((n, 64, 64), np.uint8)
    down, across = np.mgrid[:64, :64]
    findings: list[tuple[FindingSpec, ...]] = []
    for row in range(n):
        if row % 2:
            findings.append(())
            continue
        side, rank = ("right", "left")[row // 2 % 2], row // 4 % 3
        centre = (rng.integers(16, 48), (18 if side == "right" else 46) + rng.integers(-4, 5))
        disc = np.hypot(down - centre[0], across - centre[1]) < (4, 7, 11)[rank]
        images[row][disc] += 60
        lesions[row][disc] = 255
        findings.append((FindingSpec("effusion", side, ("small", "moderate", "large")[rank]),))
    return np.clip(images, 0, 255).astype(np.uint8), lesions, findings


def test_the_probe_learns_presence_side_and_size_and_is_kept(workspace: Path) -> None:
    steps: list[int] = []
    made = []

    def make() -> Any:
        made.append(1)
        return train(*blobs(144, 0), lambda done, total: steps.append(done), epochs=14)

    probe = kept_probe(["discs"], make)
    assert steps == list(range(1, 144 * 14 // 32 + 1))
    images, _, findings = blobs(96, 1)
    reading, wanted = probe.read(images), targets(findings)
    shown = wanted.present[:, 0] > 0
    assert whole(auroc(reading.present[:, :1], shown), 96) > 0.95
    k = SIDED.index("effusion")
    assert ((reading.side[shown, k] > 0) == (wanted.side[shown, k] == 1)).mean() > 0.9
    size = rank_correlation(reading.size[:, :1], wanted.size[:, 0])
    assert whole(size, 96) > 0.6

    again = kept_probe(["discs"], make)
    assert made == [1]
    assert np.array_equal(again.read(images).present, reading.present)


class Perfect:
    """A generator that answers with held-out films that show what is asked; its autoencoder loses nothing."""

    def __init__(self, films: dict[str, Any]) -> None:
        self.card = GeneratorCard("perfect", "Perfect", size=128, steps=1, guidance=1.0)
        self.digest = "perfect"
        self.asked: list[str] = []
        self.films = films

    def generate(self, request: GenerationRequest, on_step: Any = None) -> Iterator[list[Sample]]:
        self.asked.append(request.prompt)
        text = request.prompt if request.prompt in self.films else swapped(request.prompt)
        images = self.films[text] if request.prompt in self.films else self.films[text][..., ::-1]
        yield [Sample(images[k % len(images)], {}) for k in range(len(request.seeds))]

    def autoencode(self, images: Any) -> Any:
        return images

    def prompt_reading(self, prompt: str) -> Any:
        raise NotImplementedError


@pytest.mark.slow
def test_held_out_films_in_place_of_samples_reach_the_ceiling_and_nothing_is_made_twice(once: Path) -> None:
    chosen = draw_prompts(20)
    held_out = asked_for(chosen, 128, silent)
    pairs = held_out.images.reshape(20, -1, 128, 128)
    generator = Perfect({p.text: films for p, films in zip(chosen, pairs, strict=True)})
    report = adherence.measure_on(generator.card, generator, silent, n=20, films=40)
    assert report.figure(MACRO).value == pytest.approx(1.0)
    assert report.figure(adherence.FOUR).n == adherence.TIMES
    assert report.figure("KD x 1000, samples to held-out films").n == 20 * MICRO_BATCH
    assert set(report.details["findings"]) == set(ALL)
    made = len(generator.asked)
    adherence.measure_on(generator.card, generator, silent, n=20, films=40)
    assert len(generator.asked) - made == adherence.TIMES + 1


@pytest.mark.slow
def test_an_autoencoder_that_loses_nothing_keeps_every_limit_of_films(once: Path) -> None:
    report = autoencoder.measure_on("same", "0", lambda images: images, silent, n=20, films=40, trained=8)
    assert report.figure("PSNR, held-out phantoms").met
    assert report.figure("Fine energy kept, held-out phantoms").value == pytest.approx(1.0)
    assert report.figure("PSNR, training phantoms").n == 8
    assert report.figure("PSNR, held-out paediatric films").value is None
    for label in LABELS:
        assert report.details["probe"][label]["films"] == report.details["probe"][label]["returned"]
