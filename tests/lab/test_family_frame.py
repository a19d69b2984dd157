"""Small generators by recipe file: what a file may say, pictures, the shared loop, resuming, and the training run."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import yaml

from lab.errors import DatasetError, GeneratorError, InputError, NotFoundError, WeightsError
from lab.generators.training import checkpoint, known
from lab.generators.training.checkpoint import TrainingState
from lab.generators.training.families import films, loop, recipe, source
from lab.generators.training.families.augment import augmented
from lab.generators.training.families.export import export
from lab.generators.training.families.train import built, train
from lab.generators.training.steps import rate_at
from tests.builders.families import NEVER, StopAfter, toy_recipe, write_toy_films
from tests.builders.training import finished


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_every_recipe_that_ships_can_be_read():
    assert {"phantom-cxr-ddpm", "phantom-cxr-flow", "phantom-derm-classes"} <= set(recipe.names())
    for name in recipe.names():
        found = recipe.find_recipe(name)
        assert found.id == name and recipe.recipe_from(found.to_json()) == found
        # Left and right are findings of a radiograph: a mirrored film teaches that the heart lies on either side.
        assert found.dataset != "phantom-cxr" or not {"flip", "turn"} & set(found.augment)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stepps": 3}, "'stepps' is not known"),
        ({"family": "ddpn"}, "'family' must be one of"),
        ({"steps": 0}, "'steps' must be a whole number from 1"),
        ({"steps": 1.5}, "'steps' must be a whole number"),
        ({"rate": "fast"}, "'rate' must be a number"),
        ({"rate": float("nan")}, "'rate' must be a number"),
        ({"size": 20}, "multiple of 8"),
        ({"augment": ["spin"]}, "'augment' takes any of"),
        ({"balanced": 1}, "'balanced' must be true or false"),
        ({"channels": [8, "x"]}, "'channels' must be a list"),
        ({"channels": []}, "channels must be"),
        ({"id": "A B"}, "the id must be"),
        ({"title": ""}, "'title' must be text"),
        ({"options": {"gama": 1.0}}, "ddpm has no option 'gama'"),
        ({"options": {"gamma": "much"}}, "same kind as 5.0"),
        ({"options": [1]}, "'options' must give"),
    ],
)
def test_a_bad_recipe_is_refused_in_one_sentence(change, words, tmp_path):
    values = {"id": "toy", "title": "Toy", "family": "ddpm", "dataset": "phantom-cxr", **change}
    file = tmp_path / "toy.yaml"
    file.write_text(yaml.safe_dump(values))
    with pytest.raises(InputError) as told:
        recipe.find_recipe(str(file))
    assert words in str(told.value) and "\n" not in str(told.value)


def test_a_file_that_is_no_recipe_and_an_unknown_name(tmp_path):
    file = tmp_path / "toy.yaml"
    for content in (b"\xff\xfe", b"a: [", b"- 1", b"id: toy"):
        file.write_bytes(content)
        with pytest.raises(InputError, match="not taken"):
            known.find(str(file))
    with pytest.raises(NotFoundError, match="phantom-cxr-flow"):
        known.find("nothing")
    assert known.find("phantom-cxr").unet_steps and known.find("phantom-clip").patients


def test_a_rate_in_the_short_form_of_numbers_is_read(tmp_path):
    file = tmp_path / "toy.yaml"
    file.write_text(
        "id: toy\ntitle: Toy\nfamily: flow\ndataset: phantom-cxr\nrate: 4e-4\nconditioning: class\n"
    )
    found = recipe.find_recipe(str(file))
    assert found.rate == 4e-4 and found.conditioning == ("class",)


def test_pictures_are_those_of_training_patients_with_their_masks(tmp_path):
    from lab.data.phantom_dataset import phantom_split
    from lab.data.phantom_families import CMR

    heart = toy_recipe(
        "flow", dataset="phantom-cmr", conditioning=["vendor", "mask"], patients=6, films=1, crop=0.8
    )
    for _ in films.prepare(heart, tmp_path):
        pass
    numbers = [n for n in range(6) if phantom_split(f"heart-0-{n:05d}") == "train"]
    got = films.load(tmp_path, "cpu")
    assert got.about.patients == len(numbers) == len(got.images) and got.about.phantom
    whole = CMR.render(0, numbers[0], 0)
    assert (got.images[0].numpy() == source.small(whole.image, heart)).all()
    assert (got.masks[0].numpy() == source.small_mask(whole.mask, heart)).all()
    assert got.about.vendors[int(got.vendors[0])] == whole.record["vendor"]
    # The mask lies where the structure lies: bright blood in the left ventricle, also after scaling.
    left = got.about.structures.index("left ventricle") + 1
    assert set(np.unique(got.masks.numpy())) <= {0, 1, 2, 3} and (got.masks[0] == left).any()
    # What is there is not made again.
    assert [p.done for p in films.prepare(heart, tmp_path)] == [len(numbers)]


def test_a_recipe_without_training_pictures_is_refused(tmp_path, workspace):
    with pytest.raises(DatasetError, match="no training pictures"):
        list(train(_nobody(), folder=tmp_path))
    with pytest.raises(DatasetError, match="not installed"):
        list(train(toy_recipe("ddpm", dataset="nothing-here"), folder=tmp_path))
    with pytest.raises(DatasetError, match="stage data"):
        list(train(toy_recipe("ddpm"), folder=tmp_path / "empty", stages=["train"]))


def _nobody():
    """One patient, and not of the training split."""
    from lab.data.phantom_dataset import phantom_split

    assert phantom_split("heart-3-00000") != "train"
    return toy_recipe("ddpm", dataset="phantom-cmr", patients=1, films=1, seed=3)


def test_masks_move_with_their_picture():
    import torch

    masks = torch.zeros((6, 16, 16), dtype=torch.uint8)
    masks[:, 3:9, 5:14] = 2
    pictures = masks[:, None].float() - 1
    draw = torch.Generator().manual_seed(1)
    moved, mask = augmented(pictures, masks, ("flip", "turn", "move"), draw)
    assert mask.dtype == torch.uint8 and set(mask.unique().tolist()) == {0, 2}
    assert ((moved[:, 0] > 0) == (mask == 2)).float().mean() > 0.93
    assert (mask != masks).any() and len({tuple(m.flatten().tolist()) for m in mask}) == 6


@pytest.mark.parametrize(
    ("family", "more"),
    [
        ("ddpm", {}),
        ("ddpm", {"options": {"prediction": "epsilon", "attention": 1}}),
        (
            "flow",
            {
                "conditioning": ["class"],
                "colour": "rgb",
                "balanced": True,
                "augment": ["flip", "turn", "move"],
            },
        ),
        ("flow", {"conditioning": ["vendor", "mask"]}),
    ],
)
def test_interrupted_and_resumed_training_gives_the_same_weights(family, more, tmp_path):
    from safetensors.torch import load_file

    toy = toy_recipe(family, **more)
    for name, clocks in (("whole", [NEVER]), ("parts", [StopAfter(3), StopAfter(4), NEVER])):
        place = write_toy_films(tmp_path / name, toy)
        for clock in clocks:
            steps = loop.run(toy, built(toy, place, "cpu"), films.load(place, "cpu"), place, clock)
            assert finished(steps) is (clock is NEVER)
    whole, parts = (load_file(tmp_path / name / loop.FILE) for name in ("whole", "parts"))
    assert set(whole) == set(parts) and any(key.startswith("average.") for key in whole)
    for key, value in whole.items():
        assert (value == parts[key]).all(), key
    untrained = built(toy, tmp_path / "whole", "cpu").turns["unet"].network.state_dict()
    assert any((untrained[k] != whole[f"network.unet.{k}"]).any() for k in untrained)


def test_an_interruption_keeps_the_last_step_and_another_recipe_is_refused(tmp_path):
    toy = toy_recipe("ddpm", steps=400)
    place = write_toy_films(tmp_path, toy)
    steps = loop.run(toy, built(toy, place, "cpu"), films.load(place, "cpu"), place, NEVER)
    next(steps)
    steps.close()
    trainer = built(toy, place, "cpu")
    state = TrainingState(trainer.turns, toy.average, toy.rate)
    assert checkpoint.restore(state, place / loop.FILE) and 0 < state.step < 400
    other = toy_recipe("ddpm", channels=[8, 24])
    with pytest.raises(WeightsError, match="another recipe"):
        list(train(other, folder=place, resume=True, stages=["train"]))


def test_averaged_weights_are_lent_and_given_back(tmp_path):
    toy = toy_recipe("flow")
    place = write_toy_films(tmp_path, toy)
    trainer = built(toy, place, "cpu")
    state = TrainingState(trainer.turns, 0.9, 1e-3)
    network = trainer.turns["unet"].network
    own = {key: value.clone() for key, value in network.state_dict().items()}
    for value in state.averages["unet"].values():
        value.add_(1.0)
    with state.averaged():
        assert (
            all((value != own[key]).any() for key, value in network.named_parameters())
            and not network.training
        )
    assert all((value == own[key]).all() for key, value in network.state_dict().items()) and network.training


def test_the_rate_falls_by_the_clock_or_the_steps():
    def rate(step, share):
        return rate_at(step, share, 1.0, loop.WARM_UP, loop.FALLING)

    assert rate(0, 0.0) < 0.01 and rate(5000, 0.5) == 1.0
    assert rate(5000, 0.8) == pytest.approx(0.5) and rate(5000, 1.0) == 0.02


def test_time_that_is_over_still_gives_a_generator(tmp_path, workspace):
    from lab.generators.card import read_card

    toy = toy_recipe("ddpm", steps=100_000)
    place = write_toy_films(tmp_path / "run", toy)
    card = finished(train(toy, minutes=0.05, folder=place))
    told = read_card(card).measured["training"]["ddpm"]
    assert 0 < told["steps"] < 100_000 and told["loss_curve"] and told["parameters"]["unet"] > 1000
    # Pictures written beforehand were no earlier run; a finished one is, and is put aside.
    assert not place.with_name("run.1").exists()
    with pytest.raises(DatasetError):
        list(train(toy, folder=place, stages=["train"]))
    assert (place.with_name("run.1") / loop.FILE).is_file()


def test_export_before_training_is_refused(tmp_path):
    toy = toy_recipe("ddpm")
    with pytest.raises(GeneratorError, match="not trained yet"):
        export(toy, write_toy_films(tmp_path, toy), tmp_path / "out")


def test_training_needs_no_library_that_a_bare_machine_lacks(tmp_path):
    toy = toy_recipe("flow", steps=2)
    write_toy_films(tmp_path / "run", toy)
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(toy.to_json()))
    code = (
        "import sys\n"
        "for name in ('streamlit', 'sqlalchemy', 'pydicom', 'faiss', 'umap', 'sklearn', 'typer', 'plotly', 'cv2',\n"
        "             'open_clip', 'nibabel', 'pebble', 'opacus'):\n"
        "    sys.modules[name] = None\n"
        "from lab.generators.training.__main__ import main\n"
        "raise SystemExit(main(sys.argv[1:]))\n"
    )
    arguments = [
        str(tmp_path / "toy.yaml"),
        "--folder",
        str(tmp_path / "run"),
        "--stages",
        "train",
        "--minutes",
        "5",
    ]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / loop.FILE).is_file() and "train" in done.stdout


def test_a_training_run_tells_losses_and_its_newest_sheet(tmp_path, workspace, monkeypatch):
    from lab.runs.artifacts import read_artifact
    from lab.runs.inline import run_inline
    from lab.runs.requests import train_run
    from lab.runs.training_view import training_view

    toy = toy_recipe("ddpm", steps=6)
    file = tmp_path / "toy.yaml"
    file.write_text(yaml.safe_dump(toy.to_json()))
    write_toy_films(workspace / "training" / toy.id, toy)
    spec = train_run(str(file), 5.0, True)
    # What the file said travels with the run: it may be gone by the time a worker comes.
    file.unlink()
    run = run_inline(spec)
    assert run.state == "done", run.error
    assert run.result["finished"] and (workspace / "generators" / "toy-ddpm-local" / "card.json").is_file()
    view = training_view(run)
    assert view.losses["train"][-1][0] == 6 and view.losses["train"][-1][1] > 0
    assert read_artifact(view.sheet, ".png")[:4] == b"\x89PNG"
    assert (
        run.progress is None or run.progress.preview is None or read_artifact(run.progress.preview, ".json")
    )


def test_every_stage_of_every_recipe_has_words_for_people():
    stages = {stage for name in known.recipe_names() for stage in known.stages_of(known.find(name))}
    assert {"data", "train", "unet", "export"} <= stages
    assert all(" " in known.stage_title(stage) or stage == "train" for stage in stages)


def test_no_training_promises_to_take_longer_than_its_minutes(tmp_path, workspace):
    from lab.config import settings
    from lab.runs.context import RunContext
    from lab.runs.kinds.train import execute
    from lab.runs.requests import train_run
    from lab.runs.spec import Progress

    class Slow(RunContext):
        """A run whose meter expects years."""

        def __init__(self):
            self.settings, self._parts = settings(), {}

        def part(self, name):
            return self._parts.get(name)

        def save_part(self, name, data):
            self._parts[name] = data

        def artifact(self, data, suffix):
            return "0" * 64

        def progress(self, stage, done, total, preview=None, message=""):
            return Progress(stage, done, total, 1e-6, 1e9, preview, message)

    toy = toy_recipe("ddpm", steps=100_000)
    file = tmp_path / "toy.yaml"
    file.write_text(yaml.safe_dump(toy.to_json()))
    write_toy_films(workspace / "training" / toy.id, toy)
    told = list(execute(train_run(str(file), 0.05, True), Slow()))
    assert {"Training", "Writing the generator"} <= {one.stage for one in told}
    assert all(one.remaining_s <= 3.0 for one in told) and told[-1].remaining_s == 0.0
