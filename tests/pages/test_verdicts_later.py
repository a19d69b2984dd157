"""Samples while their verdicts are still to come: what they wait for, and the verdicts when they are there."""

from __future__ import annotations

import json

from lab.runs.store import RunStore
from lab.ui.state import PromptKey as Key
from tests.builders.runs import claimed
from tests.pages.test_prompt_studio import (  # noqa: F401  (fixtures among them)
    RECIPE,
    _weights,
    at,
    png,
    said,
    small,
    spec,
)


def waiting_run(builders, dataset):
    """A generation whose samples were made before anything was known of its training images."""
    from lab.data.store import open_dataset

    result = builders.generation_result(open_dataset(dataset).rows())
    for sample in result["samples"]:
        sample |= {"verdict": None, "neighbours": [], "held_out": None, "map": None}
    return builders.finish(builders.generation_spec(dataset), result)


def compared(builders, run):
    """What a comparison of that run found: the first sample is a near-copy."""
    from lab.runs.comparisons import compare_runs

    (spec,) = compare_runs(run)
    verdict = {"label": "near-copy", "p": 0.004, "n_reference": 300, "detectors": []}
    names = [sample["image_id"] for sample in run.result["samples"]]
    builders.finish(spec, {"samples": "set-1", "found": {name: {"verdict": verdict} for name in names}})


def steps():
    return [
        (run.kind, run.state)
        for run in RunStore.open().list()
        if run.kind in ("embed", "calibrate", "compare")
    ][::-1]


def test_samples_are_shown_while_their_verdicts_are_still_to_come(small, dataset, builders):  # noqa: F811
    run = waiting_run(builders, dataset)
    app = small(run=run.id)
    assert not app.exception and "4 samples are not compared with the training images yet" in said(app)
    assert "not calibrated on films" in said(app) and "No verdict yet" in said(app)
    assert len(app.get("bidi_component")) and steps() == [], "looking at a run of before begins nothing"
    app.button(key=f"verdicts.{run.id}").click().run()
    assert steps() == [("embed", "queued"), ("calibrate", "queued"), ("compare", "queued")]
    assert "Step 1 of 3: reading the training images" in said(app)
    assert "Step 1 of 3" in said(small(run=run.id)), "another session follows the same runs"
    app.run()
    assert len(steps()) == 3, "nothing is asked twice"


def test_a_verdict_that_came_later_is_shown_everywhere(small, dataset, builders, visit):  # noqa: F811
    run = waiting_run(builders, dataset)
    compared(builders, run)
    app = small(run=run.id)
    assert not app.exception and "not compared" not in said(app)
    assert "near-copy" in said(app) and "p = 0.0040, n = 300" in said(app)
    assert "near-copy" in said(at(app, "History"))


def test_what_a_person_just_made_is_compared_without_being_asked(small, dataset, builders, monkeypatch):  # noqa: F811
    run = waiting_run(builders, dataset)
    app = small()
    app.text_area(key=Key.TEXT).set_value("Large right pleural effusion.").run()
    import lab.ui.recall

    monkeypatch.setattr(lab.ui.recall, "generate_run", lambda *args, **kwargs: run.spec)
    app.button(key=Key.SUBMIT).click().run()
    assert not app.exception and "Step 1 of 3" in said(app) and len(steps()) == 3


def test_finished_samples_are_shown_while_the_others_are_made(small, dataset, builders):  # noqa: F811
    from lab.runs.artifacts import Artifacts, write_artifact
    from lab.runs.finished_parts import finished_samples
    from lab.ui.sample_grid import PAGE

    pending = RunStore.open().submit(spec("Nodule."))
    claim = claimed(pending)
    assert finished_samples(pending) == []
    made = [
        {"artifact": write_artifact(png({**RECIPE, "seed": seed}), ".png"), "recipe": {"seed": seed}}
        for seed in (7, 8, 9, 10)
    ]
    from lab.config import settings

    parts = Artifacts(settings().workspace / "parts" / pending.digest)
    RunStore.open().record_part(claim.token, "micro-batch-0", parts.write(json.dumps(made).encode()))
    assert [one["seed"] for one in finished_samples(pending)] == [7, 8, 9, 10] and PAGE >= 4
    app = small(run=pending.id)
    drawn = "\n".join(str(one.proto) for one in app.get("bidi_component"))
    assert not app.exception and "4. seed 10" in drawn and "not finished yet" not in drawn
