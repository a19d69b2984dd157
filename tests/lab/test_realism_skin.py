"""The skin's realism gate: drawn ellipses fail it, real halves cannot be told apart, and the report is whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.errors import DatasetError, InputError, NotComputable
from lab.gates.realism_skin import (
    DRAW_SEED,
    HALVES,
    LIMIT,
    PHANTOMS,
    SIZE,
    SkinPictures,
    class_pairs,
    distances,
    measure,
    measure_skin,
    pictures_of,
)
from lab.gates.realism_skin_features import COLOUR_TEXTURE, SCATTERING, features_of
from lab.gates.realism_skin_pictures import (
    REAL_LABELS,
    SET,
    Pictures,
    counts_of,
    real_halves,
    skin_phantoms,
)
from lab.gates.realism_skin_sheet import write_skin_sheet
from lab.gates.report import read_report, write_report

N = 100


def silent(stage: str, done: int, total: int) -> None:
    """No progress."""


def ellipses(real: Pictures, seed: int) -> Pictures:
    """An ellipse of the real lesion's colour on flat skin of the real skin's colour, for each real picture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    drawn = []
    for image in real.images:
        rim = np.median(np.concatenate([image[:12].reshape(-1, 3), image[-12:].reshape(-1, 3)]), axis=0)
        picture = np.broadcast_to(rim, image.shape).copy()
        (cx, cy), (rx, ry) = rng.normal(0, 0.05, 2), rng.uniform(0.15, 0.4, 2)
        picture[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1] = np.median(
            image[48:80, 48:80].reshape(-1, 3), 0
        )
        drawn.append(picture.astype(np.uint8))
    patients = np.array([f"ellipse-{number}" for number in range(real.n)])
    return Pictures(np.stack(drawn), patients, real.labels, "ellipses")


@pytest.fixture(scope="module")
def halves(test_data: Path) -> tuple[Pictures, Pictures]:
    return real_halves(test_data / SET, N, SIZE, DRAW_SEED)


def ratio_of(figures, extractor: str):
    return next(f for f in figures if f.name.startswith("Farther half, times the") and extractor in f.name)


@pytest.fixture(scope="module")
def looked(halves: tuple[Pictures, Pictures]):
    """Halves, ellipses and phantoms, with features of the two extractors that need no weights."""
    sets = {
        HALVES[0]: halves[0],
        HALVES[1]: halves[1],
        "ellipses": ellipses(halves[0], 1),
        "drawn well": skin_phantoms(N, SIZE, 7, silent),
    }
    images = {name: found.images for name, found in sets.items()}
    return sets, features_of(images, HALVES, silent, (COLOUR_TEXTURE,))


def measured(looked, extractor: str, subject: str):
    """The figures with one of the sets in the place of the phantoms."""
    sets, features = looked
    names = {HALVES[0]: HALVES[0], HALVES[1]: HALVES[1], PHANTOMS: subject}
    return distances(
        {name: features[extractor][found] for name, found in names.items()},
        {name: sets[found] for name, found in names.items()},
        extractor,
    )[0]


@pytest.mark.slow
@pytest.mark.parametrize("extractor", [COLOUR_TEXTURE, SCATTERING])
def test_drawn_ellipses_fail_and_phantoms_come_nearer(looked, extractor: str) -> None:
    bad = ratio_of(measured(looked, extractor, "ellipses"), extractor)
    good = ratio_of(measured(looked, extractor, "drawn well"), extractor)
    assert bad.met is False and bad.low is not None and bad.low > LIMIT, bad.line()
    assert good.met is True and good.high is not None and good.high < LIMIT, good.line()
    assert good.value < bad.value / 3


@pytest.mark.slow
def test_drawn_ellipses_fail_before_both_networks(halves: tuple[Pictures, Pictures]) -> None:
    crude = SkinPictures(halves, ellipses(halves[0], 1))
    report = measure(crude, silent)
    gates = [figure for figure in report.figures if figure.limit is not None]
    assert len(gates) == 4 and all(figure.met is False and figure.low > LIMIT for figure in gates)


def test_the_halves_are_disjoint_and_matched(halves: tuple[Pictures, Pictures]) -> None:
    first, second = halves
    assert not set(first.patients) & set(second.patients)
    assert len(set(first.patients)) == first.n == second.n == N
    for label, count in counts_of(N).items():
        assert (first.labels == label).sum() == (second.labels == label).sum() == count


@pytest.mark.slow
@pytest.mark.parametrize("extractor", [COLOUR_TEXTURE, SCATTERING])
def test_the_halves_cannot_be_told_apart_and_classes_can(looked, extractor: str) -> None:
    figures = measured(looked, extractor, "drawn well")
    floor = next(figure for figure in figures if "the floor" in figure.name)
    unit = next(figure for figure in figures if "the unit" in figure.name)
    assert floor.low is not None and floor.low < 0 and unit.low is not None and unit.low > 0
    assert abs(floor.value) < 0.3 * unit.value
    sets, features = looked
    pairs = class_pairs(features[extractor], sets)
    apart = pairs["NV", "BCC"]
    assert len(pairs) == 10 and apart.value > 3 * apart.error and apart.value > 3 * abs(floor.value)


def test_halves_are_drawn_by_the_seed(test_data: Path) -> None:
    draws = [real_halves(test_data / SET, 40, 32, seed)[0] for seed in (0, 0, 1)]
    assert draws[0].digest == draws[1].digest != draws[2].digest
    assert np.array_equal(draws[0].images, draws[1].images)


def test_phantoms_have_the_mix_and_are_the_same_each_time() -> None:
    first, again = (skin_phantoms(20, 64, 7, silent) for _ in range(2))
    assert np.array_equal(first.images, again.images) and first.digest == again.digest
    assert first.images.shape == (20, 64, 64, 3) and len(set(first.patients)) == 20
    assert {label: int((first.labels == label).sum()) for label in REAL_LABELS} == counts_of(20)


@pytest.mark.parametrize("n", [7, 20, 100, 299, 300])
def test_the_mix_adds_up(n: int) -> None:
    assert sum(counts_of(n).values()) == n


@pytest.mark.slow
def test_the_report_is_whole(test_data: Path, tmp_path: Path) -> None:
    pictures = pictures_of(test_data, 60, silent)
    report = measure(pictures, silent)
    path = write_report(report, tmp_path)
    assert read_report(path) == report and report.subject == "phantom-derm"
    assert sum(figure.limit is not None for figure in report.figures) == 4
    assert all(np.isfinite(f.value) for f in report.figures if f.value is not None)
    assert {*HALVES, PHANTOMS, "EfficientNet-Lite0", "EfficientNet-Lite2"} < set(report.inputs)


def test_a_sheet_is_written_outside_the_project_only(
    halves: tuple[Pictures, Pictures], tmp_path: Path
) -> None:
    pictures = SkinPictures(halves, skin_phantoms(20, SIZE, 7, silent))
    assert write_skin_sheet(pictures, tmp_path / "sheet").stat().st_size > 10_000
    with pytest.raises(InputError, match="does not belong in the project"):
        write_skin_sheet(pictures, Path(__file__).parent / "sheet")


def test_missing_or_few_real_pictures_are_told(test_data: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("LAB_TEST_DATA", raising=False)
    with pytest.raises(DatasetError, match="no real skin pictures"):
        measure_skin(None, silent)
    with pytest.raises(DatasetError, match="no real skin pictures"):
        measure_skin(tmp_path, silent)
    (tmp_path / SET).mkdir()
    with pytest.raises(DatasetError, match="no readable metadata"):
        measure_skin(tmp_path, silent)
    with pytest.raises(DatasetError, match="fewer than"):
        real_halves(test_data / SET, 900, SIZE, 0)
    (tmp_path / SET / "metadata.csv").write_text((test_data / SET / "metadata.csv").read_text())
    with pytest.raises(DatasetError, match="is missing"):
        real_halves(tmp_path / SET, 40, SIZE, 0)


def test_too_few_pictures_give_no_number(halves: tuple[Pictures, Pictures]) -> None:
    few = np.arange(N) < 10
    sets = {HALVES[0]: halves[0].taken(few), HALVES[1]: halves[1].taken(few), PHANTOMS: halves[0].taken(few)}
    with pytest.raises(NotComputable, match="fewer than 20 patients"):
        distances({name: np.ones((10, 4)) for name in sets}, sets, "none")
