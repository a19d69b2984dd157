"""Several sets on the metrics page: in short, one table for all, and charts that rank nothing that has no one scale."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from lab.charts.intervals import Series, interval_figure
from lab.charts.published import Standing, standing_figure
from lab.charts.related import Cell, related_figure
from lab.errors import InputError
from lab.metrics.registry import all_specs
from lab.metrics.result import MetricResult
from lab.report.exports import LONG, csv_of_sets
from lab.runs.requests import evaluate_run
from lab.ui.metric_in_short import short_rows
from lab.ui.state import MetricsKey as Key
from tests.pages.test_metrics import NAMES, words

SPECS = {spec.name: spec for spec in all_specs()}


def result(
    name: str, value: float, low: float, high: float, control: tuple[float, ...] = (), **more
) -> MetricResult:
    made = MetricResult(
        name, SPECS[name].title, value, low, high, 300, 120, 150, 64, "toy", "train", "all", 0
    )
    if control:
        more |= {"control": control[0], "control_low": control[1], "control_high": control[2]}
    return replace(made, **more)


REAL = (0.01, 0.0, 0.02)
NEAR = result("kernel-distance", 0.1, 0.09, 0.11, REAL)
FAR = result("kernel-distance", 0.3, 0.28, 0.32, REAL)
EVEN = (0.5, 0.4, 0.6)
PRIVATE = result("closer-to-training", 0.5, 0.42, 0.58, EVEN)
COPIES = result("near-copy-share", 0.2, 0.15, 0.25, (0.0, 0.0, 0.02))


def test_in_short_says_which_set_is_better_and_which_cannot_be_told_apart() -> None:
    fidelity, privacy = short_rows(["one", "two"], [[NEAR, PRIVATE], [FAR, replace(PRIVATE, value=0.52)]])
    assert (fidelity["Question"], fidelity["Told apart"]) == ("Fidelity", "one is better")
    assert fidelity["two"] == "0.300 · Worse than real"
    assert privacy["Told apart"] == "Not told apart"
    three = short_rows(["one", "two", "bad"], [[NEAR], [NEAR], [FAR]])
    assert three[0]["Told apart"] == "Only bad is worse"


def test_in_short_ranks_nothing_across_real_sets_extractors_or_components() -> None:
    assert (
        short_rows(["one", "two"], [[NEAR], [FAR]], comparable=False)[0]["Told apart"] == "Not on one scale"
    )
    fewer = replace(FAR, title="Kernel distance, other")
    assert short_rows(["one", "two"], [[NEAR], [fewer]])[0]["Told apart"] == "Not on one scale"
    assert short_rows(["one", "two"], [[NEAR], [PRIVATE]]) == [], "no question that both answer"


def test_in_short_a_set_with_copies_is_not_called_private_by_its_average() -> None:
    (row,) = short_rows(["honest", "copied"], [[PRIVATE], [PRIVATE, COPIES]])
    assert row["copied"] == f"0.500 · Worse than real: {COPIES.title}"


def test_in_short_real_films_in_place_of_samples_are_never_worse_than_real() -> None:
    (row,) = short_rows(["made", "held-out"], [[FAR], [FAR]], real=[False, True])
    assert row["Told apart"] == "–", "real films are no generator to be better than another"
    (row,) = short_rows(["held-out", "made", "bad"], [[NEAR], [NEAR], [FAR]], real=[True, False, False])
    assert row["Told apart"] == "made is better"
    (row,) = short_rows(["made", "held-out"], [[FAR], [FAR]], real=[False, True])
    assert row["made"].endswith("Worse than real") and row["held-out"].endswith("Differs from training")


@pytest.mark.row("C18")
def test_several_sets_leave_as_one_table_in_a_benchmarks_own_columns() -> None:
    distance = replace(result("frechet-distance", 60.0, 55.0, 65.0), extractor="inception-fid")
    sets = {"1. one": [NEAR, distance], "2. two": [FAR]}
    rows = list(csv.DictReader(io.StringIO(csv_of_sets("chexgenbench-fidelity", sets))))
    assert [row["Extra Info"] for row in rows] == ["1. one", "2. two"]
    assert float(rows[0]["FID"]) == 60.0 and rows[1]["FID"] == ""
    long = list(csv.DictReader(io.StringIO(csv_of_sets(LONG, sets))))
    assert [row["set"] for row in long] == ["1. one", "1. one", "2. two"]
    with pytest.raises(InputError):
        csv_of_sets("no such table", sets)


def test_own_rows_of_another_extractor_are_a_block_of_their_own_on_a_board() -> None:
    def row(name: str, value: float, scale: str) -> Standing:
        return Standing(name, value, None, None, True, "", scale, scale)

    rows = [row("a", 0.3, "x"), row("b", 0.2, "y"), row("c", 0.1, "x")]
    theirs = Standing("theirs", 0.05, None, None, False, "")
    figure = standing_figure([*rows, theirs], SPECS["kernel-distance"])
    labels = list(figure.layout.yaxis.ticktext)
    assert ["a" in labels[1], "c" in labels[0], "b" in labels[2], "theirs" in labels[3]] == [True] * 4
    across = [shape for shape in figure.layout.shapes if shape.y0 == shape.y1]
    assert sorted(shape.line.dash for shape in across) == ["dot", "solid"]


def test_correlations_of_too_few_sets_are_grey_and_the_others_stand_out() -> None:
    figure = related_figure(
        ["a", "b", "c"], [Cell("a", "b", 0.9, 0.1, 1.0, 6), Cell("a", "c", 0.95, None, None, 3)]
    )
    numbers = next(trace for trace in figure.data if trace.type == "scatter")
    colours = dict(zip(numbers.text, numbers.textfont.color, strict=True))
    from lab.charts import theme

    assert colours["+0.95"] == theme.MUTED and colours["+0.90"] != theme.MUTED
    assert all(trace.text is None for trace in figure.data if trace.type == "heatmap"), (
        "no number is written twice"
    )


def test_a_long_legend_and_a_long_title_do_not_lie_on_each_other() -> None:
    parts = [
        replace(result("frechet-distance", 6.0, 5.0, 7.0), title=f"FD, {k} components") for k in (16, 32)
    ]
    one = interval_figure([Series("a", [NEAR, parts[0]])], SPECS)
    many = [Series(f"{k}. a set with a name", [NEAR, parts[k % 2]]) for k in range(4)]
    assert interval_figure(many, SPECS).layout.margin.t >= one.layout.margin.t + 2 * 21


def test_the_empty_comparison_offers_the_sets_that_can_be_compared(visit, loaded, builders) -> None:
    def measured(name: str, extractor: str):
        spec = evaluate_run(loaded["dataset"], name, NAMES, extractor, seed=7)
        return builders.finish(spec, {"results": [builders.metric(one, 0.3) for one in NAMES]})

    def offered() -> list[str]:
        app = visit("metrics", runs="none")
        assert not app.exception and "Nothing is selected." in words(app)
        return [one.label for one in app.button if "measured against" in one.label]

    before = offered()
    films = loaded["dataset"]
    for name in ("set-1", f"{films}:held-out", f"{films}:test"):
        last = measured(name, "efficientnet-lite0")
    alone = measured("set-1", "efficientnet-lite2")
    assert offered() != before and "Compare 3 sets" in offered()[0], (
        "the largest family, not the newest run's"
    )
    app = visit("metrics", runs="none")
    next(one for one in app.button if "Compare 3 sets measured against" in one.label).click().run()
    assert not app.exception and last.id in app.session_state[Key.PICKED]
    assert alone.id not in app.session_state[Key.PICKED]
    assert "In short" in "\n".join(one.value for one in app.subheader)
    assert len(json.loads(app.get("plotly_chart")[0].proto.spec)["data"]) > 0
