"""How a text encoder reads a prompt: tokens, limit, and the words it never sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.generators.tokenizer_files import open_tokenizer, reads


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
    """Reading of a prompt without torch, from a saved tokenizer.

    Args:
        tokenizer_folder: the `tokenizer` folder of a model.
        prompt: the text.
        limit: tokens of the prompt that are read; 0 takes `model_max_length` less the two marks.

    Returns:
        None when its files can only be opened in the worker, so that the count is not known here.
    """
    tokenizer = open_tokenizer(tokenizer_folder)
    if tokenizer is None:
        return None
    if not limit:
        # A tokenizer made of CLIP's two files knows of no marks: CLIP has two.
        limit = reads(tokenizer_folder) - (tokenizer.num_special_tokens_to_add(False) or 2)
    encoding = tokenizer.encode(prompt, add_special_tokens=False)
    return read_offsets(prompt, list(encoding.offsets), limit)


def read_with(tokenizer: Any, prompt: str, limit: int = 0) -> PromptReading:
    """Reading of a prompt by a loaded tokenizer of transformers.

    Args:
        tokenizer: of transformers.
        prompt: the text.
        limit: tokens of the prompt that are read; 0 takes the tokenizer's own.
    """
    limit = limit or int(min(tokenizer.model_max_length, 100_000)) - marks(tokenizer)
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


def marks(tokenizer: Any) -> int:
    """How many start and end marks a tokenizer adds to a text."""
    return int(tokenizer.num_special_tokens_to_add())
