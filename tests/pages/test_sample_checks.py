"""What was seen of a sample, and the quality gate, on the prompt page."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from lab.runs.store import RunStore
from lab.ui.sample_checks import film_mark, outcome_words
from lab.ui.state import GateKey
from lab.ui.state import PromptKey as Key

LEVELS = {"mean": 3.0, "contrast": 1.0, "white": 0.0, "hints": ["very dark"]}
FAILED = {"subject": "sex", "wanted": "female", "seen": "male", "passed": False, "why": ""}


@pytest.fixture(autouse=True)
def _weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small generator holds no weights to digest."""
    import lab.generators.weights

    monkeypatch.setattr(lab.generators.weights, "weights_digest", lambda folder, parts=None: "0" * 64)


def checked(loaded: Any) -> dict[str, Any]:
    """The result of a run whose first sample is blank, repeats the second and did not pass the gate."""
    result = copy.deepcopy(loaded["samples"].result)
    first, second = result["samples"][:2]
    repeat = {"of": second["image_id"], "set": "", "how": "equal", "similarity": 1.0}
    first["checks"] = {
        "blank": "all black", "levels": LEVELS, "repeat": {"found": repeat, "earlier": 7},
        "siblings": {"mean": 0.93, "nearest": second["image_id"], "closest": 1.0},
    }  # fmt: skip
    first["gate"] = {"passed": False, "attempt": 1, "outcomes": [FAILED]}
    tries = [
        {
            "place": 0,
            "attempt": n,
            "artifact": first["artifact"],
            "seed": 5 + n,
            "passed": False,
            "outcomes": [FAILED],
        }
        for n in range(2)
    ]
    result["gate"] = {
        "made": 3, "passed": 1, "rejected": 2, "unpassed": 1, "retried": 1,
        "log": [*tries, {**tries[0], "place": 1, "passed": True, "outcomes": []}],
        "readers": [{"rule": "Sex as asked", "reader": "Probe on features", "held_out": "Right on 81 %."}],
    }  # fmt: skip
    return result


@pytest.mark.row("R5", "R6", "R15")
def test_badges_and_rejected_samples_are_in_sight(
    visit: Any, dataset: Any, generator: Any, builders: Any, loaded: Any
) -> None:
    run = builders.finish(builders.generation_spec(dataset, "a checked prompt"), checked(loaded))
    app = visit("prompt", run=run.id)
    assert not app.exception
    told = " ".join(element.value for element in app.markdown)
    for words in (
        "blank: all black",
        "equal to sample 2",
        "very dark",
        "alike 0.93",
        "did not pass the gate",
    ):
        assert words in told, words
    assert any("1 of 2 samples pass; 3 were made, 2 rejected" in one.label for one in app.expander)
    captions = [element.value.replace("\\", "") for element in app.caption]
    assert any("SYNTHETIC · sample 1, try 2, seed 6. Sex asked female, seen male." in one for one in captions)


def test_samples_without_checks_have_no_badges() -> None:
    assert film_mark({}) == "" and film_mark({"checks": {"blank": "", "repeat": {"found": None}}}) == ""
    marked = {
        "checks": {"blank": "all black", "repeat": {"found": {"how": "equal"}}},
        "gate": {"passed": False},
    }
    assert film_mark(marked) == "blank (all black), repeats another, did not pass the gate"
    again = {"checks": {"blank": "", "repeat": {"found": {"how": "same recipe"}}}}
    assert film_mark(again) == ""
    age = {"subject": "age", "wanted": 60.0, "seen": 81.2, "passed": False, "why": ""}
    assert outcome_words(age) == "Age asked 60, seen 81."
    unread = {
        "subject": "race",
        "wanted": None,
        "seen": None,
        "passed": None,
        "why": "The prompt names no race.",
    }
    assert outcome_words(unread) == "Race: not judged. The prompt names no race."


@pytest.mark.row("R15")
def test_the_form_puts_its_gate_into_the_run(visit: Any, dataset: Any, generator: Any) -> None:
    app = visit("prompt")
    app.selectbox(key=Key.GENERATOR).set_value("small").run()
    app.text_area(key=Key.TEXT).set_value("63 year old woman. Large right effusion.").run()
    app.toggle(key=GateKey.ON).set_value(True).run()
    app.selectbox(key=GateKey.PRESET).set_value("RoentGen-v2").run()
    assert any("asks for age 63, sex female" in one.value.replace("\\", "") for one in app.caption)
    app.number_input(key=GateKey.RETRIES).set_value(2).run()
    app.button(key=Key.SUBMIT).click().run()
    assert not app.exception and not app.error
    (run,) = RunStore.open().list(kinds=("generate",))
    gate = run.spec.settings["gate"]
    assert [rule["subject"] for rule in gate["rules"]] == ["age", "sex", "race"] and gate["retries"] == 2
    assert gate["rules"][0]["limit"] == 16.0
    app.toggle(key=GateKey.ON).set_value(False).run()
    app.number_input(key=Key.SEED).set_value(77).run()
    app.button(key=Key.SUBMIT).click().run()
    newest = RunStore.open().list(kinds=("generate",))
    assert [("gate" in one.spec.settings) for one in newest].count(True) == 1
