"""The Metrics page over real films: what stands in for samples, names, digits, one footing, the form that follows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lab.analysis.verdict import WORSE, judge
from lab.charts.intervals import Series, interval_figure
from lab.charts.name_places import Named, name_places
from lab.charts.related import Cell, related_figure
from lab.charts.tradeoff import SetPoint, tradeoff_figure
from lab.data.importing.sample_import import import_samples
from lab.data.resolve import resolve
from lab.data.store import add_folder
from lab.metrics.registry import all_specs
from lab.metrics.result import MetricResult
from lab.runs.requests import evaluate_run
from lab.ui.metric_related import _Names
from lab.ui.metric_verdict import also
from lab.ui.metric_words import in_digits
from lab.ui.sets import of_another, sizes, stands_in, synthetic_choices
from lab.ui.state import MetricsKey as Key
from tests.pages.conftest import films

NAMES = ["kernel-distance", "closer-to-training"]
SPECS = {spec.name: spec for spec in all_specs()}


def words(app) -> str:
    """Everything written on the page."""
    parts = [*app.markdown, *app.caption, *app.warning, *app.error]
    return "\n".join(str(part.value).replace("\\", "") for part in parts)


def result(name: str, value: float, low: float, high: float, **changes) -> MetricResult:
    made = MetricResult(name, name, value, low, high, 300, 120, 150, 64, "toy", "train", "all", 0)
    return replace(made, **changes)


def text_of(figure) -> str:
    return json.dumps(json.loads(figure.to_json()), ensure_ascii=False)


@pytest.fixture
def taken(workspace: Path, tmp_path: Path, dataset: str) -> str:
    """A sample set that somebody named and whose maker nobody named."""
    import_samples(films(tmp_path / "made", 24), "first-try", parent=dataset)
    return "first-try"


def test_a_set_is_listed_by_the_name_it_was_given_and_by_its_dataset_first(taken, dataset, tmp_path) -> None:
    add_folder(films(tmp_path / "other"), "another", licence="CC BY 4.0")
    listed = synthetic_choices("another")
    assert next(one.words for one in listed if one.reference == taken).startswith("first-try · 24 samples")
    assert listed[0].reference.startswith("another:"), "what belongs to the chosen real set stands first"
    assert synthetic_choices(dataset)[0].reference == taken


def test_samples_of_another_dataset_are_warned_about_before_launch(taken, dataset, tmp_path) -> None:
    add_folder(films(tmp_path / "other"), "another", licence="CC BY 4.0")
    found = of_another("another", taken, resolve(taken))
    assert [one.level for one in found] == ["warn"] and "no privacy number" in found[0].sentence
    assert of_another(dataset, taken, resolve(taken)) == []
    assert of_another("another", f"{dataset}:held-out", resolve(f"{dataset}:held-out"))
    assert of_another(dataset, f"{dataset}:held-out", resolve(f"{dataset}:held-out")) == []


def test_held_out_films_are_never_counted_as_their_own_control(dataset) -> None:
    stand_in, test = resolve(f"{dataset}:held-out"), resolve(f"{dataset}:test")
    counted = sizes(dataset, stand_in, "efficientnet-lite0")
    assert counted.n_held_out == len(test.ids()) != len(stand_in.ids())
    other = sizes(dataset, test, "efficientnet-lite0")
    assert other.n_held_out == len(stand_in.ids()), "any other set keeps held-out films as control"
    assert stands_in(dataset, test) == []
    [note] = stands_in(dataset, stand_in)
    expected = (
        "The test split is their control." if len(test.ids()) else "Nothing is left to be their control"
    )
    assert expected in note.sentence


def test_real_films_in_place_of_samples_are_called_real_and_never_worse_than_real(
    visit, loaded, builders
) -> None:
    far = builders.metric("kernel-distance", 0.02) | {"low": 0.01, "high": 0.03, "control": None}
    assert judge(SPECS["kernel-distance"], MetricResult.from_json(far))[0] == WORSE, "far from the null line"
    spec = evaluate_run(loaded["dataset"], f"{loaded['dataset']}:held-out", [*NAMES, "clip-score"])
    none = builders.metric("clip-score", 0.1) | {
        "value": None,
        "low": None,
        "high": None,
        "note": "No captions.",
    }
    app = visit("metrics", run=builders.finish(spec, {"results": [far, none]}).id)
    assert not app.exception
    shown = words(app)
    assert "Differs from training" in shown and WORSE not in shown
    assert "**REAL** against **REAL**" in shown and "in place of samples" in shown
    assert "Asked for, but not computable: alignment" in shown and "Not measured: variety" in shown
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert "Real films" in chart["layout"]["yaxis"]["ticktext"]
    assert "Held-out" not in chart["layout"]["yaxis"]["ticktext"], (
        "no empty row where nothing was the control"
    )
    made = builders.finish(evaluate_run(loaded["dataset"], "set-1", NAMES), {"results": [far]})
    other = words(visit("metrics", run=made.id))
    assert WORSE in other and "**SYNTHETIC** against **REAL**" in other


def test_the_form_starts_with_the_sets_of_the_run_on_the_page(visit, loaded, builders, taken) -> None:
    spec = evaluate_run(loaded["dataset"], taken, NAMES)
    run = builders.finish(spec, {"results": [builders.metric(NAMES[0], 0.1)]})
    app = visit("metrics", run=run.id)
    app.session_state[Key.FORM] = True
    app.run()
    assert not app.exception
    assert (
        app.selectbox(key=Key.REAL).value == loaded["dataset"]
        and app.selectbox(key=Key.SYNTHETIC).value == taken
    )


def test_several_warnings_are_one_box(visit, loaded, builders) -> None:
    spec = evaluate_run(loaded["dataset"], "set-1", NAMES)
    told = {"results": [builders.metric(NAMES[0], 0.1)], "warnings": ["One thing.", "Another thing."]}
    app = visit("metrics", run=builders.finish(spec, told).id)
    assert [one.value for one in app.warning] == ["- One thing\\.\n- Another thing\\."]


def test_a_further_headline_that_is_worse_is_said_under_its_question() -> None:
    first = result("closer-to-training", 0.5, 0.4, 0.6, control=0.5, control_low=0.4, control_high=0.6)
    copies = result("near-copy-share", 1.0, 0.97, 1.0, control=0.006, control_low=0.0, control_high=0.02)
    known = {one.metric: one for one in (first, copies)}
    assert also("privacy", first, known) == (
        "But worse than real images: near-copy-share 1.00 (held-out 0.006)."
    ), "the headline alone would have called the set private"
    leaky = replace(first, value=0.9, low=0.8, high=1.0)
    assert also("privacy", leaky, known).startswith("Also worse")
    assert also("privacy", copies, known) == "", "the headline itself is not said twice"


def test_numbers_in_tables_have_the_digits_of_the_charts() -> None:
    import pandas as pd

    frame = pd.DataFrame({"Value": [104.231234, 0.00001234, None, 45678.9], "n": [1, 2, 3, 4]})
    shown = in_digits(frame, ("Value", "absent")).to_html()
    for told in ("104<", "0.00001<", "–<", "45,679<"):
        assert told in shown
    assert "104.23" not in shown


def test_distances_on_other_components_are_named_and_not_ranked() -> None:
    one = result("frechet-distance", 6.0, 5.0, 7.0, title="FD, 32 components")
    two = result("frechet-distance", 22.0, 20.0, 24.0, title="FD, 16 components", n_synthetic=60)
    figure = interval_figure([Series("a", [one]), Series("b", [two])], SPECS)
    assert "FD, 16 components / FD, 32 components" in text_of(figure)

    def page() -> None:
        import streamlit as st

        from lab.ui.metric_compare import _same_measure

        _same_measure(st.session_state["given"])

    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(page)
    app.session_state["given"] = [[one], [two]]
    app.run()
    assert "FD, 16 components and FD, 32 components" in app.warning[0].value.replace("\\", "")
    assert "60 to 120 images" in app.caption[0].value
    app.session_state["given"] = [[one], [one]]
    app.run()
    assert not app.warning and not app.caption


def test_a_correlation_that_is_nowhere_defined_is_a_sentence_and_not_an_empty_box() -> None:
    nothing = related_figure(["a", "b"], [Cell("a", "b", None, None, None, 2)])
    assert "three are the least" in text_of(nothing) and not nothing.data
    some = related_figure(["a", "b"], [Cell("a", "b", -0.5, None, None, 3)])
    assert "−0.50" in text_of(some)
    names = _Names()
    assert [names.of("made", "d1"), names.of("made", "d2"), names.of("made", "d1"), names.of("own", "d3")] == [
        "made", "made (2)", "made", "own",
    ]  # fmt: skip


def test_names_in_the_trade_off_stay_inside_and_off_the_null_line() -> None:
    alone = Named("a set", 0.5, 0.5, (0.5, 0.5), (0.5, 0.5))
    edge = Named("a very long name of a set", 1.0, 0.5, (1.0, 1.0), (0.5, 0.5))
    assert name_places([alone]) == ["top right"] and name_places([alone, edge])[1] == "top left"
    crowd = [Named(f"set {k} of many", 0.10 + k / 200, 0.5, (0.0, 1.0), (0.4, 0.6)) for k in range(4)]
    assert len(set(name_places(crowd))) == 4, "neighbours put their names on different sides"
    across, up = SPECS["kernel-distance"], SPECS["closer-to-training"]

    def control(at: float) -> str:
        privacy = result("closer-to-training", 0.7, 0.6, 0.8, control=at)
        point = SetPoint("set", result("kernel-distance", 0.1, 0.0, 0.2, control=0.0), privacy)
        return str(tradeoff_figure([point], across, up).data[-1].textposition)

    assert control(0.52).startswith("top") and control(0.48).startswith("bottom")
