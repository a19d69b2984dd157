"""Memory: sizes told from files, residents within a budget, placement by need, and what happens when it runs out."""

from __future__ import annotations

import dataclasses
import functools
import gc
import json
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from lab.errors import GeneratorError, out_of_memory
from lab.generators import frugal
from lab.generators.card import card_from_json
from lab.generators.load import load
from lab.generators.memory import expected_bytes, in_words, room
from lab.generators.placement import BY_LAYER, BY_PART, SLICED, WHOLE, Need, choose, placed, usable
from lab.generators.request import request_for
from lab.generators.sample import Sample, read_recipe, request_from_recipe
from lab.runs.footprint import footprint
from lab.runs.resident import Residents, expected
from tests.builders.toy_pipeline import build_toy_pipeline, toy_card, toy_card_json

PROMPT = "small left pleural effusion"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_toy_pipeline(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture(scope="module")
def generator(folder: Path) -> Any:
    return load(toy_card(folder), "cpu")


@pytest.fixture
def cards(workspace: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three cards of the toy folder in an empty workspace; models compute in this machine's memory."""
    monkeypatch.setenv("LAB_DEVICE", "cpu")
    (workspace / "generators").mkdir(parents=True)
    names = ["big-a", "big-b", "big-c"]
    for name in names:
        (workspace / "generators" / f"{name}.json").write_text(
            json.dumps(toy_card_json(folder, name)), "utf-8"
        )
    return names


def test_size_is_known_before_loading_and_measured_after(
    folder: Path, generator: Any, tmp_path: Path
) -> None:
    told, measured = expected_bytes(toy_card(folder)), footprint(generator).total
    assert told > 0 and abs(told - measured) <= 0.05 * measured
    assert expected_bytes(toy_card(folder), "float16") == pytest.approx(told / 2, rel=0.02)
    assert footprint(generator).device == 0
    half = tmp_path / "half"
    generator.pipeline.__class__.from_pretrained(folder, dtype=torch.float16).save_pretrained(half)
    generator.pipeline.save_pretrained(half, variant="fp16")
    assert expected_bytes(toy_card(half)) == told, (
        "a file of half precision beside another is not counted twice"
    )


def test_arrays_are_counted_once_wherever_they_hang() -> None:
    rows = np.zeros((100, 10), np.float32)
    thing = SimpleNamespace(a=rows, b={"c": [rows, np.ones(5)]}, d=torch.zeros(8), name="x" * 1000)
    thing.itself = thing
    assert footprint(thing).host == 4000 + 40 + 32 and footprint("x").total == 0


def test_the_budget_is_a_setting_or_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    assert room(900, 100) == 700
    monkeypatch.setenv("LAB_MODEL_MEMORY", "5e9")
    assert room(900, 100) == 5_000_000_000
    assert (in_words(2_400_000_000), in_words(1_250_000)) == ("2.4 GB", "1.2 MB")


@pytest.mark.fault(25)
def test_two_generators_are_never_resident_beyond_the_budget(cards: list[str], folder: Path) -> None:
    one = expected(f"generator:{cards[0]}:w")
    assert one == expected_bytes(toy_card(folder)) > 0
    kept, alive, most = Residents(budget=int(one * 1.5)), weakref.WeakSet(), []

    def build() -> Any:
        gc.collect()
        most.append(len(alive))
        made = load(toy_card(folder), "cpu")
        alive.add(made)
        return made

    for name in (cards[0], cards[1], cards[0], cards[2]):
        kept.get(f"generator:{name}:w", build)
        assert sum(kept.held().values()) <= one * 1.5 and len(kept.held()) == 1
    assert most == [0, 0, 0, 0], "room is made before the next one is loaded"


def test_least_recently_used_goes_and_small_things_stay(cards: list[str], folder: Path) -> None:
    one = expected(f"generator:{cards[0]}:w")
    kept, built = Residents(budget=int(one * 2.5)), []

    def get(name: str) -> None:
        kept.get(f"generator:{name}:w", lambda: built.append(name) or load(toy_card(folder), "cpu"))

    for name in (cards[0], cards[1], cards[0], cards[2], cards[0], cards[1]):
        get(name)
    assert built == [cards[0], cards[1], cards[2], cards[1]]
    kept.get("labels", lambda: np.zeros(10))
    assert list(kept.held()) == [f"generator:{cards[0]}:w", f"generator:{cards[1]}:w", "labels"]


def test_one_generator_beyond_the_budget_is_explained(cards: list[str]) -> None:
    kept = Residents(budget=1000)
    kept.get("labels", lambda: np.zeros(10))
    with pytest.raises(GeneratorError) as caught:
        kept.get(f"generator:{cards[0]}:w", lambda: pytest.fail("it was loaded"))
    said = str(caught.value)
    assert "big-a takes about" in said and "1.0 kB" not in said and "LAB_MODEL_MEMORY" in said
    assert said.count(". ") == 0 and said.endswith(".")


def test_large_arrays_of_other_models_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Residents(budget=3000)
    for name in ("a", "b", "c"):
        kept.get(name, lambda: np.zeros(250))
    assert list(kept.held()) == ["c"]
    kept.get("d", lambda: np.zeros(50))
    assert list(kept.held()) == ["c", "d"]


def test_the_first_way_that_fits_is_taken() -> None:
    need = Need(weights=8, largest=5, images=4)
    ways = [choose(need, room, False) for room in (12, 11, 9, 8, 6, 5)]
    assert ways == [WHOLE, SLICED, SLICED, BY_PART, BY_PART, BY_LAYER]
    assert [choose(need, room, True) for room in (12, 5)] == [WHOLE, SLICED]


class Watched(SimpleNamespace):
    """A pipeline that notes what is asked of it."""

    def __init__(self, parameters: int) -> None:
        super().__init__(components={"unet": torch.nn.Linear(parameters, 1, bias=False)}, said=[])
        self.vae = SimpleNamespace(enable_slicing=lambda: self.said.append("vae slices"))

    def enable_attention_slicing(self) -> None:
        self.said.append("slices")

    def enable_model_cpu_offload(self, device: str) -> None:
        self.said.append(f"by part {device}")

    def enable_sequential_cpu_offload(self, device: str) -> None:
        self.said.append(f"by layer {device}")

    def to(self, device: str) -> Watched:
        self.said.append(f"to {device}")
        return self


@pytest.mark.parametrize(
    ("device", "budget", "said"),
    [
        ("cuda:0", 40_000, ["to cuda:0"]),
        ("cuda:0", 9_000, ["slices", "vae slices", "to cuda:0"]),
        ("cuda:0", 3_000, ["slices", "vae slices", "by layer cuda:0"]),
        ("cpu", 3_000, ["slices", "vae slices", "to cpu"]),
    ],
)
def test_placement_follows_the_need(
    device: str, budget: int, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_MODEL_MEMORY", str(budget))
    monkeypatch.setattr("lab.generators.placement.free_bytes", lambda device: 0)
    pipeline = placed(Watched(1000), device, 512)
    assert pipeline.said == said
    assert pipeline.placement == {1: WHOLE, 3: SLICED}.get(
        len(said) if "layer" not in said[-1] else 0, BY_LAYER
    )


def test_slices_change_no_more_than_a_grey_level_and_are_recorded(
    folder: Path, generator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_for(generator.card, PROMPT, 2, 7)
    whole = [s for group in frugal.generate(generator, request) for s in group]
    monkeypatch.setenv("LAB_MODEL_MEMORY", "1000")
    tight = load(toy_card(folder), "cpu")
    sliced = [s for group in frugal.generate(tight, request) for s in group]
    assert tight.pipeline.placement == SLICED
    assert sliced[0].recipe["placement"] == SLICED and "placement" not in whole[0].recipe
    for one, two in zip(whole, sliced, strict=True):
        assert np.abs(one.image.astype(int) - two.image.astype(int)).max() <= 1


def test_a_number_type_the_device_lacks_becomes_float32_and_is_recorded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = dataclasses.replace(toy_card(folder), dtype="float16")
    monkeypatch.setattr("lab.generators.placement.half_types", lambda device: ("bfloat16",))
    assert usable(card, "cpu").dtype == "float32"
    assert usable(dataclasses.replace(card, dtype="bfloat16"), "cpu").dtype == "bfloat16"
    loaded = load(card, "cpu")
    assert loaded.pipeline.unet.dtype == torch.float32
    sample = next(loaded.generate(request_for(card, PROMPT, 1, 7)))[0]
    assert sample.recipe["dtype"] == "float32"


class Short:
    """A generator that runs out of memory where `too_many` images go at once; it notes every attempt."""

    def __init__(self, too_many: int, wrapped: bool = False) -> None:
        self.card = card_from_json({"id": "toy", "title": "Toy", "folder": "model", "size": 16})
        self.digest, self.too_many, self.wrapped = "d", too_many, wrapped
        self.asked: list[tuple[int, ...]] = []
        self.held: list[weakref.ref[torch.Tensor]] = []

    def generate(self, request: Any, on_step: Any = None) -> Any:
        size = request.micro_batch
        for start in range(0, len(request.seeds), size):
            seeds = request.seeds[start : start + size]
            self.asked.append(seeds)
            if size >= self.too_many:
                self._fail()
            yield [
                Sample(np.full((16, 16), seed, np.uint8), {"seed": seed, "micro_batch": size})
                for seed in seeds
            ]

    def _fail(self) -> None:
        activations = torch.zeros(1000)
        self.held.append(weakref.ref(activations))
        try:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        except RuntimeError as error:
            if self.wrapped:
                raise GeneratorError("The generator failed; nothing.") from error
            raise


def asked(count: int) -> Any:
    return request_for(Short(9).card, PROMPT, count, 1, steps=2)


@pytest.mark.parametrize("wrapped", [False, True])
def test_memory_running_out_halves_the_batch_once(wrapped: bool) -> None:
    short = Short(4, wrapped)
    groups = list(frugal.generate(short, asked(6)))
    assert short.asked == [(1, 2, 3, 4), (1, 2), (3, 4), (5, 6)], "the rest is not tried at four again"
    assert [[s.recipe["seed"] for s in group] for group in groups] == [[1, 2, 3, 4], [5, 6]]
    assert {s.recipe["micro_batch"] for group in groups for s in group} == {2}
    assert all(reference() is None for reference in short.held), "what the failed call held is free"


def test_memory_that_stays_short_ends_in_one_sentence() -> None:
    short = Short(1)
    with pytest.raises(GeneratorError) as caught:
        list(frugal.generate(short, asked(4)))
    said = str(caught.value)
    assert short.asked == [(1, 2, 3, 4), (1, 2)] and not out_of_memory(caught.value)
    assert "ran out of memory, with 2 images at a time too" in said and said.count(". ") == 0
    gc.collect()
    assert all(reference() is None for reference in short.held) and len(short.held) == 2


def test_other_errors_pass_and_steps_are_told_of_the_whole() -> None:
    class Broken(Short):
        def _fail(self) -> None:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(frugal.generate(Broken(4), asked(4)))


def test_steps_are_told_as_of_the_whole_request(generator: Any) -> None:
    seen: list[Any] = []
    list(frugal.generate(generator, request_for(generator.card, PROMPT, 6, 1, steps=3), seen.append))
    assert [p.batch for p in seen] == [0] * 3 + [1] * 3 and {p.batches for p in seen} == {2}
    assert {p.total for p in seen} == {6} and seen[-1].done == 4


def test_together_goes_two_at_a_time_after_memory_ran_out() -> None:
    class Grouped(Short):
        def generate_together(self, requests: Any, on_step: Any = None) -> list[Sample]:
            self.asked.append(tuple(one.seeds[0] for one in requests))
            if requests[0].micro_batch >= self.too_many:
                self._fail()
            return [
                Sample(np.zeros((16, 16), np.uint8), {"micro_batch": one.micro_batch}) for one in requests
            ]

    cells = [dataclasses.replace(asked(1), seeds=(seed,)) for seed in (5, 6, 7)]
    short = Grouped(4)
    made = frugal.together(short, cells)
    assert short.asked == [(5, 6, 7), (5, 6), (7,)] and [s.recipe["micro_batch"] for s in made] == [2, 2, 2]
    with pytest.raises(GeneratorError, match="ran out of memory"):
        frugal.together(Grouped(1), cells)


@pytest.mark.fault(28)
def test_a_recipe_made_two_at_a_time_is_recalled_with_its_bytes(generator: Any) -> None:
    request = dataclasses.replace(request_for(generator.card, PROMPT, 3, 7), micro_batch=2)
    made = [s for group in generator.generate(request) for s in group]
    recipe = read_recipe(made[0].png())
    assert recipe is not None and recipe["micro_batch"] == 2
    again = next(generator.generate(request_from_recipe(recipe)))[0]
    assert again.png() == made[0].png()


@pytest.fixture
def short_pipeline(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the pipeline's own call run out of memory where so many images go at once; tells what it was asked."""
    from diffusers import StableDiffusionPipeline

    call, asked_for = StableDiffusionPipeline.__call__, []

    def limit(too_many: int) -> list[int]:
        @functools.wraps(call)
        def short(self: Any, *args: Any, **kwargs: Any) -> Any:
            asked_for.append(len(kwargs["prompt"]))
            if len(kwargs["prompt"]) >= too_many:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return call(self, *args, **kwargs)

        monkeypatch.setattr(StableDiffusionPipeline, "__call__", short)
        return asked_for

    return limit


def run_of(card: Any, seed: int) -> Any:
    from lab.runs.inline import run_inline
    from lab.runs.requests import generate_run

    return run_inline(generate_run(request_for(card, PROMPT, 6, seed, steps=2), None))


@pytest.mark.fault(51)
def test_a_run_survives_memory_running_out_once_and_records_it(
    cards: list[str], folder: Path, short_pipeline: Any
) -> None:
    asked_for = short_pipeline(4)
    run = run_of(toy_card(folder, cards[0]), 3)
    assert run.state == "done", run.error
    assert (
        asked_for == [4, 2, 2, 2] and [s["recipe"]["micro_batch"] for s in run.result["samples"]] == [2] * 6
    )
    assert len({sample["digest"] for sample in run.result["samples"]}) == 6


@pytest.mark.fault(51)
def test_a_run_that_stays_out_of_memory_is_explained_and_the_next_one_works(
    cards: list[str], folder: Path, short_pipeline: Any
) -> None:
    short_pipeline(1)
    run = run_of(toy_card(folder, cards[0]), 3)
    assert run.state == "failed" and "ran out of memory, with 2 images at a time too" in run.error
    assert run.error.count(". ") == 0 and "OutOfMemoryError" not in run.error
    short_pipeline(9)
    assert run_of(toy_card(folder, cards[0]), 4).state == "done"
