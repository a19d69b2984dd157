"""How a text encoder reads a prompt: tokens, limit, and the words it never sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class PromptReading:
    """Token count of a prompt and the words beyond the limit.

    Attributes:
        tokens: tokens of the prompt without start and end marks.
        limit: how many of them the encoder takes.
        dropped: the words at the end that it does not see; a word that is cut in two counts as dropped.
    """

    tokens: int
    limit: int
    dropped: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What to tell the person; empty when the whole prompt is read."""
        if not self.dropped:
            return ""
        return (
            f"The prompt has {self.tokens} tokens and this generator reads {self.limit}; "
            f"not read: {' '.join(self.dropped)}."
        )


def read_offsets(prompt: str, offsets: list[tuple[int, int]], limit: int) -> PromptReading:
    """Build a reading from the character span of each token."""
    if len(offsets) <= limit:
        return PromptReading(len(offsets), limit, ())
    first_lost = offsets[limit][0]
    start = (
        prompt.rfind(" ", 0, first_lost + 1) + 1
        if not prompt[first_lost : first_lost + 1].isspace()
        else first_lost
    )
    return PromptReading(len(offsets), limit, tuple(prompt[start:].split()))


def read_prompt(tokenizer_folder: Path, prompt: str, limit: int = 0) -> PromptReading | None:
    """Reading of a prompt without torch, from a saved `tokenizer.json`.

    Args:
        tokenizer_folder: the `tokenizer` folder of a model.
        prompt: the text.
        limit: tokens of the prompt that are read; 0 takes `model_max_length` less the two marks.

    Returns:
        None when the folder has no `tokenizer.json`, so that the count is only known in the worker.
    """
    import json

    from tokenizers import Tokenizer

    file = tokenizer_folder / "tokenizer.json"
    if not file.is_file():
        return None
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    config = tokenizer_folder / "tokenizer_config.json"
    if not limit:
        longest = (
            json.loads(config.read_text(encoding="utf-8")).get("model_max_length", 77)
            if config.is_file()
            else 77
        )
        limit = int(longest) - tokenizer.num_special_tokens_to_add(False)
    encoding = tokenizer.encode(prompt, add_special_tokens=False)
    return read_offsets(prompt, list(encoding.offsets), limit)


def read_with(tokenizer: Any, prompt: str) -> PromptReading:
    """Reading of a prompt by a loaded tokenizer of transformers."""
    limit = int(min(tokenizer.model_max_length, 100_000)) - int(tokenizer.num_special_tokens_to_add())
    if getattr(tokenizer, "is_fast", False):
        coded = tokenizer(
            prompt, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False
        )
        return read_offsets(prompt, [tuple(pair) for pair in coded["offset_mapping"]], limit)
    words = prompt.split()
    counts = [
        len(tokenizer(" ".join(words[: k + 1]), add_special_tokens=False)["input_ids"])
        for k in range(len(words))
    ]
    kept = sum(count <= limit for count in counts)
    return PromptReading(counts[-1] if counts else 0, limit, tuple(words[kept:]))
