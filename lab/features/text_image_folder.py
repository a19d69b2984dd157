"""The folder of a text-image model: where it lies, its configuration, and what it may not ask for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.config import ASSETS, settings
from lab.errors import WeightsError
from lab.provenance import digest_file, digest_json

PHANTOM = "phantom-clip"
CONFIG = "open_clip_config.json"
CARD = "card.json"
SAFE, PUBLISHED = "open_clip_model.safetensors", "open_clip_pytorch_model.bin"
TEXT_CONFIG = "text_config"
"""Folder with the config.json of a text tower that transformers builds, where open_clip_config.json only names it."""
VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model")


def folder_of(name: str = PHANTOM) -> Path:
    """Folder of a text-image model: one trained here takes the place of the one that comes with the program."""
    local = settings().workspace / "extractors" / name
    return local if (local / CONFIG).is_file() else ASSETS / "extractors" / name


def published_weights(folder: Path) -> Path | None:
    """The weights as a state dictionary (`.bin`), where a model was published so and no safetensors are there."""
    file = folder / PUBLISHED
    return file if file.is_file() and not (folder / SAFE).is_file() else None


def model_digest(folder: Path) -> str:
    """SHA-256 over weights, settings and tokenizer of a text-image model."""
    from lab.generators.weights import weights_digest

    published = published_weights(folder)
    own = weights_digest(folder)
    return own if published is None else digest_json([own, digest_file(published)])


def read_config(folder: Path) -> dict[str, Any]:
    """The content of `open_clip_config.json`.

    Raises:
        WeightsError: when it is missing, damaged or describes no model.
    """
    config = read_json(folder / CONFIG)
    if not all(isinstance(config.get(part), dict) for part in ("model_cfg", "preprocess_cfg")):
        raise WeightsError(
            f"The {CONFIG} of this text-image model lacks its model or its preprocessing; nothing was loaded; "
            "copy the folder again."
        )
    model = config["model_cfg"]
    towers = all(isinstance(model.get(part), dict) for part in ("vision_cfg", "text_cfg"))
    if not towers or not isinstance(model.get("embed_dim"), int):
        raise WeightsError(
            f"The {CONFIG} of this text-image model does not describe both towers; nothing was loaded; "
            "copy the folder again."
        )
    return config


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        WeightsError: naming the file.
    """
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(
            f"The {file.name} of this text-image model is missing or cannot be read; nothing was loaded; "
            "copy the folder again."
        ) from error
    if not isinstance(values, dict):
        raise WeightsError(
            f"The {file.name} of this text-image model is not a table of settings; nothing was loaded; "
            "copy the folder again."
        )
    return values


def check_offline(folder: Path, config: dict[str, Any]) -> None:
    """Refuse what open_clip would fetch or run from elsewhere."""
    text = config["model_cfg"]["text_cfg"]
    if "trust_remote_code" in json.dumps(config):
        raise WeightsError(
            "This text-image model asks to run code of its own, which is never done; nothing was loaded; "
            "use a model of a standard class."
        )
    if text.get("hf_model_name") and not (folder / TEXT_CONFIG / "config.json").is_file():
        raise WeightsError(
            "This text-image model takes the settings of its text tower from another repository; nothing was loaded; "
            f"put the config.json of {str(text['hf_model_name'])[:80]} into {TEXT_CONFIG} of its folder."
        )
    if not text.get("hf_tokenizer_name"):
        return
    # Without its vocabulary transformers gives an empty tokenizer that reads every word as unknown, and no error.
    words = any((folder / name).is_file() for name in VOCABULARIES)
    if not words or not (folder / "tokenizer_config.json").is_file():
        raise WeightsError(
            "This text-image model lacks files of its tokenizer; nothing was loaded; copy the folder again."
        )
