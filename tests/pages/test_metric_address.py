"""The metrics page: a link opens what it names, nothing starts by looking, and a board ranks its own kind of image."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lab.data.store import open_dataset
from lab.report.published.tables import benchmark_of
from lab.runs.metric_chain import coming_calibration, in_order, step_now, steps_before
from lab.runs.requests import EXTRACTOR, calibrate_run, evaluate_run
from lab.runs.store import RunStore
from lab.ui.metric_address import ONE, OTHERS, SEVERAL
from lab.ui.metric_board_own import Own, ranked, sentence
from lab.ui.metric_ready import parts
from lab.ui.state import MetricsKey as Key
from tests.pages.test_metrics import NAMES, words

SHARE = "near-copy-share"


@pytest.fixture
def two(loaded, builders):
    """Two finished runs, the newer one of a sample set."""
    spec = evaluate_run(loaded["dataset"], "set-1", NAMES)
    newer = builders.finish(spec, {"results": [builders.metric(NAMES[0], 0.3)]})
    return loaded["measured"], newer


def shown(app) -> str:
    assert not app.exception and not app.error
    return str(app.session_state[Key.RUN])


def follow(app, **asked: str):
    """Come by an address in a tab that shows something else."""
    for name in list(app.query_params):
        del app.query_params[name]
    for name, value in asked.items():
        app.query_params[name] = value
    return app.run()


def test_a_link_wins_over_the_run_that_the_tab_showed_before(visit, two) -> None:
    older, newer = two
    app = visit("metrics", run=newer.id)
    assert shown(app) == newer.id
    assert shown(follow(app, run=older.id)) == older.id and app.query_params["run"] == older.id
    app.session_state[Key.VIEW] = SEVERAL
    app.run()
    assert "run" not in app.query_params, "the address names what is shown and that alone"
    assert shown(follow(app, run=older.id)) == older.id and app.session_state[Key.VIEW] == ONE


def test_what_is_opened_by_hand_stands_in_the_address_and_in_the_form(visit, two) -> None:
    older, newer = two
    app = visit("metrics", run=older.id)
    app.session_state[Key.FORM] = True
    app.run()
    assert app.selectbox(key=Key.SYNTHETIC).value == older.spec.settings["synthetic"]
    app.session_state[Key.PICKED] = [newer.id]
    app.session_state[f"{Key.PICKED}.given"] = 1
    app.run()
    next(one for one in app.button if one.label == "Open this run").click().run()
    assert shown(app) == newer.id and newer.id in app.query_params["run"]
    app.session_state[Key.FORM] = True
    app.run()
    assert app.selectbox(key=Key.SYNTHETIC).value == newer.spec.settings["synthetic"] == "set-1"


def test_a_comparison_and_a_board_survive_a_reload(visit, two) -> None:
    ids = [run.id for run in two]
    app = visit("metrics", runs=".".join(ids))
    assert not app.exception and app.session_state[Key.VIEW] == SEVERAL
    assert "All 2 numbers of 2 runs" in "\n".join(one.label for one in app.expander)
    assert ".".join(ids) in app.query_params["runs"]
    app = visit("metrics", board="SkinGenBench.kernel-distance")
    assert not app.exception and app.session_state[Key.VIEW] == OTHERS
    assert app.selectbox(key=f"{Key.BOARD}.benchmark").value == "SkinGenBench"
    assert "SkinGenBench.kernel-distance" in app.query_params["board"]


@pytest.mark.parametrize(
    "asked", [{"run": "0" * 16}, {"run": "../../etc"}, {"runs": "<b>.x"}, {"board": "No.such"}]
)
def test_an_address_that_names_nothing_changes_nothing(visit, loaded, asked) -> None:
    app = visit("metrics", **asked)
    assert not app.exception and not app.error
    told = "\n".join(str(one.value) for one in app.info)
    assert "names no metric run" in told and next(iter(asked.values())) not in told


@pytest.fixture
def samples(dataset, tmp_path) -> str:
    """A set of samples that belongs to the dataset."""
    from lab.data.images import encode_png
    from lab.data.importing.sample_import import import_samples

    (made := tmp_path / "made").mkdir()
    rng = np.random.default_rng(5)
    for number in range(24):
        pixels = rng.integers(0, 256, (48, 48), dtype=np.uint8)
        (made / f"sample-{number}.png").write_bytes(encode_png(pixels))
    import_samples(made, "first-try", parent=dataset)
    return "first-try"


@pytest.mark.row("X-09")
def test_opening_the_page_starts_nothing_and_says_what_is_missing_and_what_it_costs(
    visit, dataset, samples
) -> None:
    app = visit("metrics")
    started = RunStore.open().list(kinds=("embed", "calibrate", "evaluate"))
    assert not app.exception and started == []
    told = words(app)
    assert "Nothing has started. The launch first does what is missing" in told
    assert "images are read first" in told and "near-copy detectors are calibrated on 2" in told
    assert app.button(key=Key.SUBMIT).disabled is False


def test_one_launch_queues_the_calibration_and_behind_it_the_metrics(visit, dataset, samples) -> None:
    app = visit("metrics")
    assert app.selectbox(key=Key.SYNTHETIC).value == samples
    app.button(key=Key.SUBMIT).click().run()
    assert not app.exception and not app.error
    waiting = RunStore.open().list(states=("queued",), kinds=("embed", "calibrate", "evaluate"))[::-1]
    assert [run.kind for run in waiting][:3] == ["embed", "calibrate", "evaluate"], (
        "in the order in which one worker takes them"
    )
    assert waiting[2].spec.inputs["calibration"] == coming_calibration(dataset, EXTRACTOR)
    assert shown(app) == waiting[2].id and f"First: Features of {dataset}" in words(app)


@pytest.fixture
def kept(dataset, workspace):
    """A calibration under the digest that was foretold: the calibration run takes up what it finds as its own."""
    from lab.neighbours.calibration import Calibration

    distances = {name: np.linspace(0.1, 0.9, 99) for name in ("registered-correlation", "feature-cosine")}
    digest = coming_calibration(dataset, EXTRACTOR)
    Calibration(digest, EXTRACTOR, 99, 20, distances, distances, None, None, None, ()).save(
        workspace / "calibrations"
    )
    return digest


def test_the_chain_runs_to_its_end_and_asking_again_finds_it_done(dataset, kept) -> None:
    from lab.runs.inline import run_inline

    spec = evaluate_run(dataset, f"{dataset}:held-out", [SHARE])
    assert spec.inputs["calibration"] == "none" and [step.kind for step in steps_before(spec)] == [
        "embed",
        "calibrate",
    ]
    first, second, then = in_order([spec])
    assert run_inline(first).state == "done"
    done = run_inline(second)
    assert (
        done.state == "done"
        and (done.result or {})["digest"] == kept
        and (done.result or {})["n_reference"] == 99
    )
    measured = run_inline(then)
    assert measured.state == "done", measured.error
    assert "calibrat" not in (measured.result or {})["results"][0]["note"]
    again = evaluate_run(dataset, f"{dataset}:held-out", [SHARE])
    assert again.digest == then.digest, "the digest foretold is the digest of what was measured"
    assert in_order([again]) == [again] and step_now(measured) is None


def test_a_calibration_from_before_is_said_to_be_taken_up(dataset, kept) -> None:
    part = parts(dataset, 40, 0, [SHARE])[1]
    assert not part.is_there and "that is taken up, in seconds" in part.sentence


def test_a_calibration_that_failed_is_shown_before_the_run_that_waits_for_it(
    visit, dataset, builders
) -> None:
    store = RunStore.open()
    features, first, then = in_order([evaluate_run(dataset, f"{dataset}:held-out", [SHARE])])
    builders.finish(features, {"extracted": 0, "stored": 0})
    calibration, waiting = store.submit(first), store.submit(then)
    claim = store.claim_run(calibration.id, "test-worker")
    store.fail(claim.token, "The disk is full; finished blocks are kept; free some space and resume.")
    app = visit("metrics", run=waiting.id)
    assert not app.exception and "The disk is full" in "\n".join(one.value for one in app.error)
    assert any(one.key == f"resume.{calibration.id}" for one in app.button)


def test_metrics_without_a_verdict_wait_for_no_calibration(dataset) -> None:
    spec = evaluate_run(dataset, f"{dataset}:held-out", NAMES)
    assert in_order([spec, spec]) == [spec]
    assert [part.is_there for part in parts(dataset, 40, 0, NAMES)] == [True]
    assert [part.is_there for part in parts(dataset, 40, 3, [*NAMES, SHARE])] == [False, False]


def own(run, builders, modality: str, value: float = 0.1) -> Own:
    from lab.metrics.result import MetricResult

    return Own(run, MetricResult.from_json(builders.metric("kernel-distance", value)), modality)


@pytest.mark.row("C18", "SG-20")
def test_a_board_ranks_its_own_kind_of_image_and_says_where_the_others_are(loaded, builders) -> None:
    found = [
        own(loaded["measured"], builders, one)
        for one in ("chest radiograph", "dermoscopy", "cardiac MRI", "unknown", "cardiac MRI")
    ]
    assert [one.modality for one in ranked(found, "CheXGenBench", False)] == ["chest radiograph"]
    assert [one.modality for one in ranked(found, "SkinGenBench", False)] == ["dermoscopy"]
    assert len(ranked(found, "CheXGenBench", True)) == 2
    told = sentence(found[1:3], "CheXGenBench", "kernel-distance")
    assert told == (
        "2 of your numbers are not ranked here, because CheXGenBench holds chest radiographs: 1 of dermoscopy, shown "
        "on the SkinGenBench board; 1 of cardiac MRI, shown under Compare sets."
    )
    assert "shown under Compare sets" in sentence(found[1:2], "CheXGenBench", "precision")
    assert [benchmark_of(one) for one in ("CXR", "skin photograph", "CT")] == [
        "CheXGenBench",
        "SkinGenBench",
        "",
    ]


def test_runs_of_skin_are_not_on_the_chest_board(visit, loaded, monkeypatch) -> None:
    import lab.ui.metric_board_own as board

    def chart(app) -> str:
        assert not app.exception
        return json.dumps(json.loads(app.get("plotly_chart")[0].proto.spec))

    card = replace(open_dataset(loaded["dataset"]).card, modality="dermoscopy")
    monkeypatch.setattr(board, "card_of", lambda name: card)
    app = visit("metrics", board="CheXGenBench.kernel-distance")
    assert loaded["measured"].id not in chart(app) and "1 of dermoscopy" in words(app)
    app.button(key=f"{Key.BOARD}.other").click().run()
    assert app.selectbox(key=f"{Key.BOARD}.benchmark").value == "SkinGenBench"
    assert loaded["measured"].id in chart(app) and "not ranked here" not in words(app)


def test_calibrations_of_two_launches_are_one(dataset) -> None:
    store = RunStore.open()
    one, two = (evaluate_run(dataset, f"{dataset}:held-out", [SHARE], seed=seed) for seed in (0, 1))
    for spec in (*in_order([one]), *in_order([two])):
        store.submit(spec)
    assert len(store.list(kinds=("calibrate",))) == 1 and len(store.list(kinds=("evaluate",))) == 2
    assert calibrate_run(dataset).digest == store.list(kinds=("calibrate",))[0].digest
