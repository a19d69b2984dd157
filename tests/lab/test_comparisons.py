"""Samples come at once; their verdicts follow when the training images were read and calibrated."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from lab.neighbours import calibrate
from lab.runs.comparisons import judged, steps_to_verdict, unjudged
from lab.runs.inline import run_inline
from lab.runs.records import Run
from lab.runs.store import RunStore
from tests.builders.memory_set import CoarsePixels, blobs
from tests.builders.toy_pipeline import build_toy_pipeline, toy_card_json

FILMS = 90


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_toy_pipeline(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture
def place(workspace: Path, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A generator whose training films are here, more than a prompt may wait for, and nothing was read of them."""
    import lab.features.extractors
    from lab.data.images import encode_png
    from lab.data.store import add_folder

    monkeypatch.setenv("LAB_THREADS", "1")
    extractor = CoarsePixels()
    monkeypatch.setattr(lab.features.extractors, "get_extractor", lambda name: extractor)
    # Planted copies are another test's business: a few will do.
    monkeypatch.setattr(calibrate, "CANARIES", 6)
    monkeypatch.setattr(calibrate, "calibrate", partial(calibrate.calibrate, canaries=6))
    (tmp_path / "films").mkdir()
    rows = ["image,patient_id,label,caption"]
    for number, film in enumerate(blobs(31, FILMS)):
        (tmp_path / "films" / f"f{number}.png").write_bytes(encode_png(film))
        rows.append(f"f{number}.png,p{number},{('effusion', 'normal')[number % 2]},")
    (tmp_path / "films" / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(tmp_path / "films", "films", licence="CC BY 4.0", title="Small films")
    (workspace / "generators").mkdir(parents=True)
    card = {**toy_card_json(pipeline, "toy-cxr"), "training_dataset": "films", "phantom_trained": False}
    (workspace / "generators" / "toy-cxr.json").write_text(json.dumps(card), "utf-8")
    return workspace


def generated(prompt: str = "small left pleural effusion", count: int = 3) -> Run:
    from lab.generators.request import GenerationRequest
    from lab.runs.requests import generate_run

    return run_inline(
        generate_run(GenerationRequest("toy-cxr", prompt, tuple(range(count)), 2, 2.0, 32), "films")
    )


def put_through(run: Run) -> list[str]:
    """Run everything up to the verdicts in the order it is named; returns the kinds."""
    specs = steps_to_verdict(run)
    for spec in specs:
        done = run_inline(spec)
        assert done.state == "done", done.error
    return [spec.kind for spec in specs]


def test_samples_do_not_wait_for_the_features_of_a_whole_dataset(place: Path) -> None:
    run = generated()
    assert run.state == "done" and run.result is not None, run.error
    for sample in run.result["samples"]:
        assert sample["verdict"] is None and sample["neighbours"] == [] and sample["map"] is None
        assert sample["artifact"] and sample["checks"]["repeat"]["found"] is None, (
            "what needs no dataset is told at once"
        )
    assert {name: len(found) for name, found in unjudged(run).items()} == {"films": 3}

    assert put_through(run) == ["embed", "calibrate", "compare"]
    (late,) = judged([run])
    assert late.result is not None and unjudged(late) == {}
    for before, after in zip(run.result["samples"], late.result["samples"], strict=True):
        assert after["verdict"]["n_reference"] > 30 and len(after["neighbours"]) == 5 and after["held_out"]
        assert (after["artifact"], after["seed"], after["checks"]) == (
            before["artifact"], before["seed"], before["checks"]
        )  # fmt: skip
    assert judged([late]) == [late]


def test_a_later_verdict_is_that_of_a_run_after_calibration(place: Path) -> None:
    run = generated()
    put_through(run)
    late, again = judged([run])[0].result, generated().result
    assert late is not None and again is not None and again["sample_set"] != late["sample_set"]
    for one, two in zip(late["samples"], again["samples"], strict=True):
        assert one["digest"] == two["digest"] and one["verdict"] == two["verdict"] is not None
        assert one["neighbours"] == two["neighbours"] and one["alignment"] == two["alignment"]
    assert put_through(generated("normal")) == [], "once calibrated, the run itself gives the answer"


def test_the_cells_of_a_grid_get_their_verdicts_later_too(place: Path) -> None:
    from lab.generators.request import GenerationRequest
    from lab.runs.grid_axes import axis
    from lab.runs.grid_cells import Grid
    from lab.runs.grid_requests import grid_run

    base = GenerationRequest("toy-cxr", "small left pleural effusion", (4,), 2, 2.0, 32)
    run = run_inline(grid_run(Grid(base, axis("seed", [4, 5]), axis("word", ["left", "right"], "left"))))
    assert run.state == "done" and len(unjudged(run)["films"]) == 4
    assert put_through(run)[-1] == "compare"
    assert unjudged(judged([run])[0]) == {}


def test_a_comparison_before_the_calibration_says_what_to_do(place: Path) -> None:
    run = generated()
    failed = run_inline(steps_to_verdict(run)[-1])
    assert failed.state == "failed" and "not calibrated" in (failed.error or "")
    assert "samples are kept" in (failed.error or "") and judged([run]) == [run]


def test_samples_whose_training_images_are_not_here_wait_for_nothing(place: Path) -> None:
    from lab.generators.request import GenerationRequest
    from lab.runs.requests import generate_run

    request = GenerationRequest("toy-cxr", "normal", (1,), 2, 2.0, 32)
    run = run_inline(generate_run(request, None))
    assert unjudged(run) == {} and steps_to_verdict(run) == [] and judged([run]) == [run]
    assert RunStore.open().list(kinds=("compare",)) == []
