"""Where words act: shares that sum to 1, words put together from their tokens, pixels left as they are."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lab.errors import GeneratorError, InputError
from lab.generators.attention_maps import cross_attention_layers, record, why_no_maps, word_tokens
from lab.generators.load import load
from lab.generators.request import request_for
from lab.runs.attention_request import attention_run, attention_run_of_png
from lab.runs.kinds.attention import execute, packed
from tests.builders.published import drawn, published, published_card  # noqa: F401
from tests.builders.published_tokenizers import clip_tokenizer, gemma_tokenizer, t5_tokenizer
from tests.builders.toy_pipeline import SIZE, build_toy_pipeline, toy_card

PROMPT = "small left pleural effusion"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return load(toy_card(build_toy_pipeline(tmp_path_factory.mktemp("toy") / "model")), "cpu")


def one(generator, prompt=PROMPT, **changes):
    return request_for(generator.card, prompt, 1, 7, **changes)


@pytest.mark.row("R8")
def test_shares_sum_to_one_at_every_place_and_pixels_stay(toy):
    plain = next(iter(toy.generate(one(toy))))[0]
    processors = [layer.processor for layer in cross_attention_layers(toy.pipeline)]
    sample, maps = record(toy, one(toy))
    assert sample.png() == plain.png()
    assert maps.words == ("small", "left", "pleural", "effusion")
    assert maps.maps.shape == (5, SIZE, SIZE) and maps.maps.dtype == np.float32
    assert np.allclose(maps.maps.sum(axis=0), 1, atol=1e-5) and maps.maps.min() >= 0
    assert maps.layers == len(processors) and maps.steps == 4 and maps.finest == 4
    # Nothing of the recording is left behind.
    assert [layer.processor for layer in cross_attention_layers(toy.pipeline)] == processors


@pytest.mark.row("R8")
def test_shares_are_those_of_the_half_that_reads_the_prompt(toy):
    import torch

    layer = cross_attention_layers(toy.pipeline)[0]
    seen, kept = [], layer.processor

    def spy(attn, hidden_states, encoder_hidden_states=None, attention_mask=None, *args, **kwargs):
        seen.append((hidden_states.clone(), encoder_hidden_states.clone()))
        return kept(attn, hidden_states, encoder_hidden_states, attention_mask, *args, **kwargs)

    layer.set_processor(spy)
    try:
        list(toy.generate(one(toy, steps=1)))
    finally:
        layer.set_processor(kept)
    # By hand: softmax of query and key of the first conditional row, averaged over heads, at the layer's own places.
    image, prompt = (part[4:5] for part in seen[0])
    heads, width = layer.heads, layer.to_q.out_features // layer.heads
    query, key = (
        network(values).reshape(1, -1, heads, width).transpose(1, 2)
        for network, values in ((layer.to_q, image), (layer.to_k, prompt))
    )
    by_hand = torch.softmax(query @ key.transpose(-1, -2) / width**0.5, dim=-1).mean(1)[0]
    from lab.generators.attention_maps import _Sums

    sums = _Sums(4)
    sums.add(layer, seen[0][0], seen[0][1], None)
    side = int(image.shape[1] ** 0.5)
    found = sums.mean(side, range(sums.tokens), sums.tokens)
    assert np.allclose(found, by_hand.T.reshape(-1, side, side).detach().numpy(), atol=1e-6)


@pytest.mark.row("R8")
def test_tokens_of_a_word_are_summed_under_it():
    prompt = "no pleural effusion, normal"
    tokens = clip_tokenizer()(prompt)["input_ids"]
    words, owners = word_tokens(clip_tokenizer(), prompt, 77)
    assert words == ("no", "pleural", "effusion,", "normal")
    # no | ple ural | ef fusion , | normal, between the start mark and the end mark
    assert owners[: len(tokens)] == [4, 0, 1, 1, 2, 2, 2, 3, 4] and set(owners[len(tokens) :]) == {4}
    words, owners = word_tokens(clip_tokenizer(), "effusion " * 60, 77)
    assert len(owners) == 77 and owners[0] == owners[-1] == len(words) and len(words) in (37, 38)
    words, owners = word_tokens(t5_tokenizer(), "left effusion", 32)
    assert words == ("left", "effusion") and owners[0] == 0 and len(owners) == 32
    # What stands before the prompt is nobody's, and its tokens may be cut off again, as Sana does it.
    text, prompt = "Enhanced prompt. User Prompt: ", "right effusion"
    tokens = gemma_tokenizer()(text + prompt, return_offsets_mapping=True)
    moved = 2 - len(gemma_tokenizer()(text)["input_ids"])
    words, owners = word_tokens(gemma_tokenizer(), prompt, 20, text, moved)
    assert words == ("right", "effusion")
    for row, (_, end) in enumerate(tokens["offset_mapping"][1:], 1):
        if end > len(text):
            assert owners[row + moved] == (0 if end <= len(text) + 5 else 1)


@pytest.mark.row("R8")
@pytest.mark.parametrize("name", ["pixart-sigma", "sana", "radedit"])
def test_published_models_with_cross_attention(published, name):  # noqa: F811
    generator = load(published.card(name), "cpu")
    assert why_no_maps(generator.card) == ""
    plain = drawn(generator, prompt="moderate right pleural effusion")
    request = replace(one(generator, "moderate right pleural effusion", steps=2), micro_batch=1)
    sample, maps = record(generator, request)
    assert sample.png() == plain.png() and len(maps.words) == 4
    assert np.allclose(maps.maps.sum(axis=0), 1, atol=1e-4)
    assert all(share > 0 for share in maps.strength())


@pytest.mark.row("R8")
@pytest.mark.parametrize("name", ["sd-v3-5", "lumina", "flux"])
def test_off_with_a_sentence_for_joint_attention(published, name):  # noqa: F811
    generator = load(published.card(name), "cpu")
    assert "has no cross-attention" in why_no_maps(generator.card)
    with pytest.raises(GeneratorError, match="no cross-attention.*choose a generator with"):
        record(generator, one(generator))


def test_off_for_other_families():
    for name in ("stylegan2-ada", "llm-cxr"):
        assert "has no cross-attention" in why_no_maps(published_card(name))
    assert why_no_maps(published_card("roentgen-v1")) == ""


class Context:
    """What the run kind needs of a context."""

    def __init__(self, generator, film):
        self.generator, self.film, self.kept = generator, film, {}

    def progress(self, *told):
        return told

    def resident(self, key, build):
        return self.generator

    def read_artifact(self, digest, suffix=None):
        return self.film

    def artifact(self, data, suffix=""):
        self.kept[suffix] = data
        return "d" * 64


def run_of(toy, monkeypatch, film, recipe):
    monkeypatch.setattr("lab.generators.cards.get_card", lambda name: toy.card)
    monkeypatch.setattr("lab.runs.attention_request.get_card", lambda name: toy.card)
    spec = attention_run(recipe, "a" * 64)
    context = Context(toy, film)
    told, running = [], execute(spec, context)
    while True:
        try:
            told.append(next(running))
        except StopIteration as end:
            return end.value, told, context


@pytest.mark.row("R8")
def test_the_run_makes_the_stored_film_again_and_keeps_its_maps(toy, monkeypatch):
    sample = next(iter(toy.generate(one(toy))))[0]
    result, told, context = run_of(toy, monkeypatch, sample.png(), sample.recipe)
    assert result["largest_difference"] == 0 and result["words"] == ["small", "left", "pleural", "effusion"]
    assert [stage[1:] for stage in told[1:]] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with np.load(io.BytesIO(context.kept[".npz"]), allow_pickle=False) as stored:
        assert stored["maps"].shape == (5, SIZE, SIZE) and stored["maps"].dtype == np.float16
        assert np.allclose(stored["maps"].astype(float).sum(0), 1, atol=0.01)
    assert abs(sum(result["strength"]) - 1) < 1


def test_maps_of_another_film_are_not_kept(toy, monkeypatch):
    sample = next(iter(toy.generate(one(toy))))[0]
    other = replace(sample, image=255 - sample.image)
    with pytest.raises(GeneratorError, match="came out differently this time"):
        run_of(toy, monkeypatch, other.png(), sample.recipe)
    with pytest.raises(GeneratorError, match="weights of .* have changed"):
        run_of(toy, monkeypatch, sample.png(), sample.recipe | {"weights": "0" * 64})


def test_large_maps_are_kept_small_and_still_sum_to_one():
    maps = np.full((3, 512, 512), 1 / 3, np.float32)
    stored = packed(SimpleNamespace(maps=maps))
    with np.load(io.BytesIO(stored), allow_pickle=False) as read:
        assert read["maps"].shape == (3, 128, 128) and np.allclose(read["maps"].sum(0), 1, atol=0.01)


def test_a_png_without_recipe_starts_nothing(workspace):
    from lab.data.pixels import encode_png

    with pytest.raises(InputError, match="holds no recipe"):
        attention_run_of_png(encode_png(np.zeros((8, 8), np.uint8)))
