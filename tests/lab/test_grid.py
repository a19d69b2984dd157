"""Grids: axes, cells known before work starts, bytes equal to the same request alone, parts, cancelling, answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.config import settings
from lab.errors import InputError
from lab.generators.cards import get_card
from lab.generators.request import GenerationRequest, request_for
from lab.runs.grid_axes import axis, axis_from_json, replaced
from lab.runs.grid_cells import Grid, alike, cells, groups
from lab.runs.grid_requests import counterfactual, from_json, grid_of, grid_run, made_cells, to_json
from lab.runs.inline import run_inline
from lab.runs.requests import generate_run
from lab.runs.store import RunStore
from tests.builders.runs import claimed
from tests.builders.toy_pipeline import build_toy_pipeline, write_toy_card

PROMPT = "Small left pleural effusion."


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_toy_pipeline(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture
def base(workspace: Path, model: Path) -> GenerationRequest:
    """The shared request of a toy generator without a training dataset here."""
    for name in ("toy-cxr", "toy-two"):
        write_toy_card(model, workspace / "generators" / f"{name}.json", name)
    return request_for(get_card("toy-cxr"), PROMPT, 1, 41, steps=2)


def word_by_seed(base: GenerationRequest) -> Grid:
    return Grid(base, axis("seed", [41, 42, 43]), axis("word", ["left", "right", ""], "left"), "Sides")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"left": "right"}, "Small right pleural effusion."),
        ({"left": ""}, "Small pleural effusion."),
        ({"small": "large"}, "Large left pleural effusion."),
        ({"Small": ""}, "Left pleural effusion."),
        ({"pleural effusion": "pneumothorax"}, "Small left pneumothorax."),
        ({"effusion": ""}, "Small left pleural."),
        ({"left": "right", "small": "left"}, "Left right pleural effusion."),
    ],
)
def test_words_are_put_in_place_of_others_in_one_pass(words: dict[str, str], expected: str) -> None:
    assert replaced(PROMPT, words) == expected


def test_every_whole_occurrence_is_replaced_and_none_inside_a_word() -> None:
    assert (
        replaced("Left lung: left-sided leftover, LEFT.", {"left": "right"})
        == "Right lung: right-sided leftover, Right."
    )
    with pytest.raises(InputError, match="do not stand in the prompt"):
        replaced(PROMPT, {"eff": "x"})


def test_axes_are_checked_and_come_back_from_json() -> None:
    for kind, values, subject in (
        ("colour", ["a"], ""), ("seed", [], ""), ("seed", range(9), ""), ("seed", [1, 1], ""), ("seed", [1.5], ""),
        ("guidance", ["x"], ""), ("word", ["a"], ""), ("knob", [1.0], ""), ("guidance", [float("nan")], ""),
    ):  # fmt: skip
        with pytest.raises(InputError, match="nothing was started"):
            axis(kind, list(values), subject)
    one = axis("word", ["left", ""], "left")
    assert one.labels == ("left", "(left out)") and axis_from_json(one.to_json()) == one
    assert axis("guidance", ["1", 2.5]).labels == ("1", "2.5")


@pytest.mark.row("R9")
def test_cells_are_known_before_work_starts_and_share_their_seed(base: GenerationRequest) -> None:
    made = cells(Grid(base, axis("guidance", [1, 2, 4]), axis("word", ["left", "right"], "left")))
    assert [(one.row, one.column) for one in made] == [(r, c) for r in range(3) for c in range(2)]
    assert {one.request.seeds for one in made} == {(41,)} and {one.request.steps for one in made} == {2}
    assert [one.request.guidance for one in made] == [1, 1, 2, 2, 4, 4]
    assert [one.request.prompt for one in made[:2]] == [PROMPT, "Small right pleural effusion."]
    spec = grid_run(Grid(base, axis("guidance", [1, 2, 4]), axis("word", ["left", "right"], "left")))
    assert [from_json(one["request"]) for one in spec.settings["cells"]] == [one.request for one in made]
    assert (
        grid_of(spec).columns == axis("word", ["left", "right"], "left") and from_json(to_json(base)) == base
    )
    named = Grid(base, axis("guidance", [1, 2, 4]), axis("word", ["left", "right"], "left"), "Another name")
    assert grid_run(named).digest != spec.digest


def test_impossible_grids_are_refused_in_one_sentence(base: GenerationRequest) -> None:
    seeds = axis("seed", [1, 2])
    for grid in (
        Grid(base, None, None), Grid(base, seeds, axis("seed", [3])), Grid(base, axis("guidance", [99.0]), None),
        Grid(base, axis("steps", [0]), None), Grid(base, axis("class", ["nevus"]), None),
        Grid(base, axis("knob", [0.5], "psi"), None), Grid(base, seeds, axis("steps", [1, 2]), "", "counterfactual"),
        Grid(base, axis("mask", ["!"]), None),
    ):  # fmt: skip
        with pytest.raises(InputError, match="nothing was started"):
            cells(grid)


def test_another_generator_keeps_what_was_chosen_and_takes_its_own_defaults(
    base: GenerationRequest, workspace: Path
) -> None:
    file = workspace / "generators" / "toy-two.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "guidance": 5.0, "steps": 7}), "utf-8")
    one, two = (cell.request for cell in cells(Grid(base, None, axis("generator", ["toy-cxr", "toy-two"]))))
    assert (one.guidance, two.guidance) == (2.0, 5.0), "left at its default: the other one's own"
    assert (one.steps, two.steps) == (2, 2), "chosen: stays"


def test_groups_hold_what_a_micro_batch_has_once_only(base: GenerationRequest) -> None:
    words = [cell.request for cell in cells(word_by_seed(base))]
    assert groups(words) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    scales = [cell.request for cell in cells(Grid(base, axis("seed", [1, 2]), axis("guidance", [1, 2, 3])))]
    assert groups(scales) == [[0, 3], [1, 4], [2, 5]]
    makers = [
        cell.request
        for cell in cells(Grid(base, axis("seed", [1, 2]), axis("generator", ["toy-two", "toy-cxr"])))
    ]
    assert groups(makers) == [[0, 2], [1, 3]]
    assert alike(words[:4]) == [[0, 3], [1], [2]]


@pytest.fixture
def done(base: GenerationRequest) -> Any:
    run = run_inline(grid_run(word_by_seed(base)))
    assert run.state == "done", run.error
    return run


@pytest.mark.row("R9")
def test_each_cell_has_the_bytes_of_its_request_asked_alone(done: Any, base: GenerationRequest) -> None:
    from lab.runs.artifacts import read_artifact

    made = made_cells(done)
    assert sorted(made) == list(range(9))
    for number in (1, 4, 8):  # of a shared group, at another place of one, and of a group of one
        alone = run_inline(generate_run(made[number].cell.request, None))
        assert read_artifact(made[number].artifact) == read_artifact(alone.result["samples"][0]["artifact"])
    assert len({one.artifact for one in made.values()}) == 9


def test_a_generator_without_mixed_batches_gives_the_same_bytes(
    done: Any, base: GenerationRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.generators.diffusers_pipeline import DiffusersGenerator

    monkeypatch.setattr(DiffusersGenerator, "generate_together", None)
    monkeypatch.setenv("LAB_WORKSPACE", str(settings().workspace))
    again = RunStore.open().submit(grid_run(word_by_seed(base)), anew=True)
    run = _run(again.id)
    assert [one["artifact"] for one in run.result["samples"]] == [
        one["artifact"] for one in done.result["samples"]
    ]


@pytest.mark.row("R9")
def test_a_grid_is_a_sample_set_with_the_answer_of_each_cell(done: Any) -> None:
    from lab.data.samples import open_sample_set

    images = open_sample_set(done.result["sample_set"])
    assert len(images.ids()) == 9 and images.card.phantom_trained and images.origin == "toy-cxr"
    for number, sample in enumerate(done.result["samples"]):
        asked = done.spec.settings["cells"][number]["request"]
        assert (sample["prompt"], sample["seed"]) == (asked["prompt"], asked["seeds"][0])
        assert sample["recipe"]["prompt"] == asked["prompt"] and sample["image_id"] == images.ids()[number]
        assert {"verdict", "alignment", "map", "neighbours"} <= set(sample)
    assert any("training images" in note for note in done.result["notes"]), "no dataset here: it is said"


def _run(run_id: str, stop_after: int = 10**6) -> Any:
    """Run a queued run here; a person cancels it as soon as so many cells are there."""
    from lab.runs.execution import Executor

    store = RunStore.open()

    def beat() -> None:
        if len(made_cells(store.get(run_id))) >= stop_after:
            store.cancel(run_id)

    claim = claimed(store.get(run_id), "tester")
    Executor(store, settings(), beat=beat).run(claim, "tester", preempts=False)
    return store.get(run_id)


def test_a_cancelled_grid_keeps_its_finished_cells_and_goes_on_from_them(
    base: GenerationRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.generators.diffusers_pipeline import DiffusersGenerator

    asked: list[int] = []
    whole = DiffusersGenerator.generate_together

    def counted(self: Any, requests: Any, on_step: Any = None) -> Any:
        asked.append(len(requests))
        return whole(self, requests, on_step)

    monkeypatch.setattr(DiffusersGenerator, "generate_together", counted)
    store = RunStore.open()
    queued = store.submit(grid_run(word_by_seed(base)))
    stopped = _run(queued.id, stop_after=4)
    assert stopped.state == "cancelled" and stopped.result is None
    kept = made_cells(stopped)
    assert sorted(kept) == [0, 1, 2, 3] and all(one.sample == {} for one in kept.values())
    before = len(asked)
    store.resume(queued.id)
    finished = _run(queued.id)
    assert finished.state == "done" and len(made_cells(finished)) == 9
    assert [made_cells(finished)[n].artifact for n in range(4)] == [kept[n].artifact for n in range(4)]
    assert sum(asked[before:]) == 5, "only the cells that were missing"


@pytest.mark.row("R9")
def test_a_counterfactual_changes_one_word_and_holds_everything_else(base: GenerationRequest) -> None:
    grid = counterfactual(base, "left", ["right", "left", ""], [7, 8])
    made = cells(grid)
    assert (
        grid.mode == "counterfactual"
        and grid.columns is not None
        and grid.columns.values == ("left", "right", "")
    )
    assert [one.request.seeds[0] for one in made] == [7, 7, 7, 8, 8, 8]
    assert [one.request.prompt for one in made[:3]] == [
        PROMPT,
        replaced(PROMPT, {"left": "right"}),
        replaced(PROMPT, {"left": ""}),
    ]
    held = {
        (one.request.steps, one.request.guidance, one.request.size, one.request.generator) for one in made
    }
    assert len(held) == 1
    run = run_inline(grid_run(grid))
    pictures = [_pixels(one.artifact) for _, one in sorted(made_cells(run).items())]
    assert not np.array_equal(pictures[0], pictures[1]), "the word reaches the picture"
    with pytest.raises(InputError, match="choose the word"):
        cells(counterfactual(base, "left", ["left"], [7]))


def _pixels(artifact: str) -> Any:
    from lab.data.images import decode
    from lab.runs.artifacts import read_artifact

    return decode(read_artifact(artifact)).array


def test_progress_tells_cells_and_pictures_of_the_unfinished(base: GenerationRequest) -> None:
    from lab.runs.kind import find_kind

    seen: list[Any] = []
    store = RunStore.open()
    claim = claimed(grid_run(word_by_seed(base)))
    queued, whole = claim.run, find_kind("grid").execute
    from lab.runs.context import RunContext
    from lab.runs.resident import Residents

    for progress in whole(queued.spec, RunContext(settings(), Residents(), store, claim)):
        seen.append(progress)
    cells_told = [one for one in seen if one.stage == "Making cells"]
    assert cells_told[0].done == 0 and cells_told[-1].done == 9 == cells_told[-1].total
    assert [one.done for one in cells_told] == sorted(one.done for one in cells_told)
    assert any(0 < one.done < 4 for one in cells_told), "within a group too"


@pytest.mark.row("R9")
def test_the_command_writes_the_grid_and_its_table(
    base: GenerationRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from lab.commands import grid as command
    from lab.commands.main import run

    def inline(spec: Any) -> dict[str, Any]:
        return run_inline(spec).result or {}

    monkeypatch.setattr(command, "run_to_end", inline)
    words = [
        "grid",
        "--generator",
        "toy-cxr",
        "--prompt",
        PROMPT,
        "--steps",
        "2",
        "--out",
        str(tmp_path / "out"),
    ]
    with pytest.raises(SystemExit) as ended:
        run([*words, "--columns", "word:left=left,right,", "--rows", "guidance=1,2", "--json"])
    assert ended.value.code == 0
    picture, table = (Path(name) for name in json.loads(capsys.readouterr().out)["files"])
    lines = table.read_text("utf-8").splitlines()
    assert (
        picture.read_bytes()[:4] == b"\x89PNG"
        and len(lines) == 7
        and lines[3].startswith("1,(left out),0,toy-cxr")
    )
    with pytest.raises(SystemExit):
        run([*words, "--columns", "word:left=right", "--rows", "seed=3,4", "--one-word", "--json"])
    (_, table) = (Path(name) for name in json.loads(capsys.readouterr().out)["files"])
    assert len(table.read_text("utf-8").splitlines()) == 5
    for wrong in ("left", "mask=x", "colour=1"):
        with pytest.raises(SystemExit) as ended:
            run([*words, "--columns", wrong])
        assert ended.value.code == 1 and "nothing was started" in capsys.readouterr().err
