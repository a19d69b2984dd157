"""Blank samples, odd grey levels, siblings and repeats, on pictures made for it and on films."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lab.inspection.blank import blank_reason
from lab.inspection.duplicates import EQUAL, NEARLY, SAME_RECIPE, Known, known, repeats_of
from lab.inspection.levels import levels_of
from lab.inspection.planes import fingerprint
from lab.inspection.siblings import MOST_PAIRS, siblings_of
from lab.metrics.structural import ms_ssim

SIDE = 96


def flat(value: int, colour: bool = False) -> NDArray[np.uint8]:
    return np.full((SIDE, SIDE, 3) if colour else (SIDE, SIDE), value, np.uint8)


def framed(inner: int, frame: int, width: int) -> NDArray[np.uint8]:
    image = flat(inner)
    for edge in (slice(None, width), slice(-width, None)):
        image[edge], image[:, edge] = frame, frame
    return image


def blobs(seed: int) -> NDArray[np.uint8]:
    """A smooth picture of its own."""
    import cv2

    rough = np.random.default_rng(seed).normal(size=(SIDE, SIDE))
    smooth = cv2.GaussianBlur(rough, (0, 0), 6)
    return np.asarray(128 + 60 * smooth / smooth.std(), dtype=np.float64).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def films(phantom_folder: Path) -> list[NDArray[Any]]:
    files = sorted((phantom_folder / "images").glob("*.png")) or sorted(phantom_folder.rglob("*.png"))
    return [np.asarray(Image.open(file)) for file in files[:24] if "mask" not in file.as_posix()]


@pytest.mark.row("R5")
@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (flat(0), "all black"),
        (flat(255), "all white"),
        (flat(128), "one flat tone"),
        (flat(0, colour=True), "all black"),
        (flat(0).astype(np.uint16), "all black"),
        (framed(0, 255, 3), "all black"),
        (framed(90, 200, 8), "one flat tone"),
        (framed(90, 200, 30), "two flat tones"),
        (
            (flat(60) + np.random.default_rng(0).integers(0, 5, (SIDE, SIDE))).astype(np.uint8),
            "one flat tone",
        ),
        (np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), dtype=np.uint8), "only noise"),
    ],
)
def test_blank_samples_are_flagged(image: NDArray[Any], reason: str) -> None:
    assert blank_reason(image) == reason


@pytest.mark.row("R5")
def test_no_film_counts_as_blank_or_odd(films: list[NDArray[Any]]) -> None:
    assert len(films) >= 12
    for film in films:
        assert blank_reason(film) == "" and levels_of(film).hints == ()
        assert blank_reason(film[::4, ::4]) == ""
    small = blobs(1)[:40, :40]
    assert blank_reason(small) == "" and blank_reason(small[:2, :2]) in (
        "",
        "one flat tone",
        "two flat tones",
    )


def test_levels_name_what_is_odd() -> None:
    film = blobs(1)
    assert levels_of((film // 16).astype(np.uint8)).hints == ("very dark", "little contrast")
    assert "very bright" in levels_of((244 + film // 24).astype(np.uint8)).hints
    assert levels_of(np.where(film > 150, 255, film).astype(np.uint8)).hints == ("whites cut off",)
    told = levels_of(film).to_json()
    assert told["hints"] == [] and abs(told["mean"] - film.mean()) < 0.1


@pytest.mark.row("R6")
def test_four_images_give_six_pairs_by_the_metric_itself() -> None:
    images = [blobs(seed) for seed in range(4)]
    family = siblings_of(images)
    assert [(i, j) for i, j, _ in family.pairs] == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    for i, j, value in family.pairs:
        assert value == pytest.approx(ms_ssim(images[i] / 255.0, images[j] / 255.0), abs=1e-6)
        assert value < 0.9
    told = family.of(2)
    assert told is not None
    assert told[0] == pytest.approx(np.mean([v for i, j, v in family.pairs if 2 in (i, j)]))
    assert told[2] == max(v for i, j, v in family.pairs if 2 in (i, j))


@pytest.mark.row("R6")
def test_identical_images_give_one() -> None:
    image = blobs(3)
    told = siblings_of([image] * 4).to_json()
    assert told == {"pairs": 6, "possible": 6, "mean": 1.0, "lowest": 1.0, "highest": 1.0}


def test_many_siblings_are_thinned_evenly_and_few_have_none() -> None:
    family = siblings_of([blobs(seed)[:32, :32] for seed in range(20)])
    seen = [sum(n in pair[:2] for pair in family.pairs) for n in range(20)]
    assert len(family.pairs) <= MOST_PAIRS and family.possible == 190 and min(seen) == max(seen) == 6
    assert siblings_of([blobs(0)]).of(0) is None and siblings_of([]).to_json()["pairs"] == 0
    assert siblings_of([blobs(0)[:8, :8]] * 2).pairs == ()
    large = [np.kron(blobs(seed), np.ones((4, 4), np.uint8)) for seed in range(2)]
    assert len(siblings_of(large).pairs) == 1


def of(name: str, image: NDArray[Any], place: str = "", **recipe: Any) -> Known:
    import hashlib

    return known(name, place, hashlib.sha256(image.tobytes()).hexdigest(), image, {"seed": name, **recipe})


def test_equal_and_nearly_equal_samples_are_found_in_the_run_and_before_it() -> None:
    first, second = blobs(1), blobs(2)
    brighter = np.clip(first.astype(int) + 3, 0, 255).astype(np.uint8)
    run = [of("a", first), of("b", second), of("c", first), of("d", brighter)]
    told = repeats_of(run, [of("old", second, "set")])
    assert told[0] is None
    assert told[1] is not None and (told[1].of, told[1].place, told[1].how) == ("old", "set", EQUAL)
    assert told[2] is not None and (told[2].of, told[2].place, told[2].similarity) == ("a", "", 1.0)
    assert told[3] is not None and told[3].how == NEARLY and told[3].of in ("a", "c")
    assert 0.95 <= told[3].similarity < 1.0 and told[3].to_json()["set"] == ""


def test_the_same_recipe_made_again_is_no_repeat_of_the_generator() -> None:
    image = blobs(1)
    old = dataclasses.replace(of("old", image, "set"), recipe={"seed": 7, "prompt": "x", "device": "one"})
    new = dataclasses.replace(of("new", image), recipe={"seed": 7, "prompt": "x", "device": "two"})
    other = dataclasses.replace(of("other", image, "set"), recipe={"seed": 8, "prompt": "x"})
    assert repeats_of([new], [old])[0].how == SAME_RECIPE  # type: ignore[union-attr]
    assert repeats_of([new], [old, other])[0].how == EQUAL  # type: ignore[union-attr]


def test_films_of_other_patients_are_no_repeats(films: list[NDArray[Any]]) -> None:
    samples = [of(str(n), film) for n, film in enumerate(films)]
    assert repeats_of(samples, []) == [None] * len(films)
    assert not fingerprint(flat(9)).any() and fingerprint(films[0]) @ fingerprint(films[0]) == pytest.approx(
        1.0
    )
