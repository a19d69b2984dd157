"""Tokenizers of the published text encoders, offline: CLIP's real one, T5 and Gemma trained on a few sentences."""

from __future__ import annotations

import gzip
import json
from functools import cache
from importlib.resources import files
from typing import Any

from lab.generators.training.tokens import build_tokenizer, byte_letters

# Findings of 60 words as radiologists write them: more than CLIP's 77 tokens, less than Sana's 300.
FINDINGS = (
    "Moderate right pleural effusion with adjacent compressive atelectasis of the right lower lobe. The "
    "cardiomediastinal silhouette is mildly enlarged with tortuosity of the thoracic aorta. There is no pneumothorax "
    "or focal consolidation. A left-sided dual-lead pacemaker is in place with leads terminating in the right atrium "
    "and right ventricle. Mild degenerative changes of the thoracic spine are again noted today"
)
SENTENCES = (
    FINDINGS,
    "Large right pleural effusion with adjacent atelectasis.",
    "The heart is enlarged and the lungs are clear without pneumothorax.",
    "There is a small left pneumothorax, no consolidation, no acute osseous abnormality.",
    "You are an assistant designed to generate superior images. <Prompt Start> Enhanced prompt User Prompt",
)
_MERGES = 49152 - 256 - 2


@cache
def clip_tokenizer() -> Any:
    """CLIP's own tokenizer from the byte-pair table that open_clip carries; 77 tokens."""
    from transformers import CLIPTokenizer

    packed = files("open_clip").joinpath("bpe_simple_vocab_16e6.txt.gz").read_bytes()
    lines = gzip.decompress(packed).decode("utf-8").split("\n")[1 : _MERGES + 1]
    merges = [tuple(line.split()) for line in lines]
    letters = list(byte_letters().values())
    tokens = letters + [letter + "</w>" for letter in letters] + ["".join(pair) for pair in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: row for row, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


@cache
def small_clip_tokenizer() -> Any:
    """A CLIP tokenizer of the same class and length with the words of the sentences: quick to load."""
    return build_tokenizer(SENTENCES, length=77)


@cache
def t5_tokenizer() -> Any:
    """A T5 tokenizer of some hundred pieces; its own limit is 512 as published, pipelines give theirs."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import T5Tokenizer

    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    trained.train_from_iterator(SENTENCES, trainer)
    pieces = json.loads(trained.to_str())["model"]["vocab"]
    scores = [(piece, float(score)) for piece, score in pieces if piece not in special]
    return T5Tokenizer(vocab=[(mark, 0.0) for mark in special] + scores, extra_ids=0, model_max_length=512)


@cache
def gemma_tokenizer() -> Any:
    """A Gemma tokenizer with bytes to fall back on and some five hundred merges."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import GemmaTokenizer

    trained = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    trained.normalizer = normalizers.Replace(" ", "▁")
    # While it learns, words are kept apart, so that no piece reaches over two of them.
    trained.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=800, special_tokens=special, show_progress=False)
    trained.train_from_iterator(SENTENCES, trainer)
    model = json.loads(trained.to_str())["model"]
    return GemmaTokenizer(
        vocab=model["vocab"], merges=[tuple(pair) for pair in model["merges"]],
        padding_side="right", model_max_length=8192, add_bos_token=True,
    )  # fmt: skip
