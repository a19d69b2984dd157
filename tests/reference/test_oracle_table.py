"""Toy sets with published values: honest, half copied, copied, far off and collapsed samples."""

from __future__ import annotations

import numpy as np
import pytest

from lab.metrics.evaluate import evaluate
from lab.metrics.inputs import MetricInput
from lab.metrics.result import MetricResult

# precision, recall, density, coverage, Fréchet distance, as printed in the table
TABLE = {
    "fresh": ("0.8933", "0.8800", "1.0880", "0.9867", "0.5123"),
    "half": ("0.9467", "0.9500", "1.0187", "1.0000", "0.2607"),
    "near": ("1.0000", "1.0000", "1.0987", "1.0000", "0.0001"),
    "far": ("0.0000", "0.0000", "0.0000", "0.0000", "574.99"),
    "collapsed": ("1.0000", "0.0000", "0.4000", "0.0067", "37.79"),
}
COLUMNS = ("precision", "recall", "density", "coverage", "frechet-distance")


def toy_sets() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    train, held_out, fresh = (rng.normal(size=(300, 16)) for _ in range(3))
    near = train + 0.01 * rng.normal(size=train.shape)
    half = np.concatenate([train[:150], fresh[:150]])
    far = rng.normal(loc=6, size=(300, 16))
    collapsed = np.repeat(fresh[:1], 300, axis=0) + 1e-3 * rng.normal(size=(300, 16))
    return {
        "train": train, "held-out": held_out, "fresh": fresh, "half": half, "near": near, "far": far,
        "collapsed": collapsed,
    }  # fmt: skip


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, MetricResult]]:
    sets = toy_sets()
    patients, others = np.asarray([f"p{n}" for n in range(300)]), np.asarray([f"q{n}" for n in range(300)])
    names = ["kernel-distance", *COLUMNS, "closer-to-training"]
    return {
        name: {
            result.metric: result
            for result in evaluate(
                names,
                MetricInput(
                    sets["train"], patients, sets[name], held_out=sets["held-out"], held_out_patients=others
                ),
            )
        }
        for name in TABLE
    }


@pytest.mark.row("C6")
@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("column", range(len(COLUMNS)))
def test_equals_the_printed_value(
    measured: dict[str, dict[str, MetricResult]], name: str, column: int
) -> None:
    printed = TABLE[name][column]
    half_unit = 0.5 * 10.0 ** -len(printed.partition(".")[2])
    value = measured[name][COLUMNS[column]].value
    assert value == pytest.approx(
        float(printed), abs=max(half_unit + 1e-9, 1e-4 if half_unit < 1e-3 else half_unit)
    )


@pytest.mark.fault(32)
def test_copying_improves_fidelity_and_is_caught_by_privacy(
    measured: dict[str, dict[str, MetricResult]],
) -> None:
    fd = {name: found["frechet-distance"].value for name, found in measured.items()}
    assert fd["near"] < fd["half"] < fd["fresh"] < fd["collapsed"] < fd["far"]
    closer = {name: found["closer-to-training"].value for name, found in measured.items()}
    assert closer["near"] == 1.0
    assert closer["half"] == pytest.approx(0.75, abs=0.05)
    assert closer["fresh"] == pytest.approx(0.5, abs=0.06)


@pytest.mark.fault(32)
def test_far_and_collapsed_sets_lie_at_the_bad_ends(measured: dict[str, dict[str, MetricResult]]) -> None:
    for name in ("precision", "recall", "density", "coverage"):
        assert measured["far"][name].value == 0.0
    assert measured["collapsed"]["precision"].value == 1.0
    assert measured["collapsed"]["coverage"].value < 0.01
    kernel = {name: found["kernel-distance"].value for name, found in measured.items()}
    assert abs(kernel["fresh"]) < 0.03 < kernel["collapsed"] < kernel["far"]


@pytest.mark.row("C11", "X-10")
def test_every_number_has_an_interval_around_it_a_control_and_a_floor(
    measured: dict[str, dict[str, MetricResult]],
) -> None:
    for found in measured.values():
        for result in found.values():
            assert result.low <= result.value <= result.high
            assert result.control_low <= result.control <= result.control_high
            assert result.floor is not None and result.floor_n == 300
            assert (result.n_real, result.n_synthetic, result.n_held_out, result.dimension) == (
                300,
                300,
                300,
                16,
            )
