"""Published toy values and public implementations: Xing's shares, alpha and beta, Vendi, Inception score and others."""

from __future__ import annotations

import numpy as np
import pytest

from lab.metrics.class_scores import scores_in_order
from lab.metrics.comparison import Comparison
from lab.metrics.diversity.vendi_score import vendi
from lab.metrics.evaluate import evaluate
from lab.metrics.fidelity.energy_distance import energy_statistic
from lab.metrics.fidelity.kl_knn import kl_statistic
from lab.metrics.fidelity.mahalanobis_mean import shrunk_covariance
from lab.metrics.fidelity.realism import realism_scores
from lab.metrics.fidelity.sliced_wasserstein import sliced_statistic
from lab.metrics.inputs import MetricInput, Space
from lab.metrics.left_out import kth_nearest
from lab.metrics.points import SetPair
from lab.metrics.result import MetricResult
from lab.metrics.xing import Classifier

SETS = ("fresh", "half", "near", "far", "collapsed")
PRINTED = {
    "xing-fidelity": (0.8933, 0.9467, 1.0, 0.0, 1.0),
    "xing-real-share": (0.3400, 0.1667, 0.0, 0.0, 0.0),
    "xing-privacy": (0.4467, 0.2200, 0.0, 1.0, 0.0),
    "feature-std": (0.9898, 0.9959, 0.9937, 0.9952, 0.0010),
    "vendi-score": (15.46, 15.51, 15.66, 1.21, 1.00),
    "alpha-precision": (0.9501, 0.9772, 0.9955, 0.0, 0.2874),
    "beta-recall": (0.5316, 0.8164, 0.9978, 0.0, 0.0002),
}
HONEST = [
    (2, 200, 0.18), (2, 1000, 0.29), (8, 200, 0.36), (8, 1000, 0.33),
    (16, 200, 0.51), (16, 1000, 0.48), (64, 200, 0.55), (64, 1000, 0.62),
]  # fmt: skip


def toy_sets() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    train, held_out, fresh = (rng.normal(size=(300, 16)) for _ in range(3))
    near = train + 0.01 * rng.normal(size=train.shape)
    far = rng.normal(loc=6, size=(300, 16))
    collapsed = np.repeat(fresh[:1], 300, axis=0) + 1e-3 * rng.normal(size=(300, 16))
    half = np.concatenate([train[:150], fresh[:150]])
    return {
        "train": train, "held-out": held_out, "fresh": fresh, "half": half, "near": near, "far": far,
        "collapsed": collapsed,
    }  # fmt: skip


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, MetricResult]]:
    sets = toy_sets()
    patients, others = np.asarray([f"p{n}" for n in range(300)]), np.asarray([f"q{n}" for n in range(300)])
    found = {}
    for name in SETS:
        given = MetricInput(
            sets["train"], patients, sets[name], held_out=sets["held-out"], held_out_patients=others
        )
        found[name] = {result.metric: result for result in evaluate(list(PRINTED), given)}
    return found


@pytest.mark.row("XI-01")
@pytest.mark.parametrize("metric", PRINTED)
@pytest.mark.parametrize("place", range(len(SETS)))
def test_equals_the_printed_value(
    measured: dict[str, dict[str, MetricResult]], metric: str, place: int
) -> None:
    tolerance = 0.0051 if metric == "vendi-score" else 1e-4
    assert measured[SETS[place]][metric].value == pytest.approx(PRINTED[metric][place], abs=tolerance)


@pytest.mark.row("XI-01")
def test_copy_real_and_non_real_sum_to_one(measured: dict[str, dict[str, MetricResult]]) -> None:
    for name in SETS:
        found = measured[name]
        shares = found["xing-fidelity"].details["shares"]
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-12)
        assert found["xing-fidelity"].value == pytest.approx(shares["copy"] + shares["real"], abs=1e-12)
        assert found["xing-real-share"].value == pytest.approx(shares["real"], abs=1e-12)
        assert found["xing-privacy"].value == pytest.approx(1.0 - shares["copy"], abs=1e-12)


@pytest.mark.row("XI-13")
@pytest.mark.parametrize(("dimension", "n", "printed"), HONEST)
def test_honest_samples_score_the_null_and_not_one(dimension: int, n: int, printed: float) -> None:
    """Held-out images against training images: the table's own draw to its digits, another draw close by."""
    for seed, tolerance in ((1, 0.0052), (2, 0.1 if n == 200 else 0.06)):
        rng = np.random.default_rng(seed)
        train, held_out = rng.normal(size=(n, dimension)), rng.normal(size=(n, dimension))
        patients, others = (
            np.asarray([f"p{row}" for row in range(n)]),
            np.asarray([f"q{row}" for row in range(n)]),
        )
        given = MetricInput(train, patients, train[:40], held_out=held_out, held_out_patients=others)
        result = next(evaluate(["xing-privacy"], given))
        assert result.value == 0.0, "exact copies"
        assert result.control == pytest.approx(printed, abs=tolerance)
        assert result.control_low < result.control < result.control_high


@pytest.mark.row("XI-13")
def test_every_score_has_its_held_out_line(measured: dict[str, dict[str, MetricResult]]) -> None:
    for found in measured.values():
        for result in found.values():
            assert result.control is not None and result.floor is not None
            assert result.low <= result.value <= result.high and result.control_low <= result.control_high


def pair_of(real: np.ndarray, synthetic: np.ndarray) -> SetPair:
    patients = np.asarray([f"p{row:05d}" for row in range(len(real))])
    return Comparison(MetricInput(real, patients, synthetic), 0).main


def clouds(n: int, m: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(d, d)) / np.sqrt(d)
    return rng.normal(size=(n, d)) @ mixing, 1.2 * rng.normal(size=(m, d)) @ mixing + 0.2


@pytest.mark.parametrize("shape", [(120, 90, 8), (90, 120, 40)])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_xing_shares_equal_full_distance_matrices(shape: tuple[int, int, int], k: int) -> None:
    real, synthetic = clouds(*shape)
    within = np.linalg.norm(real[:, None] - real[None], axis=2)
    np.fill_diagonal(within, np.inf)
    within.sort(axis=1)
    across = np.linalg.norm(synthetic[:, None] - real[None], axis=2)
    copy, inside = (across < within[:, 0]).any(axis=1), (across < within[:, k - 1]).any(axis=1)
    pair = pair_of(real, synthetic)
    comparison = Comparison(MetricInput(real, np.full(len(real), "p"), synthetic), 0)
    shares = Classifier(comparison, k, 0).of(pair).shares
    assert shares == {
        "copy": copy.mean(), "real": (inside & ~copy).mean(), "non-real": (~inside & ~copy).mean(),
    }  # fmt: skip


@pytest.mark.parametrize("order", [0.5, 1, 2])
@pytest.mark.parametrize("shape", [(80, 12), (30, 90)])
def test_vendi_equals_the_package(order: float, shape: tuple[int, int]) -> None:
    reference = pytest.importorskip("vendi_score.vendi")
    features = np.random.default_rng(3).normal(0.5, 1.0, size=shape)
    assert vendi(features, order) == pytest.approx(reference.score_dual(features, q=order), rel=1e-6)


@pytest.mark.row("SG-10")
@pytest.mark.parametrize("n", [500, 1003])
def test_inception_score_equals_torch_fidelity(n: int) -> None:
    """Mean and standard deviation over ten splits, on fixture class scores in one order, and as they are measured."""
    reference = pytest.importorskip("torch_fidelity.metric_isc").isc_features_to_metric
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(n)
    logits = 3.0 * rng.normal(size=(n, 24)) + 2.0 * np.eye(24)[rng.integers(0, 6, n)]
    wanted = reference(torch.from_numpy(logits), splits=10, shuffle=False)
    ours = scores_in_order(logits, 10)
    assert ours.mean == pytest.approx(wanted["inception_score_mean"], rel=1e-9)
    assert ours.spread == pytest.approx(wanted["inception_score_std"], rel=1e-9)


@pytest.mark.row("SG-10")
def test_the_measured_inception_score_is_torch_fidelitys_with_another_shuffle() -> None:
    """Splits are dealt by chance in both, so they agree up to that chance: 1e-3 relative on 6,000 images."""
    reference = pytest.importorskip("torch_fidelity.metric_isc").isc_features_to_metric
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(7)
    logits = (2.0 * rng.normal(size=(6000, 8))).astype(np.float32)
    real = rng.normal(size=(60, 4)).astype(np.float32)
    given = MetricInput(
        real, np.arange(60).astype(str), np.zeros((6000, 4), np.float32) + rng.normal(size=(6000, 1)),
        spaces={"logits": Space(logits[:60], logits)},
    )  # fmt: skip
    result = next(evaluate(["inception-score"], given))
    wanted = reference(torch.from_numpy(logits))
    assert result.value == pytest.approx(wanted["inception_score_mean"], rel=1e-3)
    assert result.details["sd"] == pytest.approx(wanted["inception_score_std"], abs=0.02)
    assert result.low < result.value < result.high and result.extractor == ""


def test_realism_equals_a_direct_computation() -> None:
    torch = pytest.importorskip("torch")
    real, synthetic = clouds(110, 70, 12)
    a, b = torch.from_numpy(real), torch.from_numpy(synthetic)
    within = torch.cdist(a, a).fill_diagonal_(float("inf"))
    radii = within.kthvalue(5, dim=1).values
    kept = radii < np.median(radii.numpy())
    wanted = (radii[kept, None] / torch.cdist(a[kept], b)).max(dim=0).values.numpy()
    pair = pair_of(real, synthetic)
    own = np.sqrt(kth_nearest(pair.real, pair.real, 5).distances[:, 0])
    found = pair.synthetic.in_given_order(realism_scores(pair, own))
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_memorisation_informed_distance_publishes_torchmetrics_value() -> None:
    module = pytest.importorskip("torchmetrics.image.mifid")
    torch = pytest.importorskip("torch")
    real, synthetic = clouds(120, 110, 6)
    synthetic[:70] = real[:70] + 0.05
    given = MetricInput(real, np.asarray([f"p{row}" for row in range(120)]), synthetic)
    result = next(evaluate(["mifid"], given))
    a, b = torch.from_numpy(real), torch.from_numpy(synthetic)
    sides = (a.mean(0), torch.cov(a.T), a, b.mean(0), torch.cov(b.T), b)
    assert result.published == pytest.approx(module._mifid_compute(*sides).item(), rel=1e-6)
    # The definition averages over samples: torchmetrics with the sides changed.
    assert result.value == pytest.approx(module._mifid_compute(*sides[3:], *sides[:3]).item(), rel=1e-6)


def test_energy_distance_in_one_dimension_equals_scipy() -> None:
    from scipy.stats import energy_distance

    real, synthetic = clouds(50, 40, 1)
    n, m = 50, 40
    ours = energy_statistic(pair_of(real, synthetic)).value
    within = [np.abs(side - side.T).sum() for side in (real, synthetic)]
    biased = ours + within[0] / (n * n * (n - 1)) + within[1] / (m * m * (m - 1))
    assert biased == pytest.approx(energy_distance(real[:, 0], synthetic[:, 0]) ** 2, rel=1e-6)


def test_sliced_wasserstein_of_unequal_sets_equals_repeated_points() -> None:
    real, synthetic = clouds(30, 20, 5)
    directions = np.random.default_rng(0).normal(size=(5, 16))
    directions /= np.linalg.norm(directions, axis=0)
    a = np.sort(np.repeat(real @ directions, 2, axis=0), axis=0)
    b = np.sort(np.repeat(synthetic @ directions, 3, axis=0), axis=0)
    wanted = np.sqrt(((a - b) ** 2).mean())
    assert sliced_statistic(pair_of(real, synthetic), directions).value == pytest.approx(wanted, rel=1e-9)


def test_kl_by_neighbours_approaches_the_divergence_of_two_gaussians() -> None:
    rng = np.random.default_rng(5)
    real, synthetic = rng.normal(size=(1500, 2)), rng.normal(size=(1500, 2)) + [1.0, 0.0]
    assert kl_statistic(pair_of(real, synthetic), 5).value == pytest.approx(0.5, abs=0.1)


def test_shrunk_covariance_and_the_distance_of_means_equal_scikit_learn() -> None:
    from sklearn.covariance import ledoit_wolf

    real, synthetic = clouds(60, 50, 80)
    wanted, shrinkage = ledoit_wolf(real)
    ours, pulled = shrunk_covariance(real)
    np.testing.assert_allclose(ours, wanted, rtol=1e-7, atol=1e-10)
    assert pulled == pytest.approx(shrinkage, rel=1e-7)
    gap = real.mean(axis=0) - synthetic.mean(axis=0)
    given = MetricInput(real, np.asarray([f"p{row}" for row in range(60)]), synthetic)
    value = next(evaluate(["mahalanobis-mean"], given)).value
    assert value == pytest.approx(float(np.sqrt(gap @ np.linalg.solve(wanted, gap))), rel=1e-7)
