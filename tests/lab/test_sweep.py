"""Sweeps of sampling settings: many groups from one launch, queued as ordinary runs, collected from the store."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lab.config import settings
from lab.errors import InputError, NotFoundError
from lab.generators.request import GenerationRequest
from lab.metrics.result import MetricResult
from lab.runs.requests import generate_run
from lab.runs.store import RunStore
from lab.runs.sweep_requests import short_names, sweep
from lab.runs.sweeps import get_sweep, groups_of, launch, list_sweeps, measure_ready, results_of
from tests.builders.memory_set import blobs
from tests.builders.runs import fail, finish
from tests.builders.toy_pipeline import toy_card_json

PROMPTS = ("small left effusion", "normal")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the names of a pipeline and few weights: nothing is generated here."""
    from safetensors.numpy import save_file

    folder = tmp_path_factory.mktemp("toy") / "model"
    (folder / "unet").mkdir(parents=True)
    index = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}
    (folder / "model_index.json").write_text(json.dumps(index), "utf-8")
    save_file(
        {"weight": np.ones(3, np.float32)}, str(folder / "unet" / "diffusion_pytorch_model.safetensors")
    )
    return folder


@pytest.fixture
def store(workspace: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """A store, two checkpoints as generators, and a real side that is a sample set."""
    from lab.runs import metric_requests

    (workspace / "generators").mkdir(parents=True)
    for name in ("step-1000", "step-2000"):
        (workspace / "generators" / f"{name}.json").write_text(
            json.dumps(toy_card_json(model, name)), "utf-8"
        )
    monkeypatch.setattr(metric_requests, "dataset_digest", lambda _: "d" * 64)
    _samples("films", 0)
    return RunStore.open(settings())


def _samples(name: str, seed: int) -> None:
    from lab.data.samples import NewSample, SampleSetWriter

    writer = SampleSetWriter(name, "step-1000")
    writer.append(
        NewSample(at, film, {"seed": at}, "normal") for at, film in enumerate(blobs(seed, 3, side=16))
    )
    writer.finalise()


def _asked(**changes):
    return sweep(
        **{
            "generators": ["step-1000", "step-2000"], "prompts": PROMPTS, "samples": 70, "real": "films",
            "metrics": ["recall", "closer-to-training"], "steps": (2, 4), "guidances": (1.0, 2.0), **changes,
        }
    )  # fmt: skip


@pytest.mark.row("XI-08")
def test_one_launch_queues_eight_groups_that_differ_by_their_setting_alone(store: RunStore) -> None:
    asked = _asked()
    groups = launch(asked, store)
    assert len(groups) == 8 and len({one.setting.name for one in groups}) == 8
    runs = [run for group in groups for run in group.generations]
    assert len(runs) == 8 * 2 * 2 and all(run is not None and run.state == "queued" for run in runs)
    assert len({run.id for run in runs}) == 32, "two prompts, and 70 samples are 64 and 6"
    told = [run.spec.settings for run in groups[0].generations]
    other = [run.spec.settings for run in groups[-1].generations]
    request = GenerationRequest("step-2000", PROMPTS[1], tuple(range(64, 70)), 4, 2.0, 32)
    assert generate_run(request, None).digest == groups[-1].generations[3].digest, "the ordinary run"
    for one, two in zip(told, other, strict=True):
        assert one["seeds"] == two["seeds"] and one["prompt"] == two["prompt"]
        assert (one["generator"], one["steps"], one["guidance"]) == ("step-1000", 2, 1.0)
        assert (two["generator"], two["steps"], two["guidance"]) == ("step-2000", 4, 2.0)
    assert [len(one["seeds"]) for one in told] == [64, 6, 64, 6] and told[1]["seeds"][0] == 64
    launch(asked, store)
    assert len(store.list(kinds=("generate",), limit=1000)) == 32, "asking again queues nothing twice"


@pytest.mark.row("XI-08")
def test_groups_are_measured_as_their_samples_come_and_their_results_are_collected(store: RunStore) -> None:
    asked = _asked(samples=3, prompts=("normal",), generators=["step-1000"], guidances=(1.0, 2.0, 3.0))
    groups = launch(asked, store)
    assert len(groups) == 6 and all(group.evaluation is None for group in groups)
    for number, group in enumerate(groups[:5]):
        (run,) = group.generations
        _samples(f"set-{number}", 10 + number)
        finish(run, {"sample_set": f"set-{number}"})
    groups = launch(asked, store)
    measured = [group for group in groups if group.evaluation]
    assert len(measured) == 5 and groups[5].samples == "" and groups[5].evaluation is None
    assert measured[2].evaluation.spec.settings["synthetic"] == "set-2" == measured[2].samples
    for number, group in enumerate(measured):
        record = MetricResult(
            "recall", "Recall", number / 10, None, None, 3, 3, 0, 4, "toy", "train", "all", 0
        ).to_json()
        finish(group.evaluation, {"results": [record]})
    found = results_of(groups_of(asked, store))
    assert [results[0].value for results in found.values()] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert list(found)[1] == "step-1000, 2 steps, guidance 2"
    from lab.analysis.goals import values_of

    assert len(values_of(found)["recall"]) == 5


def test_a_sweep_is_kept_under_an_id_and_damaged_ones_are_left_out(store: RunStore) -> None:
    asked = _asked(samples=2)
    launch(asked, store)
    assert get_sweep(asked.id) == asked and list_sweeps() == [asked] and _asked(samples=2).id == asked.id
    (settings().workspace / "sweeps" / "0000000000000000.json").write_text("{", "utf-8")
    assert list_sweeps() == [asked]
    for name in ("0000000000000000", "../secrets", "nothing"):
        with pytest.raises(NotFoundError):
            get_sweep(name)


def test_impossible_sweeps_are_refused_before_anything_is_queued(store: RunStore) -> None:
    for changes in ({"prompts": ()}, {"samples": 0}, {"steps": range(1, 40)}, {"guidances": (99.0,)}, {"metrics": ()},
                    {"samples": 64 * 64}):  # fmt: skip
        with pytest.raises(InputError):
            _asked(**changes)
    with pytest.raises(NotFoundError):
        _asked(generators=["nobody"])
    assert store.list() == []


def test_the_command_queues_and_tells(store: RunStore, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    from lab.commands import sweep as command
    from lab.commands.main import run

    monkeypatch.setattr(command, "ensure_worker", lambda: "running")
    words = [
        "sweep",
        "--generators",
        "step-1000",
        "--prompt",
        "normal",
        "--real",
        "films",
        "--metrics",
        "recall",
    ]
    with pytest.raises(SystemExit) as ended:
        run([*words, "--steps", "2,3,4", "--guidance", "1,2", "-n", "2", "--queue-only", "--json"])
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["groups"]) == 6 and len(store.list(kinds=("generate",), limit=1000)) == 6
    with pytest.raises(SystemExit) as ended:
        run([*words, "--steps", "two"])
    assert ended.value.code == 1 and "no number" in capsys.readouterr().err


@pytest.mark.row("XI-08")
def test_a_number_of_the_generators_own_is_swept_over_seven_groups(store: RunStore, workspace: Path) -> None:
    file = workspace / "generators" / "step-1000.json"
    knob = {"name": "psi", "title": "Truncation psi", "low": 0.0, "high": 1.0, "default": 0.8}
    card = {**json.loads(file.read_text()), "family": "GAN", "conditioning": "class", "knobs": [knob]}
    file.write_text(json.dumps(card | {"classes": ["nevus", "melanoma"]}), "utf-8")
    asked = _asked(
        generators=["step-1000"], prompts=(), samples=3, steps=(), guidances=(), classes=["melanoma"],
        numbers={"psi": [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]},
    )  # fmt: skip
    groups = launch(asked, store)
    assert len(groups) == 7 and asked.prompts == ("",)
    told = [group.generations[0].spec.settings["condition"] for group in groups]
    assert [one["numbers"]["psi"] for one in told] == [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert {one["label"] for one in told} == {"melanoma"}
    assert short_names(asked.settings) == [f"psi {value:g}" for value in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)]
    assert get_sweep(asked.id) == asked, "numbers come back as they were"
    with pytest.raises(InputError, match="must be a number from 0 to 1"):
        _asked(generators=["step-1000"], prompts=(), numbers={"psi": [1.5]})
    with pytest.raises(InputError, match="no setting"):
        _asked(generators=["step-2000"], numbers={"psi": [0.5]})


def test_settings_are_named_by_what_differs(store: RunStore) -> None:
    names = short_names(_asked(guidances=(1.0,)).settings)
    assert names == ["step-1000, 2 steps", "step-1000, 4 steps", "step-2000, 2 steps", "step-2000, 4 steps"]
    assert short_names(_asked(generators=["step-1000"], steps=(2,), guidances=(1.0,)).settings) == [
        "step-1000"
    ]


@pytest.mark.row("XI-08")
def test_measuring_queues_only_what_is_ready_and_nothing_that_failed(store: RunStore) -> None:
    asked = _asked(samples=3, prompts=("normal",), generators=["step-1000"], guidances=(1.0, 2.0, 3.0))
    groups = launch(asked, store)
    first, second = (group.generations[0] for group in groups[:2])
    _samples("ready", 3)
    finish(first, {"sample_set": "ready"})
    fail(second, "It did not work.")
    groups = measure_ready(asked, store)
    assert [group.evaluation is not None for group in groups] == [True] + [False] * 5
    assert groups[1].generations[0].state == "failed"
    before = len(store.list(limit=100))
    measure_ready(asked, store)
    assert len(store.list(limit=100)) == before, "looking again queues nothing"
    launch(asked, store)
    assert groups_of(asked, store)[1].generations[0].state == "queued", "asking again does"


def test_groups_are_measured_by_the_sweeps_own_run_without_any_page(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.runs.inline import run_inline
    from lab.runs.kinds import sweep as kind

    asked = _asked(guidances=(1.0,), samples=2)
    groups = launch(asked, store)
    (follower,) = store.list(kinds=("sweep",))
    launch(asked, store)
    assert [run.id for run in store.list(kinds=("sweep",))] == [follower.id], "one follows a sweep at a time"
    waiting = [run for group in groups for run in group.generations if run is not None]

    def another_is_made(_: float) -> None:
        assert len(store.list(kinds=("evaluate",))) == (len(groups) * 2 - len(waiting)) // 2
        run = waiting.pop(0)
        if not waiting:
            store.cancel(run.id)
            return
        _samples(f"made-{len(waiting)}", len(waiting))
        finish(run, {"sample_set": f"made-{len(waiting)}"})

    monkeypatch.setattr(kind.time, "sleep", another_is_made)
    done = run_inline(follower.spec)
    assert done.state == "done" and done.result is not None, done.error
    measured = [group for group in groups_of(asked, store) if group.evaluation is not None]
    assert len(measured) == len(groups) - 1 == len(done.result["evaluations"]), (
        "a stopped group is not measured"
    )
    assert all(group.evaluation and group.evaluation.state == "queued" for group in measured)

    launch(asked, store)
    again = store.list(kinds=("sweep",))[0]
    assert again.id != follower.id and again.state == "queued", (
        "what was stopped is made anew, and followed anew"
    )
