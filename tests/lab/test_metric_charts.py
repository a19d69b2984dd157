"""Figures of metric runs: groups, published rows, correlations, trade-offs, details; and what a run will cost."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lab.charts.details import bars_figure, curve_figure, histogram_figure, receiver_figure
from lab.charts.groups import GroupResult, groups_figure
from lab.charts.published import Standing, standing_figure
from lab.charts.related import Cell, related_figure
from lab.charts.tradeoff import SetPoint, tradeoff_figure
from lab.charts.tradeoff3d import SetPlace, tradeoff3d_figure
from lab.metrics.registry import all_specs
from lab.metrics.result import MetricResult
from lab.ui.metric_cost import Pace, estimate, in_words, scaled
from lab.ui.metric_limit import beyond, limit_of
from lab.ui.metric_trade import _PAIRS
from lab.ui.metric_variety import relative

SPECS = {spec.name: spec for spec in all_specs()}
EVIL = "<b onclick=x>set</b>"


def result(name: str, value: float | None = 0.4, **changes) -> MetricResult:
    low, high = (None, None) if value is None else (value - 0.1, value + 0.1)
    made = MetricResult(
        name, name, value, low, high, 300, 120, 150, 64, "toy", "train", "all", 0, control=0.5
    )
    return replace(made, **changes)


def texts(figure) -> str:
    return json.dumps(json.loads(figure.to_json()), ensure_ascii=False)


@pytest.mark.row("C10")
def test_groups_carry_n_and_small_ones_are_hollow_and_grey() -> None:
    rows = [
        GroupResult("all", result("coverage")),
        GroupResult(f"label: {EVIL}", result("coverage", n_synthetic=9), small=True),
        GroupResult("label: none", result("coverage", None)),
    ]
    figure = groups_figure(rows, SPECS["coverage"])
    labels = figure.layout.yaxis.ticktext
    assert (
        "n 120 samples, 300 training" in labels[0]
        and "n 9 samples" in labels[1]
        and "onclick=x>" not in texts(figure)
    )
    small = [trace for trace in figure.data if trace.customdata is not None and trace.customdata[0][0] == 1]
    assert small and all(trace.marker.symbol.endswith("-open") for trace in small)
    assert any("too few images" in note.text for note in figure.layout.annotations)


@pytest.mark.row("C18")
def test_own_rows_stand_apart_from_published_ones_each_from_better_to_worse() -> None:
    rows = [Standing("theirs, worse", 0.2, None, None, False, "not ours: paper"),
            Standing("theirs, better", 0.1, None, None, False, "not ours: paper"),
            Standing(EVIL, 0.3, 0.2, 0.4, True, "run 1", "toy")]  # fmt: skip
    figure = standing_figure(rows, SPECS["kernel-distance"])
    order = [text.split(">")[1].split("<")[0] for text in figure.layout.yaxis.ticktext]
    assert order[1:] == ["theirs, better", "theirs, worse"] and "onclick=x>" not in texts(figure)
    assert {trace.name for trace in figure.data if trace.name} == {
        "Your runs",
        "Published by others, not ours",
    }


@pytest.mark.row("XI-09")
def test_correlations_over_fewer_than_five_sets_are_grey_and_keep_their_number() -> None:
    cells = [
        Cell("a", "b", 1.0, 0.9, 1.0, 6),
        Cell("a", "c", -0.5, None, None, 4),
        Cell("b", "c", None, None, None, 2),
    ]
    grey, strong, numbers = related_figure(["a", "b", "c"], cells).data
    assert strong.z[0][1] == 1.0 and strong.z[0][2] is None and strong.z[1][2] is None
    assert grey.z[0][2] is not None and grey.z[0][1] is None
    at = [(numbers.x[place], numbers.y[place]) for place, text in enumerate(numbers.text) if text == "−0.50"]
    assert at == [("c", "a"), ("a", "c")]
    assert "over 6 sets" in strong.customdata[0][1] and "interval +0.90 to +1.00" in strong.customdata[0][1]
    assert "fewer than five sets" in grey.customdata[0][2]


@pytest.mark.row("X-08", "XI-10")
def test_trade_offs_pair_fidelity_with_privacy_first_and_name_the_set_of_a_click() -> None:
    assert next(iter(_PAIRS.values())) == ("fidelity", "privacy")
    across, up = SPECS["kernel-distance"], SPECS["closer-to-training"]
    sets = [
        SetPoint(f"set {at}", result("kernel-distance", at / 10), result("closer-to-training"))
        for at in range(8)
    ]
    marks = [
        trace
        for trace in tradeoff_figure(sets, across, up).data
        if trace.name and trace.name.startswith("set")
    ]
    assert [trace.customdata[0][0] for trace in marks] == list(range(8))
    assert len({(trace.marker.color, trace.marker.symbol) for trace in marks}) == 8
    places = [SetPlace(EVIL, (one.fidelity, result("coverage"), one.privacy)) for one in sets]
    solid = tradeoff3d_figure(places, (across, SPECS["coverage"], up))
    marks = [trace for trace in solid.data if trace.customdata]
    assert len(marks) == 9 and "onclick=x>" not in texts(solid)
    floor = solid.layout.scene.zaxis.range[0]
    stems = [trace for trace in solid.data if trace.mode == "lines"]
    assert [stem.z[1] for stem in stems] == [mark.z[0] for mark in marks], "each mark stands on the floor"
    assert {stem.z[0] for stem in stems} == {floor} and all(mark.z[0] > floor for mark in marks)


@pytest.mark.row("XI-05")
def test_variety_is_relative_to_the_compared_sets_and_bytes_are_not() -> None:
    name = "mean-image-size"
    two = relative(["a", "b"], [[result(name, 100.0)], [result(name, 300.0)]])
    three = relative(["a", "b", "c"], [[result(name, 100.0)], [result(name, 300.0)], [result(name, 500.0)]])
    assert [row["Variety"] for row in two] == [1.0, 0.0] and [row["Variety"] for row in three] == [
        1.0,
        0.5,
        0.0,
    ]
    assert [row["Bytes"] for row in three[:2]] == [row["Bytes"] for row in two]


@pytest.mark.row("C12")
def test_the_threshold_moves_over_kept_scores_and_counts_as_the_metric_does() -> None:
    import numpy as np

    told = limit_of({"rule": {"above": 0.5}, "histogram": {"samples": [0.1, 0.6, 0.9], "held_out": [0.2]}})
    assert told is not None and told["default"] == 0.5 and told["control"] == [0.2]
    scores = np.asarray(told["scores"])
    assert [beyond(scores, at, told["below"]) for at in (0.05, 0.5, 0.6, 0.95)] == [3, 2, 1, 0]
    assert beyond(scores, 0.6, below=True) == 1
    assert limit_of({"histogram": {"samples": [1.0]}}) is None and limit_of({"threshold": 0.3}) is None


def test_details_are_drawn_from_plain_json_and_say_when_there_is_nothing() -> None:
    curve = curve_figure({"x": [1, 2], "y": {"samples": [0.1, 0.2], EVIL: [0.3, 0.4]}, "x_title": EVIL})
    assert len(curve.data) == 2 and "onclick=x>" not in texts(curve)
    sides = {"samples": [0.1, None, 0.3], "held_out": [0.2, 0.2], "x_title": "distance"}
    names = [trace.name for trace in histogram_figure(sides).data]
    assert names == ["Samples (n 2)", "Held-out images (n 2)"]
    assert "no values" in histogram_figure({"samples": []}).layout.annotations[0].text
    assert list(bars_figure({"copy": 0.2, "real": 0.8, "word": "x"}).data[0].x) == [0.2, 0.8]
    one = {"false_positive": [0, 1], "true_positive": [0, 1], "auc": 0.5}
    assert (
        len(receiver_figure(one).data) == 2
        and len(receiver_figure({"samples": one, "control": one}).data) == 3
    )


def test_the_cost_is_scaled_from_measured_seconds_and_says_what_it_does_not_know() -> None:
    past = [Pace("toy", 1000, {"coverage": 2.0}, 10.0), Pace("toy", 2000, {"coverage": 4.0}, 20.0)]
    assert scaled({1000: 2.0}, 2000) == pytest.approx(8.0), "one size only: most metrics compare pairs"
    assert scaled({1000: 2.0, 2000: 4.0}, 4000) == pytest.approx(8.0), "as it grew between two sizes"
    told = estimate(["coverage", "recall"], 4000, past)
    assert told.seconds == pytest.approx(8.0 + 40.0) and told.unknown == ("recall",)
    assert estimate(["coverage"], 4000, past, groups=3).seconds == pytest.approx(16.0 + 40.0)
    assert in_words(told, SPECS).startswith("About 48 s, ") and "One metric has never" in in_words(
        told, SPECS
    )
    assert in_words(told, SPECS, 60.0).startswith("About 2 min in all, ")
    assert in_words(told, SPECS, None).startswith("About 48 s for the metrics, ")
    assert in_words(estimate(["recall"], 10, []), SPECS, 0.0) == "No past run to estimate from."
