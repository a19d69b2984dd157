"""The realism gate: it tells crude films from real ones, and measures what it says it measures."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.commands.main import run
from lab.errors import DatasetError, InputError, NotComputable
from lab.gates.realism import DRAW_SEED, LIMIT, SETS, SMALL, distances, films_of, measure, proportions
from lab.gates.realism_anatomy import gap_ratio, spectrum_slope
from lab.gates.realism_distance import distance, embed, set_points
from lab.gates.realism_films import adult_rows, phantom_films, real_films
from lab.gates.realism_sheet import write_sheet
from lab.gates.realism_texture import describe, standardised
from lab.gates.report import read_report, write_report

N = 70


def silent(stage: str, done: int, total: int) -> None:
    """No progress."""


def ellipses(n: int, seed: int) -> np.ndarray:
    """A body, two lungs and a heart, each an ellipse of one grey; (n, 64, 64) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:SMALL, 0:SMALL] / SMALL - 0.5
    films = np.full((n, SMALL, SMALL), 20, np.uint8)
    for film in films:
        wide = rng.normal(1, 0.05)
        parts = [(0, 0.1, 0.46 * wide, 0.62 * wide, rng.normal(175, 15))]
        for side in (-1, 1):
            place = (side * rng.normal(0.19, 0.02), rng.normal(-0.02, 0.03))
            parts.append((*place, rng.normal(0.14, 0.015), rng.normal(0.3, 0.03), rng.normal(75, 15)))
        heart = (
            rng.normal(0.05, 0.02),
            rng.normal(0.13, 0.03),
            rng.normal(0.14, 0.02),
            rng.normal(0.13, 0.02),
        )
        for cx, cy, rx, ry, grey in (*parts, (*heart, rng.normal(190, 12))):
            film[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1] = np.clip(grey, 0, 255)
    return films


def gaussian_films(real: np.ndarray, n: int, seed: int, components: int = 100) -> np.ndarray:
    """Mean and principal components of real films with Gaussian weights; (n, 64, 64) uint8."""
    flat = real.reshape(len(real), -1).astype(np.float64)
    _, spread, axes = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    kept = min(components, len(spread) - 1)
    weights = np.random.default_rng(seed).normal(size=(n, kept)) * spread[:kept] / np.sqrt(len(real) - 1)
    films = np.clip(flat.mean(0) + weights @ axes[:kept], 0, 255)
    return np.round(films).reshape(n, SMALL, SMALL).astype(np.uint8)


def one_over_f(size: int, k: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    step = np.fft.fftfreq(size)
    radius = np.hypot(step[:, None], step[None, :])
    radius[0, 0] = 1.0
    return np.fft.ifft2(np.fft.fft2(rng.normal(size=(size, size))) * radius ** (-k / 2)).real


@pytest.fixture(scope="module")
def real(test_data: Path):
    """70 real films of each set, with both extractors' features and two crude imitations of them."""
    films = {name: real_films(test_data / f"cxr_{name}", N, SMALL, DRAW_SEED) for name in SETS}
    images = {name: found.images for name, found in films.items()}
    images["ellipses"] = ellipses(N, 0)
    images["gaussian"] = gaussian_films(np.concatenate(list(images.values())[:2]), N, 1)
    patients = {
        name: films[name].patients if name in films else np.array([f"{name}{i:03d}" for i in range(N)])
        for name in images
    }
    network = {name: embed(found, name, silent) for name, found in images.items()}
    texture = standardised({name: describe(found) for name, found in images.items()}, SETS)
    return patients, network, texture


@pytest.mark.parametrize("crude", ["ellipses", "gaussian"])
@pytest.mark.parametrize("extractor", ["network", "texture"])
def test_crude_films_fail_the_gate(real, crude: str, extractor: str) -> None:
    patients, network, texture = real
    chosen = network if extractor == "network" else texture
    names = (*SETS, crude)
    figures = distances(
        {name: chosen[name] for name in names}, {name: patients[name] for name in names}, extractor, crude
    )
    gate = figures[-1]
    assert gate.met is False and gate.low is not None and gate.low > LIMIT, gate.line()


def test_the_anchors_of_the_network_keep_their_places(real) -> None:
    patients, network, _ = real
    points = set_points(network, patients, DRAW_SEED)
    assert 20 < distance(points["nih64"], points["covid"]).value < 50
    assert 600 < distance(points["nih64"], points["ellipses"]).value < 1000
    assert 180 < distance(points["covid"], points["gaussian"]).value < 350


def test_two_halves_of_one_real_set_cannot_be_told_apart(test_data: Path) -> None:
    films = real_films(test_data / "cxr_nih64", 140, SMALL, 3)
    assert len(np.unique(films.patients)) == films.n == 140
    order = np.random.default_rng(0).permutation(films.n)
    halves = {"a": order[:70], "b": order[70:]}
    features = {name: embed(films.images[rows], name, silent) for name, rows in halves.items()}
    points = set_points(features, {name: films.patients[rows] for name, rows in halves.items()}, 0)
    found = distance(points["a"], points["b"])
    assert abs(found.value) < max(3 * found.error, 6.0)


def test_real_films_lie_within_their_own_range(test_data: Path) -> None:
    films = real_films(test_data / "cxr_covid", 180, 128, DRAW_SEED, masks=True)
    assert films.n > 40 and films.lungs is not None
    assert all(figure.met for figure in proportions(films, films))


def test_real_films_are_adult_frontal_and_drawn_by_the_seed(test_data: Path) -> None:
    rows = adult_rows(test_data / "cxr_covid")
    assert set(rows["view"]) == {"PA", "AP"} and not (pd.to_numeric(rows["age"], errors="coerce") < 18).any()
    draws = [real_films(test_data / "cxr_nih64", 60, SMALL, seed) for seed in (0, 0, 1)]
    assert draws[0].digest == draws[1].digest != draws[2].digest
    first = adult_rows(test_data / "cxr_nih64")["patient_id"].drop_duplicates()[:60]
    assert set(draws[0].patients) != set(first)


@pytest.mark.parametrize("k", [1.5, 2.5, 3.5])
def test_the_slope_of_a_one_over_f_field_is_found(k: float) -> None:
    slopes = [spectrum_slope(one_over_f(128, k, seed)) for seed in range(8)]
    assert np.mean(slopes) == pytest.approx(-k, abs=0.1)


def test_the_gap_ratio_of_drawn_lungs_is_the_drawn_one() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:80, 10:40] = mask[10:80, 60:90] = True
    assert gap_ratio(mask) == pytest.approx(20 / 80)
    mask[60:70, 60:70] = False  # a heart that bulges to the viewer's right in the lower half
    assert gap_ratio(mask) == pytest.approx(30 / 80)
    mask[12:20, 20:40] = False  # a gap in the upper half is not the heart
    assert gap_ratio(mask) == pytest.approx(30 / 80)
    mask[80:90, 10:14] = True  # below the floors the diaphragm parts the lungs
    assert gap_ratio(mask) == pytest.approx(30 / 80)
    assert gap_ratio(np.zeros((100, 100), bool)) is None
    mask[40:50, 10:90] = True
    assert gap_ratio(mask) is None


def test_phantoms_are_one_film_a_patient_and_the_same_each_time() -> None:
    small, large = phantom_films(3, (64, 128), 7, silent)
    again = phantom_films(3, (64,), 7, silent)[0]
    assert np.array_equal(small.images, again.images) and small.digest == again.digest
    assert small.images.shape == (3, 64, 64) and large.images.shape == (3, 128, 128)
    assert len(set(small.patients)) == 3 and large.lungs is not None and large.lungs.any()


def test_the_report_is_whole_and_kept_beside_others(test_data: Path, tmp_path: Path) -> None:
    films = films_of(test_data, 24, silent)
    report = measure(films, silent)
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates" / "other.json").write_text("{}")
    path = write_report(report, tmp_path)
    assert read_report(path) == report and len(list((tmp_path / "gates").iterdir())) == 2
    assert {"cxr_nih64", "cxr_covid", "renderer", "EfficientNet-Lite0"} < set(report.inputs)
    assert len(report.figures) == 15 and sum(figure.limit is not None for figure in report.figures) == 8
    assert all(np.isfinite(f.value) for f in report.figures if f.value is not None)
    sheet = write_sheet(tuple(films.small.values()), tmp_path / "sheet")
    assert sheet.stat().st_size > 10_000


def test_too_few_patients_give_no_number() -> None:
    features = {"a": np.zeros((5, 3)), "b": np.zeros((30, 3))}
    with pytest.raises(NotComputable, match="fewer than 20 patients"):
        set_points(features, {name: np.arange(len(v)).astype(str) for name, v in features.items()}, 0)


def test_a_sheet_of_real_films_is_never_written_into_the_project() -> None:
    with pytest.raises(InputError, match="does not belong in the project"):
        write_sheet((), Path(__file__).parent / "sheet")


def test_missing_real_films_are_told_in_one_sentence(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.delenv("LAB_TEST_DATA", raising=False)
    for arguments in (
        ["--realism"],
        ["--realism", "--films", str(tmp_path / "none")],
        ["--realism", "--json"],
    ):
        with pytest.raises(SystemExit) as stop:
            run(["phantoms", *arguments])
        told = capsys.readouterr()
        assert stop.value.code == 1 and "There are no real films to compare with" in told.err
        assert told.err.count("\n") == 1 and ('{"error"' in told.out) == ("--json" in arguments)
    (tmp_path / "cxr_nih64").mkdir()
    with pytest.raises(SystemExit):
        run(["phantoms", "--realism", "--films", str(tmp_path)])
    assert "has no readable metadata.csv" in capsys.readouterr().err


def test_a_set_that_names_a_missing_film_is_an_error(tmp_path: Path, test_data: Path) -> None:
    shutil.copy(test_data / "cxr_nih64" / "metadata.csv", tmp_path)
    with pytest.raises(DatasetError, match="is missing; nothing was measured"):
        real_films(tmp_path, 20, SMALL, 0)


def test_options_of_the_gate_need_the_gate(capsys) -> None:
    with pytest.raises(SystemExit):
        run(["phantoms", "--write"])
    assert "belong to --realism alone" in capsys.readouterr().err
