"""Metrics with two extractors: the second is offered with its cost, never silently, and both are put side by side."""

from __future__ import annotations

import pytest

from lab.runs.requests import evaluate_run
from lab.runs.store import RunStore
from lab.ui.state import MetricsKey as Key

SECOND = "efficientnet-lite2"
NAMES = ["kernel-distance", "closer-to-training"]


def words(app) -> str:
    """Everything written on the page."""
    parts = [*app.markdown, *app.caption, *app.warning, *app.error]
    return "\n".join(str(part.value).replace("\\", "") for part in parts)


def opinions(app):
    """The table of agreement, or None."""
    return next((frame.value for frame in app.dataframe if "Extractors" in frame.value), None)


@pytest.fixture
def seconded(loaded, builders):
    """A finished run of the second extractor on the same sets: it agrees on one metric and not on the other."""
    listed = [builders.metric("kernel-distance", 900.0), builders.metric("closer-to-training", 0.5)]
    for item in listed:
        item["extractor"] = SECOND
    listed[1] |= {"value": 0.9, "low": 0.85, "high": 0.95, "control": 0.5}
    spec = evaluate_run(loaded["dataset"], f"{loaded['dataset']}:held-out", NAMES, SECOND)
    return builders.finish(spec, {"results": listed})


def test_two_extractors_stand_side_by_side_with_what_they_agree_on(visit, loaded, seconded) -> None:
    app = visit("metrics", run=loaded["measured"].id)
    assert not app.exception
    table = opinions(app)
    assert table is not None and list(table.columns)[2:4] == ["efficientnet-lite0", SECOND]
    told = dict(zip(table["Metric"], table["Extractors"], strict=True))
    assert sorted(told.values()) == ["Agree", "One alone"]
    assert "Both extractors agree on 1 of 2 metrics; on none do they say the opposite." in words(app)
    assert len(app.get("plotly_chart")) == 2, "one chart an extractor, each on its own scales"
    mirrored = opinions(visit("metrics", run=seconded.id))
    assert list(mirrored.columns)[2:4] == [SECOND, "efficientnet-lite0"]


def test_a_second_extractor_is_offered_with_its_cost_and_starts_when_asked(visit, loaded) -> None:
    app = visit("metrics", run=loaded["measured"].id)
    assert opinions(app) is None and len(app.get("plotly_chart")) == 1
    assert "One extractor alone has measured this." in words(app)
    assert "images are embedded first" in words(app)
    button = next(one for one in app.button if one.label == f"Ask {SECOND} too")
    assert len(RunStore.open().list(kinds=("evaluate",))) == 1, "nothing starts by itself"
    button.click().run()
    runs = RunStore.open().list(kinds=("evaluate",), states=("queued",))
    assert [run.spec.settings["extractor"] for run in runs] == [SECOND]
    assert runs[0].spec.settings["metrics"] == NAMES and runs[0].spec.settings["seed"] == 0
    assert f"Second extractor: {SECOND}" in words(app)


def test_the_form_chooses_the_second_beforehand_where_it_is_cheap(visit, loaded) -> None:
    app = visit("metrics")
    app.selectbox(key=Key.SYNTHETIC).set_value(f"{loaded['dataset']}:held-out").run()
    box = app.selectbox(key=Key.SECOND)
    assert box.value == SECOND, "a few dozen films cost seconds"
    assert any("images to embed first" in option for option in box.options)
    shown = words(app)
    assert f"Then {SECOND} measures again" in shown and "images are embedded first" in shown
    app.button(key=Key.SUBMIT).click().run()
    runs = RunStore.open().list(kinds=("evaluate",), states=("queued",))
    made = {run.spec.settings["extractor"]: run.spec.settings["metrics"] for run in runs}
    assert set(made) == {"efficientnet-lite0", SECOND}
    assert "near-copy-share" not in made[SECOND] and set(made[SECOND]) <= set(made["efficientnet-lite0"])
    app.selectbox(key=Key.SECOND).set_value("").run()
    assert "measures again" not in words(app)


def test_a_second_extractor_that_is_dear_is_offered_and_not_chosen(visit, loaded, monkeypatch) -> None:
    import lab.ui.metric_second

    monkeypatch.setattr(lab.ui.metric_second, "CHEAP", 3)
    app = visit("metrics")
    box = app.selectbox(key=Key.SECOND)
    assert box.value == "" and any(option.startswith(SECOND) for option in box.options)


def test_runs_of_two_extractors_are_not_compared_as_if_alike(visit, loaded, seconded) -> None:
    app = visit("metrics")
    history = next(frame.value for frame in app.dataframe if "Started" in frame.value)
    assert set(history["Extractor"]) == {"efficientnet-lite0", SECOND}
