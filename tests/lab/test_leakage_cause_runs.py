"""Whole runs behind the cause of a leak: asking for a film again, over-training a copy, filtering what comes out."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lab.errors import GeneratorError, InputError
from lab.leakage.extraction import Ask
from lab.leakage.overtraining import Drill, checked_films, lessons
from lab.runs.inline import run_inline
from lab.runs.leakage_requests import extraction_run, filter_run, overtrain_run
from tests.builders.copying_generator import CopyingGenerator
from tests.builders.memory_set import CoarsePixels, blobs
from tests.builders.runs import finish

COUNT = 120


class Failing(CopyingGenerator):
    """Fails once, after so many micro-batches."""

    fails_after = -1

    def generate(self, request, on_step=None):
        if len(self.asked) == self.fails_after:
            self.fails_after = -1
            raise GeneratorError("The card does not answer; finished samples are kept; try again.")
        yield from super().generate(request, on_step)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A calibrated phantom dataset of small films, a generator that knows them by heart and one that does not."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("leakage-cause")
    patch.setenv("LAB_WORKSPACE", str(folder / "workspace"))
    patch.setenv("LAB_THREADS", "1")
    patch.delenv("LAB_STORE_URL", raising=False)
    import lab.features.extractors
    import lab.generators.load
    import lab.runs.requests

    patch.setattr(lab.runs.requests, "autoencoder_digest", lambda name: "none")
    made = CoarsePixels()
    made.id = "efficientnet-lite0"
    patch.setattr(lab.features.extractors, "get_extractor", lambda name="": made)
    dataset = _films(folder)
    cards = {name: _card(folder / "workspace", name) for name in ("copying", "honest")}
    built: dict[str, Failing] = {}

    def load(card, device=None):
        if card.id not in built:
            learnt = dict(_captions(dataset)) if card.id == "copying" else {}
            built[card.id] = Failing(card, learnt, noise=1.0)
        return built[card.id]

    patch.setattr(lab.generators.load, "load", load)
    yield SimpleNamespace(dataset=dataset, cards=cards, built=built)
    patch.undo()


def _films(folder: Path):
    from lab.data.images import encode_png
    from lab.data.store import add_folder, open_dataset
    from lab.runs.requests import calibrate_run

    films = folder / "films"
    films.mkdir()
    rows = ["image,patient_id,label,caption"]
    for number, film in enumerate(blobs(31, COUNT)):
        (films / f"f{number}.png").write_bytes(encode_png(film))
        rows.append(f"f{number}.png,p{number},,Small film {number}.")
    (films / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(films, "films", licence="CC BY 4.0", title="Small films", origin="phantom")
    _calibrated(calibrate_run("films"))
    return open_dataset("films")


def _calibrated(spec) -> None:
    """A finished calibration with reference distances as of a large dataset: few films could not tell a copy."""
    from lab.config import settings
    from lab.neighbours.calibration import Calibration

    reference = {
        "registered-correlation": np.linspace(0.03, 0.6, 999),
        "feature-cosine": np.linspace(1e-5, 0.05, 999),
    }
    made = Calibration("c" * 64, "efficientnet-lite0", 999, 999, reference, reference, None, None, None, ())
    made.save(settings().workspace / "calibrations")
    finish(spec, {"dataset": "films", **made.to_dict()})


def _captions(dataset):
    train = dataset.subset("train")
    return [(str(row.caption), train.image(str(row.image_id))) for row in train.frame().itertuples()]


def _card(workspace: Path, name: str) -> str:
    place = workspace / "generators" / name
    (place / "model").mkdir(parents=True)
    (place / "model" / "model_index.json").write_text(json.dumps({"_class_name": name}), "utf-8")
    side = blobs(31, 1)[0].shape[0]
    card = {
        "id": name,
        "title": name,
        "folder": "model",
        "size": side,
        "steps": 4,
        "training_dataset": "films",
    }
    (place / "card.json").write_text(json.dumps(card), "utf-8")
    return name


def _asks(dataset) -> list[Ask]:
    film = dataset.subset("train").frame().iloc[3]
    other = dataset.subset("held-out").frame().iloc[2]
    name, caption = str(film.image_id), str(film.caption)
    return [
        Ask("copying", caption, name, "own"),
        Ask("honest", caption, name, "control", "control"),
        Ask("copying", str(other.caption), str(other.image_id), "held-out", "held-out", "held-out"),
    ]


def test_a_memorised_film_comes_back_with_every_seed_and_the_controls_stay_away(room) -> None:
    run = run_inline(extraction_run(_asks(room.dataset), range(6), "films"))
    assert run.state == "done", run.error
    own, control, held_out = run.result["asks"]
    assert own["found"] == 6 and control["found"] == 0 and held_out["found"] == 0
    assert {sample["rank"] for sample in own["samples"]} == {1}
    assert {sample["compared"] for sample in own["samples"]} == {run.result["n_train"]}
    assert {sample["compared"] for sample in held_out["samples"]} == {run.result["n_held_out"]}
    for name, limit in run.result["limits"].items():
        assert max(sample["distances"][name] for sample in own["samples"]) <= limit
    assert own["spread"]["value"] < 0.1 * run.result["real_spread"]["value"] < control["spread"]["value"]
    assert [sample["seed"] for sample in control["samples"]] == list(range(6))
    assert own["samples"][0]["map"] is None and run.result["films"][own["target"]] is None


def test_distances_to_the_film_are_those_a_separate_search_gives(room) -> None:
    from lab.data.images import decode
    from lab.neighbours.lowres import LowResolution
    from lab.neighbours.registered import RegisteredIndex
    from lab.runs.artifacts import read_artifact

    run = run_inline(extraction_run(_asks(room.dataset), range(6), "films"))
    train = room.dataset.subset("train")
    index = RegisteredIndex(LowResolution().embed([train.image(name) for name in train.ids()]))
    for ask in run.result["asks"][:2]:
        images = [decode(read_artifact(sample["artifact"])).array for sample in ask["samples"]]
        near, _ = index.distances(LowResolution().embed(images))
        row = train.ids().index(ask["target"])
        told = [sample["distances"]["registered-correlation"] for sample in ask["samples"]]
        assert told == pytest.approx(near[:, row].tolist(), abs=1e-5)
        assert [sample["rank"] for sample in ask["samples"]] == [
            1 + int((one < one[row]).sum()) for one in near
        ]


def test_a_resumed_extraction_repeats_no_finished_micro_batch(room) -> None:
    from lab.runs.store import RunStore

    asks = _asks(room.dataset)[:1]
    spec = extraction_run(asks, range(100, 109), "films")
    generator = room.built["copying"]
    generator.asked.clear()
    generator.fails_after = 2
    first = run_inline(spec)
    assert first.state == "failed" and len(generator.asked) == 2
    RunStore.open().resume(first.id)
    again = run_inline(spec)
    assert again.state == "done", again.error
    assert [seeds for _, seeds in generator.asked] == [
        (100, 101, 102, 103), (104, 105, 106, 107), (108,),
    ]  # fmt: skip
    assert [sample["seed"] for sample in again.result["asks"][0]["samples"]] == list(range(100, 109))


def test_other_seeds_prompts_or_weights_are_another_run(room) -> None:
    asks = _asks(room.dataset)
    digests = {
        extraction_run(asks, range(6), "films").digest, extraction_run(asks, range(7), "films").digest,
        extraction_run(asks[:1], range(6), "films").digest,
    }  # fmt: skip
    assert len(digests) == 3 and extraction_run(asks, range(6), "films").digest in digests


def test_a_film_of_another_split_ends_the_run_in_one_sentence(room) -> None:
    film = str(room.dataset.subset("held-out").ids()[0])
    run = run_inline(extraction_run([Ask("copying", "Small film 3.", film, "own")], [1], "films"))
    assert run.state == "failed" and "not in this split" in run.error and run.error.count("\n") == 0


def test_the_filter_measures_all_samples_and_those_that_pass(room) -> None:
    from lab.data.samples import NewSample, SampleSetWriter
    from lab.runs.neighbour_requests import audit_run

    train = room.dataset.subset("train")
    writer = SampleSetWriter("mixed", "copying", parent="films")
    pictures = [*(train.image(name) for name in train.ids()[:30]), *blobs(77, 40)]
    noise = np.random.default_rng(0)
    pictures = [np.clip(p + noise.integers(-3, 4, p.shape), 0, 255).astype(np.uint8) for p in pictures]
    writer.append(NewSample(at, film, {"seed": at}, "a film") for at, film in enumerate(pictures))
    writer.finalise()
    audited = run_inline(audit_run("mixed", "films"))
    assert audited.state == "done", audited.error
    done = run_inline(filter_run(audited))
    assert done.state == "done", done.error
    result = done.result
    assert result["n"] == 70 and 36 <= result["kept"] <= 41
    before, after = ({one["metric"]: one for one in result["results"][side]} for side in ("all", "kept"))
    assert before["closer-to-training"]["n_synthetic"] == 70
    assert after["closer-to-training"]["n_synthetic"] == result["kept"]
    assert before["closer-to-training"]["value"] > after["closer-to-training"]["value"] + 0.03
    assert abs(after["closer-to-training"]["value"] - 0.5) < 0.25
    assert after["closer-to-training"]["control"] is not None


def test_an_audit_without_a_result_is_refused() -> None:
    with pytest.raises(InputError, match="audit it first"):
        filter_run(SimpleNamespace(result=None))


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A pipeline of random weights, 32 px."""
    from lab.generators.diffusers_pipeline import DiffusersGenerator
    from tests.builders.toy_pipeline import build_toy_pipeline, toy_card

    folder = build_toy_pipeline(tmp_path_factory.mktemp("toy"))
    return DiffusersGenerator(toy_card(folder), folder, "cpu")


def _learnt(toy, drill: Drill):
    films = (np.stack(blobs(5, 4))[:, ::2, ::2][:, :32, :32]).astype(np.uint8)
    captions = ["small left effusion", "large right effusion", "normal chest", "no pneumothorax"]
    return list(lessons(toy, films, captions, drill))


def test_the_same_drill_gives_the_same_samples_and_leaves_the_generator_alone(toy) -> None:
    import torch

    before = {name: value.clone() for name, value in toy.pipeline.unet.state_dict().items()}
    drill = Drill(steps=12, every=6, rate=2e-3, denoising=2, seed=3)
    first, second = _learnt(toy, drill), _learnt(toy, drill)
    assert [one.step for one in first if one.samples is not None] == [0, 6, 12]
    for one, two in zip(first, second, strict=True):
        assert one.loss == two.loss
        if one.samples is not None:
            assert one.samples.shape == (4, 32, 32) and (one.samples == two.samples).all()
    assert (first[0].samples != first[-1].samples).any()
    assert all(torch.equal(value, before[name]) for name, value in toy.pipeline.unet.state_dict().items())


def test_the_films_are_learnt_better_with_every_step(toy) -> None:
    told = [
        one.loss
        for one in _learnt(toy, Drill(steps=120, every=120, rate=3e-3, draws=4, denoising=1))
        if one.loss
    ]
    assert np.mean(told[-20:]) < 0.7 * np.mean(told[:5])


@pytest.mark.parametrize("names", [["a"] * 4, ["a", "b"], [str(n) for n in range(13)]])
def test_too_few_too_many_and_doubled_films_are_refused(names) -> None:
    with pytest.raises(InputError, match="nothing was trained"):
        checked_films(names)


def test_a_generator_without_a_latent_denoiser_is_refused(room) -> None:
    plain = CopyingGenerator(SimpleNamespace(title="Plain", size=32), {})
    with pytest.raises(GeneratorError, match="nothing was trained"):
        next(lessons(plain, np.zeros((4, 32, 32), np.uint8), ["a"] * 4, Drill()))


def test_films_of_patients_are_never_over_trained_on(room, tmp_path, monkeypatch) -> None:
    import lab.data.store

    names = room.dataset.subset("train").ids()[:4]
    real = SimpleNamespace(card=SimpleNamespace(origin="real"))
    monkeypatch.setattr(lab.data.store, "open_dataset", lambda name: real)
    with pytest.raises(InputError, match="never over-trained"):
        overtrain_run(names, "films", "copying", Drill())


def test_over_training_tells_its_curve_while_it_grows(room, toy, monkeypatch) -> None:
    import lab.generators.load
    from lab.config import settings
    from lab.runs.artifacts import read_artifact
    from lab.runs.context import RunContext
    from lab.runs.kinds.overtrain import execute
    from lab.runs.resident import Residents

    monkeypatch.setattr(lab.generators.load, "load", lambda card, device=None: toy)
    names = room.dataset.subset("train").ids()[:4]
    spec = overtrain_run(names, "films", "copying", Drill(steps=4, every=2, denoising=1))
    steps, points = execute(spec, RunContext(settings(), Residents())), []
    try:
        while True:
            progress = next(steps)
            if progress.preview is not None:
                points.append(len(json.loads(read_artifact(progress.preview))["curve"]))
    except StopIteration as end:
        result = end.value
    assert points == sorted(points) and points[-1] == 3
    assert [one["step"] for one in result["curve"]] == [0, 2, 4]
    assert [film["image_id"] for film in result["films"]] == names
    for point in result["curve"]:
        assert len(point["own"]) == len(point["control"]) == len(point["samples"]) == 4
    assert result["n_controls"] == min(200, len(room.dataset.subset("held-out").ids()))
