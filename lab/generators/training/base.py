"""The base that radiograph generators share: autoencoder, tokenizer and text encoder, in one folder of their own."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.config import ASSETS, settings
from lab.errors import GeneratorError
from lab.generators.training.recipe import TrainingRecipe

WHERE = ("_name_or_path", "is_local", "local_files_only")
PARTS = ("vae", "text_encoder", "tokenizer")


@dataclass(frozen=True)
class Parts:
    """Loaded parts, in float32: `AutoencoderKL`, `CLIPTokenizer`, `CLIPTextModel`."""

    autoencoder: Any
    tokenizer: Any
    encoder: Any


def folder_of(name: str) -> Path:
    """Folder of a base: one trained here takes the place of the one that comes with the program.

    Raises:
        GeneratorError: when there is neither.
    """
    for folder in (settings().workspace / "bases" / name, ASSETS / "bases" / name):
        if all((folder / part).is_dir() for part in PARTS):
            return folder
    raise GeneratorError(
        f"The base {name} is not trained yet; nothing was trained; train it first: python -m lab train {name}"
    )


def parts_of(recipe: TrainingRecipe, place: Path) -> Parts:
    """The autoencoder and text encoder of a recipe: those of its base, or its own from `place`.

    Raises:
        GeneratorError: when the base is not there.
        WeightsError: when its files may not be opened.
    """
    from lab.generators.training import decoder, text, vae

    if recipe.base:
        return read(folder_of(recipe.base))
    if recipe.refines:
        settled = read(folder_of(recipe.refines))
        return Parts(decoder.overlaid(recipe, place, settled.autoencoder), settled.tokenizer, settled.encoder)
    tokenizer, encoder, _ = text.trained(recipe, place)
    return Parts(vae.trained(recipe, place)[0], tokenizer, encoder)


def read(folder: Path) -> Parts:
    """Open a base folder, safetensors only."""
    import torch
    from diffusers import AutoencoderKL
    from transformers import CLIPTextModel, CLIPTokenizer

    from lab.generators.weights import check_folder

    check_folder(folder)
    options = {"local_files_only": True, "use_safetensors": True}
    return Parts(
        AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32, **options)
        .eval()
        .requires_grad_(False),
        CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True),
        CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32, **options)
        .eval()
        .requires_grad_(False),
    )


def write(parts: Parts, folder: Path) -> None:
    """Write a base folder in float16, whole or not at all; an older one is replaced."""
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    parts.autoencoder.half().save_pretrained(fresh / "vae", safe_serialization=True)
    parts.encoder.half().save_pretrained(fresh / "text_encoder", safe_serialization=True)
    parts.tokenizer.save_pretrained(fresh / "tokenizer")
    _forget_where(fresh)
    for part in PARTS:
        shutil.rmtree(folder / part, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        (fresh / part).rename(folder / part)
    shutil.rmtree(fresh, ignore_errors=True)


def _forget_where(folder: Path) -> None:
    """Take the folder that parts were opened from out of their settings: it is a path of one machine."""
    for file in folder.glob("*/*config.json"):
        told = json.loads(file.read_text(encoding="utf-8"))
        kept = {name: value for name, value in told.items() if name not in WHERE}
        file.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def autoencoder_digest(recipe: TrainingRecipe, place: Path) -> str:
    """Digest of the autoencoder that the latents of a recipe come from."""
    from lab.generators.weights import weights_digest
    from lab.provenance import digest_file

    if recipe.base:
        return weights_digest(folder_of(recipe.base) / "vae")
    return digest_file(place / "vae.safetensors")
