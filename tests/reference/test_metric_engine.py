"""The new distances against public code and plain formulas, and both modes beside each other."""

from __future__ import annotations

import numpy as np
import pytest

from lab.metrics.comparison import Comparison
from lab.metrics.evaluate import evaluate
from lab.metrics.fidelity.frechet_at_infinity import SIZES, intercept_weights
from lab.metrics.gaussians import frechet_of
from lab.metrics.inputs import MetricInput
from lab.metrics.kernel_subsets import subset_distances
from lab.metrics.points import SetPair
from lab.metrics.result import MetricResult

NEW = ("frechet-distance-infinite", "relative-frechet-distance", "mmd-rbf")
CORE = ("frechet-distance", "kernel-distance", "precision", "recall", "density", "coverage")


def given(n: int, m: int, d: int, seed: int = 0, shift: float = 0.0, held_out: int = 0) -> MetricInput:
    rng = np.random.default_rng(seed)
    more = rng.normal(size=(held_out, d)).astype(np.float32) + 1 if held_out else None
    return MetricInput(
        (rng.normal(size=(n, d)) + 1).astype(np.float32),
        np.asarray([f"p{row // 2}" for row in range(n)]),
        (rng.normal(size=(m, d)) + 1 + shift).astype(np.float32),
        held_out=more,
        held_out_patients=None if more is None else np.asarray([f"q{row // 2}" for row in range(held_out)]),
    )


def only(name: str, told: MetricInput, seed: int = 0) -> MetricResult:
    return next(evaluate([name], told, seed))


@pytest.mark.row("SG-10")
def test_frechet_and_kernel_distance_equal_torch_fidelity_on_the_same_features() -> None:
    import torch
    from torch_fidelity import metric_fid, metric_kid

    told = given(400, 360, 32, shift=0.2)
    a, b = told.synthetic, told.real
    sides = [torch.from_numpy(np.asarray(side)) for side in (a, b)]
    moments = [metric_fid.fid_features_to_statistics(side) for side in sides]
    fid = metric_fid.fid_statistics_to_metric(*moments, False)[metric_fid.KEY_METRIC_FID]
    assert frechet_of(np.asarray(b), np.asarray(a)) == pytest.approx(fid, rel=1e-3)
    kid = metric_kid.kid_features_to_metric(
        *sides, kid_subsets=20, kid_subset_size=100, rng_seed=2020, verbose=False
    )
    mine = subset_distances(np.asarray(a), np.asarray(b), np.random.RandomState(2020), 100, 20)
    assert mine.mean() == pytest.approx(kid[metric_kid.KEY_METRIC_KID_MEAN], rel=1e-3)
    assert mine.std() == pytest.approx(kid[metric_kid.KEY_METRIC_KID_STD], rel=1e-3)


@pytest.mark.row("C7")
def test_published_and_corrected_modes_stand_beside_each_other_with_a_reason() -> None:
    told = given(240, 240, 40, shift=0.1)
    kernel, frechet = (only(name, told) for name in ("kernel-distance", "frechet-distance"))
    # Subsets of the whole set: 100 equal values, whose spread is nothing.
    assert kernel.published == pytest.approx(kernel.value, rel=1e-9)
    assert kernel.details["subset_sd"] == 0.0 and "no interval" in kernel.details["whole_sets"]
    assert kernel.details["bars"]["subset = whole set"] == kernel.value and kernel.published_note
    assert frechet.published is None and frechet.dimension == 40
    bars = frechet.details["bars"]
    assert bars["all images"] == frechet.value < bars["mean of 4 shards"]
    assert "not comparable" in frechet.details["sharded"]
    few = only("frechet-distance", given(60, 60, 40, shift=0.1))
    assert (
        few.title == "FD, 6 components" and few.published > few.value and "40 features" in few.published_note
    )


@pytest.mark.row("X-02")
def test_relative_distance_of_another_half_of_the_training_images_is_about_one() -> None:
    values = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        whole = rng.normal(size=(400, 12)) @ rng.normal(size=(12, 12))
        names = np.asarray([f"p{row}" for row in range(200)])
        found = only("relative-frechet-distance", MetricInput(whole[:200], names, whole[200:]), seed)
        assert found.low <= found.value <= found.high and found.floor == 1.0
        assert found.floor_low < 1.0 < found.floor_high
        values.append(found.value)
    assert np.mean(values) == pytest.approx(1.0, abs=0.15)
    far = only("relative-frechet-distance", given(200, 200, 12, shift=1.0))
    assert far.value > 5.0


def test_the_distance_at_infinite_n_lies_below_the_raw_one_and_nearer_to_the_truth() -> None:
    raw, infinite = [], []
    for seed in range(4):
        told = given(600, 160, 12, seed, shift=0.3)
        raw.append(only("frechet-distance", told, seed).value)
        found = only("frechet-distance-infinite", told, seed)
        infinite.append(found.value)
        assert found.low <= found.value <= found.high and len(found.details["curve"]["x"]) == SIZES
    truth = 12 * 0.3**2
    assert abs(np.mean(infinite) - truth) < 0.5 * abs(np.mean(raw) - truth)
    x, y = 1.0 / np.arange(5, 20), np.random.default_rng(0).normal(size=15)
    assert intercept_weights(x) @ y == pytest.approx(np.polyfit(x, y, 1)[1], rel=1e-9)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_mmd_with_gaussian_kernels_equals_m3_score(shift: float) -> None:
    import torch
    from m3score.stats import mmd2_rbf

    told = given(150, 120, 10, shift=shift, held_out=80)
    expected = mmd2_rbf(
        torch.from_numpy(np.asarray(told.real)), torch.from_numpy(np.asarray(told.synthetic)), clamp=False
    )
    found = only("mmd-rbf", told)
    assert found.value == pytest.approx(expected, abs=1e-6)
    assert found.published == max(found.value, 0.0)
    assert found.low <= found.value <= found.high and found.control_low <= found.control <= found.control_high
    assert (found.details["p"] < 0.05) == (shift > 0)


def test_the_permutation_p_value_of_one_population_is_uniform() -> None:
    told = [only("mmd-rbf", given(40, 40, 4, seed), seed).details["p"] for seed in range(40)]
    assert np.mean(np.asarray(told) <= 0.5) == pytest.approx(0.5, abs=0.25)
    assert np.mean(np.asarray(told) <= 0.05) <= 0.2


@pytest.mark.fault(32)
@pytest.mark.parametrize("name", NEW)
def test_identical_sets_lie_at_the_good_end_and_disjoint_ones_at_the_bad_end(name: str) -> None:
    base = given(160, 160, 8)
    rng = np.random.default_rng(1)
    people = base.real_patients
    same = only(name, MetricInput(base.real, people, base.real))
    near = only(name, MetricInput(base.real, people, base.real + 1e-3 * rng.normal(size=base.real.shape)))
    far = only(name, MetricInput(base.real, people, -3.0 - base.real))
    collapsed = only(name, MetricInput(base.real, people, np.repeat(base.real[:1], 160, axis=0)))
    honest = only(name, base)
    assert same.value <= honest.value < collapsed.value
    assert near.value <= honest.value < far.value
    assert same.value == pytest.approx(near.value, abs=0.02)


@pytest.mark.fault(31)
@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_images_are_explained_and_not_computed(n: int) -> None:
    whole = given(60, 60, 6)
    told = MetricInput(whole.real, whole.real_patients, whole.synthetic[:n])
    for result in evaluate([*CORE, *NEW], told):
        assert result.value is None and result.n_synthetic == n and result.dimension == 6
        assert "needs" in result.note


@pytest.mark.fault(31)
def test_fewer_samples_than_features_are_told_with_n_dimension_and_floor() -> None:
    result = only("frechet-distance", given(100, 80, 120))
    assert result.dimension == 8 and "cannot determine 120 features" in result.note
    assert (result.n_real, result.n_synthetic) == (100, 80) and result.floor is not None


@pytest.mark.fault(37)
def test_shuffled_rows_and_half_precision_give_the_same_numbers() -> None:
    told = given(120, 100, 12, shift=0.2, held_out=60)
    rng = np.random.default_rng(0)
    real, synthetic, held = (rng.permutation(n) for n in (120, 100, 60))
    mixed = told.take(real, synthetic, held, "all")
    half = MetricInput(
        told.real.astype(np.float16), told.real_patients, told.synthetic.astype(np.float16),
        held_out=told.held_out.astype(np.float16), held_out_patients=told.held_out_patients,
    )  # fmt: skip
    names = [name for name in (*CORE, *NEW) if name != "frechet-distance-infinite"]
    for plain, shuffled, short in zip(*(evaluate(names, one) for one in (told, mixed, half)), strict=True):
        # Samples have no patients: their groups, and so the interval, follow the features and not the rows.
        assert shuffled.value == pytest.approx(plain.value, rel=1e-9, abs=1e-12)
        assert shuffled.low == pytest.approx(plain.low, rel=1e-6, abs=1e-9)
        assert short.value == pytest.approx(plain.value, rel=2e-2, abs=2e-2)


@pytest.mark.gpu
@pytest.mark.fault(37)
def test_a_gpu_gives_the_numbers_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU on this machine")
    told = given(300, 260, 24, shift=0.2, held_out=120)
    found = {}
    for device in ("cpu", "auto"):
        monkeypatch.setenv("LAB_DEVICE", device)
        found[device] = [result.value for result in evaluate(CORE, told)]
    assert found["auto"] == pytest.approx(found["cpu"], rel=1e-6)


@pytest.mark.row("X-10")
def test_every_headline_number_has_a_seeded_interval_by_patient() -> None:
    told = given(120, 100, 8, held_out=60)
    first, again, other = (list(evaluate([*CORE, *NEW], told, seed)) for seed in (0, 0, 1))
    moved = 0
    for one, two, three in zip(first, again, other, strict=True):
        assert one.low is not None and one.low <= one.value <= one.high
        assert (one.low, one.high) == (two.low, two.high) and one.seed == 0
        moved += (one.low, one.high) != (three.low, three.high)
    assert moved >= len(first) - 2  # an end may stand at the range's own


def test_numbers_of_one_comparison_share_their_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernel distance and the four shares together multiply each pair of sets once."""
    from lab.metrics import gram, passes

    calls: list[tuple[int, int]] = []

    def counted(a: gram.Screen, b: gram.Screen):
        calls.append((len(a.rows), len(b.rows)))
        return gram.tiles(a, b)

    monkeypatch.setattr(passes, "tiles", counted)
    told = given(120, 100, 8, held_out=60)
    list(evaluate(["kernel-distance", "precision", "recall", "density", "coverage"], told))
    assert sorted(calls) == sorted([(120, 120), (100, 100), (60, 60), (100, 120), (60, 120)])


@pytest.mark.row("XI-12")
@pytest.mark.slow
def test_5001_images_are_all_counted_in_less_memory_than_a_matrix_of_them() -> None:
    import threading
    import time
    from pathlib import Path

    told = given(5001, 5001, 16)
    sets = Comparison(told, 0).main
    sets = SetPair(sets.real.take(np.arange(5001)), sets.synthetic.take(np.arange(5001)))
    peak, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.is_set():
            peak.append(int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096)
            time.sleep(0.002)

    before = int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096
    thread = threading.Thread(target=watch)
    thread.start()
    counts = sets.around_real.counts
    stop.set()
    thread.join()
    assert counts.shape == (5001, 1) and sets.around_synthetic.counts.shape == (5001, 1)
    rows = (0, 4096, 5000)
    for row in rows:
        gap = ((sets.synthetic.features[row] - sets.real.features) ** 2).sum(axis=1)
        assert counts[row, 0] == (gap < sets.real.radii[:, 0]).sum()
    assert max(peak) - before < 5001 * 5001 * 8
