"""The realism gate of the hearts: crude drawings fail it, and it measures what it says it measures."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from lab.errors import DatasetError, InputError, NotComputable
from lab.gates.realism_distance import Distance, set_points
from lab.gates.realism_distance import distance as plain_distance
from lab.gates.realism_heart import (
    LIMIT,
    PHANTOMS,
    SETS,
    distances,
    features_of,
    measure_heart,
    proportions,
    report_of,
)
from lab.gates.realism_heart_anatomy import (
    cavity_share,
    contrast,
    measured,
    right_ratio,
    roundness,
    wall_ratio,
)
from lab.gates.realism_heart_distance import patient_distance
from lab.gates.realism_heart_pictures import Hearts, cropped, hearts_of, phantom_hearts, real_hearts
from lab.gates.realism_heart_sheet import write_heart_sheet
from lab.gates.report import read_report, write_report

PATIENTS, EACH = 26, 3


def silent(stage: str, done: int, total: int) -> None:
    """No progress."""


def few(found: Hearts, each: int = EACH) -> Hearts:
    """At most so many pictures of each patient."""
    rng = np.random.default_rng(0)
    rows = np.concatenate(
        [rng.permutation(np.flatnonzero(found.patients == name))[:each] for name in np.unique(found.patients)]
    )
    rows = np.sort(rows)
    return dataclasses.replace(
        found,
        images=found.images[rows],
        patients=found.patients[rows],
        whole=tuple(found.whole[row] for row in rows),
        masks=tuple(found.masks[row] for row in rows),
    )


def ellipses(patients: int, each: int, seed: int) -> Hearts:
    """A ring of muscle about blood, a second chamber, liver and chest wall, each an ellipse of one grey."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:160, 0:160].astype(float)
    whole, masks, names = [], [], []
    for patient in range(patients):
        outer, wall = rng.uniform(19, 27), rng.uniform(6, 10)
        blood, muscle = rng.normal(180, 15), rng.normal(75, 10)
        for _ in range(each):
            image, mask = np.full((160, 160), rng.uniform(8, 25)), np.zeros((160, 160), np.uint8)
            cx, cy = rng.normal(78, 3), rng.normal(78, 3)
            inner = (outer - wall) * rng.uniform(0.6, 1)
            image[np.hypot((x - 80) / 78, (y - 80) / 95) > 0.9] = rng.uniform(150, 230)
            image[np.hypot((x - 60) / 70, (y - cy - 85) / 55) < 1] = rng.uniform(70, 110)
            right = np.hypot((x - cx + 0.9 * outer) / outer, (y - cy - 2) / outer) < 1
            ring = np.hypot(x - cx, (y - cy) / rng.uniform(0.95, 1.05))
            image[right], mask[right] = blood, 1
            image[ring < outer], mask[ring < outer] = muscle, 2
            image[ring < inner], mask[ring < inner] = blood, 3
            whole.append(np.clip(image, 0, 255).astype(np.uint8))
            masks.append(mask)
            names.append(f"drawn{patient:03d}")
    return hearts_of(whole, masks, np.asarray(names), "drawn")


@pytest.fixture(scope="module")
def sets(test_data: Path) -> dict[str, Hearts]:
    """A few pictures of each real set, and crude drawings in the phantoms' place."""
    found = {name: few(real_hearts(test_data / name, PATIENTS, silent)) for name in SETS}
    return {**found, PHANTOMS: ellipses(PATIENTS, EACH, 0)}


@pytest.fixture(scope="module")
def features(sets: dict[str, Hearts]) -> dict[str, dict[str, np.ndarray]]:
    return features_of(sets, silent)


@pytest.mark.parametrize("extractor", ["EfficientNet-Lite0", "oriented scattering"])
def test_drawn_ellipses_fail_the_gate(sets, features, extractor: str) -> None:
    figures = distances(features[extractor], {name: s.patients for name, s in sets.items()}, extractor)
    gate = figures[-1]
    assert gate.limit == LIMIT and gate.met is False and gate.low is not None and gate.low > LIMIT, (
        gate.line()
    )


def test_two_halves_of_one_real_set_cannot_be_told_apart(test_data: Path) -> None:
    found = few(real_hearts(test_data / "cmr_acdc", 50, silent), 2)
    names = np.random.default_rng(1).permutation(np.unique(found.patients))
    first = np.isin(found.patients, names[: len(names) // 2])
    halves = {
        "a": dataclasses.replace(found, images=found.images[first], patients=found.patients[first]),
        "b": dataclasses.replace(found, images=found.images[~first], patients=found.patients[~first]),
    }
    from lab.gates.realism_distance import embed

    a, b = ((embed(half.images, name, silent), half.patients) for name, half in halves.items())
    apart = patient_distance(a, b)
    assert abs(apart.value) < max(3 * apart.error, 6.0)


def test_with_one_picture_a_patient_it_is_the_plain_kernel_distance() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 12)), rng.normal(0.4, 1, size=(40, 12))
    names = [np.array([f"{side}{i:02d}" for i in range(n)]) for side, n in (("a", 30), ("b", 40))]
    points = set_points({"a": a, "b": b}, {"a": names[0], "b": names[1]}, 0)
    plain = plain_distance(points["a"], points["b"])
    assert patient_distance((a, names[0]), (b, names[1])).value == pytest.approx(plain.value, rel=1e-9)


def test_further_pictures_of_a_patient_change_nothing_by_themselves() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 12)), rng.normal(0.4, 1, size=(30, 12))
    names = np.array([f"p{i:02d}" for i in range(30)])
    once = patient_distance((a, names), (b, names))
    rows = np.concatenate([np.arange(30), np.repeat(np.arange(5), 20)])
    again = patient_distance((a[rows], names[rows]), (b, names))
    assert isinstance(once, Distance) and again.value == pytest.approx(once.value, rel=1e-9)
    assert again.error == pytest.approx(once.error, rel=1e-9)


def test_too_few_patients_give_no_number() -> None:
    many, one = np.arange(40).astype(str), np.repeat("a", 40)
    with pytest.raises(NotComputable, match="fewer than 20 patients"):
        patient_distance((np.zeros((40, 3)), many), (np.zeros((40, 3)), one))


def disc_pair(size: int, inner: float, outer: float) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:size, 0:size] - size / 2 + 0.5
    radius = np.hypot(x, y)
    mask = np.zeros((size, size), np.uint8)
    mask[radius < outer], mask[radius < inner] = 2, 3
    return (mask == 3) * np.uint8(200) + (mask == 2) * np.uint8(80), mask


def test_the_crop_is_centred_on_the_left_ventricle_and_padded_with_black() -> None:
    image, mask = disc_pair(100, 10, 16)
    for shift in (0, 30):
        moved, place = np.roll(image, shift, 1), np.roll(mask, shift, 1)
        crop = cropped(moved, place, 2.2 * 32)
        assert crop.shape == (64, 64) and crop.dtype == np.uint8
        rows, columns = np.nonzero(crop > 200)
        assert abs(rows.mean() - 31.5) < 1 and abs(columns.mean() - 31.5) < 1
    assert not crop[:, -8:].any(), "outside the picture is black"


def test_one_patients_slices_are_cropped_at_one_scale() -> None:
    image, mask = disc_pair(100, 10, 16)
    small, tiny = disc_pair(100, 4, 8)
    found = hearts_of([image, small, image], [mask, tiny, np.zeros_like(mask)], np.array(["p", "p", "p"]), "")
    assert found.n == 2, "a picture without a left ventricle is left out"
    sizes = [(crop > 60).sum() for crop in found.images]
    assert sizes[0] / sizes[1] == pytest.approx(4, rel=0.15)


def test_proportions_of_drawn_discs_are_the_drawn_ones() -> None:
    image, mask = disc_pair(200, 40, 60)
    assert cavity_share(image, mask) == pytest.approx((40 / 60) ** 2, rel=0.01)
    assert wall_ratio(image, mask) == pytest.approx(1 - 40 / 60, rel=0.01)
    assert contrast(image, mask) == pytest.approx(2.5) and right_ratio(image, mask) is None
    mask[:10, :10] = 1
    assert right_ratio(image, mask) == pytest.approx(100 / (np.pi * 60**2), rel=0.01)


@pytest.mark.row("CM-08")
def test_a_disc_is_round_and_a_bar_is_not() -> None:
    _, mask = disc_pair(200, 40, 60)
    assert roundness(mask == 3) == pytest.approx(1, abs=0.03)
    bar = np.zeros((100, 100), bool)
    bar[45:55, 10:90] = True
    exact = 4 * np.pi * 800 / (2 * 90) ** 2
    # four directions find 94 % of the perimeter of an upright bar
    assert roundness(bar) == pytest.approx(exact, rel=0.15) and roundness(bar[:46, :12]) is None


def test_real_pictures_lie_within_their_own_range(sets: dict[str, Hearts]) -> None:
    assert all(figure.met for figure in proportions(sets[SETS[0]], sets[SETS[1]], sets[SETS[0]]))
    assert len(measured(sets[SETS[1]], right_ratio)) == 0, "that set has no mask of the right ventricle"


def test_the_report_is_whole_and_the_sheet_stays_out_of_the_project(
    test_data: Path, tmp_path: Path, sets: dict[str, Hearts]
) -> None:
    found = {**{name: few(sets[name], 1) for name in SETS}, PHANTOMS: few(phantom_hearts(22, 7, silent), 2)}
    report = report_of(found, silent)
    assert read_report(write_report(report, tmp_path)) == report
    assert {"renderer", "EfficientNet-Lite0", *SETS} < set(report.inputs)
    assert len(report.figures) == 25 and sum(figure.limit is not None for figure in report.figures) == 18
    assert all(np.isfinite(f.value) for f in report.figures if f.value is not None)
    assert write_heart_sheet(tuple(found.values()), tmp_path / "sheet").stat().st_size > 10_000
    with pytest.raises(InputError, match="does not belong in the project"):
        write_heart_sheet((), Path(__file__).parent / "sheet")


def test_missing_real_pictures_are_told_in_one_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("LAB_TEST_DATA", raising=False)
    with pytest.raises(DatasetError, match="no real films to compare with"):
        measure_heart(None, silent)
    (tmp_path / "cmr_acdc").mkdir()
    with pytest.raises(DatasetError, match="no readable metadata.csv"):
        measure_heart(tmp_path, silent)


def test_phantoms_are_sampled_by_phase_and_slice() -> None:
    found = phantom_hearts(2, 7, silent)
    assert len(np.unique(found.patients)) == 2 and 8 <= found.n <= 16
    assert all({1, 2, 3} <= set(np.unique(mask).tolist()) for mask in found.masks)
    assert np.array_equal(found.images, phantom_hearts(2, 7, silent).images)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_phantoms_keep_the_gate(test_data: Path) -> None:
    report = measure_heart(test_data, silent)
    assert not report.missed, "\n".join(figure.line() for figure in report.missed)
