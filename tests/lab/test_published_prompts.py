"""How many tokens each published model reads, by its own tokenizer, and which words it never sees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.generators.load import load
from tests.builders.published import published  # noqa: F401
from tests.builders.published_tokenizers import FINDINGS


@pytest.mark.row("C5")
def test_sixty_words_are_cut_by_clip_and_not_by_sana(published):  # noqa: F811
    assert len(FINDINGS.split()) == 60
    card = replace(published.card("sd-v1-4"), folder=str(published.folder("sd-clip")))
    clip = load(card, "cpu").prompt_reading(FINDINGS)
    assert clip.limit == 75 and clip.tokens > 75
    assert clip.dropped and FINDINGS.endswith(" ".join(clip.dropped))
    sana = load(published.card("sana"), "cpu").prompt_reading(FINDINGS)
    assert sana.dropped == () and 60 <= sana.tokens <= sana.limit == 298


@pytest.mark.row("C5")
def test_the_limits_of_the_others(published):  # noqa: F811
    for name, limit in (("radedit", 126), ("pixart-sigma", 299), ("sd-v3-5", 511), ("flux", 511)):
        reading = load(published.card(name), "cpu").prompt_reading("right " * 600)
        assert reading.limit == limit and reading.dropped, name
    # Lumina's system prompt takes a part of its 256 tokens.
    lumina = load(published.card("lumina"), "cpu")
    tokenizer = lumina.pipeline.tokenizer
    taken = len(
        tokenizer(lumina.pipeline.system_prompt + " <Prompt Start> ", add_special_tokens=False)["input_ids"]
    )
    assert lumina.prompt_reading("right").limit == 255 - taken


@pytest.mark.fault(26)
def test_no_word_of_a_prompt_reaches_a_log(published, caplog, capfd):  # noqa: F811
    from tests.builders.published import drawn

    generator = load(published.card("sd-v1-4"), "cpu")
    sample = drawn(generator, prompt=f"{FINDINGS} {FINDINGS} Zweifelhaft", steps=1)
    assert sample.recipe["dropped_words"].endswith("Zweifelhaft")
    out, err = capfd.readouterr()
    assert "zweifelhaft" not in (out + err + caplog.text).lower()
