"""From a folder in the diffusers layout to a pipeline in memory: local files and safetensors only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.errors import GeneratorError, WeightsError
from lab.generators.card import GeneratorCard
from lab.generators.components import check_finite, open_components


def open_pipeline(card: GeneratorCard, folder: Path, device: str) -> Any:
    """The pipeline of a card, on `device`.

    Raises:
        WeightsError: when a file is missing, damaged or does not fit; names the tensor where one is at fault.
        GeneratorError: when the card names a scheduler that diffusers does not have.
    """
    import json

    import torch
    from diffusers import DiffusionPipeline
    from diffusers.utils import logging as diffusers_logging
    from safetensors import SafetensorError
    from transformers.utils import logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    # The general-purpose safety checker blackens medical films; it is left out wherever a folder names one.
    index = (
        json.loads((folder / "model_index.json").read_text(encoding="utf-8")) if _has_index(folder) else {}
    )
    without = {"safety_checker": None, "requires_safety_checker": False} if "safety_checker" in index else {}
    try:
        pipeline = DiffusionPipeline.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=getattr(torch, card.dtype),
            **without, **open_components(card, folder, index),
        )  # fmt: skip
        if card.lora:
            pipeline.load_lora_weights(str(_lora_file(card)), use_safetensors=True)
            for name, part in pipeline.components.items():
                if isinstance(part, torch.nn.Module):
                    check_finite(name, part)
    except (
        OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError, SafetensorError,
    ) as error:  # fmt: skip
        raise WeightsError(
            f"The weights of {card.title} could not be loaded ({type(error).__name__}); "
            "nothing was generated; copy the whole model folder again."
        ) from error
    if card.scheduler and card.scheduler != type(pipeline.scheduler).__name__:
        pipeline.scheduler = _scheduler(card.scheduler, pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def _has_index(folder: Path) -> bool:
    if not (folder / "model_index.json").is_file():
        raise WeightsError(
            "This folder has no model_index.json; nothing was loaded; "
            "give the folder of a diffusers pipeline."
        )
    return True


def _lora_file(card: GeneratorCard) -> Path:
    from lab.generators.weights import check_safetensors

    file = Path(card.lora).expanduser()
    file = file if file.is_absolute() or card.root is None else card.root / file
    if file.suffix != ".safetensors" or not file.is_file():
        raise WeightsError(
            "The LoRA file of this card was not found as safetensors; nothing was loaded; correct the card."
        )
    check_safetensors(file, file.name)
    return file


def _scheduler(name: str, config: Any) -> Any:
    import diffusers

    kind = getattr(diffusers, name, None)
    if kind is None or not name.endswith("Scheduler"):
        raise GeneratorError(
            "The card names a scheduler that diffusers does not have; nothing was loaded; correct the card."
        )
    return kind.from_config(config)
