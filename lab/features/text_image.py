"""Text-image models: an open_clip folder that gives images and captions vectors in one space.

The folder holds `open_clip_config.json` (`model_cfg` and `preprocess_cfg`), `open_clip_model.safetensors`, where
`model_cfg` names a tokenizer its files, where it names a text tower of the hub its settings (`text_config`), and a
`card.json` where this project wrote it. Everything comes from the folder through open_clip itself; nothing is
downloaded. Weights published as a state dictionary (`.bin`) are read as tensors only, never as objects.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.device import CPU
from lab.errors import InputError, NotFoundError, WeightsError
from lab.features.extractor import as_rgb8
from lab.features.text_image_folder import (
    CARD,
    TEXT_CONFIG,
    check_offline,
    model_digest,
    published_weights,
    read_config,
    read_json,
)

BATCH = 32
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class TextReading:
    """How the text tower reads a caption.

    Attributes:
        unknown: words the model never met in training, in their order; () where the card has no vocabulary.
        dropped: words at the end beyond its limit of tokens.
        known: how many different words it has met.
    """

    unknown: tuple[str, ...]
    dropped: tuple[str, ...]
    known: int = 0

    @property
    def sentence(self) -> str:
        """What to tell the person; empty when every word is read and known."""
        parts = [f"not known: {' '.join(self.unknown)}"] * bool(self.unknown)
        parts += [f"not read: {' '.join(self.dropped)}"] * bool(self.dropped)
        return f"The score leaves out some words; {'; '.join(parts)}." if parts else ""


@dataclass(frozen=True, eq=False)
class TextImageModel:
    """A loaded model in float32 on `device`; made by `open_text_image`.

    Attributes:
        id: name of the model: that of its card, else of its folder.
        digest: SHA-256 over weights, settings and tokenizer.
        dimension: length of a vector.
        card: what `card.json` says; {} without one.
    """

    id: str
    digest: str
    dimension: int
    model: Any
    preprocess: Any
    tokenizer: Any
    device: str = CPU
    card: dict[str, Any] = field(default_factory=dict)

    def embed_images(self, images: Sequence[NDArray[Any]]) -> Vectors:
        """Unit vectors (n, dimension) float32 of images (H, W) or (H, W, 3), uint8 or uint16, any sizes.

        Raises:
            ImageError: for another type or shape.
        """
        import torch
        from PIL import Image

        parts = [np.zeros((0, self.dimension), np.float32)]
        for start in range(0, len(images), BATCH):
            levels = [np.rint(as_rgb8(image)).astype(np.uint8) for image in images[start : start + BATCH]]
            batch = torch.stack([self.preprocess(Image.fromarray(level)) for level in levels])
            with torch.inference_mode():
                vectors = self.model.encode_image(batch.to(self.device), normalize=True)
            parts.append(vectors.float().cpu().numpy())
        return np.concatenate(parts)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dimension) float32 of captions; equal captions are computed once."""
        import torch

        once = list(dict.fromkeys(texts))
        parts = [np.zeros((0, self.dimension), np.float32)]
        for start in range(0, len(once), 2 * BATCH):
            tokens = self.tokenizer(once[start : start + 2 * BATCH]).to(self.device)
            with torch.inference_mode():
                parts.append(self.model.encode_text(tokens, normalize=True).float().cpu().numpy())
        rows = {text: row for row, text in enumerate(once)}
        return np.concatenate(parts)[[rows[text] for text in texts]]

    def scores(self, images: Sequence[NDArray[Any]], texts: Sequence[str]) -> NDArray[np.float64]:
        """Cosine (n,) of each image with the text of its own row.

        Raises:
            InputError: when there are not as many texts as images.
        """
        if len(images) != len(texts):
            raise InputError(
                f"There are {len(texts)} texts for {len(images)} images; nothing was scored; give one text an image."
            )
        pairs = self.embed_images(images).astype(np.float64) * self.embed_texts(texts)
        return np.asarray(pairs.sum(axis=1))

    def reading(self, text: str) -> TextReading:
        """Which words of a text the model does not know, and which it does not see."""
        known = {word.lower() for word in self.card.get("vocabulary", ())}
        words = list(dict.fromkeys(re.findall(r"[^\W\d_]+", text.lower())))
        unknown = tuple(word for word in words if known and word not in known)
        met = len(words) - len(unknown)
        coded = getattr(self.tokenizer, "tokenizer", None)
        return TextReading(unknown, dropped_words(text, coded, int(self.tokenizer.context_length)), met)


def dropped_words(text: str, coded: Any, length: int) -> tuple[str, ...]:
    """Words at the end of a text beyond `length` tokens; () where the tokenizer (of transformers) cannot say."""
    if coded is None or not getattr(coded, "is_fast", False):
        return ()
    spans = coded(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)[
        "offset_mapping"
    ]
    limit = length - int(coded.num_special_tokens_to_add())
    if len(spans) <= limit:
        return ()
    cut = int(spans[limit][0])
    return tuple(text[text.rfind(" ", 0, cut + 1) + 1 :].split())


def open_text_image(folder: Path, device: str = CPU) -> TextImageModel:
    """Open an open_clip folder, all of it offline.

    Args:
        folder: with configuration, safetensors weights and tokenizer.
        device: a torch device, such as that of `lab.device.pick`.

    Raises:
        NotFoundError: when there is no such folder.
        WeightsError: in one sentence, for a folder that is incomplete, damaged, holds pickles, or needs code or
            files from elsewhere.
    """
    import open_clip

    from lab.generators.weights import check_folder, check_no_code

    if not folder.is_dir():
        raise NotFoundError(
            f"The text-image model {folder.name[:80]} is not here; nothing was loaded; train it or copy its folder."
        )
    config = read_config(folder)
    published = published_weights(folder)
    if published is None:
        check_folder(folder)
    else:
        check_no_code(folder)
    check_offline(folder, config)
    name = f"local-dir:{folder}"
    try:
        model, preprocess = _built(folder, config, published, device)
        tokenizer = open_clip.get_tokenizer(name)
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, AssertionError, OSError) as error:
        reason = " ".join(str(error).split()).rstrip(".")[:120]
        raise WeightsError(
            f"open_clip cannot open this text-image model ({reason}); nothing was loaded; copy the folder again."
        ) from error
    model.eval().requires_grad_(False)
    card = read_json(folder / CARD) if (folder / CARD).is_file() else {}
    return TextImageModel(
        str(card.get("id") or folder.name), model_digest(folder), int(config["model_cfg"]["embed_dim"]), model,
        preprocess, tokenizer, device, card,
    )  # fmt: skip


def _built(folder: Path, config: dict[str, Any], published: Path | None, device: str) -> tuple[Any, Any]:
    """Model and preprocessing by open_clip; the settings of a text tower of the hub come from beside them."""
    import open_clip

    name, changed = f"local-dir:{folder}", {}
    text = config["model_cfg"]["text_cfg"]
    if text.get("hf_model_name"):
        place = str(folder / TEXT_CONFIG)
        changed["text_cfg"] = {**text, "hf_model_name": place, "hf_model_pretrained": False}
    if published is None:
        return tuple(open_clip.create_model_from_pretrained(name, device=device, **changed))
    from open_clip.transform import PreprocessCfg, image_transform_v2

    from lab.features.weights_file import read_state

    model = open_clip.create_model(name, load_weights=False, pretrained_text=False, device=device, **changed)
    state = read_state(published)
    # A buffer that transformers kept in older files and computes now.
    state.pop("text.transformer.embeddings.position_ids", None)
    model.load_state_dict(state)
    return model, image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
