"""The privacy protocol: published seeds and draw, one sample set, resumable, measured against each prompt's image."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.errors import InputError
from lab.runs.identity_requests import METRICS, SEEDS, protocol_run, train_identity_run
from lab.runs.inline import run_inline
from lab.runs.kinds import protocol
from lab.runs.kinds.protocol import drawn_prompts
from lab.runs.kinds.providers.sources import first_by_caption, sources_of, tidy
from tests.builders.memory_set import CoarsePixels
from tests.builders.toy_patients import write_toy_folder
from tests.builders.toy_pipeline import build_toy_pipeline, toy_card_json

WIDTHS = (8, 8, 8, 8)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A workspace with a captioned toy set and a toy generator."""
    from lab.data.importing.importer import add_folder

    folder = tmp_path_factory.mktemp("protocol")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_WORKSPACE", str(folder / "workspace"))
        patch.setenv("LAB_THREADS", "1")
        films = write_toy_folder(folder / "films", patients=24, films=2)
        add_folder(films, "toys", licence="CC0", modality="chest radiograph")
        card = toy_card_json(build_toy_pipeline(folder / "model"), "toy-cxr")
        (folder / "workspace" / "generators").mkdir()
        (folder / "workspace" / "generators" / "toy-cxr.json").write_text(json.dumps(card))
        yield folder / "workspace"


@pytest.mark.row("C12")
def test_the_ten_seeds_are_the_published_draw() -> None:
    draws = random.Random(42)
    assert tuple(draws.choices(range(1, 1000), k=10)) == SEEDS
    assert SEEDS == (639, 25, 275, 223, 736, 677, 892, 87, 422, 30)


def test_prompts_are_distinct_captions_in_the_order_pandas_draws_them(place: Path) -> None:
    from lab.data.resolve import resolve

    train = resolve("toys:train")
    captions = train.frame()["caption"]
    # as the published code: drop repeated prompts, drop missing ones, sample
    wanted = captions.drop_duplicates().reset_index(drop=True).sample(5, random_state=42)
    drawn = drawn_prompts(train, 5)
    assert [one.text for one in drawn] == list(wanted)
    ids = pd.Series(train.ids())
    for one in drawn:
        assert one.source == min(ids[captions == one.text])
    assert len(drawn_prompts(train, 10_000)) == captions.nunique()


def test_sources_come_from_recipe_column_or_caption_and_else_there_is_none(place: Path) -> None:
    from lab.data.imageset import FrameSet
    from lab.data.resolve import resolve

    train = resolve("toys:train")
    ids, captions = train.ids(), list(train.frame()["caption"])
    last = ids[-1]
    frame = pd.DataFrame({
        "image_id": [f"{row:016x}" for row in range(5)], "digest": "", "patient_id": "", "split": "", "label": "",
        "caption": [f"  {captions[0]} ", captions[0], captions[0], "never said", ""],
        "recipe": ["", json.dumps({"source": last}), "not json", "[]", "{}"],
        "source": ["", "", ids[2], "", ""],
    })  # fmt: skip
    first = first_by_caption(train)[captions[0]]
    assert sources_of(train, FrameSet("s", "SYNTHETIC", frame)).tolist() == [first, len(ids) - 1, 2, -1, -1]
    assert tidy(" a\n b ") == "a b"


@pytest.fixture(scope="module")
def done(place: Path):
    """A protocol run of 3 prompts and 5 seeds that broke after its first batch, and the same one run to the end."""
    spec = protocol_run("toy-cxr", "toys", prompts=3, seeds=SEEDS[:5], steps=1)
    real, calls = protocol._batch, []

    def breaking(*arguments):
        calls.append(arguments[2].seeds)
        if len(calls) == 2:
            raise InputError("The power went out; the first batch is kept; start again.")
        return (yield from real(*arguments))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "_batch", breaking)
        broken = run_inline(spec)
        whole = run_inline(spec)
    return broken, whole, calls


@pytest.mark.row("C12")
def test_a_stopped_protocol_goes_on_and_makes_one_set_with_prompt_seed_and_source(done) -> None:
    from lab.data.resolve import resolve
    from lab.data.samples import open_sample_set

    broken, whole, calls = done
    assert broken.state == "failed" and whole.state == "done", whole.error
    assert calls == [SEEDS[:4], SEEDS[4:5]] + [SEEDS[4:5], SEEDS[:4], SEEDS[4:5], SEEDS[:4], SEEDS[4:5]]
    made = open_sample_set(whole.result["sample_set"])
    assert len(made) == whole.result["images"] == 15 and whole.result["prompts"] == 3
    prompts = drawn_prompts(resolve("toys:train"), 3)
    recipes = [made.recipe(name) for name in made.ids()]
    assert [recipe["seed"] for recipe in recipes] == list(SEEDS[:5]) * 3
    assert [recipe["source"] for recipe in recipes] == [one.source for one in prompts for _ in range(5)]
    assert list(made.rows["prompt"]) == [one.text for one in prompts for _ in range(5)]


def _measurements(sample_set: str):
    from lab.runs.store import RunStore

    found = RunStore.open().list(kinds=("evaluate",), limit=100)
    return [run for run in found if run.spec.settings["synthetic"] == sample_set]


@pytest.mark.row("C12")
def test_a_finished_protocol_has_queued_its_measurement_with_no_page_open(done) -> None:
    from lab.runs.metric_requests import evaluate_run

    broken, whole, _ = done
    assert broken.result is None and "measurement" in whole.result
    measuring = _measurements(whole.result["sample_set"])[-1]
    assert measuring.id == whole.result["measurement"], "the first that was ever asked for of this set"
    assert measuring.spec.settings["metrics"] == list(METRICS) and measuring.spec.settings["real"] == "toys"
    assert measuring.spec.to_json() == evaluate_run("toys", whole.result["sample_set"], METRICS).to_json(), (
        "the run that a page asks for, so that the page finds it"
    )
    assert whole.result["pace"]["images"] == 11 and whole.result["pace"]["seconds"] > 0, (
        "the four that were kept took this attempt no time"
    )
    assert whole.result["bytes"] > 15 * 100


def test_a_cancelled_protocol_measures_nothing_and_a_resumed_one_does(place: Path, monkeypatch) -> None:
    from lab.runs.store import RunStore

    store, real = RunStore.open(), protocol._batch
    spec = protocol_run("toy-cxr", "toys", prompts=2, seeds=SEEDS[:2], steps=1)

    def stopped(*arguments):
        store.cancel(store.list(states=("running",))[0].id)
        return (yield from real(*arguments))

    before = len(store.list(kinds=("evaluate",), limit=100))
    with monkeypatch.context() as patch:
        patch.setattr(protocol, "_batch", stopped)
        run = run_inline(spec)
    assert run.state == "cancelled" and len(store.list(kinds=("evaluate",), limit=100)) == before
    store.resume(run.id)
    again = run_inline(spec)
    assert again.id == run.id and again.state == "done"
    (measuring,) = _measurements(again.result["sample_set"])
    assert measuring.state == "queued" and measuring.id == again.result["measurement"]


def test_samples_are_kept_where_they_cannot_be_measured(place: Path, monkeypatch) -> None:
    from lab.errors import NotFoundError
    from lab.runs import metric_requests

    def gone(*_):
        raise NotFoundError("The dataset is gone; the samples are kept; add it again.")

    spec = protocol_run("toy-cxr", "toys", prompts=1, seeds=SEEDS[:1], steps=1)
    monkeypatch.setattr(metric_requests, "evaluate_run", gone)
    run = run_inline(spec)
    assert run.state == "done" and run.result["unmeasured"].startswith("The dataset is gone")
    assert run.result["images"] == 1 and "measurement" not in run.result


@pytest.mark.row("C12")
def test_a_generator_is_asked_only_for_what_it_was_trained_on(place: Path) -> None:
    from lab.data.resolve import resolve
    from lab.generators.cards import get_card

    train, file = resolve("toys:train"), place / "generators" / "members.json"
    card = get_card("toy-cxr")
    assert card.root == place / "generators" and protocol.seen_by(card, train) is train
    listed = train.ids()[4:7]
    file.write_text(json.dumps([*listed, "of another set"]), "utf-8")
    try:
        seen = protocol.seen_by(replace(card, training_dataset="toys"), train)
        assert seen.ids() == listed
        assert {one.source for one in drawn_prompts(seen, 100)} <= set(listed)
        other = protocol.seen_by(replace(card, training_dataset="elsewhere"), train)
        assert other is train, "what it saw of another dataset says nothing of this one"
    finally:
        file.unlink()


def test_a_sample_of_the_protocol_equals_the_one_of_a_plain_generation(done) -> None:
    from lab.data.samples import open_sample_set
    from lab.generators.request import GenerationRequest
    from lab.runs.requests import generate_run

    made = open_sample_set(done[1].result["sample_set"])
    request = GenerationRequest("toy-cxr", made.rows["prompt"][0], SEEDS[:5], 1, 2.0, 32)
    plain = run_inline(generate_run(request, None))
    again = open_sample_set(plain.result["sample_set"])
    assert again.digests() == made.digests()[:5]


@pytest.mark.row("C12")
def test_the_three_metrics_are_measured_on_the_protocols_set(place: Path, done, monkeypatch) -> None:
    from lab.data.resolve import resolve
    from lab.metrics.benchmark_table import rows_for_csv
    from lab.runs.kinds.providers import absent_needs
    from lab.runs.requests import evaluate_run

    monkeypatch.setattr("lab.features.extractors.get_extractor", lambda name: CoarsePixels())
    made = done[1].result["sample_set"]
    missing = absent_needs(["re-id", "sources"], "toys", resolve(made), "coarse")
    assert set(missing) == {"re-id"} and "identity train toys" in missing["re-id"]
    without = run_inline(evaluate_run("toys", made, ["re-identification"]))
    assert without.result["results"][0]["value"] is None
    assert "identity train toys" in without.result["results"][0]["note"]

    assert run_inline(train_identity_run("toys", steps=4, size=32, widths=WIDTHS)).state == "done"
    run = run_inline(evaluate_run("toys", made, METRICS))
    assert run.state == "done", run.error
    results = {item["metric"]: item for item in run.result["results"]}
    for name in METRICS:
        item = results[name]
        assert item["value"] is not None and item["control"] is not None and item["floor"] is not None, item[
            "note"
        ]
        assert item["details"]["prompts"] == 3
    assert "AUC of" in results["re-identification"]["note"]
    assert results["pixel-distance"]["published"] is not None
    rows = rows_for_csv(
        {name: item["details"] for name, item in results.items()}, resolve("toys:train").ids()
    )
    assert sorted(row["Real Path"] for row in rows) == sorted(
        one.source for one in drawn_prompts(resolve("toys:train"), 3)
    )
    # the pixel distance again, by hand
    train, samples = resolve("toys:train"), resolve(made)
    source = dict(zip(train.ids(), range(len(train)), strict=True))
    apart = [
        np.sqrt(
            np.mean((samples.image(name).astype(float) - train.image(samples.recipe(name)["source"])) ** 2)
        )
        for name in samples.ids()
        if samples.recipe(name)["source"] in source
    ]
    assert results["pixel-distance"]["value"] == pytest.approx(np.mean(apart))


def test_requests_outside_their_range_are_refused(place: Path) -> None:
    for wrong in ({"prompts": 0}, {"seeds": ()}, {"seeds": (-1,)}, {"steps": 0}):
        with pytest.raises(InputError):
            protocol_run("toy-cxr", "toys", **wrong)


def test_a_set_without_captions_cannot_prompt(place: Path, tmp_path: Path) -> None:
    from lab.data.importing.importer import add_folder

    films = write_toy_folder(tmp_path / "mute", patients=6, films=1)
    table = films / "metadata.csv"
    table.write_text("\n".join(line.rpartition(",")[0] for line in table.read_text().splitlines()) + "\n")
    add_folder(films, "mute", licence="CC0", modality="chest radiograph")
    run = run_inline(protocol_run("toy-cxr", "mute", prompts=2))
    assert run.state == "failed" and "no captions" in run.error
