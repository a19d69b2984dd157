"""The quality gate from end to end: the embedded generator, probes fitted on phantoms, real features."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.quality_gate.gate import seed_of


@pytest.mark.slow
@pytest.mark.row("R15")
def test_the_embedded_generator_behind_a_gate_of_probes(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.generators.cards import get_card
    from lab.generators.request import request_for
    from lab.runs.artifacts import read_artifact
    from lab.runs.inline import run_inline
    from lab.runs.requests import generate_run, phantom_run

    monkeypatch.setenv("LAB_THREADS", "1")
    made = run_inline(phantom_run(patients=120, films=2))
    assert made.state == "done", made.error
    request = request_for(
        get_card("phantom-cxr"), "Elderly woman. Large right pleural effusion.", 2, 11, steps=6
    )
    rules = [{"subject": "sex", "way": "equal"}, {"subject": "finding", "way": "present", "limit": 0.2}]
    run = run_inline(generate_run(request, "phantom-cxr", gate={"rules": rules, "retries": 1}))
    assert run.state == "done" and run.result is not None, run.error
    told, samples = run.result["gate"], run.result["samples"]
    assert told["wanted"] == {"sex": "female", "finding": "effusion"}
    assert all("held-out images; a blind guess" in one["held_out"] for one in told["readers"])
    assert told["made"] == len(told["log"]) and told["made"] - 2 == told["retried"]
    for one in told["log"]:
        assert one["seed"] == seed_of(11 + one["place"], one["attempt"])
        applied = [rule["passed"] for rule in one["outcomes"] if rule["passed"] is not None]
        assert one["passed"] is (all(applied) if applied else None)
        assert read_artifact(one["artifact"], ".png")
    again = {one["place"] for one in told["log"] if one["attempt"] == 1}
    assert again == {one["place"] for one in told["log"] if one["attempt"] == 0 and one["passed"] is False}
    assert [one["checks"]["blank"] for one in samples] == ["", ""] and run.result["siblings"]["pairs"] == 1
    assert all(one["neighbours"] for one in samples), "the answer of a gated run is whole"
