"""The text encoder: a small CLIP text model that learns what captions say before it sees any film."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

from lab.atomic import write_json
from lab.generators.training import checkpoint, loop
from lab.generators.training.combinations import is_withheld
from lab.generators.training.driven import Clock, TrainingProgress
from lab.generators.training.facts import IGNORED, answers, questions
from lab.generators.training.recipe import TrainingRecipe
from lab.generators.training.steps import file_of
from lab.generators.training.tokens import build_tokenizer
from lab.generators.training.wording import drawn_caption, reworded, vocabulary

STAGE = "text"
RATE = 1e-3
EMA = 0.99
# Share of captions that are those of the recipe's own dataset of real films.
OWN_SHARE = 0.08


def words_of(place: Path) -> list[str]:
    """The words this run began with; kept beside the checkpoints, because token numbers follow from them."""
    pin = place / "words.json"
    if not pin.is_file():
        write_json(pin, list(vocabulary()))
    return [str(word) for word in json.loads(pin.read_text(encoding="utf-8"))]


def words_in(texts: Iterable[str]) -> list[str]:
    """All words and marks of some texts, lower case, sorted."""
    return sorted({word for text in texts for word in re.findall(r"[a-z]+|[^\sa-z]", text.lower())})


def base_words(recipe: TrainingRecipe, place: Path) -> list[str]:
    """The words that a recipe's text encoder knows: its own, or those of its base."""
    from lab.generators.training import base

    shared = recipe.base or recipe.refines
    if not shared:
        return words_of(place)
    card = json.loads((base.folder_of(shared) / "base.json").read_text(encoding="utf-8"))
    return [str(word) for word in card["vocabulary"]]


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
    model = _with_heads(recipe, tokenizer)
    state = loop.new_state(model, RATE, EMA)
    classes = [question.answers for question in questions()]

    def loss_at(step: int) -> Any:
        rng = random.Random(f"{recipe.seed} {STAGE} {step}")  # noqa: S311 - words, not secrets
        drawn = [drawn_pair(recipe, rng) for _ in range(recipe.text_batch)]
        wanted = torch.tensor([found for _, found in drawn])
        pooled = model["encoder"](tokens_of(tokenizer, [text for text, _ in drawn])).pooler_output
        scores = model["heads"](pooled).split(classes, dim=1)
        losses = [
            functional.cross_entropy(score, wanted[:, k], ignore_index=IGNORED)
            for k, score in enumerate(scores)
            if (wanted[:, k] != IGNORED).any()
        ]
        return torch.stack(losses).mean()

    return loop.run(recipe, STAGE, state, place, clock, total=recipe.text_steps, peak=RATE, loss_at=loss_at)


def drawn_pair(recipe: TrainingRecipe, rng: random.Random) -> tuple[str, list[int]]:
    """A caption as somebody may write it and what it says; withheld combinations are withheld here too."""
    if recipe.captions and rng.random() < OWN_SHARE:
        text = reworded(rng.choice(recipe.captions)[1], rng)
        return text, answers([], text)
    while True:
        drawn = drawn_caption(rng)
        if not is_withheld(drawn.findings):
            return reworded(drawn.text, rng), answers(drawn.findings, drawn.text)


def _with_heads(recipe: TrainingRecipe, tokenizer: Any) -> Any:
    """The text model and one linear layer for all questions, as one module."""
    import torch

    heads = torch.nn.Linear(recipe.text_width, sum(question.answers for question in questions()))
    return torch.nn.ModuleDict({"encoder": build(recipe, tokenizer), "heads": heads})


def trained(recipe: TrainingRecipe, place: Path) -> tuple[Any, Any, checkpoint.TrainingState]:
    """Tokenizer, averaged text encoder without its heads, and the counters of its training."""
    tokenizer = tokenizer_of(recipe, place)
    state = loop.new_state(_with_heads(recipe, tokenizer), RATE, EMA)
    checkpoint.restore(state, file_of(place, STAGE))
    state.settle()
    return tokenizer, state.model["encoder"].eval().requires_grad_(False), state
