"""The quality gate: its rule table with made-up predictors, its probes, its seeds, and whole runs behind it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lab.errors import InputError
from lab.quality_gate.gate import gate_from_json, seed_of
from lab.quality_gate.predictors import PREDICTORS, offered, plugged, predictor
from lab.quality_gate.probes import Table, fit_probe
from lab.quality_gate.rules import PRESETS, Rule, judge, passes, rules_from_json
from lab.quality_gate.wanted import one_sex, wanted_by
from tests.builders.toy_pipeline import build_toy_pipeline, toy_card_json

V2 = PRESETS["RoentGen-v2"]
ASKED = {"age": 60.0, "sex": "female", "race": "asian"}


@pytest.mark.row("R15")
@pytest.mark.parametrize(
    ("seen", "passed"),
    [
        ({"age": 60.0, "sex": "female", "race": "asian"}, True),
        ({"age": 76.0, "sex": "female", "race": "asian"}, True),
        ({"age": 76.1, "sex": "female", "race": "asian"}, False),
        ({"age": 44.0, "sex": "female", "race": "asian"}, True),
        ({"age": 43.9, "sex": "female", "race": "asian"}, False),
        ({"age": 60.0, "sex": "male", "race": "asian"}, False),
        ({"age": 60.0, "sex": "female", "race": "white"}, False),
        ({"age": 60.0, "sex": "Female", "race": "Asian"}, True),
        ({"age": None, "sex": "female", "race": None}, True),
        ({}, None),
    ],
)
def test_the_rules_of_roentgen_v2(seen: dict[str, Any], passed: bool | None) -> None:
    outcomes = judge(V2, ASKED, seen, {"race": "No predictor of race is here."})
    assert [one.subject for one in outcomes] == ["age", "sex", "race"]
    assert passes(outcomes) is passed
    if not seen:
        assert outcomes[2].why == "No predictor of race is here." and outcomes[2].passed is None


@pytest.mark.row("R15")
def test_a_finding_must_be_present_and_what_is_not_asked_is_not_judged() -> None:
    rule = (Rule("finding", "present", 0.5),)
    assert passes(judge(rule, {"finding": "effusion"}, {"finding": 0.5}, {})) is True
    assert passes(judge(rule, {"finding": "effusion"}, {"finding": 0.49}, {})) is False
    (told,) = judge(rule, {}, {"finding": 0.0}, {})
    assert told.passed is None and told.why == "The prompt names no finding."


def test_prompts_say_what_is_wanted() -> None:
    labels = ["effusion", "no finding"]
    assert wanted_by("63 year old WHITE female. Small right effusion.", labels) == {
        "age": 63.0, "sex": "female", "race": "white", "finding": "effusion",
    }  # fmt: skip
    assert wanted_by("45-year-old man, no acute finding", labels) == {
        "age": 45.0, "sex": "male", "finding": "no finding",
    }  # fmt: skip
    assert wanted_by("White lung on the left. 400 years old.", labels) == {}
    assert wanted_by("A man beside a woman") == {} and wanted_by("") == {}
    assert [one_sex(text) for text in ("F", "male", "unknown", "")] == ["female", "male", "", ""]


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    "given",
    [
        {"preset": "nothing"}, {"rules": []}, {"rules": [{"subject": "age", "way": "equal"}]}, {"rules": "x"}, [],
        {"rules": [{"subject": "age", "way": "within", "limit": float("nan")}]},
        {"rules": [{"subject": "age", "way": "within", "limit": 121}]},
        {"rules": [{"subject": "finding", "way": "present", "limit": 1.5}]},
        {"rules": [{"subject": "sex", "way": "equal"}] * 2}, {"rules": [{"subject": "mood", "way": "equal"}]},
        {"preset": "Finding", "retries": -1}, {"preset": "Finding", "retries": 11},
        {"preset": "Finding", "retries": 1.5}, {"preset": "Finding", "wanted": {"age": 200}},
        {"preset": "Finding", "wanted": {"mood": "x"}}, {"preset": "Finding", "predictors": {"sex": 3}},
    ],
)  # fmt: skip
def test_a_gate_outside_its_range_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match="nothing was started"):
        gate_from_json(given)


def test_a_gate_is_kept_as_json_and_seeds_are_known_before() -> None:
    gate = gate_from_json({"preset": "RoentGen-v2", "retries": 2, "wanted": {"age": 50}})
    assert gate_from_json(json.loads(json.dumps(gate.to_json()))) == gate and gate.rules == V2
    assert rules_from_json(gate.to_json()["rules"]) == V2
    seeds = [seed_of(7, attempt) for attempt in range(11)]
    assert seeds[0] == 7 and len(set(seeds)) == 11 and seeds == [seed_of(7, a) for a in range(11)]
    assert all(0 <= seed < 2**32 for seed in seeds) and seed_of(8, 1) != seed_of(7, 1)


def table(rows: int, seed: int, tells: float) -> tuple[Table, Table, Table]:
    """Sex, age and finding that the features tell as much as `tells` says."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 3)))[0].T
    hidden = rng.normal(size=(rows, 3))
    x = (5 * np.ones(16) + tells * hidden @ axes + 0.3 * rng.normal(size=(rows, 16))).astype(np.float32)
    sexes = ["M" if value > 0 else "F" for value in hidden[:, 0]]
    ages = [f"{50 + 15 * value:.0f}" for value in hidden[:, 1].clip(-3, 3)]
    found = ["effusion" if value > 0 else "no finding" for value in hidden[:, 2]]
    return Table(x, sexes), Table(x, ages), Table(x, found)


@pytest.mark.row("R15")
def test_probes_learn_what_features_tell_and_say_how_well_on_held_out_images() -> None:
    train, held = table(400, 1, 1.0), table(200, 2, 1.0)
    sex, age, finding = (
        fit_probe(s, t, h) for s, t, h in zip(("sex", "age", "finding"), train, held, strict=True)
    )
    assert sex is not None and age is not None and finding is not None
    assert sex.tells and age.tells and finding.tells
    assert "of 200 held-out images" in sex.held_out and "years on average on 200" in age.held_out
    seen = sex.values(held[0].features, "female")
    assert np.mean([a == one_sex(b) for a, b in zip(seen, held[0].values, strict=True)]) > 0.85
    shares = finding.values(held[2].features, "effusion")
    assert all(isinstance(v, float) and 0 <= v <= 1 for v in shares)
    assert finding.values(held[2].features, "fracture") == [None] * 200
    years = [float(v) for v in age.values(held[1].features, "") if v is not None]
    assert np.abs(np.asarray(years) - np.asarray(held[1].values, dtype=float)).mean() < 8


def test_a_probe_no_better_than_a_guess_is_known_as_such() -> None:
    train, held = table(400, 1, 0.0), table(200, 2, 0.0)
    for number, subject in enumerate(("sex", "age", "finding")):
        probe = fit_probe(subject, train[number], held[number])
        assert probe is not None and not probe.tells and "blind guess" in probe.held_out
    assert fit_probe("sex", train[0], None).tells is False  # type: ignore[union-attr]
    assert fit_probe("sex", Table(train[0].features, [""] * 400), None) is None
    assert fit_probe("age", Table(train[0].features[:30], ["50"] * 30), None) is None


@pytest.fixture
def place(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with the toy generator and predictors that a plug-in brings."""
    monkeypatch.setenv("LAB_THREADS", "1")
    (workspace / "generators").mkdir(parents=True)
    card = toy_card_json(build_toy_pipeline(tmp_path / "model"), "toy-cxr")
    (workspace / "generators" / "toy-cxr.json").write_text(json.dumps(card), "utf-8")
    plug = ModuleType("toy_predictors")
    monkeypatch.setitem(sys.modules, "toy_predictors", plug)
    monkeypatch.setenv("LAB_EXTRA_PREDICTORS", "toy_predictors")
    before = dict(PREDICTORS._entries)
    monkeypatch.setattr(PREDICTORS, "_entries", before)
    return workspace


def gated(retries: int, gate: dict[str, Any], count: int = 3, prompt: str = "60 year old asian woman") -> Any:
    from lab.generators.request import GenerationRequest
    from lab.runs.inline import run_inline
    from lab.runs.requests import generate_run

    request = GenerationRequest("toy-cxr", prompt, tuple(range(10, 10 + count)), 2, 2.0, 32)
    return run_inline(generate_run(request, None, gate={**gate, "retries": retries}))


class Ages:
    """Sees age 60 in every second image it is shown, 90 in the others."""

    def __init__(self) -> None:
        self.shown = 0

    def __call__(self, images: Any, wanted: str) -> list[float]:
        assert wanted == "60.0"
        told = [60.0 if (self.shown + n) % 2 else 90.0 for n in range(len(images))]
        self.shown += len(images)
        return told


@pytest.mark.row("R15")
def test_broken_rules_are_tried_again_with_known_seeds_and_everything_is_kept(place: Path) -> None:
    predictor("toy-age", "age", "Made-up ages", held_out="Never wrong.")(Ages())
    predictor("toy-sex", "sex", "Made-up sexes")(lambda images, wanted: ["female"] * len(images))
    named = {"preset": "RoentGen-v2", "predictors": {"age": "toy-age", "sex": "toy-sex"}}
    run = gated(3, named)
    assert run.state == "done", run.error
    told, samples = run.result["gate"], run.result["samples"]
    tried = {(one["place"], one["attempt"]): one["passed"] for one in told["log"]}
    assert tried == {(0, 0): False, (1, 0): True, (2, 0): False, (0, 1): True, (2, 1): False, (2, 2): True}
    assert [one["seed"] for one in samples] == [seed_of(10, 1), 11, seed_of(12, 2)]
    assert [one["gate"]["passed"] for one in samples] == [True] * 3
    assert (told["made"], told["passed"], told["rejected"], told["retried"], told["unpassed"]) == (
        6,
        3,
        3,
        3,
        0,
    )
    assert told["pass_rate"] == 0.5 and told["first_pass_rate"] == pytest.approx(1 / 3)
    rejected = [one for one in told["log"] if not one["passed"]]
    from lab.runs.artifacts import read_artifact

    assert all(read_artifact(one["artifact"], ".png")[:4] == b"\x89PNG" for one in rejected)
    assert [o["seen"] for o in rejected[0]["outcomes"]] == [90.0, "female", None]
    readers = {one["subject"]: one["held_out"] for one in told["readers"]}
    assert readers["age"] == "Never wrong." and "not measured here" in readers["sex"]
    assert "training images" in readers["race"], "nobody reads race here, and that is said"


@pytest.mark.row("R15")
def test_the_limit_of_retries_is_kept_and_the_last_attempt_is_marked(place: Path) -> None:
    predictor("never", "sex", "Never")(lambda images, wanted: ["male"] * len(images))
    run = gated(2, {"rules": [{"subject": "sex", "way": "equal"}], "predictors": {"sex": "never"}}, count=1)
    told, (sample,) = run.result["gate"], run.result["samples"]
    assert told["made"] == 3 and told["unpassed"] == 1 and told["pass_rate"] == 0.0
    assert sample["gate"]["passed"] is False and sample["gate"]["attempt"] == 2
    assert sample["seed"] == seed_of(10, 2) and sample["recipe"]["seed"] == sample["seed"]
    assert [one["seed"] for one in told["log"]] == [10, seed_of(10, 1), seed_of(10, 2)]


def test_without_anybody_to_read_it_nothing_is_judged_and_nothing_repeated(place: Path) -> None:
    run = gated(3, {"preset": "RoentGen-v2"}, count=1)
    told, (sample,) = run.result["gate"], run.result["samples"]
    assert told["made"] == 1 and sample["gate"]["passed"] is None and told["pass_rate"] == 0.0
    assert all("training images" in one["held_out"] for one in told["readers"])


def test_plug_ins_read_what_they_say(place: Path) -> None:
    predictor("toy-sex", "sex", "S")(lambda images, wanted: ["male"])
    assert offered("sex") == ["toy-sex"] and offered("race") == []
    with pytest.raises(InputError, match="does not read the age"):
        plugged("age", "toy-sex")
    with pytest.raises(ValueError, match="reads one of"):
        predictor("x", "mood", "X")
