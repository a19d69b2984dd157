"""Caption vectors of the text encoder of the generator that made the samples, and of the encoder before tuning."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.runs.context import RunContext
from lab.runs.kinds.providers import Sets
from lab.runs.spec import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.imageset import ImageSet
    from lab.generators.card import GeneratorCard

PARTS = ("text_encoder", "tokenizer")
BATCH = 32
STAGE = "Reading captions with the text encoder"
UNTRAINED = "random weights"


@dataclass(frozen=True, eq=False)
class TextEncoder:
    """A text encoder and its tokenizer, both as transformers has them, on `device`."""

    name: str
    model: Any
    tokenizer: Any
    device: str

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d) float32: the mean over the words of each text of the last hidden state, which the generator reads."""
        import torch

        length = min(int(self.tokenizer.model_max_length), 512)
        told = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=length, return_tensors="pt"
        ).to(self.device)
        with torch.inference_mode():
            hidden = self.model(told["input_ids"], attention_mask=told["attention_mask"]).last_hidden_state
        read = told["attention_mask"][..., None].to(hidden.dtype)
        vectors = (hidden * read).sum(dim=1) / read.sum(dim=1).clamp(min=1)
        found: NDArray[np.float32] = vectors.float().cpu().numpy()
        return found


def absent(real: str, synthetic: ImageSet, extractor: str) -> str:
    """Why there is no text encoder to ask, as one sentence; "" where there is one."""
    from lab.data.resolve import resolve
    from lab.errors import LabError
    from lab.generators.load import model_folder

    card = _card(synthetic)
    if card is None:
        return "The samples name no generator that is here; choose a set that a generator of the library has made."
    if not (resolve(real).frame()["caption"].astype(str).str.strip() != "").any():
        return "The training images have no captions; choose a dataset with some."
    try:
        folder = model_folder(card)
    except LabError as error:
        return str(error)
    if not card.part_folders.get("text_encoder", folder / "text_encoder").is_dir():
        return f"{card.title} has no text encoder of its own; choose samples of a generator that reads text."
    return ""


def provide(ctx: RunContext, sets: Sets) -> Generator[Progress, None, dict[str, Any]]:
    """The spaces "text:tuned" and "text:base"; a row of zeros where an image has no caption."""
    from lab.generators.load import model_digest
    from lab.metrics.inputs import Space

    card = _card(sets.synthetic)
    if card is None:
        return {}
    tuned, base = ctx.resident(f"text-encoder:{model_digest(card)}", lambda: open_encoders(card))
    sides = {"real": sets.real, "synthetic": sets.synthetic}
    if sets.held_out is not None:
        sides["held_out"] = sets.held_out
    captions = {
        side: images.frame()["caption"].astype(str).str.strip().tolist() for side, images in sides.items()
    }
    spaces = {}
    for name, encoder in (("text:tuned", tuned), ("text:base", base)):
        known = yield from _vectors(ctx, encoder, captions)
        spaces[name] = Space(
            **{side: _matrix(texts, known) for side, texts in captions.items()}, extractor=encoder.name
        )
    return {"spaces": spaces}


def encoder_digest(synthetic: ImageSet) -> str:
    """Digest of the generator that made the samples, on which the vectors depend; "none" without it."""
    from lab.errors import LabError
    from lab.generators.load import model_digest

    card = _card(synthetic)
    try:
        return "none" if card is None else model_digest(card)
    except LabError:
        return "none"


def open_encoders(card: GeneratorCard) -> tuple[TextEncoder, TextEncoder]:
    """The generator's text encoder, and what it was before: that of its base, else the same with random weights.

    For a LoRA card the model folder itself is the base.

    Raises:
        GeneratorError, WeightsError: when the generator is not here or damaged.
    """
    from lab.device import limit_threads, pick
    from lab.generators.places import pipeline_folder

    limit_threads()
    folder, device = pipeline_folder(card), pick()
    own = _opened(card, folder, device)
    if card.lora:
        return _with_lora(card, folder, device), own
    base = _base_folder(card)
    if base is not None and (base / "text_encoder").is_dir():
        return own, _opened(replace(card, id=f"{card.id} (base)", parts={}), base, device)
    return own, untrained(own)


def untrained(encoder: TextEncoder) -> TextEncoder:
    """The same architecture with random weights of a fixed seed."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = type(encoder.model)(encoder.model.config)
    ready = model.eval().requires_grad_(False).to(encoder.device)
    return TextEncoder(f"{encoder.name} ({UNTRAINED})", ready, encoder.tokenizer, encoder.device)


def _card(synthetic: ImageSet) -> GeneratorCard | None:
    from lab.errors import LabError
    from lab.generators.cards import get_card

    origin = str(getattr(getattr(synthetic, "card", None), "origin", ""))
    try:
        return get_card(origin) if origin else None
    except LabError:
        return None


def _opened(card: GeneratorCard, folder: Path, device: str) -> TextEncoder:
    """Text encoder and tokenizer alone: the rest of a pipeline can be a hundred times larger."""
    import json

    from transformers import AutoTokenizer
    from transformers.utils import logging as transformers_logging

    from lab.errors import WeightsError
    from lab.generators.components import open_components
    from lab.generators.weights import check_folder

    transformers_logging.disable_progress_bar()
    places = {name: card.part_folders.get(name, folder / name) for name in PARTS}
    check_folder(places["text_encoder"])
    check_folder(places["tokenizer"], weights=False)
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    only = replace(card, parts={name: place for name, place in card.parts.items() if name == "text_encoder"})
    try:
        opened = open_components(only, folder, {"text_encoder": index.get("text_encoder")})
        tokenizer = AutoTokenizer.from_pretrained(places["tokenizer"], local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise WeightsError(
            f"The text encoder of {card.title} could not be loaded ({type(error).__name__}); nothing was computed; "
            "copy the whole model folder again."
        ) from error
    model = opened["text_encoder"].eval().requires_grad_(False).to(device)
    return TextEncoder(card.id, model, tokenizer, device)


def _with_lora(card: GeneratorCard, folder: Path, device: str) -> TextEncoder:
    from lab.generators.open_pipeline import open_pipeline

    pipeline = open_pipeline(card, folder, device)
    return TextEncoder(card.id, pipeline.text_encoder.eval(), pipeline.tokenizer, device)


def _base_folder(card: GeneratorCard) -> Path | None:
    """The folder of the base model, where the card names one and it is on this machine."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    if not card.base:
        return None
    given = Path(card.base).expanduser()
    place = given if given.is_absolute() or card.root is None else card.root / given
    if place.is_dir():
        return place
    try:
        return Path(snapshot_download(card.base, local_files_only=True))
    except (LocalEntryNotFoundError, OSError, ValueError):
        return None


def _vectors(
    ctx: RunContext, encoder: TextEncoder, captions: dict[str, list[str]]
) -> Generator[Progress, None, dict[str, NDArray[np.float32]]]:
    """A vector for each different caption; equal captions are read once."""
    texts = sorted({text for told in captions.values() for text in told if text})
    known: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(texts), BATCH):
        yield ctx.progress(STAGE, start, len(texts))
        part = texts[start : start + BATCH]
        known |= dict(zip(part, encoder.embed(part), strict=True))
    return known


def _matrix(texts: Sequence[str], known: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    import numpy as np

    dimension = next((len(vector) for vector in known.values()), 1)
    found = np.zeros((len(texts), dimension), np.float32)
    for row, text in enumerate(texts):
        if text:
            found[row] = known[text]
    return found
