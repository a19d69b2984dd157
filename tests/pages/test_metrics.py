"""The Metrics page: ready choices, live parts, verdict, traces, several extractors, breakdown, published rows."""

from __future__ import annotations

import json

import pytest

from lab.metrics.presets import PRESETS, chosen_by, get_preset
from lab.metrics.registry import all_specs
from lab.runs.requests import evaluate_run
from lab.runs.store import RunStore
from lab.ui.state import MetricsKey as Key
from tests.builders.runs import claimed

SECOND = "efficientnet-lite2"
NAMES = ["kernel-distance", "closer-to-training"]


def words(app) -> str:
    """Everything written on the page."""
    parts = [*app.markdown, *app.caption, *app.warning, *app.error]
    return "\n".join(str(part.value).replace("\\", "") for part in parts)


def opinions(app):
    """The table of agreement, or None."""
    return next((frame.value for frame in app.dataframe if "Extractors" in frame.value), None)


def queued():
    return RunStore.open().list(kinds=("evaluate",), states=("queued",))


@pytest.fixture
def seconded(loaded, builders):
    """A finished run of the second extractor on the same sets: it agrees on one metric and not on the other."""
    listed = [builders.metric("kernel-distance", 900.0), builders.metric("closer-to-training", 0.5)]
    for item in listed:
        item["extractor"] = SECOND
    listed[1] |= {"value": 0.9, "low": 0.85, "high": 0.95, "control": 0.5}
    spec = evaluate_run(loaded["dataset"], f"{loaded['dataset']}:held-out", NAMES, SECOND)
    return builders.finish(spec, {"results": listed})


def test_every_name_of_every_ready_choice_is_a_metric() -> None:
    known = [spec.name for spec in all_specs()]
    for preset in PRESETS:
        assert [name for name in preset.metrics if name not in known] == [], preset.name
        assert preset.sentence.endswith(".") and len(preset.sentence) < 160
    assert chosen_by(get_preset("everything"), known, {known[0]}) == known[1:]
    axes = {spec.name: spec.axis for spec in all_specs()}
    for preset in PRESETS[:-1]:
        assert {"fidelity", "privacy"} <= {axes[name] for name in preset.metrics}, (
            f"{preset.name} shows one alone"
        )


@pytest.mark.row("X-01")
def test_two_extractors_stand_side_by_side_with_what_they_agree_on(visit, loaded, seconded) -> None:
    app = visit("metrics", run=loaded["measured"].id)
    assert not app.exception
    table = opinions(app)
    assert table is not None and list(table.columns)[2:4] == ["efficientnet-lite0", SECOND]
    told = dict(zip(table["Metric"], table["Extractors"], strict=True))
    assert sorted(told.values()) == ["Agree", "One alone"]
    assert "Both extractors agree on 1 of 2 metrics; on none do they say the opposite." in words(app)
    assert "Rank agreement 1 of 2." in words(app)
    assert len(app.get("plotly_chart")) == 2, "one chart an extractor, each on its own scales"
    history = next(frame.value for frame in app.dataframe if "Started" in frame.value)
    assert set(history["Extractor"]) == {"efficientnet-lite0", SECOND}


@pytest.mark.row("X-09", "CM-17")
def test_the_verdict_stands_on_top_and_every_number_traces(visit, loaded) -> None:
    app = visit("metrics", run=loaded["measured"].id)
    shown = words(app)
    assert (
        "**Fidelity**" in shown
        and "**Privacy**" in shown
        and "Not measured: variety, alignment, utility." in shown
    )
    # Each question keeps its own number: nothing on the page adds them up.
    assert not any(
        word in shown.lower() for word in ("overall score", "total score", "overall verdict", "combined")
    )
    facts = "\n".join(str(part.body) for part in app.get("html"))
    for told in (loaded["measured"].id, "digest", "n", "Seed", "Extractor", "Protocol"):
        assert told in facts
    assert loaded["measured"].spec.inputs["real"][:16] in facts
    assert opinions(app) is None and len(app.get("plotly_chart")) == 1
    assert "One extractor alone has measured this." in shown and "images are embedded first" in shown
    button = next(one for one in app.button if one.label == f"Ask {SECOND} too")
    assert len(RunStore.open().list(kinds=("evaluate",))) == 1, "nothing starts by itself"
    button.click().run()
    runs = queued()
    assert [run.spec.settings["extractor"] for run in runs] == [SECOND]
    assert runs[0].spec.settings["metrics"] == NAMES and runs[0].spec.settings["seed"] == 0
    assert f"Further extractor: {SECOND}" in words(app)


def test_the_form_launches_a_ready_choice_with_the_second_extractor_where_it_is_cheap(visit, loaded) -> None:
    app = visit("metrics")
    app.selectbox(key=Key.SYNTHETIC).set_value(f"{loaded['dataset']}:held-out").run()
    assert not app.exception
    box = app.multiselect(key=Key.SECOND)
    assert box.value == [SECOND], "a few dozen films cost seconds"
    assert any("images to embed first" in option for option in box.options)
    shown = words(app)
    assert get_preset("quick-look").sentence in shown
    assert f"Then {SECOND} measures again" in shown and "images are embedded first" in shown
    app.button(key=Key.SUBMIT).click().run()
    made = {run.spec.settings["extractor"]: run.spec.settings["metrics"] for run in queued()}
    assert set(made) == {"efficientnet-lite0", SECOND}
    assert "near-copy-share" not in made[SECOND] and set(made[SECOND]) <= set(made["efficientnet-lite0"])
    assert set(made["efficientnet-lite0"]) <= set(get_preset("quick-look").metrics)


@pytest.mark.row("C10")
def test_a_breakdown_is_one_choice_and_shows_n_with_small_groups_greyed(visit, loaded, builders) -> None:
    spec = evaluate_run(loaded["dataset"], f"{loaded['dataset']}:held-out", NAMES, by="label")
    listed = [builders.metric(name, 0.4) for name in NAMES]
    for group, n in (("label: effusion", 90), ("label: no finding", 7)):
        listed += [
            builders.metric(name, 0.5) | {"group": group, "n_synthetic": n, "n_real": 90} for name in NAMES
        ]
    run = builders.finish(spec, {"results": listed})
    app = visit("metrics", run=run.id)
    assert not app.exception and "By label" in "\n".join(part.value for part in app.subheader)
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    labels = [
        text for chart in charts for axis in ("yaxis",) for text in chart["layout"][axis].get("ticktext", [])
    ]
    assert any("n 90 real films, 90 training" in text for text in labels)
    assert any("n 7 real films, 90 training" in text for text in labels)
    assert "1 of 2 groups have fewer than 50 images" in words(app)


def test_finished_parts_of_a_run_are_shown_before_it_ends(visit, loaded, builders, workspace) -> None:
    from lab.runs.artifacts import Artifacts
    from lab.runs.spec import Progress

    store = RunStore.open()
    claim = claimed(evaluate_run(loaded["dataset"], "set-1", [*NAMES, "coverage"]))
    run = claim.run
    parts = Artifacts(workspace / "parts" / run.digest)
    for name in NAMES:
        kept = parts.write(json.dumps(builders.metric(name, 0.3)).encode())
        store.record_part(claim.token, f"metric-0-{name}", kept)
    store.report(claim.token, Progress("Computing metrics", 2, 3, 1.0, 1.0, None, ""))
    app = visit("metrics", run=run.id)
    assert not app.exception and "2 of 3 metrics so far" in words(app)
    assert len(app.get("plotly_chart")) == 1 and any(one.label == "Cancel" for one in app.button)
    store.fail(claim.token, "The worker stopped; finished parts are kept; resume it.")
    app = visit("metrics", run=run.id)
    assert "2 of 3 metrics so far" in words(app), "nothing that was measured is lost"
    assert any(one.label == "Resume" for one in app.button)


@pytest.mark.fault(54)
def test_numbers_that_were_changed_after_the_run_are_grey_and_said_to_be(
    visit, loaded, builders, workspace
) -> None:
    listed = [builders.metric(name, 0.4) for name in NAMES]
    spec = evaluate_run(loaded["dataset"], "set-1", NAMES)
    run = builders.finish(spec, {"results": listed, "record": "0" * 64})
    app = visit("metrics", run=run.id)
    assert not app.exception
    assert any("shown in grey" in element.value for element in app.warning)
    assert "badge[" not in words(app), "no verdict on numbers that nobody vouches for"
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert {trace.get("opacity") for trace in chart["data"]} == {0.25}


@pytest.mark.row("C18", "SG-20")
def test_own_runs_stand_beside_published_rows_and_the_version_is_chosen(visit, loaded) -> None:
    app = visit("metrics")
    app.session_state[Key.VIEW] = "Beside published"
    app.run()
    # The films of this test do not say what they show: they are ranked where a person says that they belong here.
    app.toggle(key=f"{Key.BOARD}.unstated").set_value(True).run()
    assert not app.exception
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    hovers = [trace.get("hovertemplate", "") for trace in chart["data"]]
    assert any("not ours" in one and "arXiv" in one for one in hovers), "the source is named"
    assert any(loaded["measured"].id in one for one in hovers), "a finished run appears"
    app.selectbox(key=f"{Key.BOARD}.benchmark").set_value("SkinGenBench").run()
    app.selectbox(key=f"{Key.BOARD}.metric.SkinGenBench").set_value("frechet-distance").run()
    final = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    app.session_state[f"{Key.BOARD}.edition"] = "early"
    app.run()
    early = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    assert not app.exception and final != early


@pytest.mark.row("SG-15")
def test_a_pasted_table_is_checked_against_the_stated_share(visit, loaded) -> None:
    app = visit("metrics")
    app.session_state[Key.VIEW] = "Beside published"
    app.session_state[f"{Key.OPEN}.pasted"] = True
    app.run()
    app.text_area(key=f"{Key.BOARD}.pasted").set_value("ViT-B/16 | 0.8564 | 0.9798 | 0.9115")
    app.number_input(key=f"{Key.BOARD}.stated").set_value(11.1).run()
    assert not app.exception
    assert any("19.5" in element.value.replace("\\", "") for element in app.warning)
