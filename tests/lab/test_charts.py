"""Figures from results: what they show, what they escape, what a selection gives back."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from lab.charts import theme
from lab.charts.distances import distance_figure
from lab.charts.history import PastResult, history_figure
from lab.charts.intervals import CONTROL, FLOOR, NULL, Series, interval_figure
from lab.charts.map import categories, grid_corners, layer_looks, mass_grid
from lab.charts.tradeoff import SetPoint, tradeoff_figure
from lab.metrics.registry import all_specs
from lab.metrics.result import MetricResult

SPECS = {spec.name: spec for spec in all_specs()}
EVIL = "<b onclick=x>set</b>"


def result(name: str, value: float | None = 0.4, **changes) -> MetricResult:
    made = MetricResult(
        metric=name,
        title=SPECS[name].title,
        value=value,
        low=None if value is None else value - 0.1,
        high=None if value is None else value + 0.1,
        n_real=300,
        n_synthetic=120,
        n_held_out=150,
        dimension=64,
        extractor="toy",
        split="train",
        group="all",
        seed=0,
        control=0.5,
        control_low=0.45,
        control_high=0.55,
        floor=0.5,
        floor_low=0.48,
        floor_high=0.52,
        floor_n=120,
    )
    return replace(made, **changes)


def texts(figure) -> str:
    return json.dumps(json.loads(figure.to_json()), ensure_ascii=False)


@pytest.mark.row("X-08", "X-11")
def test_every_metric_has_a_panel_with_direction_control_floor_and_null_line() -> None:
    figure = interval_figure([Series("set", [result(name) for name in SPECS])], SPECS)
    titles = [annotation.text for annotation in figure.layout.annotations]
    assert len(titles) == len(SPECS)
    for spec, title in zip(SPECS.values(), titles, strict=True):
        assert theme.safe(spec.title) in title and spec.arrow in title
    names = [trace.name for trace in figure.data]
    floors = [f"{spec.floor} (floor)" for spec in SPECS.values()]
    assert names.count(CONTROL) == sum(names.count(name) for name in set(floors)) == len(SPECS)
    own = sum(f"{spec.floor} (floor)" != FLOOR for spec in SPECS.values())
    assert floors.count(FLOOR) == names.count(FLOOR) == len(SPECS) - own, "captions have floors of their own"
    lines = [trace for trace in figure.data if trace.name == NULL and trace.x[0] is not None]
    assert len(lines) == sum(spec.null_line is not None for spec in SPECS.values())
    assert sorted(trace.name for trace in figure.data if trace.showlegend) == sorted(
        ["set", CONTROL, NULL, *set(floors)]
    )


def test_whiskers_reach_the_ends_of_the_interval() -> None:
    figure = interval_figure([Series("set", [result("kernel-distance", 0.4, low=0.1, high=0.9)])], SPECS)
    dot = next(trace for trace in figure.data if trace.name == "set")
    assert dot.x[0] - dot.error_x.arrayminus[0] == pytest.approx(0.1)
    assert dot.x[0] + dot.error_x.array[0] == pytest.approx(0.9)
    bare = interval_figure([Series("set", [result("kernel-distance", 0.4, low=None, high=None)])], SPECS)
    assert next(trace for trace in bare.data if trace.name == "set").error_x.array is None


def test_sets_side_by_side_differ_in_shape_and_colour_and_name_their_row() -> None:
    several = [Series(f"set {number}", [result("coverage")]) for number in range(4)]
    dots = [t for t in interval_figure(several, SPECS).data if str(t.name).startswith("set")]
    assert len({dot.marker.symbol for dot in dots}) == len({dot.marker.color for dot in dots}) == 4
    assert [dot.customdata[0][0] for dot in dots] == [0, 1, 2, 3]


def test_a_metric_without_a_value_is_left_out_and_nothing_at_all_is_said() -> None:
    listed = [result("coverage"), result("recall", None)]
    figure = interval_figure([Series("set", listed)], SPECS)
    assert len(figure.layout.annotations) == 1
    nothing = interval_figure([Series("set", [result("recall", None)])], SPECS)
    assert "could be computed" in nothing.layout.annotations[0].text


def test_names_are_escaped_wherever_plotly_reads_html() -> None:
    one = result("kernel-distance", title=EVIL)
    private = result("closer-to-training")
    figures = [
        interval_figure([Series(EVIL, [one]), Series("b", [one])], SPECS),
        tradeoff_figure(
            [SetPoint(EVIL, one, private)], SPECS["kernel-distance"], SPECS["closer-to-training"]
        ),
        history_figure([PastResult("2026-01-01", EVIL, one)], SPECS["kernel-distance"]),
        distance_figure(np.ones(3), np.ones(3), np.ones(3), 0.5, EVIL),
    ]
    for figure in figures:
        assert "onclick" in texts(figure) or figure is figures[0]
        assert "<b onclick" not in texts(figure)


def test_importing_figures_loads_no_plotly() -> None:
    code = (
        "import sys, lab.charts.intervals, lab.charts.map, lab.charts.tradeoff, lab.charts.distances\n"
        "import lab.charts.history\nprint([n for n in ('plotly', 'pandas', 'torch', 'lab.runs') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_layers_of_samples_differ_in_shape_and_colour_from_each_other_and_from_films() -> None:
    looks = layer_looks(["train", "held-out", "sample", "sample", "sample"], list("abcde"))
    assert len({look.symbol for look in looks}) == len({look.colour for look in looks}) == 5
    assert looks[0].opacity < looks[2].opacity and looks[0].size < looks[2].size


def test_rare_labels_share_one_colour_and_chosen_ones_are_named_first() -> None:
    values = [f"label {min(n, 30 - n)}" for n in range(31)] + ["rare"]
    found = categories(values, first=["rare"])
    assert found.names[0] == "rare" and found.names[-1].endswith("others") and len(found.names) == 8
    assert found.colours[-1] == theme.LABELS[-1] and found.codes[-1] == 0
    assert sorted(categories(["", "a"]).names) == ["a", "none"]


def test_density_lines_hold_the_share_they_say() -> None:
    points = np.random.default_rng(0).normal(size=(4000, 2))
    low, high = grid_corners(points)
    grid = mass_grid(points, low, high)
    cells = ((points - low) / (high - low) * len(grid)).astype(int)
    for share in (0.25, 0.5, 0.75):
        held = (grid[cells[:, 1], cells[:, 0]] <= share).mean()
        assert held == pytest.approx(share, abs=0.05)
    assert (mass_grid(points[:0], low, high) == 1).all()


def test_distances_count_what_lies_within_the_threshold() -> None:
    samples = np.asarray([0.05, 0.2, 0.3, np.nan])
    figure = distance_figure(
        samples, np.linspace(0.2, 0.6, 50), np.linspace(0.2, 0.7, 90), 0.1, "cosine", marked=0.05
    )
    names = " ".join(str(trace.name) for trace in figure.data)
    assert "Samples: 1 of 3 within" in names and "Held-out images (control): 0 of 50 within" in names
    assert len({trace.line.dash for trace in figure.data if trace.mode == "lines"}) == 3
    assert distance_figure(np.empty(0), np.empty(0), np.empty(0), 0.1, "cosine").layout.annotations[0].text


def test_the_tradeoff_shows_held_out_films_and_leaves_out_half_measured_sets() -> None:
    good = SetPoint("a", result("kernel-distance"), result("closer-to-training"))
    half = SetPoint("b", result("kernel-distance"), result("closer-to-training", None))
    figure = tradeoff_figure([half, good], SPECS["kernel-distance"], SPECS["closer-to-training"])
    assert [trace.customdata[0][0] for trace in figure.data] == [1, -1]


def test_history_is_in_order_of_time() -> None:
    past = [
        PastResult("2026-02-02", "later", result("coverage", 0.9)),
        PastResult("2026-01-01", "first", result("coverage", 0.3)),
    ]
    line = next(
        t for t in history_figure(past, SPECS["coverage"]).data if t.name == theme.MARKS["sample"].name
    )
    assert list(line.y) == [0.3, 0.9] and [row[0] for row in line.customdata] == [1, 0]


def test_numbers_are_short_and_tell_the_sign() -> None:
    assert [theme.number(value) for value in (0.0, 0.00012, -0.0213, 0.5, 12.04, 574.99, 50411.1)] == [
        "0", "0.00012", "−0.021", "0.500", "12.0", "575", "50,411",
    ]  # fmt: skip
    assert [theme.number(value) for value in (0.9996, 9.996, 99.96, 999.6)] == [
        "1.00",
        "10.0",
        "100",
        "1,000",
    ]


def test_small_numbers_are_decimals_and_no_number_has_a_power_of_ten() -> None:
    small = (3.9e-05, -3.9e-05, 0.000123, 0.0006, 0.006, 4e-6, -4e-6)
    assert [theme.number(value) for value in small] == [
        "0.00004", "−0.00004", "0.00012", "0.0006", "0.006", "≈ 0", "≈ 0",
    ]  # fmt: skip
    every = [sign * 10.0**power * digits for sign in (1, -1) for power in range(-9, 9) for digits in (1, 3.9)]
    assert not any("e" in theme.number(value) for value in every)
    axes = theme.empty("nothing").layout
    assert axes.xaxis.exponentformat == axes.yaxis.exponentformat == "none", "nor the ticks beside them"


# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
BLIND = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def _lab(colour: str, matrix: np.ndarray) -> np.ndarray:
    srgb = np.asarray([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(matrix @ linear, 0, 1)
    xyz = np.asarray([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    f = np.cbrt(np.maximum(xyz / [0.9505, 1.0, 1.089], 0.008856))
    return np.asarray([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", ["none", "protan", "deutan"])
def test_sides_stay_apart_for_colour_blind_eyes_and_from_the_background(kind: str) -> None:
    matrix = np.asarray(BLIND.get(kind, np.eye(3)))
    colours = [mark.colour for mark in theme.MARKS.values()] + [theme.PANEL]
    seen = [_lab(colour, matrix) for colour in colours]
    for first in range(len(seen)):
        for second in range(first):
            assert np.linalg.norm(seen[first] - seen[second]) > 20
