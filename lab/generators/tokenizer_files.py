"""A saved tokenizer opened without torch or transformers, so that a page can count tokens."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

# How CLIP cuts text before it merges: endings, words, single digits, runs of signs.
_CLIP = r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
_END = "<|endoftext|>"
LONGEST = 77


def open_tokenizer(folder: Path) -> Any | None:
    """The `tokenizers.Tokenizer` of a folder: of its `tokenizer.json`, else of CLIP's `vocab.json` and `merges.txt`.

    Neither truncates nor pads. None when the folder has neither, so that only the worker can count.
    """
    for name in ("tokenizer.json", "vocab.json"):
        file = folder / name
        if file.is_file() and (name != "vocab.json" or (folder / "merges.txt").is_file()):
            return _opened(str(file), file.stat().st_mtime_ns)
    return None


@lru_cache(maxsize=8)
def _opened(file: str, changed: int) -> Any:
    from tokenizers import Tokenizer

    path = Path(file)
    tokenizer = Tokenizer.from_file(file) if path.name == "tokenizer.json" else _clip(path.parent)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _clip(folder: Path) -> Any:
    """CLIP's own cutting and merging over a vocabulary and its merges."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    bpe = models.BPE.from_file(
        str(folder / "vocab.json"), str(folder / "merges.txt"), unk_token=_END, end_of_word_suffix="</w>"
    )
    tokenizer = Tokenizer(bpe)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CLIP), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def reads(folder: Path) -> int:
    """Tokens that a tokenizer's encoder takes in all, marks included; 77, CLIP's, where its settings do not say."""
    return int(_setting(folder, "model_max_length", LONGEST))


def kind(folder: Path) -> str:
    """The name of a tokenizer for people: "CLIP" of a `CLIPTokenizerFast`; "text" where its settings do not say."""
    name = str(_setting(folder, "tokenizer_class", "")).removesuffix("Fast").removesuffix("Tokenizer")
    return name or "text"


def _setting(folder: Path, name: str, default: Any) -> Any:
    file = folder / "tokenizer_config.json"
    if not file.is_file():
        return default
    return json.loads(file.read_text(encoding="utf-8")).get(name, default)
