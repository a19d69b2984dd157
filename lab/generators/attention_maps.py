"""Where each word of a prompt acts: cross-attention of one generation, over the film it made.

In every cross-attention layer each place of the image shares itself out over the tokens of the prompt, and its shares
sum to 1. They are averaged over heads, layers and steps for the half that reads the prompt, brought to the size of the
image, and summed over the tokens of a word. The layers compute what they always do and the shares are computed beside
them, so the image is the same to the last bit. They tell where the network looked the word up, not what it drew
because of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import GeneratorError
from lab.generators.card import GeneratorCard
from lab.generators.contract import StepProgress
from lab.generators.pipeline_prompts import as_read, lead_in
from lab.generators.request import GenerationRequest
from lab.generators.sample import Sample

if TYPE_CHECKING:
    from lab.generators.diffusers_pipeline import DiffusersGenerator

_WITHOUT = "No maps of words for this generator: it has no cross-attention, so words and image are not told apart in it"
_CROSS = ("PixArtTransformer2DModel", "SanaTransformer2DModel")
# Pipelines by the beginning of their names: image and prompt in one attention, or no prompt at all.
_JOINT = ("StableDiffusion3", "Flux", "Lumina", "DDPM", "DDIM", "LDM")
_WITH = (
    "StableDiffusionPipeline",
    "StableDiffusionXL",
    "StableDiffusionControlNet",
    "PixArt",
    "SanaPipeline",
)


@dataclass(frozen=True)
class WordMaps:
    """Shares of each word at each place of an image.

    Attributes:
        words: of the prompt, as written, as far as they were read.
        maps: (words + 1, size, size) float32 in 0..1; the last is the share of start mark, end mark and padding. They
            sum to 1 at each place.
        layers, steps: how many cross-attention layers and network calls went into the mean.
        finest: places a side in the finest of these layers: the maps know nothing smaller than size / finest pixels.
    """

    words: tuple[str, ...]
    maps: NDArray[np.float32]
    layers: int
    steps: int
    finest: int

    def strength(self) -> list[float]:
        """The mean share of each word over the image."""
        return [float(share) for share in self.maps[:-1].mean(axis=(1, 2))]


def why_no_maps(card: GeneratorCard) -> str:
    """Why this generator cannot show where words act, in a sentence; "" when it can. Opens no weights.

    A generator that is not on this machine is answered by what its card says.
    """
    from lab.generators.places import pipeline_folder

    if (
        card.loader != "diffusers"
        or card.conditioning not in ("text", "mask")
        or card.pipeline.startswith(_JOINT)
    ):
        return f"{_WITHOUT}."
    if card.pipeline.startswith(_WITH):
        return ""
    try:
        folder = pipeline_folder(card)
        config = next(
            folder / part / "config.json" for part in ("unet", "transformer") if (folder / part).is_dir()
        )
        values = json.loads(config.read_text(encoding="utf-8"))
    except (GeneratorError, StopIteration, OSError, ValueError):
        return f"{_WITHOUT}, or it is not on this machine."
    found = str(values.get("_class_name"))
    has = found in _CROSS or (found == "UNet2DConditionModel" and bool(values.get("cross_attention_dim")))
    return "" if has else f"{_WITHOUT}."


def record(
    generator: DiffusersGenerator,
    request: GenerationRequest,
    on_step: Callable[[StepProgress], None] | None = None,
) -> tuple[Sample, WordMaps]:
    """Generate one sample and record where each word of its prompt acts.

    Args:
        generator: of diffusers, with cross-attention.
        request: of one seed.
        on_step: as in `generate`.

    Raises:
        GeneratorError: for a generator without cross-attention, or a request that it cannot answer.
    """
    pipeline = generator.pipeline
    layers = cross_attention_layers(pipeline)
    tokenizer = getattr(pipeline, "tokenizer", None)
    if not layers or tokenizer is None:
        raise GeneratorError(f"{_WITHOUT}; nothing was generated; choose a generator with cross-attention.")
    sums = _Sums(request.micro_batch)
    with _recorded(layers, sums):
        sample = next(iter(generator.generate(request, on_step)))[0]
    before, moved = lead_in(pipeline, generator.card, dict(request.condition.numbers))
    words, owners = word_tokens(tokenizer, as_read(pipeline, request.prompt), sums.tokens, before, moved)
    maps = sums.mean(request.size, owners, len(words) + 1)
    return sample, WordMaps(words, maps, len(layers), sums.calls // len(layers), sums.finest)


def cross_attention_layers(pipeline: Any) -> list[Any]:
    """The layers of a pipeline's network in which the image reads the prompt; none for joint attention."""
    from diffusers.models.attention_processor import Attention

    network = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    if network is None:
        return []
    return [
        layer
        for layer in network.modules()
        if isinstance(layer, Attention) and layer.is_cross_attention and layer.added_kv_proj_dim is None
    ]


def word_tokens(
    tokenizer: Any, prompt: str, length: int, before: str = "", moved: int = 0
) -> tuple[tuple[str, ...], list[int]]:
    """Which word each token of an encoded prompt belongs to.

    Args:
        tokenizer: of transformers, one that knows where its tokens lie.
        prompt: the text.
        length: tokens of the encoded prompt, marks and padding among them.
        before: what is encoded in front of it.
        moved: by how many places its tokens are moved after that.

    Returns:
        the words that were read, and for each token the number of its word; marks and padding get the number of words.
    """
    whole = before + prompt
    coded = tokenizer(
        whole, truncation=False, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False
    )
    spans, start = [], len(before)
    for word in prompt.split():
        start = whole.index(word, start)
        spans.append((start, start + len(word), word))
        start += len(word)
    # A prompt that is too long loses its last words to the end mark, where the tokenizer sets one.
    room = length - (1 if coded["special_tokens_mask"][-1] else 0)
    found: dict[int, int] = {}
    for row, ((begin, end), mark) in enumerate(
        zip(coded["offset_mapping"], coded["special_tokens_mask"], strict=True)
    ):
        letter = max(begin, end - 1)
        word_at = next((k for k, (a, b, _) in enumerate(spans) if a <= letter < b), None)
        if not mark and word_at is not None and 0 <= row + moved < room:
            found[row + moved] = word_at
    read = sorted(set(found.values()))
    place = {old: new for new, old in enumerate(read)}
    owners = [place[found[token]] if token in found else len(read) for token in range(length)]
    return tuple(spans[k][2] for k in read), owners


class _Sums:
    """Sums of shares by the side of the layer, (tokens, side, side) each, of the first image that reads the prompt."""

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self._sums: dict[int, Any] = {}
        self.calls = 0

    @property
    def finest(self) -> int:
        """Places a side of the finest layer."""
        return max(self._sums, default=0)

    def add(self, layer: Any, image: Any, prompt: Any, mask: Any) -> None:
        """Add one call of one layer.

        Args:
            layer: the attention layer.
            image: (rows, places, width) what asks; with guidance the half without prompt comes first.
            prompt: (rows, tokens, width) what is asked.
            mask: (rows, 1, tokens) added to the scores, or None.
        """
        import torch

        row = max(0, image.shape[0] - self._batch)
        side = math.isqrt(image.shape[1])
        if side * side != image.shape[1]:
            return
        with torch.no_grad():
            asked = layer.norm_encoder_hidden_states(prompt) if layer.norm_cross else prompt
            query, key = layer.to_q(image[row : row + 1]), layer.to_k(asked[row : row + 1])
            query = query if layer.norm_q is None else layer.norm_q(query)
            key = key if layer.norm_k is None else layer.norm_k(key)
            hidden = None
            if mask is not None:
                hidden = layer.prepare_attention_mask(mask[row : row + 1], key.shape[1], 1)
            heads = [layer.head_to_batch_dim(part) for part in (query, key)]
            shares = layer.get_attention_scores(*heads, hidden).float().mean(0)
        added = shares.T.reshape(-1, side, side)
        self._sums[side] = added if side not in self._sums else self._sums[side] + added
        self.calls += 1

    @property
    def tokens(self) -> int:
        """Tokens of the encoded prompt, marks and padding among them."""
        return max((len(sums) for sums in self._sums.values()), default=0)

    def mean(self, size: int, owners: Sequence[int], count: int) -> NDArray[np.float32]:
        """(count, size, size) mean over layers and calls, tokens of one owner summed.

        Each layer's shares are brought to the size of the image between neighbouring places, so they still sum to 1.
        """
        import torch
        from torch.nn.functional import interpolate

        whole = np.zeros((count, size, size), dtype=np.float32)
        for sums in self._sums.values():
            # Words first: a prompt of 300 tokens at full size would fill the memory.
            index = torch.tensor(list(owners), device=sums.device)
            shares = torch.zeros((count, *sums.shape[1:]), device=sums.device).index_add_(0, index, sums)
            drawn = interpolate(shares[None], size=(size, size), mode="bilinear", align_corners=False)[0]
            whole += drawn.cpu().numpy() / max(self.calls, 1)
        return whole


class _Recording:
    """Stands before a layer's own processor: notes the shares, then lets it compute as ever."""

    def __init__(self, kept: Any, sums: _Sums) -> None:
        self.kept, self._sums = kept, sums

    def __call__(self, attn: Any, hidden_states: Any, *args: Any, **kwargs: Any) -> Any:
        prompt = kwargs.get("encoder_hidden_states", args[0] if args else None)
        if prompt is not None:
            image = hidden_states if hidden_states.ndim == 3 else hidden_states.flatten(2).transpose(1, 2)
            self._sums.add(attn, image, prompt, kwargs.get("attention_mask"))
        return self.kept(attn, hidden_states, *args, **kwargs)


@contextmanager
def _recorded(layers: list[Any], sums: _Sums) -> Iterator[None]:
    kept = [layer.processor for layer in layers]
    try:
        for layer, own in zip(layers, kept, strict=True):
            layer.set_processor(_Recording(own, sums))
        yield
    finally:
        for layer, own in zip(layers, kept, strict=True):
            layer.set_processor(own)
