"""Where words act, as the prompt page shows it: asked for, shown, or a reason why not."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from lab.data.pixels import encode_png
from lab.runs.artifacts import write_artifact
from lab.ui import attention_map as block
from tests.builders.published import published_card

WORDS = ["large", "left", "effusion."]


def script():
    from lab.ui.attention_map import attention_map
    from tests.pages.test_attention_map import sample_and_run

    run, sample = sample_and_run()
    attention_map(run, sample)


def sample_and_run():
    recipe = {"generator": "toy", "prompt": "large left effusion.", "weights": "0" * 64}
    film = write_artifact(encode_png(np.full((32, 32), 90, np.uint8)), ".png")
    sample = {"recipe": recipe, "artifact": film, "digest": "d" * 64}
    return SimpleNamespace(spec=SimpleNamespace(settings={"dataset": None})), sample


@pytest.fixture
def page(workspace, monkeypatch):
    card = replace(published_card("roentgen-v1"), id="toy")
    monkeypatch.setattr(block, "get_card", lambda name: card)
    monkeypatch.setattr("lab.runs.attention_request.get_card", lambda name: card)
    found = {"done": None}
    store = SimpleNamespace(find_done=lambda digest: found["done"])
    monkeypatch.setattr(block.RunStore, "open", classmethod(lambda cls: store))
    return AppTest.from_function(script, default_timeout=30), found, monkeypatch


@pytest.mark.row("R8")
def test_it_is_asked_for_by_a_button(page):
    at, _, monkeypatch = page
    asked = []
    monkeypatch.setattr(
        block, "submit", lambda spec: asked.append(spec) or SimpleNamespace(id="r", digest="x")
    )
    monkeypatch.setattr(block, "find", lambda run: None)
    at.run()
    assert not at.exception
    (button,) = at.button
    assert button.label == "Where does each word act?"
    button.click().run()
    assert not at.exception and asked[0].kind == "attention" and asked[0].inputs == {"weights": "0" * 64}


@pytest.mark.row("R8")
def test_words_are_chosen_and_the_strongest_is_shown_first(page):
    at, found, monkeypatch = page
    maps = np.zeros((4, 16, 16), np.float16)
    maps[:, :, :8], maps[2, :, 8:], maps[3, :, 8:] = 0.25, 0.7, 0.3
    stream = io.BytesIO()
    np.savez_compressed(stream, maps=maps)
    _, sample = sample_and_run()
    result = {
        "words": WORDS, "strength": [0.1, 0.1, 0.48], "maps": write_artifact(stream.getvalue(), ".npz"),
        "image": sample["artifact"], "layers": 7, "steps": 20, "finest": 8,
    }  # fmt: skip
    found["done"] = SimpleNamespace(id="abc", result=result)
    drawn = []
    monkeypatch.setattr(block, "viewer", lambda films, **rest: drawn.append(films))
    at.run()
    assert not at.exception and not at.button
    told = " ".join(caption.value for caption in at.caption).replace("\\", "")
    assert "effusion" in told and "48.0 %" in told and "8 x 8 places" in told and "70.0 %" in told
    plain, overlay = drawn[-1]
    assert plain.samples.shape == (32, 32) and overlay.samples.shape == (32, 32, 3)
    # Untouched where the word acts least, the overlay's colour where it acts most.
    assert overlay.samples[5, 2].tolist() == [90, 90, 90] and overlay.samples[5, 30].tolist() != [90, 90, 90]


@pytest.mark.row("R8")
def test_a_model_without_cross_attention_gives_one_caption(page):
    at, _, monkeypatch = page
    monkeypatch.setattr(block, "get_card", lambda name: published_card("flux"))
    at.run()
    assert not at.exception and not at.button
    assert "has no cross-attention" in at.caption[0].value.replace("\\", "")
