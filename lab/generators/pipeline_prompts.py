"""How a loaded pipeline reads a prompt: by which of its tokenizers, up to how many tokens, after what of its own.

Pipelines with several text encoders (SD 3.5, FLUX) read the whole prompt with the largest, T5; the CLIP ones beside it
only give a summary, so a prompt counts as cut where T5 cuts it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from lab.generators.card import GeneratorCard
from lab.generators.prompts import PromptReading, marks, read_with

_TOKENIZERS = ("tokenizer", "tokenizer_2", "tokenizer_3")
_LONGEST, _INSTRUCTION = "max_sequence_length", "complex_human_instruction"
# Lumina puts its system prompt and this mark before every prompt, within the same limit.
_LUMINA_MARK = " <Prompt Start> "


def pipeline_reading(pipeline: Any, card: GeneratorCard, prompt: str) -> PromptReading:
    """Tokens, limit and dropped words of a prompt; nothing for a pipeline that reads none."""
    tokenizer = reading_tokenizer(pipeline)
    if tokenizer is None:
        return PromptReading(0, 0, ())
    limit = token_limit(pipeline, card, tokenizer)
    return read_with(tokenizer, prompt, min(limit, card.token_limit or limit))


def reading_tokenizer(pipeline: Any) -> Any:
    """The tokenizer whose limit counts: that of the encoder which takes the longest text; None without one."""
    there = [getattr(pipeline, name, None) for name in _TOKENIZERS]
    found = [tokenizer for tokenizer in there if tokenizer is not None]
    long = [tokenizer for tokenizer in found if not _is_clip(tokenizer)]
    return next(iter([*long, *found]), None)


def token_limit(pipeline: Any, card: GeneratorCard, tokenizer: Any) -> int:
    """Tokens of a prompt that are read, marks and the pipeline's own words left out."""
    known = inspect.signature(pipeline.__call__).parameters
    own = int(min(tokenizer.model_max_length, 100_000))
    if _LONGEST not in known or _is_clip(tokenizer):
        return own - marks(tokenizer)
    longest = int(card.options.get(_LONGEST, known[_LONGEST].default))
    system = getattr(pipeline, "system_prompt", None)
    if system:
        prefix = str(card.options.get("system_prompt", system)) + _LUMINA_MARK
        return max(
            1, longest - marks(tokenizer) - len(tokenizer(prefix, add_special_tokens=False)["input_ids"])
        )
    if _INSTRUCTION in known and _instructed(card):
        # Sana makes room for its instruction beside the prompt, two tokens short.
        return longest - 2
    return longest - marks(tokenizer)


def lead_in(pipeline: Any, card: GeneratorCard, numbers: Mapping[str, float]) -> tuple[str, int]:
    """What a pipeline puts before every prompt, and how far the prompt's tokens are moved when it is cut off again.

    Sana encodes its instruction with the prompt and hands on the start mark and the last tokens only, as many as
    without an instruction.

    Args:
        pipeline: loaded; its first tokenizer is meant.
        card: of the generator.
        numbers: knobs of the request.
    """
    known = inspect.signature(pipeline.__call__).parameters
    if _INSTRUCTION not in known or not _instructed(card) or not numbers.get(_INSTRUCTION, 1):
        return "", 0
    text = "\n".join(card.options.get(_INSTRUCTION) or known[_INSTRUCTION].default)
    return text, 2 - len(pipeline.tokenizer(text)["input_ids"])


def as_read(pipeline: Any, prompt: str) -> str:
    """The prompt as the pipeline hands it to its tokenizer: PixArt and Sana write it small."""
    prepared = getattr(pipeline, "_text_preprocessing", None)
    return prompt if prepared is None else str(prepared(prompt, clean_caption=False)[0])


def _instructed(card: GeneratorCard) -> bool:
    knob = next((knob for knob in card.knobs if knob.name == _INSTRUCTION), None)
    return bool(card.options.get(_INSTRUCTION, True)) if knob is None else bool(knob.default)


def _is_clip(tokenizer: Any) -> bool:
    return type(tokenizer).__name__.startswith("CLIP")
