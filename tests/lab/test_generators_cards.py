"""Generator cards are data: read, checked, listed, added; a bad one never hides the others."""

from __future__ import annotations

import json

import pytest

from lab.errors import GeneratorError, NotFoundError
from lab.generators.card import card_from_json, read_card
from lab.generators.card_store import add_card
from lab.generators.cards import broken_cards, get_card, list_cards, workspace_folder
from lab.generators.load import load, model_folder
from tests.builders.toy_pipeline import toy_card_json, write_toy_card

BASE = {"id": "toy", "title": "Toy", "folder": "model"}
COMMIT = "a" * 40


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../up"}, {"id": "Big"}, {"id": ""}, {"title": " "}, {"nonsense": 1}, {"size": "128"}, {"size": 100},
        {"sizes": [64]}, {"steps": 0}, {"steps": True}, {"guidance": 99}, {"dtype": "int8"}, {"conditioning": "magic"},
        {"folder": ""}, {"hub_id": "a/b"}, {"folder": "", "hub_id": "a/b"}, {"vocabulary": "left"}, {"measured": []},
        {"folder": "", "hub_id": "a/b", "revision": "main"}, {"colour": "blue"},
        {"over_trained": True}, {"over_trained": "yes", "phantom_trained": True},
    ],
)  # fmt: skip
def test_bad_card_is_refused_with_a_sentence(change):
    with pytest.raises(GeneratorError, match="card was not taken because"):
        card_from_json(BASE | change)


@pytest.mark.row("C1")
def test_card_round_trip_and_hub_card_needs_no_code():
    card = card_from_json(
        {"id": "roentgen-v2", "title": "RoentGen v2", "hub_id": "stanfordmimi/RoentGen-v2", "revision": COMMIT,
         "size": 512, "steps": 75, "guidance": 3, "dtype": "bfloat16", "gate": "credentialed users"}
    )  # fmt: skip
    assert card.path is None and card.allowed_sizes == (512,) and card.guidance == 3
    assert card_from_json(json.loads(json.dumps(card.to_json()))) == card
    with pytest.raises(GeneratorError, match=r"not on this machine.*credentialed users"):
        load(card)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00", "[" * 9000])
def test_unreadable_card_file(tmp_path, text):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(GeneratorError):
        read_card(tmp_path / "card.json")


def test_added_card_is_listed_and_broken_ones_are_named(workspace, tmp_path):
    folder = tmp_path / "toy"
    folder.mkdir()
    card = add_card(write_toy_card(folder, tmp_path / "card.json", "toy-added"))
    assert get_card("toy-added") == card and card.path == folder
    (workspace_folder() / "bad.json").write_text("{")
    assert any(name == "bad.json" for name, _ in broken_cards())
    assert "toy-added" in [card.id for card in list_cards()]
    with pytest.raises(GeneratorError, match="already there"):
        add_card(tmp_path / "card.json")


def test_unknown_generator_names_the_known_ones(workspace):
    with pytest.raises(NotFoundError, match="no generator of that id"):
        get_card("nope")


def test_card_without_its_folder_gives_a_sentence(workspace, tmp_path):
    card = card_from_json(toy_card_json(tmp_path / "gone"))
    with pytest.raises(GeneratorError, match="was not found; nothing was generated"):
        model_folder(card)
    path = write_toy_card(tmp_path / "gone", tmp_path / "card.json")
    with pytest.raises(GeneratorError, match="nothing was added"):
        add_card(path)
