"""Conditions on the command line: class, vendor, mask and a generator's own numbers reach the request."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lab.commands import generate as command
from lab.commands.main import app
from lab.errors import InputError
from lab.generators.card import GeneratorCard, Knob
from lab.generators.condition import decode_mask

CARD = GeneratorCard(
    "hearts", "Hearts", conditioning="mask", folder="/nowhere", size=64, steps=5, guidance=1.0,
    classes=("a", "b"), vendors=("north", "south"), structures=("right ventricle", "myocardium"),
    knobs=(Knob("psi", "Truncation", 0, 1, 0.5),),
)  # fmt: skip


@pytest.fixture
def asked(monkeypatch, workspace):
    requests = []

    def spec(request, dataset):
        requests.append(request)
        return request

    monkeypatch.setattr(command, "get_card", lambda name: CARD)
    monkeypatch.setattr(command, "default_dataset", lambda card: None)
    monkeypatch.setattr(command, "generate_run", spec)
    answer = {"samples": [], "sample_set": "s", "text_image": {"why": ""}}
    monkeypatch.setattr(command, "run_to_end", lambda spec: answer)
    return requests


def test_every_condition_reaches_the_request(asked, tmp_path):
    numbers = np.zeros((32, 32), np.uint8)
    numbers[8:20, 8:20] = 2
    Image.fromarray(numbers).save(tmp_path / "mask.png")
    given = ["generate", "--generator", "hearts", "--out", str(tmp_path), "-n", "2", "--seed", "9"]
    given += ["--class", "b", "--vendor", "south", "--mask", str(tmp_path / "mask.png"), "--set", "psi=0.7"]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    request = asked[0]
    assert request.seeds == (9, 10) and request.prompt == "" and request.steps == 5
    assert (request.condition.label, request.condition.vendor) == ("b", "south")
    assert request.condition.numbers == (("psi", 0.7),)
    assert np.array_equal(decode_mask(request.condition.mask), numbers)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--class", "z"], "valid are a, b"),
        (["--set", "psi=2", "--mask", "MASK"], "Truncation must be a number from 0 to 1"),
        (["--set", "chi=1", "--mask", "MASK"], "no setting 'chi'"),
        (["--set", "psi"], "NAME=NUMBER"),
        ([], "needs a mask"),
    ],
)
def test_what_the_card_does_not_take_is_refused(asked, tmp_path, option, words):
    Image.fromarray(np.eye(16, dtype=np.uint8)).save(tmp_path / "mask.png")
    option = [str(tmp_path / "mask.png") if word == "MASK" else word for word in option]
    done = CliRunner().invoke(app, ["generate", "--generator", "hearts", "--out", str(tmp_path), *option])
    assert isinstance(done.exception, InputError) and words in str(done.exception) and not asked


def test_a_setting_stands_once():
    assert command.settings_of(["b=2", "a=1e-1"]) == (("a", 0.1), ("b", 2.0))
    with pytest.raises(InputError):
        command.settings_of(["a=1", "a=2"])
