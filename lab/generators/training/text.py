"""The text encoder: a small CLIP text model that learns what captions say before it sees any film."""

from __future__ import annotations

import json
import random
from collections.abc import Generator
from pathlib import Path
from typing import Any

from lab.atomic import write_json
from lab.generators.training import checkpoint, loop
from lab.generators.training.recipe import Clock, TrainingProgress, TrainingRecipe
from lab.generators.training.tokens import build_tokenizer
from lab.generators.training.wording import drawn_caption, reworded, vocabulary

STAGE = "text"
RATE = 1e-3
EMA = 0.99
LABELS = ("effusion", "pneumothorax", "cardiomegaly", "consolidation")
SIDES = ("", "right", "left")
SIZES = ("", "small", "moderate", "large")
LOBES = ("", "RUL", "RML", "RLL", "LUL", "LLL")
# One answer a finding: absent, or present with its side, size and lobe.
HEADS = {"present": (2,) * 4, "side": (3,) * 4, "size": (4,) * 4, "lobe": (6,)}
IGNORED = -100


def words_of(place: Path) -> list[str]:
    """The words this run began with; kept beside the checkpoints, because token numbers follow from them."""
    pin = place / "words.json"
    if not pin.is_file():
        write_json(pin, list(vocabulary()))
    return [str(word) for word in json.loads(pin.read_text(encoding="utf-8"))]


def tokenizer_of(recipe: TrainingRecipe, place: Path) -> Any:
    """The run's tokenizer: every known word one token, anything else bytes."""
    return build_tokenizer(words_of(place), recipe.text_length)


def build(recipe: TrainingRecipe, tokenizer: Any) -> Any:
    """An untrained `CLIPTextModel`, its weights drawn from the recipe's seed."""
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(recipe.seed + 1)
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.text_width,
            intermediate_size=4 * recipe.text_width,
            projection_dim=recipe.text_width,
            num_hidden_layers=recipe.text_layers,
            num_attention_heads=max(1, recipe.text_width // 32),
            max_position_embeddings=recipe.text_length,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def answers(findings: list[dict[str, Any]], text: str) -> list[int]:
    """What a caption says, as one class a head; what it leaves unsaid is ignored."""
    by_label = {finding["label"]: finding for finding in findings}
    present = [int(label in by_label) for label in LABELS]
    sides, sizes = [], []
    for label in LABELS:
        finding = by_label.get(label)
        sides.append(IGNORED if finding is None else SIDES.index(finding["side"]))
        sizes.append(IGNORED if finding is None else SIZES.index(finding["size"]))
    consolidation = by_label.get("consolidation")
    lobe = IGNORED if consolidation is None else LOBES.index(consolidation["lobe"])
    return [*present, *sides, *sizes, lobe]


def tokens_of(tokenizer: Any, texts: list[str]) -> Any:
    """(n, length) token ids, padded and cut as the pipeline does."""
    return tokenizer(
        texts,
        padding="max_length",
        truncation=True,
        max_length=tokenizer.model_max_length,
        return_tensors="pt",
    ).input_ids


def train(recipe: TrainingRecipe, place: Path, clock: Clock) -> Generator[TrainingProgress, None, bool]:
    """Train the text encoder to answer what captions say; True when finished."""
    import torch
    from torch.nn import functional

    tokenizer = tokenizer_of(recipe, place)
    model = _WithHeads(recipe, tokenizer).module
    state = loop.new_state(model, RATE, EMA)
    classes = [c for group in HEADS.values() for c in group]

    def loss_at(step: int) -> Any:
        rng = random.Random(f"{recipe.seed} {STAGE} {step}")  # noqa: S311 - words, not secrets
        drawn = [drawn_caption(rng) for _ in range(recipe.text_batch)]
        texts = [reworded(caption, rng) for _, caption in drawn]
        wanted = torch.tensor(
            [answers(findings, text) for (findings, _), text in zip(drawn, texts, strict=True)]
        )
        pooled = model["encoder"](tokens_of(tokenizer, texts)).pooler_output
        scores = model["heads"](pooled).split(classes, dim=1)
        losses = [
            functional.cross_entropy(score, wanted[:, k], ignore_index=IGNORED)
            for k, score in enumerate(scores)
            if (wanted[:, k] != IGNORED).any()
        ]
        return torch.stack(losses).mean()

    return loop.run(recipe, STAGE, state, place, clock, total=recipe.text_steps, peak=RATE, loss_at=loss_at)


class _WithHeads:
    """The text model and one linear layer for all questions, as one module."""

    def __init__(self, recipe: TrainingRecipe, tokenizer: Any) -> None:
        import torch

        encoder = build(recipe, tokenizer)
        outputs = sum(sum(group) for group in HEADS.values())
        self.module = torch.nn.ModuleDict(
            {"encoder": encoder, "heads": torch.nn.Linear(recipe.text_width, outputs)}
        )


def trained(recipe: TrainingRecipe, place: Path) -> tuple[Any, Any, checkpoint.StageState]:
    """Tokenizer, averaged text encoder without its heads, and the counters of its training."""
    tokenizer = tokenizer_of(recipe, place)
    state = loop.new_state(_WithHeads(recipe, tokenizer).module, RATE, EMA)
    checkpoint.restore(state, place / f"{STAGE}.safetensors")
    checkpoint.copy_into(state.model, state.average)
    return tokenizer, state.model["encoder"].eval().requires_grad_(False), state
