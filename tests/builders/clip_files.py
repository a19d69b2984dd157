"""CLIP's own tokenizer in the published layout (`vocab.json`, `merges.txt`), from the merges that open_clip brings."""

from __future__ import annotations

import gzip
import json
from importlib.util import find_spec
from pathlib import Path

from lab.generators.training.tokens import END, START, byte_letters

MERGES = 49152 - 256 - 2


def write_clip_tokenizer(folder: Path, length: int = 77) -> Path:
    """Write the 49,408 tokens of CLIP into `folder`, as a Stable Diffusion repository holds them."""
    found = find_spec("open_clip")
    assert found is not None and found.origin is not None
    source = Path(found.origin).parent / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(source.read_bytes()).decode("utf-8").split("\n")[1 : MERGES + 1]
    letters = list(byte_letters().values())
    tokens = letters + [letter + "</w>" for letter in letters] + ["".join(line.split()) for line in lines]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: index for index, token in enumerate([*tokens, START, END])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines]) + "\n", "utf-8")
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": length}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return folder
