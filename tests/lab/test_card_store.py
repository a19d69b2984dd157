"""A generator is added without code: by a YAML file, from a published card, at another commit; changed and removed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lab.errors import GeneratorError, NotFoundError
from lab.generators.card import GeneratorCard
from lab.generators.card_files import parsed, read_card_file, yaml_text
from lab.generators.card_state import state
from lab.generators.card_store import add_card, card_file, filled, remove_card, save_card
from lab.generators.cards import all_cards, get_card, published_cards, ready_cards
from tests.builders.toy_pipeline import build_toy_pipeline

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "b" * 40
TOY = """
id: my-toy
title: My own generator
family: diffusion
conditioning: text
modality: chest radiograph
folder: model
loader: diffusers
size: 32
steps: 3
guidance: 2
dtype: float32
licence: CC0 1.0
training_dataset: films
examples: [small left pleural effusion]
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a card beside a model, as a person would hand it over."""
    folder = tmp_path_factory.mktemp("handed-over")
    build_toy_pipeline(folder / "model")
    (folder / "card.yaml").write_text(TOY, "utf-8")
    return folder


@pytest.fixture
def films(workspace: Path, tmp_path: Path) -> str:
    """Sixty noise films of thirty patients, imported as `films`."""
    from lab.data.images import encode_png
    from lab.data.store import add_folder

    folder, rng, rows = tmp_path / "films", np.random.default_rng(3), ["image,patient_id,label,caption"]
    folder.mkdir()
    for number in range(60):
        (folder / f"f{number}.png").write_bytes(encode_png(rng.integers(0, 256, (32, 32), dtype=np.uint8)))
        rows.append(f"f{number}.png,p{number % 30},effusion,small left pleural effusion")
    (folder / "metadata.csv").write_text("\n".join(rows), "utf-8")
    add_folder(folder, "films", licence="CC0 1.0")
    return "films"


@pytest.mark.row("C20")
def test_a_yaml_card_dropped_in_generates_and_is_measured(films: str, toy: Path) -> None:
    from lab.generators.methods import computable
    from lab.generators.request import request_for
    from lab.runs.inline import run_inline
    from lab.runs.requests import evaluate_run, generate_run

    words = [sys.executable, "-m", "lab", "generators", "add", str(toy / "card.yaml"), "--json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"id": "my-toy", "state": "ready", "reason": ""}
    card = get_card("my-toy")
    assert card.path == toy / "model" and card in ready_cards() and card.licence == "CC0 1.0"
    run = run_inline(generate_run(request_for(card, card.examples[0], 12, 5), None))
    assert run.state == "done" and run.result is not None, run.error
    assert [sample["seed"] for sample in run.result["samples"]] == list(range(5, 17))
    chosen = ["kernel-distance", "coverage", "closer-to-training"]
    assert {*chosen, "clip-score"} <= set(computable(card)) and "mask-volume" not in computable(card)
    measured = run_inline(evaluate_run(films, run.result["sample_set"], chosen))
    assert measured.state == "done" and measured.result is not None, measured.error
    found = {one["metric"] for one in measured.result["results"]}
    assert set(chosen) <= found


@pytest.mark.row("C20")
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("size: tall", "'size'"),
        ("sizes: 32", "'sizes'"),
        ("size: 100", "sizes must be multiples of 8"),
        ("steps: 0", "steps"),
        ("guidance: a lot", "'guidance'"),
        ("conditioning: magic", "conditioning"),
        ("dtype: int8", "dtype"),
        ("colour: blue", "colour"),
        ("access: anybody", "access"),
        ("loader: my_code", "'loader'"),
        ("folder: elsewhere", "'folder'"),
        ("folder: ''\nhub_id: a/b\nrevision: main", "not a branch name"),
        ("id: phantom-cxr", "'id'"),
        ("id: Not An Id", "id must be"),
        ("nonsense: 1", "'nonsense'"),
        ("classes: melanoma", "'classes'"),
        ("knobs: [{name: psi}]", "knob"),
        ("parts: {vae: gone}", "'parts: vae'"),
        ("options: {trust_remote_code: true}", "trust_remote_code"),
        ("title: [", "line "),
        ("title: one\ntitle: two", "twice"),
        ("notes: &a x\ncitation: *a", "reference"),
        ("notes: !!python/object/apply:os.getcwd []", "not plain YAML"),
    ],
)
def test_refusal_names_the_field_and_keeps_the_others(
    workspace: Path, toy: Path, change: str, named: str
) -> None:
    names = {line.partition(":")[0] for line in change.splitlines()}
    kept = [line for line in TOY.splitlines() if line.partition(":")[0] not in names]
    file = toy / "bad.yaml"
    file.write_text("\n".join([*kept, change]), "utf-8")
    before = [card.id for card in all_cards()]
    with pytest.raises(GeneratorError) as caught:
        add_card(file)
    assert named in str(caught.value) and str(caught.value).count(";") >= 1
    assert [card.id for card in all_cards()] == before


@pytest.mark.row("C20")
def test_every_published_card_survives_being_written_and_read(workspace: Path, tmp_path: Path) -> None:
    for card in published_cards():
        file = tmp_path / f"{card.id}.yaml"
        file.write_text(yaml_text(card), "utf-8")
        assert read_card_file(file) == card
        assert parsed(json.dumps(card.to_json()), ".json") == card.to_json()


@pytest.mark.row("C20")
def test_a_copy_of_a_published_card_at_another_commit(workspace: Path) -> None:
    card = save_card(filled(get_card("sana"), {"id": "sana-mine", "revision": COMMIT}))
    assert (card.id, card.revision, card.published) == ("sana-mine", COMMIT, False)
    assert card.options == get_card("sana").options and card.knobs == get_card("sana").knobs
    assert state(card).code == "download" and "generators download sana-mine" in state(card).reason
    assert get_card("sana").revision != COMMIT
    with pytest.raises(GeneratorError, match="'id'"):
        save_card(filled(get_card("sana"), {"id": "sana-mine"}))
    changed = save_card(filled(card, {"title": "Renamed", "id": "sana-other"}), instead="sana-mine")
    assert changed.title == "Renamed" and "sana-mine" not in [one.id for one in all_cards()]
    assert card_file("sana-other") is not None
    remove_card("sana-other")
    with pytest.raises(NotFoundError):
        remove_card("sana-other")


@pytest.mark.row("R1", "C20")
def test_a_published_card_is_filled_in_under_its_own_id_and_comes_back(workspace: Path, toy: Path) -> None:
    call = [sys.executable, "-m", "lab", "generators"]
    words = ["fill", "roentgen-v1", "--folder", str(toy / "model"), "--json"]
    done = subprocess.run([*call, *words], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["state"] == "ready", done.stderr + done.stdout
    card = get_card("roentgen-v1")
    assert (card.steps, card.guidance, card.size, card.dtype) == (75, 4, 512, "float32")
    assert card.path == toy / "model" and "roentgen-v1" in [one.id for one in ready_cards()]
    done = subprocess.run(
        [*call, "remove", "roentgen-v1"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and get_card("roentgen-v1").published
    assert (toy / "model" / "model_index.json").is_file(), "the model's folder is never touched"
    for name in ("roentgen-v1", "phantom-cxr"):
        with pytest.raises(NotFoundError, match="no card you added"):
            remove_card(name)
    with pytest.raises(GeneratorError, match="'id'"):
        save_card(filled(get_card("phantom-cxr"), {"steps": 5}), instead="phantom-cxr")


def test_a_card_of_defaults_keeps_its_main_facts_in_yaml(tmp_path: Path) -> None:
    text = yaml_text(GeneratorCard("x", "X", hub_id="a/b", revision=COMMIT))
    assert "loader: diffusers" in text and "size: 512" in text and "vocabulary" not in text
    assert parsed(text)["revision"] == COMMIT


def test_long_digits_and_words_that_yaml_takes_for_others_stay_text() -> None:
    told = parsed(
        "licence: no\nnotes: 2024-01-02\nrevision: 12e4567890123456789012345678901234567890\nflipped: true"
    )
    assert told["licence"] == "no" and told["notes"] == "2024-01-02" and told["flipped"] is True
    assert told["revision"] == "12e4567890123456789012345678901234567890"
