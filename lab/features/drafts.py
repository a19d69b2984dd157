"""A record drafted from a model folder: what its own settings say about size, resampling and normalisation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lab.errors import WeightsError
from lab.features.record import ExtractorRecord, record_from_json
from lab.features.text_image_folder import CARD, CONFIG, read_config, read_json

PROCESSOR = "preprocessor_config.json"
OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_OPENAI_MEAN = [0.48145466, 0.4578275, 0.40821073]
_OPENAI_STD = [0.26862954, 0.26130258, 0.27577711]
_PILLOW = {2: "pillow-bilinear", 3: "pillow-bicubic"}
_TORCH = {2: "torch-bilinear-antialias", 3: "torch-bicubic-antialias"}


def is_model(folder: Path) -> bool:
    """Whether a folder is one that `draft` can describe."""
    return folder.is_dir() and ((folder / CONFIG).is_file() or (folder / "config.json").is_file())


def draft(folder: Path) -> ExtractorRecord:
    """The record of an open_clip folder or of a transformers vision folder, from its own settings.

    Raises:
        WeightsError: when it lacks the settings that say how images are prepared, or its weights.
        InputError: when what they say is not something a record can hold.
    """
    if (folder / CONFIG).is_file():
        return _open_clip(folder)
    return _transformers(folder)


def _open_clip(folder: Path) -> ExtractorRecord:
    config = read_config(folder)
    told = config["preprocess_cfg"]
    size = told.get("size") or config["model_cfg"]["vision_cfg"].get("image_size") or 224
    size = size[0] if isinstance(size, list) else size
    card = read_json(folder / CARD) if (folder / CARD).is_file() else {}
    kind = "bilinear" if told.get("interpolation") == "bilinear" else "bicubic"
    weights = next((name for name in OPEN_CLIP_WEIGHTS if (folder / name).is_file()), OPEN_CLIP_WEIGHTS[0])
    values: dict[str, Any] = {
        "family": "open-clip", "layer": "image", "dimension": config["model_cfg"]["embed_dim"],
        "input_size": size, "resampling": f"pillow-{kind}",
        "fit": "square" if told.get("resize_mode") == "squash" else "crop",
        "mean": list(told.get("mean") or _OPENAI_MEAN), "std": list(told.get("std") or _OPENAI_STD),
        "unit": True, "weights": {weights: ""}, "settings": [CONFIG], "purposes": ["alignment", "fidelity"],
        "licence": str(card.get("licence") or ""), "notes": str(card.get("notes") or ""),
        "modalities": [card["modality"]] if card.get("modality") else [],
        "trained_on": str(card.get("training_dataset") or ""),
    }  # fmt: skip
    return _named(folder, values, str(card.get("title") or ""))


def _transformers(folder: Path) -> ExtractorRecord:
    config, told = read_json(folder / "config.json"), read_json(folder / PROCESSOR)
    dimension = config.get("hidden_size") or (config.get("hidden_sizes") or [0])[-1]
    size, crop = told.get("size"), told.get("crop_size")
    size, crop = _sides(size), _sides(crop)
    cropped = bool(told.get("do_center_crop", crop is not None)) and crop is not None
    final = crop if cropped else size
    if not dimension or size is None or final is None or not told.get("do_resize", True):
        raise WeightsError(
            f"The settings of {folder.name[:60]} do not say how images are prepared; nothing was added; "
            "write a record by hand."
        )
    short = isinstance(told.get("size"), dict) and "shortest_edge" in told["size"]
    by_torch = str(told.get("image_processor_type", "")).startswith("DINOv3") or str(
        told.get("image_processor_type", "")
    ).endswith("Fast")
    scale = float(told.get("rescale_factor", 1 / 255)) * 255.0
    normalised = bool(told.get("do_normalize", True))
    values: dict[str, Any] = {
        "family": "transformers", "layer": "cls", "dimension": dimension, "input_size": final,
        "resampling": (_TORCH if by_torch else _PILLOW).get(int(told.get("resample", 3)), ""),
        "fit": "crop" if short or cropped else "square", "resize_to": size if cropped or short else 0,
        "value_range": [0.0, round(scale, 6)],
        "mean": list(told["image_mean"]) if normalised else [0.0],
        "std": list(told["image_std"]) if normalised else [1.0],
        "weights": {"model.safetensors": ""}, "settings": ["config.json"],
        "purposes": ["fidelity", "privacy"], "options": {"model_type": str(config.get("model_type", ""))},
    }  # fmt: skip
    return _named(folder, values, "")


def _sides(value: Any) -> int | None:
    """The one side of a size as the settings of a processor write it."""
    if isinstance(value, int):
        return value
    if isinstance(value, dict):
        found = value.get("shortest_edge") or value.get("height")
        return int(found) if found else None
    return None


def _named(folder: Path, values: dict[str, Any], title: str) -> ExtractorRecord:
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.name.lower()).strip("-._")[:64] or "extractor"
    return record_from_json(
        {"id": name, "title": title or folder.name[:80], "folder": str(folder), **values}, root=folder.parent
    )
