"""The phantom hearts: determinism, masks, ejection fractions, disease groups, motion, vendors and captions."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from lab.data.phantom_heart import GROUPS, VENDORS, HeartRecipe, render, render_cine, volume
from lab.data.phantom_heart.draws import draw_patient
from lab.data.phantom_heart.render import FRAMES, case_of, films_of
from lab.data.phantom_heart.shape import APEX, heart_of, slice_at, squeeze_at, thickest_wall, volumes_at
from lab.data.phantom_heart.signal import Sequence, level, profiles, steady_state
from lab.data.phantom_heart.vendors import Scan
from lab.data.phantom_image import PhantomImage
from lab.errors import DatasetError

RV, MYO, LV = 1, 2, 3
SEED = 3


def of_group(label: str, count: int, seed: int = SEED) -> list[int]:
    found = [number for number in range(5 * count + 5) if draw_patient(seed, number).label == label]
    return found[:count]


def neighbours(mask: np.ndarray, label: int) -> set[int]:
    """Labels that touch a label along a side."""
    shape = mask == label
    found: set[int] = set()
    for axis in (0, 1):
        for shift in (1, -1):
            found |= set(np.unique(mask[np.roll(shape, shift, axis) & ~shape]).tolist())
    return found


def test_a_recipe_always_gives_the_same_picture() -> None:
    first = render(HeartRecipe(SEED, 1, 2))
    for other in (HeartRecipe(SEED, 2, 3), HeartRecipe(SEED, 1, 3), HeartRecipe(SEED + 1, 1, 2)):
        assert np.abs(render(other).image.astype(int) - first.image).mean() > 1
    case_of.cache_clear()
    heart_of.cache_clear()
    again = render(HeartRecipe(SEED, 1, 2))
    assert first.image.dtype == np.uint8 and first.image.shape == first.mask.shape == (160, 160)
    assert first.image.tobytes() == again.image.tobytes() and first.mask.tobytes() == again.mask.tobytes()
    assert first.record == again.record and isinstance(first, PhantomImage)


def test_films_enumerate_slices_and_phases() -> None:
    records = [render(HeartRecipe(SEED, 4, film), size=64).record for film in range(6)]
    assert [(r["slice"], r["phase"]) for r in records] == [
        (place, phase) for place in ("basal", "mid", "apical") for phase in ("ED", "ES")
    ]
    films = films_of(case_of(SEED, 4))
    assert len({(index, phase) for index, phase, _ in films}) == len(films) > 8
    with pytest.raises(DatasetError, match=f"has {len(films)} films"):
        render(HeartRecipe(SEED, 4, len(films)))
    with pytest.raises(DatasetError, match="from 0"):
        render(HeartRecipe(SEED, -1, 0))
    with pytest.raises(DatasetError, match="vendor A"):
        render(HeartRecipe(SEED, 1, 0, "vendor Z"))
    with pytest.raises(DatasetError, match="another slice"):
        render_cine(SEED, 1, 99)


@pytest.mark.row("CM-08")
def test_the_left_cavity_lies_in_a_closed_ring_and_the_right_beside_it() -> None:
    from scipy import ndimage

    for patient in range(10):
        for film in range(4):
            mask = render(HeartRecipe(SEED, patient, film)).mask
            assert set(np.unique(mask).tolist()) == {0, RV, MYO, LV}
            assert neighbours(mask, LV) == {MYO}, "the ring is open"
            assert MYO in neighbours(mask, RV) and LV not in neighbours(mask, RV)
            for shape in (mask == LV, mask >= MYO):
                assert ndimage.label(shape)[1] == 1
            filled = ndimage.binary_fill_holes(mask == MYO)
            assert np.array_equal(filled, mask >= MYO)


def test_blood_is_bright_muscle_dark_and_lung_darker() -> None:
    ratios = []
    for patient in range(8):
        found = render(HeartRecipe(SEED, patient, 2))
        blood, muscle = (float(np.median(found.image[found.mask == label])) for label in (LV, MYO))
        ratios.append(blood / muscle)
        assert np.percentile(found.image, 15) < muscle
    assert min(ratios) > 1.4 and 2.0 < float(np.mean(ratios)) < 3.5


@pytest.mark.row("CM-01")
def test_the_ejection_fraction_of_the_masks_is_the_recorded_one() -> None:
    apart, volumes = [], []
    for patient in range(10):
        case = case_of(SEED, patient)
        record = render(HeartRecipe(SEED, patient, 0)).record
        voxel = case.scan.spacing * (case.scan.field / 160) ** 2 / 1000
        found: dict[str, list[float]] = {}
        for name, moment in (("ED", 0.0), ("ES", case.patient.systole)):
            masks = [_mask_at(case, index, moment) for index in range(len(case.depths))]
            found[name] = [voxel * sum(int((m == label).sum()) for m in masks) for label in (LV, RV)]
        for side, name in ((0, "ef"), (1, "rv_ef")):
            measured = 100 * (1 - found["ES"][side] / found["ED"][side])
            apart.append(measured - float(record[name]))
        volumes.append(found["ED"][0] / float(record["lv_edv_ml"]))
        volumes.append(found["ED"][1] / float(record["rv_edv_ml"]))
    assert np.abs(apart).max() < 7 and np.abs(apart).mean() < 2.5 and abs(np.mean(apart)) < 1.5
    assert np.abs(np.asarray(volumes) - 1).max() < 0.12 and abs(np.mean(volumes) - 1) < 0.03


def _mask_at(case: object, index: int, moment: float) -> np.ndarray:
    from lab.data.phantom_heart.render import _frame

    return _frame(case, index, moment, 0, 160)[1]  # type: ignore[arg-type]


def test_the_drawn_heart_has_the_drawn_volumes() -> None:
    for number in range(25):
        heart = heart_of(SEED, number)
        patient = heart.patient
        left, right = volumes_at(heart, 0.0)
        left_es, right_es = volumes_at(heart, patient.systole)
        assert left == pytest.approx(patient.lv_edv, rel=0.01) and right == pytest.approx(
            patient.rv_edv, rel=0.01
        )
        assert 100 * (1 - left_es / left) == pytest.approx(patient.lv_ef, abs=0.6)
        assert 100 * (1 - right_es / right) == pytest.approx(patient.rv_ef, abs=0.6)


def test_muscle_is_incompressible() -> None:
    for number in range(5):
        heart = heart_of(SEED, number)
        for moment in (0.15, heart.patient.systole):
            cut = slice_at(heart, 0.5 * heart.length, moment)
            length = heart.length - heart.fall * cut.squeeze
            wedge = (cut.epi**2 - cut.endo**2) * length / heart.length
            place = cut.height / APEX * (len(heart.wedge) - 1)
            expected = heart.wedge[int(place)] + (place - int(place)) * (
                heart.wedge[int(place) + 1] - heart.wedge[int(place)]
            )
            assert np.allclose(wedge, expected)


def grouped(record: dict[str, str]) -> str:
    """The usual rules: wall, ejection fraction, volumes by body surface; a still wall parts weak left ventricles."""
    bsa = float(record["bsa_m2"])
    left, right = float(record["lv_edv_ml"]) / bsa, float(record["rv_edv_ml"]) / bsa
    if float(record["wall_mm"]) >= 15:
        return "HCM"
    if float(record["ef"]) < 45:
        return "MINF" if record["akinetic"] else "DCM" if left > 100 else "neither"
    return "RV" if right > 110 or float(record["rv_ef"]) < 45 else "NOR"


def test_groups_can_be_told_by_the_usual_rules_and_are_equally_frequent() -> None:
    labels = [draw_patient(SEED, number).label for number in range(60)]
    assert all(labels.count(label) == 12 for label in GROUPS)
    for patient in range(30):
        record = dict(render(HeartRecipe(SEED, patient, 0), size=32).record)
        assert grouped(record) == record["label"], record
        assert record["label_name"] == GROUPS[record["label"]]


def test_an_infarcted_wall_stands_still_and_is_thin() -> None:
    for number in of_group("MINF", 4):
        heart = heart_of(SEED, number)
        depth = 0.55 * heart.length
        before, after = (slice_at(heart, depth, m) for m in (0.0, heart.patient.systole))
        inward = 1 - after.endo / before.endo
        still, moving = np.percentile(inward, (5, 80))
        assert still < 0.06 and moving > still + 0.05
        wall = before.epi - before.endo
        assert wall.min() < 0.72 * np.median(wall)


def test_hypertrophic_walls_are_thick_and_normal_ones_are_not() -> None:
    assert min(thickest_wall(heart_of(SEED, n)) for n in of_group("HCM", 8)) >= 15
    assert max(thickest_wall(heart_of(SEED, n)) for n in of_group("NOR", 8)) < 13


def test_the_cycle_is_smooth_periodic_and_has_one_systole() -> None:
    for systole in (0.33, 0.42):
        curve = np.asarray([squeeze_at(t, systole) for t in np.linspace(0, 1, 401)])
        assert (
            curve[0] == pytest.approx(0)
            and curve[-1] == pytest.approx(0)
            and curve.max() == pytest.approx(1, abs=1e-3)
        )
        assert np.abs(np.diff(curve)).max() < 0.02
    images, masks = render_cine(SEED, 0, 4, frames=FRAMES)
    assert images.shape == masks.shape == (FRAMES, 160, 160)
    areas = (masks == LV).sum((1, 2)).astype(float)
    lowest = int(areas.argmin())
    assert 6 <= lowest <= 12 and areas[0] > 0.97 * areas.max()
    assert (np.diff(areas[: lowest + 1]) <= 8).all(), "the cavity only narrows in systole"
    assert abs(areas[-1] - areas[0]) < 0.1 * areas[0]
    steps = np.abs(np.diff(np.concatenate([areas, areas[:1]])))
    assert steps.max() < 0.2 * areas[0]
    changes = [np.abs(images[t].astype(int) - images[t - 1]).mean() for t in range(FRAMES)]
    assert changes[0] < 1.5 * float(np.median(changes)), "the last frame leads to the first"


@pytest.mark.row("CM-01")
def test_a_volume_has_every_slice_over_the_cycle() -> None:
    found = volume(SEED, 2, frames=3, size=48)
    case = case_of(SEED, 2)
    assert found.images.shape == found.masks.shape == (3, len(case.depths), 48, 48)
    assert found.spacing == (case.scan.spacing, case.scan.field / 48, case.scan.field / 48)
    cine = render_cine(SEED, 2, 3, frames=3, size=48)
    assert np.array_equal(found.images[:, 3], cine[0]) and np.array_equal(found.masks[:, 3], cine[1])
    assert found.record["patient_id"] == "heart-3-00002" and found.repetition > 0.1


def test_film_and_cine_agree_at_end_diastole() -> None:
    film = render(HeartRecipe(SEED, 5, 2))
    images, masks = render_cine(SEED, 5, int(film.record["slice_index"]), frames=25)
    assert np.array_equal(film.image, images[0]) and np.array_equal(film.mask, masks[0])


@pytest.mark.row("CM-06")
def test_vendors_differ_as_their_table_says() -> None:
    noise, sharp, contrast, uneven, spacing = ({v: [] for v in VENDORS} for _ in range(5))
    for patient in range(8):
        for vendor in VENDORS:
            case = case_of(SEED, patient, vendor)
            found = render(HeartRecipe(SEED, patient, 2, vendor))
            assert found.record["vendor"] == vendor
            noise[vendor].append(case.scan.noise * 2.9 / (case.scan.across * case.scan.down))
            sharp[vendor].append(_point_area(case.scan))
            levels = [level(case.scan.sequence, name) for name in ("blood", "myocardium")]
            contrast[vendor].append(levels[0] / levels[1])
            uneven[vendor].append(_fall(case))
            spacing[vendor].append(case.scan.sequence.tesla)
    mean = lambda values: {vendor: float(np.mean(found)) for vendor, found in values.items()}  # noqa: E731
    assert mean(spacing) == {"vendor A": 1.5, "vendor B": 1.5, "vendor C": 3.0, "vendor D": 1.5}
    assert mean(sharp)["vendor C"] == min(mean(sharp).values()) < 0.65 * mean(sharp)["vendor D"]
    assert mean(sharp)["vendor D"] == max(mean(sharp).values())
    assert mean(contrast)["vendor A"] == max(mean(contrast).values())
    assert mean(contrast)["vendor C"] < mean(contrast)["vendor A"] - 0.15
    assert mean(uneven)["vendor B"] == max(mean(uneven).values()) > 1.5 * mean(uneven)["vendor A"]
    assert _grain("vendor D") > 1.5 * _grain("vendor A")


def _point_area(scan: Scan) -> float:
    """Area (mm2) over which a bright point is spread to half its height or more."""
    from lab.data.phantom_heart.scanner import reconstruct

    points = 768
    signal = np.zeros((points, points), np.complex64)
    signal[384:386, 384:386] = 1000.0
    quiet = dataclasses.replace(scan, noise=0.0)
    spread = reconstruct(signal, quiet, np.random.default_rng(0))
    return float((spread > 0.5 * spread.max()).sum() * (scan.field / len(spread)) ** 2)


def _fall(case: object) -> float:
    """How much less the coils receive at the back than at the front, as a logarithm."""
    from lab.data.phantom_heart.render import _canvas
    from lab.data.phantom_heart.scanner import sensitivity

    canvas = _canvas(case, 3, 32)  # type: ignore[arg-type]
    found = sensitivity(canvas, case.scan)  # type: ignore[attr-defined]
    near = (canvas.x < -35) & (np.abs(canvas.y) < 30)
    far = (canvas.x > 35) & (np.abs(canvas.y) < 30)
    return float(np.log(found[near].mean() / found[far].mean()))


def _grain(vendor: str) -> float:
    """Noise measured in pictures: two frames at the same moment of diastasis differ by noise alone."""
    from lab.data.phantom_heart.render import _frame

    found = []
    for patient in range(4):
        case = case_of(SEED, patient, vendor)
        first, second = (_frame(case, 4, 0.0, frame, 160)[0] for frame in (0, 1))
        found.append(float((first - second).std()))
    return float(np.mean(found))


def test_captions_say_what_the_record_says() -> None:
    pattern = (
        r"Short-axis cine MRI, (basal|mid|apical) slice at end-(diastole|systole), ([\w ]+), (vendor [ABCD]), "
        r"ejection fraction (\d+) %\."
    )
    for patient in range(12):
        record = render(HeartRecipe(SEED, patient, patient % 6), size=32).record
        found = re.fullmatch(pattern, record["text"])
        assert found, record["text"]
        place, phase, disease, vendor, ef = found.groups()
        assert place == record["slice"] and {"diastole": "ED", "systole": "ES"}[phase] == record["phase"]
        assert vendor == record["vendor"] and ef == record["ef"]
        assert disease.startswith(record["label_name"])
        assert bool(record["akinetic"]) == ("akinetic" in disease) == (record["label"] == "MINF")
        assert all(isinstance(value, str) for value in record.values())
        assert re.fullmatch(r"heart-3-\d{5}", record["patient_id"]) and record["view"] == "short-axis cine"
        assert record["sex"] in "FM" and 18 <= int(record["age"]) <= 90


def test_the_signal_is_that_of_balanced_precession() -> None:
    sequence = Sequence(1.5, 3.2, 1.6, 60)
    blood, myocardium, liver = (level(sequence, name) for name in ("blood", "myocardium", "liver"))
    assert 2 < blood / myocardium < 4 and blood > liver
    on, off = (abs(steady_state(sequence, 1000, 50, np.array([turn]))[0]) for turn in (0.0, np.pi))
    alpha, e1, e2 = np.deg2rad(60), np.exp(-3.2 / 1000), np.exp(-3.2 / 50)
    textbook = (1 - e1) * np.sin(alpha) / (1 - (e1 - e2) * np.cos(alpha) - e1 * e2) * np.exp(-1.6 / 50)
    assert on == pytest.approx(textbook, rel=1e-9) and off < 0.1 * on
    water, _, fat = profiles(sequence)
    middle = len(water) // 2
    assert np.real(water[middle] * np.conj(fat[middle])) < -0.5, "fat and water point against each other"
