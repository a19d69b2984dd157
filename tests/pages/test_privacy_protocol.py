"""The published privacy protocol on the Metrics page: form, launch, failure, result, and the way by address."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lab.runs.identity_requests import SEEDS, protocol_run, train_identity_run
from lab.runs.store import RunStore
from lab.ui.state import MetricsKey, QueryKey
from lab.ui.state import PrivacyKey as Key
from tests.builders import privacy_runs as built
from tests.builders.privacy_runs import VIEW, address, failed, open_panel, ready, runs, words


@pytest.fixture(autouse=True)
def _weightless(monkeypatch) -> None:
    """The generator of these tests has a card and no weights."""
    import lab.generators.load
    import lab.ui.protocol_form

    monkeypatch.setattr(lab.generators.load, "model_digest", lambda card: "0" * 64)
    monkeypatch.setattr(lab.ui.protocol_form, "ready", lambda card: card.id == "small")


@pytest.mark.parametrize("kind", ["protocol", "train_identity", "sensitivity"])
def test_without_a_dataset_the_page_says_where_to_get_one(visit, workspace, kind) -> None:
    assert "There is no dataset yet" in words(open_panel(visit, kind))


@pytest.mark.row("C12")
def test_the_protocol_is_launched_with_its_published_seeds_and_its_cost_said_before(
    visit, dataset, generator, builders
) -> None:
    ready(dataset, builders)
    app = open_panel(visit, "protocol")
    told = words(app)
    assert "There are 2 distinct captions: all of them are used." in told
    assert (
        "2 prompts with 10 seeds are 20 samples" in told and "Nothing of this generator was timed yet" in told
    )
    assert "There is no Re-ID network for this dataset" in told and "most suspicious pairs" in told
    app.get_by_key(Key.PROMPTS).set_value(2000).run()
    app.get_by_key(Key.SUBMIT + "protocol").click()
    app.run()
    (run,) = runs("protocol")
    asked = run.spec.settings
    assert asked["seeds"] == list(SEEDS) and asked["prompts"] == 2000 and asked["dataset"] == dataset
    assert address(app) == run.id, "the address names the run"
    assert "Waiting for the worker" in app.get("progress")[0].proto.text
    assert not [one for one in app.button if one.key == Key.SUBMIT + "protocol"], "the form is folded away"
    next(one for one in app.button if one.label == "Cancel").click()
    app.run()
    assert RunStore.open().get(run.id).state == "cancelled" and "cancelled" in words(app)


@pytest.mark.row("C12")
def test_time_and_disk_are_told_by_the_largest_past_run_before_the_launch(
    visit, dataset, generator, builders
) -> None:
    from lab.generators.cards import get_card
    from lab.runs.identity_requests import METRICS
    from lab.runs.requests import evaluate_run
    from lab.ui.protocol_cost import cost, pace, published

    card = get_card("small")
    unknown = pace(card, 8, 36)
    assert unknown.making is None and published(unknown) == ""
    timed = replace(card, measured={"seconds_for_four": 8.0}, steps=16)
    assert pace(timed, 8, 36).making == 1.0, "half of the steps take half of the time"
    # A short run that mostly loads, and a long one: 400 samples of 8 steps in 200 s, of 20 kB each.
    for prompts, seconds, images in ((2, 30.0, 4), (40, 200.0, 400)):
        made = {"images": images, "pace": {"images": images, "seconds": seconds}, "bytes": images * 20_000}
        builders.finish(protocol_run("small", dataset, prompts, SEEDS, steps=8), made)
    here = pace(card, 8, 36)
    assert (here.making, here.disk, here.measuring) == (0.5, 20_000.0, None)
    assert pace(card, 16, 36).making == 1.0
    assert "The first run here will tell how long measuring takes" in cost(here, 20, 10)
    counts = {"n_synthetic": 64, "n_real": 24, "n_held_out": 12}
    results = [builders.metric(name, 0.5) | counts for name in METRICS]
    builders.finish(evaluate_run(dataset, f"{dataset}:test", METRICS), {"results": results})
    assert (quick := pace(card, 8, 36).measuring) is not None and 0 < quick < 1
    told = replace(here, measuring=0.05)
    assert "200 samples: about 2 min to make, 12 s to measure and 4.0 MB on the disk" in cost(told, 20, 10), (
        "real images are measured as well, however few samples there are"
    )
    size = "2,000 prompts with 10 seeds, would take about 2.8 h to make, 17 min to measure and 400 MB"
    assert size in published(told)


def test_the_form_says_what_the_published_size_would_cost(visit, dataset, generator, builders) -> None:
    built.protocol(dataset, builders)
    app = open_panel(visit, "protocol")
    app.session_state[Key.FORM + "protocol"] = True
    app.run()
    assert not app.exception
    shown = words(app)
    assert "The published size, 2,000 prompts with 10 seeds, would take about" in shown
    assert "to measure and" in shown and "are free here" in shown


def test_a_protocol_that_failed_says_why_and_can_go_on(visit, dataset, generator, builders) -> None:
    ready(dataset, builders)
    run = failed(protocol_run("small", dataset, 2), "The disk is full; what was made is kept; make room.")
    app = visit("metrics", run=run.id)
    assert not app.exception and "The disk is full" in words(app)
    next(one for one in app.button if one.label == "Resume").click()
    app.run()
    assert RunStore.open().get(run.id).state == "queued"


def test_samples_that_are_made_are_measured_without_another_click(
    visit, dataset, generator, builders
) -> None:
    ready(dataset, builders)
    run = built.made(dataset, builders)
    app = visit("metrics", run=run.id)
    (measuring,) = runs("evaluate")
    assert measuring.spec.settings["metrics"] == ["re-identification", "pixel-distance", "latent-distance"]
    assert measuring.spec.settings["synthetic"] == "set-p" and "Step 2 of 2: measuring" in words(app)
    assert "compare with its tables only at that size" in words(app)


@pytest.mark.row("C12")
def test_delta_moves_the_counts_beside_the_control_and_nothing_is_measured_anew(
    visit, dataset, generator, builders
) -> None:
    run, measured = built.protocol(dataset, builders)
    app = visit("metrics", run=run.id)
    assert not app.exception
    (table,) = [one.value for one in app.dataframe if "Highest" in one.value and "Measure" in one.value]
    first = table.iloc[0]
    assert first["Highest"] == pytest.approx((0.9 + 0.3) / 2)
    assert first["Lowest"] == pytest.approx((0.2 + 0.1) / 2)
    assert first["Most suspicious"] == 0.9 and first["Held-out control"] == 0.5
    assert table.iloc[1]["Most suspicious"] == 10.0, "of distances the low end is suspicious"

    def counted():
        return [(one.label, one.value) for one in app.metric]

    assert counted()[0] == ("Pairs at or above 0.500", "2 of 6")
    assert counted()[1][1] == "1 of 2" and counted()[2] == ("Held-out control, prompts", "1 of 2")
    slider = app.get_by_key(f"{Key.DELTA}.{measured.id}.re-identification")
    slider.set_value(0.3)
    app.run()
    assert [value for _, value in counted()] == ["3 of 6", "2 of 2", "2 of 2"]
    assert "Fewer than 20 prompts have a control" in words(app)
    assert "AUC 0.910 (0.880 to 0.940) on 120 patients" in words(app), (
        "what the judge is worth stands beside its scores"
    )
    assert len(runs("evaluate")) == 1 and "Latent" not in words(app)
    assert "Too few." in words(app), "what could not be measured says why"
    (prompts,) = [one.value for one in app.dataframe if "Case" in one.value]
    assert len(prompts) == 2 and "Prompt" not in prompts, (
        "words of real patients stay out of what can be saved"
    )
    app.get_by_key(Key.MEASURE).set_value("pixel-distance").run()
    assert counted()[0] == ("Pairs at or below 40.000", "2 of 6")


def _scores(metric: str, extremes, control, seeds: int = 3):
    """A prompt's most suspicious sample as told, its other samples harmless."""
    import numpy as np

    from lab.ui.protocol_numbers import HIGH, Scores

    high, n = metric == HIGH, len(extremes)
    pairs = np.full((n, seeds), 0.0 if high else 100.0)
    pairs[:, 1] = extremes
    own = np.repeat(np.arange(n), seeds)
    return Scores(metric, metric, pairs.ravel(), np.arange(n * seeds), own, np.asarray(control), high)


@pytest.mark.row("C12")
def test_a_leaking_generator_is_told_from_an_honest_one_by_what_held_out_images_score() -> None:
    import numpy as np

    from lab.ui.protocol_verdict import beyond, worded

    rng = np.random.default_rng(4)
    strangers = rng.normal(50, 6, 40)
    copies = np.concatenate([rng.normal(12, 3, 30), rng.normal(50, 6, 10)])
    honest = rng.normal(50, 6, 40)
    leaky, fine = (beyond(_scores("pixel-distance", one, strangers)) for one in (copies, honest))
    assert leaky.found >= 30 and leaky.accused == 2 and leaky.controls == 40 and leaky.leaks
    assert fine.found <= 8 and fine.accused == 2 and not fine.leaks
    word, lines = worded([fine, leaky])
    assert "red-badge" in word and "It gives training images back" in word
    assert f"{leaky.found} of 40" in lines[2] and f"{fine.found} of 40" in lines[3], "what leaks stands first"
    word, lines = worded([fine])
    assert "gray-badge" in word and "green" not in word and "No more than chance explains" in lines[-1]
    limit = _scores("pixel-distance", copies, strangers).control_limit()
    assert sorted(strangers)[1] < limit < sorted(strangers)[2], "one in twenty of 40 are two"
    # the same where a copy scores high
    high = beyond(_scores("re-identification", 1 - copies / 100, 1 - strangers / 100))
    assert (high.found, high.accused) == (leaky.found, leaky.accused)
    assert beyond(_scores("pixel-distance", copies[:19], strangers[:19])) is None, "too few to tell"


def test_the_most_suspicious_pairs_are_shown_with_both_sides_and_the_control(
    visit, dataset, generator, builders, monkeypatch
) -> None:
    import lab.ui.protocol_pairs as strip

    shown = []
    monkeypatch.setattr(strip, "viewer", lambda films, **kw: shown.append(films))
    run, _ = built.protocol(dataset, builders)
    app = visit("metrics", run=run.id)
    assert not app.exception
    films = shown[0]
    assert [film.tag for film in films[:4]] == ["SYNTHETIC", "REAL"] * 2
    assert "seed 639" in films[0].caption and "0.900" in films[0].caption
    assert "more suspicious than all 2 of the control" in films[0].caption
    assert "seed 275" in films[2].caption, "the second highest score"


def test_an_address_opens_its_test_once_and_leaves_with_it(visit, dataset, generator, builders) -> None:
    run, _ = built.protocol(dataset, builders)
    app = visit("metrics", run=run.id)
    assert app.get_by_key(MetricsKey.VIEW).value == VIEW
    app.get_by_key(MetricsKey.VIEW).set_value("Compare sets").run()
    assert QueryKey.RUN not in app.query_params and "Ask a generator" not in words(app)
    app.get_by_key(MetricsKey.VIEW).set_value(VIEW).run()
    assert address(app) == run.id


def test_a_real_run_of_a_toy_generator_is_read_as_it_was_written(
    visit, workspace, tmp_path, builders, monkeypatch
) -> None:
    """No hand-written result: samples made, measured and counted by the program itself."""
    from lab.data.importing.importer import add_folder
    from lab.runs.identity_requests import METRICS
    from lab.runs.inline import run_inline
    from lab.runs.requests import evaluate_run
    from tests.builders.memory_set import CoarsePixels
    from tests.builders.toy_patients import write_toy_folder
    from tests.builders.toy_pipeline import build_toy_pipeline, toy_card_json

    monkeypatch.undo()  # this generator has weights
    monkeypatch.setenv("LAB_WORKSPACE", str(workspace))
    monkeypatch.setattr("lab.runs.client.ensure_worker", lambda *args, **kwargs: "running")
    add_folder(
        write_toy_folder(tmp_path / "toys", patients=24, films=2),
        "toys",
        licence="CC0",
        modality="chest radiograph",
    )
    card = toy_card_json(build_toy_pipeline(tmp_path / "model"), "toy-cxr")
    (workspace / "generators").mkdir()
    (workspace / "generators" / "toy-cxr.json").write_text(json.dumps(card))
    ready("toys", builders)
    assert run_inline(train_identity_run("toys", steps=2, size=32, widths=(8, 8, 8, 8))).state == "done"
    run = run_inline(protocol_run("toy-cxr", "toys", prompts=3, seeds=SEEDS[:2], steps=1))
    with monkeypatch.context() as patch:
        patch.setattr("lab.features.extractors.get_extractor", lambda name: CoarsePixels())
        measured = run_inline(evaluate_run("toys", run.result["sample_set"], METRICS))
    assert measured.state == "done", measured.error
    told = {item["metric"]: item for item in measured.result["results"]}["re-identification"]
    app = visit("metrics", run=run.id)
    assert not app.exception and "AUC" in words(app)
    (table,) = [one.value for one in app.dataframe if "Highest" in one.value and "Measure" in one.value]
    first = table.iloc[0]
    assert first["Mean"] == pytest.approx(told["value"])
    assert first["Highest"] == pytest.approx(told["details"]["mean_of_max"])
    assert first["Most suspicious"] == pytest.approx(told["details"]["overall_max"], abs=1e-4)
    limit = round(told["details"]["overall_max"] - 1e-3, 3)
    app.get_by_key(f"{Key.DELTA}.{measured.id}.re-identification").set_value(limit)
    app.run()
    above = sum(value >= limit for value in told["details"]["per_prompt"]["max"])
    assert [one.value for one in app.metric][1] == f"{above} of 3"
