"""The case: blinded until both answers are stored, then evidence with its control; readers, summary, public, empty."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from lab.leakage import access_log, verdicts
from lab.leakage.case_order import case_code, training_first
from lab.leakage.verdicts import STEPS, CaseVerdict
from lab.ui.leakage_case_films import REGIONS, region_of
from lab.ui.leakage_case_summary import in_words
from lab.ui.state import LeakageKey as Key
from lab.ui.state import QueryKey
from tests.builders.runs import fail

READER = "aaaaaa"
TELLING = (
    "near-copy",
    "ordinary",
    "training image",
    "held-out",
    "percentile",
    "0.0123",
    "SYNTHETIC",
    "PHANTOM",
)


def reading(name: str, p: float, nearest: str) -> dict[str, Any]:
    return {
        "name": name,
        "distance": 0.0123,
        "p": p,
        "percentile": 100 * p,
        "nearest": nearest,
        "variant": "as is",
    }


def film(image_id: str, p: float, label: str) -> dict[str, Any]:
    both = [reading(name, p, image_id) for name in ("registered-correlation", "feature-cosine")]
    told = {
        "label": label,
        "p": 2 * p,
        "n_reference": 1800,
        "smallest_p": 0.001,
        "agreeing": [],
        "detectors": both,
    }
    return {
        "image_id": image_id, "verdict": told, "ssim": 0.9, "rms": 5.0, "cosine": 0.1, "registered": 0.0123,
        "variant": "as is",
    }  # fmt: skip


def case_rows(table: Any, count: int = 7) -> list[dict[str, Any]]:
    """Cases of the four samples of set-1 and of held-out films asked as samples."""
    from lab.data.images import encode_png
    from lab.data.samples import open_sample_set
    from lab.runs.artifacts import write_artifact

    train = table[table["split"] == "train"]["image_id"].tolist()
    held_out = table[table["split"] == "held-out"]["image_id"].tolist()
    images = open_sample_set("set-1")
    rows = []
    for at in range(count):
        caught = at >= len(images.ids())
        png = encode_png(np.full((48, 48), 10 * at, np.uint8))
        name, digest = (held_out[at], "d" * 64) if caught else (images.ids()[at], images.digests()[at])
        rows.append({
            "code": case_code(digest + str(at), train[at], held_out[0]), "image_id": name,
            "source": "held-out" if caught else "sample", "digest": digest,
            "shown": write_artifact(png, ".png") if caught else "", "identical": False, "off_map": False,
            "training": film(train[at], 0.0006, "near-copy"), "control": film(held_out[0], 0.4, "ordinary"),
        })  # fmt: skip
    return rows


@pytest.fixture
def laid(loaded, builders) -> list[dict[str, Any]]:
    """The cases of set-1 laid out, and reference distances measured."""
    from lab.runs.artifacts import write_artifact
    from lab.runs.case_requests import cases_run, evidence_run

    rows = case_rows(loaded["table"])
    told = {"samples": "set-1", "dataset": "films", "n_train": 24, "n_control": 6, "cases": rows}
    builders.finish(cases_run("set-1", "films"), told)
    measures = {}
    for name in ("ssim", "rms"):
        stream = io.BytesIO()
        np.save(stream, np.linspace(0.2, 60.0, 200))
        measures[name] = write_artifact(stream.getvalue(), ".npy")
    share = {"hits": 70, "n": 100, "low": 0.6, "high": 0.78, "value": 0.7}
    result = {
        "dataset": "films",
        "n": 200,
        "n_patients": 12,
        "n_train": 24,
        "n_held_out": 8,
        "measures": measures,
    }
    builders.finish(evidence_run("films"), result | {"lean": {"registered-correlation": share}})
    return rows


@pytest.fixture
def open_case(visit, monkeypatch):
    """Open the page on the case, as one reader."""

    def opened(**asked: str) -> Any:
        app = visit("home", **({QueryKey.READER: READER} | asked))
        app.session_state[Key.LEVEL] = "The case"
        app.switch_page("../../pages/leakage.py").run()
        assert not app.exception, app.exception
        return app

    return opened


def text(app: Any) -> str:
    parts = [str(one.value) for kind in ("markdown", "caption", "error", "warning") for one in app.get(kind)]
    parts += [str(one.proto.body) for one in app.get("html")]
    return "\n".join(parts)


def sent(app: Any) -> str:
    """Everything that goes to the browser for the viewer."""
    return "\n".join(str(one.proto) for one in app.get("bidi_component")).replace("\\", "")


def press(app: Any, row: dict[str, Any], side: str, step: int) -> Any:
    wanted = f".{row['code']}.{side}.{step}."
    next(button for button in app.button if button.key and wanted in button.key).click().run()
    assert not app.exception, app.exception
    return app


def go_on(app: Any, row: dict[str, Any]) -> Any:
    app.button(key=f"{Key.CASE_GO}.{row['code']}.on").click().run()
    assert not app.exception, app.exception
    return app


def judge(app: Any, row: dict[str, Any], a: int, b: int) -> Any:
    for side, step in (("A", a), ("B", b)):
        press(app, row, side, step)
        go_on(app, row)
    return app


# ---------------------------------------------------------------- blinded
@pytest.mark.row("C13")
def test_before_the_verdict_the_page_tells_nothing(open_case, laid) -> None:
    app = open_case()
    row = laid[0]
    told = text(app) + sent(app)
    own = [row["image_id"], row["training"]["image_id"], row["control"]["image_id"], "Large right"]
    assert "Case **1 of 7**" in told and "**Candidate A**" in told
    for word in [*TELLING, *own]:
        assert word not in told, word
    assert sent(app).count('"width": 48') == 3 and not app.get("plotly_chart")
    assert "evidence" not in told and not [one for one in app.button if one.label == "Next case"]


def test_one_answer_opens_nothing_and_the_second_opens_all(open_case, laid) -> None:
    app, row = open_case(), laid[0]
    assert app.button(key=f"{Key.CASE_GO}.{row['code']}.on").disabled
    go_on(press(app, row, "A", 5), row)
    assert "Is candidate B the same" in text(app) and verdicts.of_set("set-1") == []
    assert not any(word in text(app) + sent(app) for word in TELLING)
    go_on(press(app, row, "B", 2), row)
    (kept,) = verdicts.of_set("set-1")
    left = training_first(row["code"], READER)
    assert (kept.training, kept.control) == ((5, 2) if left else (2, 5)) and kept.reader == READER
    assert kept.first == ("training" if left else "control") and kept.source == "sample"
    told = text(app)
    assert "Near-copy by 2 of 2 detectors" in told and "No near-copy found by these 2" not in told
    assert "no near-copy found by these 2 detectors at this sensitivity" in told, (
        "the control in the same words"
    )
    assert "closer than 99.9 % of real training images are to any other patient’s (n = 1,800)" in told
    assert sent(app).count('"width": 48') == 4 and "Canary" not in told.split("How good")[0]


def test_an_answer_can_be_changed_before_the_reveal(open_case, laid) -> None:
    app, row = open_case(), laid[0]
    press(press(app, row, "A", 5), row, "B", 4)
    press(app, row, "A", 1)
    assert STEPS[0].lower() in text(app) and "Is candidate A the same" in text(app)
    go_on(app, row)
    (kept,) = verdicts.of_set("set-1")
    assert sorted((kept.training, kept.control)) == [1, 4]


def test_a_key_typed_ahead_changes_no_other_candidate(open_case, laid) -> None:
    from lab.ui import leakage_case_reading as reading_

    state = {Key.CASE_STEPS: {"A": 4}, Key.CASE_ACTIVE: "B"}
    code = laid[0]["code"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_.st, "session_state", state)
        reading_._choose(code, "A", 2, True)  # pressed while A was still asked about
        assert state[Key.CASE_STEPS] == {"A": 4} and state[Key.CASE_ACTIVE] == "B"
        reading_._choose(code, "A", 2, False)  # a click on A's own button
        assert state[Key.CASE_STEPS] == {"A": 2} and state[Key.CASE_ACTIVE] == "A"


# ---------------------------------------------------------------- after it
def test_a_reload_goes_on_as_the_same_reader(open_case, laid) -> None:
    app = open_case()
    judge(app, laid[0], 5, 1)
    again = open_case()
    assert "Near-copy by 2 of 2 detectors; readers: " in text(again)
    other = open_case(**{QueryKey.READER: "bbbbbb"})
    assert "Near-copy" not in text(other) and "0 judged by you" in text(other)


def test_a_held_out_film_asked_as_a_sample_is_called_so(open_case, laid) -> None:
    app = open_case()
    for _ in range(4):
        app.button(key=f"{Key.CASE_GO}.step.1").click().run()
    row = laid[4]
    assert "Case **5 of 7**" in text(app) and "held-out" not in text(app) + sent(app)
    judge(app, row, 2, 2)
    assert "No generator made this sample" in text(app) and "asked as if it were a sample" in sent(app)
    assert [one.source for one in verdicts.of_set("set-1")] == ["held-out"]


def test_every_reader_is_counted_and_the_next_one_starts_blind(open_case, laid) -> None:
    row = laid[0]
    for at, reader in enumerate(("bbbbbb", "dddddd", "eeeeee")):
        verdicts.save(CaseVerdict(row["code"], reader, "set-1", "sample", 5 - at, 1, "control"))
    app = open_case()
    judge(app, row, 5, 5)
    assert "readers: 3 of 4 said the same patient" in text(app)
    assert "readers: 1 of 4 said the same patient" in text(app), "the control has its own count"
    next(one for one in app.button if one.label == "Next reader").click().run()
    assert "Near-copy" not in text(app) and app.session_state[Key.CASE_READER] != READER


def test_the_summary_opens_after_five_cases_with_interval_chance_and_control(open_case, laid) -> None:
    app = open_case()
    for at, row in enumerate(laid[:5]):
        left = training_first(row["code"], READER)
        judge(app, row, *((5, 1) if left else (1, 5)))
        told = text(app)
        assert ("Did you tell training images" in told) == (at == 4)
        if at < 4:
            app.session_state[Key.CASE_REVEALED] = {"code": row["code"], "since": 0.0}
            app.button(key=f"{Key.CASE_GO}.next.{row['code']}").click().run()
    assert (
        "You, samples: **4 of 4** preferred the training image (100 %, 95 % interval 51 % to 100 %; chance 50 %)"
        in told
    )
    assert "held-out images asked as samples (control): **1 of 1**" in told
    assert "70 % by registered correlation (60 % to 78 %, n = 100)" in told
    assert "24 training images to be near to and 6 controls" in told


def test_who_looked_is_listed_without_names_of_films(open_case, laid, workspace) -> None:
    app = open_case()
    judge(app, laid[0], 5, 1)
    app.run()
    found = access_log.entries()
    assert [one.action for one in found] == ["revealed", "verdict", "opened"]
    assert {one.cases for one in found} == {(laid[0]["code"],)} and {one.user for one in found} == {"local"}
    kept = (workspace / "leakage" / "access.jsonl").read_text()
    assert laid[0]["image_id"] not in kept and "effusion" not in kept
    assert any("Cases" in one.value.columns for one in app.dataframe)


def test_another_level_opens_a_sample_here(open_case, laid) -> None:
    app = open_case()
    app.session_state[Key.CASE_SET], app.session_state[Key.CASE_SAMPLE] = "set-1", laid[2]["image_id"]
    app.run()
    assert not app.exception and "Case **3 of 7**" in text(app)


def test_a_sample_that_is_no_case_yet_is_laid_out_alone(open_case, laid, builders, loaded) -> None:
    from lab.data.samples import open_sample_set
    from lab.runs.case_requests import cases_run
    from lab.runs.store import RunStore

    name = open_sample_set("set-1").ids()[3]
    fewer = [row for row in laid if row["image_id"] != name]
    told = {"samples": "set-1", "dataset": "films", "n_train": 24, "n_control": 6}
    run = RunStore.open().find_done(cases_run("set-1", "films").digest)
    single = next(row for row in laid if row["image_id"] == name)
    builders.finish(cases_run("set-1", "films", only=name), told | {"cases": [single]})
    cases, row = _asked(fewer, name, run)
    assert row["image_id"] == name and [one["code"] for one in cases.rows] == [
        single["code"],
        *(one["code"] for one in fewer),
    ]


def _asked(rows: list[dict[str, Any]], name: str, run: Any) -> Any:
    """The case of a sample that is none of the rows."""
    from lab.data.samples import open_sample_set
    from lab.ui import leakage_case
    from lab.ui.leakage_case_set import Cases

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage_case.st, "session_state", {Key.CASE_SAMPLE: name})
        return leakage_case._asked_for(
            Cases("set-1", "films", rows, 24, 6, run), open_sample_set("set-1").card
        )


# ---------------------------------------------------------------- other states
def test_without_a_set_one_button_asks_for_samples(open_case, dataset, workspace) -> None:
    app = open_case()
    assert "There is no set to judge yet" in text(app)


def test_in_public_only_sets_that_may_be_shown_are_offered(open_case, laid, monkeypatch) -> None:
    from lab.ui import leakage_case_set

    monkeypatch.setenv("LAB_PUBLIC", "1")
    monkeypatch.setattr(leakage_case_set, "may_be_public", lambda dataset: False)
    app = open_case()
    assert "1 set is not offered in public" in text(app) and not app.get("bidi_component")


def test_a_failed_run_is_told_and_not_repeated(open_case, loaded) -> None:
    from lab.runs.case_requests import cases_run
    from lab.runs.store import RunStore

    fail(cases_run("set-1", "films"), "The detectors are away; nothing was judged; start again.")
    app = open_case()
    assert "The detectors are away" in text(app).replace("\\", "")
    assert [one.state for one in RunStore.open().list(kinds=("cases",))] == ["failed"]


def test_the_measures_wait_for_their_reference(open_case, laid, loaded, builders, monkeypatch) -> None:
    from lab.ui import leakage_case_set

    monkeypatch.setattr(leakage_case_set, "evidence_run", lambda dataset: _other_evidence(dataset))
    app = open_case()
    judge(app, laid[0], 5, 1)
    assert "– not compared yet" in text(app) and "get their percentiles when" in text(app)
    assert "Near-copy by 2 of 2 detectors" in text(app), "the detectors have theirs already"


def _other_evidence(dataset: str) -> Any:
    from lab.runs.case_requests import evidence_run

    return evidence_run(dataset, 250)


# ---------------------------------------------------------------- parts
@pytest.mark.parametrize("region", REGIONS)
def test_a_place_is_the_same_share_of_any_film(region) -> None:
    large, small = np.arange(256 * 200).reshape(256, 200), np.zeros((64, 50, 3), np.uint8)
    one, two = region_of(large, region), region_of(small, region)
    assert one.shape[0] / 256 == pytest.approx(two.shape[0] / 64, abs=0.03)
    assert one.shape[1] / 200 == pytest.approx(two.shape[1] / 50, abs=0.03)
    top, _, left, _ = REGIONS[region]
    assert one[0, 0] == round(top * 256) * 200 + round(left * 200) and two.ndim == 3


def test_a_summary_without_a_preference_says_so() -> None:
    assert in_words(verdicts.told_apart([])) == "no reading preferred one of both."
    even = [CaseVerdict("0" * 12, READER, "s", "sample", 3, 3, "control")]
    assert in_words(verdicts.told_apart(even)) == "no reading preferred one of both; 1 of 1 rated both alike."
