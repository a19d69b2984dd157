"""Statistics over finished results: correlations, trade-offs, rank agreement, verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lab.analysis.correlations import against, correlations, perfect_order, scatter, spearman
from lab.analysis.goals import goal, goal_ends, values_of
from lab.analysis.rank_agreement import by_extractor, kendall, rank_agreements
from lab.analysis.tradeoff import coordinates, headline_axes, pairs, tradeoff_points
from lab.analysis.verdict import BETTER, INSIDE, OPEN, WORSE, judge, verdict, verdict_table
from lab.metrics.registry import all_specs, load_metrics
from lab.metrics.result import MetricResult

SPECS = {name: entry.spec for name, entry in load_metrics()}
FIDELITY, VARIETY, PRIVACY = SPECS["kernel-distance"], SPECS["coverage"], SPECS["closer-to-training"]


def result(metric: str, value: float | None, **more) -> MetricResult:
    fields = {
        "metric": metric, "title": SPECS[metric].title, "value": value, "low": None, "high": None, "n_real": 100,
        "n_synthetic": 100, "n_held_out": 50, "dimension": 8, "extractor": "toy", "split": "train", "group": "all",
        "seed": 0,
    }  # fmt: skip
    return MetricResult(**{**fields, **more})


def with_interval(
    metric: str, value: float, control: float | None, reach: float = 0.02, **more
) -> MetricResult:
    ends = (
        {}
        if control is None
        else {"control": control, "control_low": control - reach, "control_high": control + reach}
    )
    return result(metric, value, low=value - reach, high=value + reach, **ends, **more)


@pytest.mark.row("XI-09")
def test_a_perfect_monotone_toy_has_rho_one_and_few_sets_are_grey() -> None:
    sets = {f"set {n}": [result("recall", n / 10), result("utility-tstr", np.exp(n)), result("kernel-distance", -n**3)]
            for n in range(7)}  # fmt: skip
    values = values_of(sets)
    found = {(one.first, one.second): one for one in correlations(values)}
    one = found["recall", "utility-tstr"]
    assert (one.rho, one.high, one.n, one.few) == (1.0, 1.0, 7, False) and 0.5 < one.low < 0.9
    assert one.p == pytest.approx(2 / 5040) and one.exact and "7 sets" in one.sentence
    fallen = found["recall", "kernel-distance"]
    assert (fallen.rho, fallen.low, fallen.high) == (-1.0, -1.0, -one.low), "the mirror image"
    ends = [perfect_order(1.0, n)[0] for n in (5, 7, 12, 40)]
    assert ends[0] < 0 < ends[1] and ends == sorted(ends), "five sets in order by chance: one in sixty"
    few = correlations(values_of(dict(list(sets.items())[:4])))[0]
    assert few.few and few.n == 4 and few.rho == 1.0 and few.low is None and few.p == pytest.approx(2 / 24)
    assert "Fewer than five" in few.sentence
    beside = against(values, ["utility-tstr"])
    assert [one.first for one in beside] == ["recall", "kernel-distance"]
    assert scatter(values, "recall", "utility-tstr")[2] == {
        "set": "set 2",
        "recall": 0.2,
        "utility-tstr": np.exp(2),
    }


def test_correlations_are_those_of_scipy_with_ties_and_gaps() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 4, 12).astype(float), rng.integers(0, 5, 12).astype(float)
    theirs = spearmanr(x, y)
    assert spearman(x, y) == pytest.approx(theirs.statistic, abs=1e-12)
    values = {"a": {f"s{n}": v for n, v in enumerate(x)}, "b": {f"s{n}": v for n, v in enumerate(y) if n != 5},
              "c": {f"s{n}": 1.0 for n in range(12)}}  # fmt: skip
    ab, ac, bc = correlations(values)
    assert ab.n == 11 and ab.low < ab.rho < ab.high and not ab.exact
    assert ac.rho is None and bc.p is None and "Not defined" in ac.sentence
    whole = correlations({"a": values["a"], "y": {f"s{n}": v for n, v in enumerate(y)}})[0]
    exact = _all_orders(x[:6], y[:6])
    small = correlations({"a": {str(n): x[n] for n in range(6)}, "b": {str(n): y[n] for n in range(6)}})[0]
    assert small.p == pytest.approx(exact) and abs(whole.p - theirs.pvalue) < 0.05


def _all_orders(x: np.ndarray, y: np.ndarray) -> float:
    from itertools import permutations

    from scipy.stats import spearmanr

    seen = abs(spearmanr(x, y).statistic)
    return float(
        np.mean(
            [abs(spearmanr(x, y[list(order)]).statistic) >= seen - 1e-9 for order in permutations(range(6))]
        )
    )


@pytest.mark.row("XI-10")
def test_tradeoff_points_hold_the_sets_and_know_which_none_beats() -> None:
    def three(kernel: float, coverage: float, closer: float) -> list[MetricResult]:
        return [
            result("kernel-distance", kernel),
            result("coverage", coverage),
            result("closer-to-training", closer),
        ]

    groups = {
        "copies": three(0.0, 0.9, 1.0), "honest": three(0.1, 0.8, 0.5), "worse": three(0.2, 0.7, 0.55),
        "half": [result("coverage", 0.5)],
    }  # fmt: skip
    axes = headline_axes(groups, all_specs())
    assert axes is not None and [spec.axis for spec in axes] == ["fidelity", "diversity", "privacy"]
    points = tradeoff_points(groups, (FIDELITY, VARIETY, PRIVACY))
    assert [(one.name, one.unbeaten) for one in points] == [
        ("copies", True),
        ("honest", True),
        ("worse", False),
    ]
    assert points[1].values == (0.1, 0.8, 0.5), (
        "0.5 is the best privacy there is: nothing is lower than its null line"
    )
    assert [(a.name, b.name) for a, b in pairs((FIDELITY, VARIETY, PRIVACY))] == [
        ("kernel-distance", "coverage"), ("kernel-distance", "closer-to-training"), ("coverage", "closer-to-training"),
    ]  # fmt: skip
    assert coordinates(points, (FIDELITY, VARIETY, PRIVACY))[0]["closer-to-training"] == 1.0
    assert headline_axes({"a": [result("coverage", 0.5)]}, all_specs()) is None


def test_goals_follow_directions() -> None:
    assert goal(VARIETY, 0.8) > goal(VARIETY, 0.2) and goal(FIDELITY, 0.1) > goal(FIDELITY, 0.2)
    assert goal(PRIVACY, 0.5) > goal(PRIVACY, 0.6) > goal(PRIVACY, 0.3)
    assert goal_ends(PRIVACY, 0.45, 0.6) == (pytest.approx(-0.1), 0.0)
    assert goal_ends(FIDELITY, 0.1, 0.3) == (-0.3, -0.1)


@pytest.mark.row("X-01")
def test_two_extractors_get_a_rank_agreement_cell_a_metric_and_one_over_all() -> None:
    orders = {
        "imagenet": (0.1, 0.2, 0.3, 0.4),
        "medical": (10.0, 30.0, 20.0, 40.0),
        "third": (1.0, 2.0, 3.0, 4.0),
    }
    results = {
        f"set {n}": [
            item
            for name, told in orders.items()
            for item in (
                result("kernel-distance", told[n], extractor=name),
                result("closer-to-training", 0.5 + told[n] / 100, extractor=name),
                *([result("coverage", told[n] / 100, extractor=name)] if name == "medical" else []),
            )
        ]
        for n in range(4)
    }
    values = by_extractor(results)
    two = {name: values[name] for name in ("imagenet", "medical")}
    cells = {cell.metric: cell for cell in rank_agreements(two, SPECS)}
    assert set(cells) == {"kernel-distance", "closer-to-training", ""}
    assert cells["kernel-distance"].tau == pytest.approx(4 / 6) and cells["kernel-distance"].opposite == 1
    assert (cells[""].same, cells[""].opposite, cells[""].tau) == (10, 2, pytest.approx(8 / 12))
    assert "same order" in cells[""].sentence and cells[""].extractors == 2
    three = {cell.metric: cell for cell in rank_agreements(values, SPECS)}
    assert (
        three["kernel-distance"].tau == pytest.approx((4 / 6 + 1 + 4 / 6) / 3) and three[""].extractors == 3
    )
    alone = rank_agreements({"imagenet": values["imagenet"]}, SPECS)
    assert [cell.metric for cell in alone] == [""] and alone[0].tau is None


def test_kendall_is_that_of_scipy() -> None:
    from scipy.stats import kendalltau

    rng = np.random.default_rng(2)
    for _ in range(5):
        x, y = rng.integers(0, 5, 9).tolist(), rng.integers(0, 5, 9).tolist()
        assert kendall(x, y)[0] == pytest.approx(kendalltau(x, y).statistic, abs=1e-12)
    assert kendall([1.0, 1.0], [1.0, 2.0])[0] is None


@pytest.mark.row("CM-17")
def test_the_verdict_has_three_questions_with_lines_and_no_blended_score() -> None:
    found = [
        with_interval("kernel-distance", 0.30, 0.01),
        with_interval("utility-tstr", 0.80, 0.81),
        with_interval("closer-to-training", 0.75, 0.50),
        with_interval("label-agreement", 0.9, 0.9),
    ]
    told = verdict(found, SPECS)
    assert [one.axis for one in told] == ["fidelity", "utility", "privacy"]
    assert [one.word for one in told] == [WORSE, INSIDE, WORSE]
    assert [one.null_line for one in told] == [0.0 if FIDELITY.null_line is not None else 0.01, 0.81, 0.5]
    table = verdict_table(told)
    assert len(table) == 3 and all(
        row["null line"] is not None and row["held-out"] is not None for row in table
    )
    words = " ".join(" ".join(row) for row in table).lower()
    assert "score" not in words and "overall" not in words and "total" not in words
    without = verdict([one for one in found if one.metric != "utility-tstr"], SPECS)
    assert [one.axis for one in without] == ["fidelity", "alignment", "privacy"] and without[1].word == INSIDE
    empty = verdict([], SPECS)
    assert [one.word for one in empty] == [OPEN] * 3 and "No measure of privacy" in empty[2].sentence


def test_the_words_of_a_verdict_follow_its_rule() -> None:
    assert judge(SPECS["utility-tstr"], with_interval("utility-tstr", 0.9, 0.8))[0] == BETTER
    assert judge(PRIVACY, with_interval("closer-to-training", 0.55, None))[0] == WORSE
    assert judge(PRIVACY, with_interval("closer-to-training", 0.51, None))[0] == INSIDE
    assert judge(VARIETY, with_interval("coverage", 0.5, None))[0] == OPEN
    assert judge(VARIETY, replace(with_interval("coverage", 0.5, 0.6), low=None))[0] == OPEN
    group = with_interval("coverage", 0.5, 0.6, group="label: normal")
    assert values_of({"a": [group]}) == {}, "a part of a set never stands for the whole"
