"""A CLIP tokenizer whose common words are single tokens; any other text falls back to bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

START, END = "<|startoftext|>", "<|endoftext|>"
_WORD_END = "</w>"
# The pattern by which CLIP cuts text: words, single digits, runs of signs.
_PIECE = re.compile(r"[^\W\d_]+|\d|[^\s\w]+|_+")


def byte_letters() -> dict[int, str]:
    """The printable stand-in of every byte, as in GPT-2's byte-level BPE: a bijection of 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [value for value in range(256) if value not in printable]
    letters = {value: chr(value) for value in printable}
    return letters | {value: chr(256 + k) for k, value in enumerate(others)}


def pieces(text: str) -> list[str]:
    """Lower-case pieces of a text, as the tokenizer cuts them before merging."""
    return _PIECE.findall(text.lower())


def build_tokenizer(words: Iterable[str], length: int = 32) -> Any:
    """A `CLIPTokenizer` with `words` as whole tokens.

    Args:
        words: vocabulary, any case; phrases are cut into words.
        length: tokens in all, start and end mark among them.
    """
    from transformers import CLIPTokenizer

    letters = byte_letters()
    alphabet = list(letters.values())
    tokens = alphabet + [letter + _WORD_END for letter in alphabet]
    merges: list[tuple[str, str]] = []
    known = set(tokens)
    for word in sorted({piece for text in words for piece in pieces(text)}):
        parts = [letters[byte] for byte in word.encode("utf-8")]
        parts[-1] += _WORD_END
        while len(parts) > 1:
            # Merging from the right keeps every word's chain its own: two words share only a common ending.
            right = parts[-2] + parts[-1]
            if right not in known:
                known.add(right)
                tokens.append(right)
                merges.append((parts[-2], parts[-1]))
            parts[-2:] = [right]
    vocabulary = {token: index for index, token in enumerate([*tokens, START, END])}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=length)
