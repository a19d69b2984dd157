"""Fitting the text-image model: both towers, batches of film pairs, the loss, and the finished weights."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.device import CPU
from lab.generators.training import checkpoint, clip_data, loop
from lab.generators.training.clip import ClipRecipe
from lab.generators.training.clip_words import claims, fits, fresh_caption, hard_negative, spoken, statements
from lab.generators.training.driven import Clock, TrainingProgress
from lab.generators.training.films import Films
from lab.generators.training.steps import file_of, generator_at

STAGE = "clip"
EMA = 0.998
LOGIT_LIMIT = 4.6052  # log 100, as in CLIP
PAIR_WEIGHT = 0.5
SETTLING_BATCHES = 40


def build(recipe: ClipRecipe, words: int) -> Any:
    """An untrained `open_clip.CLIP`, its weights drawn from the recipe's seed."""
    import torch
    from open_clip.model import CLIP

    torch.manual_seed(recipe.seed + 7)
    return CLIP(**recipe.config(words)["model_cfg"])


def tokenizer_of(recipe: ClipRecipe, place: Path) -> Any:
    """The run's tokenizer: every known word one token, anything else bytes."""
    from lab.generators.training.text import words_of
    from lab.generators.training.tokens import build_tokenizer

    return build_tokenizer(words_of(place), recipe.text_length)


def train(recipe: ClipRecipe, place: Path, clock: Clock) -> Generator[TrainingProgress, None, bool]:
    """Train both towers; True when finished."""
    tokenizer = tokenizer_of(recipe, place)
    films = clip_data.load(recipe, place, "train")
    state = loop.new_state(build(recipe, len(tokenizer)), recipe.rate, EMA)

    def loss_at(step: int) -> Any:
        rng = random.Random(f"{recipe.seed} {STAGE} {step}")  # noqa: S311 - films and words, not secrets
        rows = drawn_rows(films, recipe.batch, rng)
        records = [films.records[row] for row in rows]
        return _loss(state.model, tokenizer, _images(recipe, films, rows, step), records, rng)

    return loop.run(
        recipe.schedule, STAGE, state, place, clock, total=recipe.steps, peak=recipe.rate, loss_at=loss_at
    )


def drawn_rows(films: Films, count: int, rng: random.Random) -> list[int]:
    """`count` rows in pairs: a film and its counterfactual side by side."""
    firsts = [row for row, twin in enumerate(films.twins) if row <= twin]
    chosen = rng.sample(firsts, min(count // 2, len(firsts)))
    return [row for first in chosen for row in (first, int(films.twins[first]))]


def _images(recipe: ClipRecipe, films: Films, rows: Sequence[int], step: int) -> Any:
    """(n, 3, size, size) in -1..1: moved a little, made softer and noisier as the films of a generator are."""
    import torch
    from torch.nn import functional

    from lab.generators.training.augment import augmented, tensors_of

    draw = generator_at(recipe.schedule, STAGE, step)
    images = tensors_of(films.images, rows, signed=True)
    images, _ = augmented(images, torch.zeros_like(images), draw)
    soft = functional.avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)
    share = torch.rand(len(rows), 1, 1, 1, generator=draw)
    noise = torch.randn(images.shape, generator=draw) * 0.03 * torch.rand(len(rows), 1, 1, 1, generator=draw)
    return (images + share * (soft - images) + noise).clamp(-1, 1).expand(-1, 3, -1, -1)


def _loss(
    model: Any, tokenizer: Any, images: Any, records: Sequence[Mapping[str, Any]], rng: random.Random
) -> Any:
    """InfoNCE in both directions, a wrong caption of its own beside each film, and single statements.

    A caption of another film that is true of this one is no negative: it is left out of the sum.
    """
    import torch
    from torch.nn import functional

    own = [fresh_caption(record, rng) for record in records]
    pairs = [(text, hard_negative(record, text, rng)) for record, text in zip(records, own, strict=True)]
    pairs += [statements(record, rng) for record in records]
    said = [claims(text, record) for text, record in zip(own, records, strict=True)]
    n = len(records)
    true = torch.tensor([[fits(words, record) for words in said] for record in records])
    left_out = true & ~torch.eye(n, dtype=torch.bool)

    spoken_pairs = [spoken(pair, rng) for pair in pairs]
    texts = [pair[0] for pair in spoken_pairs] + [pair[1] for pair in spoken_pairs]
    tokens = tokenizer(
        texts,
        padding="max_length",
        truncation=True,
        max_length=tokenizer.model_max_length,
        return_tensors="pt",
    ).input_ids
    with torch.autocast(CPU, torch.bfloat16):
        seen = model.encode_image(images)
        read = model.encode_text(tokens)
    seen = functional.normalize(seen.float(), dim=-1)
    read = functional.normalize(read.float(), dim=-1).view(4, n, -1)
    scale = model.logit_scale.clamp(max=LOGIT_LIMIT).exp()
    captions = (scale * seen @ read[0].T).masked_fill(left_out, float("-inf"))
    wrong = scale * (seen * read[2]).sum(dim=1, keepdim=True)
    apart = scale * (seen * (read[1] - read[3])).sum(dim=1)
    answer = torch.arange(n)
    of_images = functional.cross_entropy(torch.cat([captions, wrong], dim=1), answer)
    of_texts = functional.cross_entropy(captions.T, answer)
    return (of_images + of_texts) / 2 + PAIR_WEIGHT * functional.softplus(-apart).mean()


def trained(recipe: ClipRecipe, place: Path) -> tuple[Any, Any, checkpoint.TrainingState]:
    """Tokenizer, averaged model in evaluation mode, and the counters of its training.

    The means and variances of batch normalisation are taken anew over training films under the averaged weights
    (Izmailov et al. 2018), so they belong to the weights that are used.
    """
    import torch

    tokenizer = tokenizer_of(recipe, place)
    state = loop.new_state(build(recipe, len(tokenizer)), recipe.rate, EMA)
    checkpoint.restore(state, file_of(place, STAGE))
    state.settle()
    films = clip_data.load(recipe, place, "train")
    model = state.model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # a plain mean over the batches
    rng = random.Random(f"{recipe.seed} settling")  # noqa: S311
    with torch.no_grad():
        for batch in range(SETTLING_BATCHES):
            rows = drawn_rows(films, recipe.batch, rng)
            model.encode_image(_images(recipe, films, rows, recipe.steps + 1 + batch))
    return tokenizer, model.eval().requires_grad_(False), state
