"""From a folder in the diffusers layout to a pipeline in memory: local files and safetensors only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.errors import LabError, WeightsError
from lab.generators.assembly import assemble, scheduler_of
from lab.generators.card import GeneratorCard
from lab.generators.components import open_components, open_network, widen_autoencoder
from lab.generators.lora import lay_over
from lab.generators.placement import placed
from lab.generators.places import lora_file, part_folders

INDEX = "model_index.json"


def open_pipeline(card: GeneratorCard, folder: Path, device: str) -> Any:
    """The pipeline of a card, on `device`.

    Args:
        card: which generator.
        folder: of the pipeline; that of the base where the card lays a LoRA over one.
        device: where it computes.

    Raises:
        WeightsError: when a file is missing, damaged or does not fit; names the tensor where one is at fault.
        GeneratorError: when a part that lives on the hub is not on this machine.
    """
    from diffusers.utils import logging as diffusers_logging
    from safetensors import SafetensorError
    from transformers.utils import logging as transformers_logging

    # Its warnings would put the words of a prompt into a log; what matters of them is checked here or told on screen.
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    parts = part_folders(card)
    try:
        pipeline = (
            _from_index(card, folder, parts) if _has_index(folder, card) else assemble(card, folder, parts)
        )
        _set_scheduler(pipeline, card)
        lora = lora_file(card)
        if lora is not None:
            lay_over(pipeline, lora)
    except LabError:
        raise
    except (
        OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError, SafetensorError,
    ) as error:  # fmt: skip
        raise WeightsError(
            f"The weights of {card.title} could not be loaded ({type(error).__name__}); "
            "nothing was generated; copy the whole model folder again."
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    widen_autoencoder(pipeline, card.dtype)
    return placed(pipeline, device, size=card.size)


def _from_index(card: GeneratorCard, folder: Path, parts: Mapping[str, Path]) -> Any:
    """The pipeline that a folder's index describes; a ControlNet that lies elsewhere is added to it."""
    import torch
    from diffusers import AutoPipelineForText2Image, ControlNetModel, DiffusionPipeline

    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    _check_class(card, str(index.get("_class_name", "")))
    # The general-purpose safety checker blackens medical films; it is left out wherever a folder names one.
    without = {"safety_checker": None, "requires_safety_checker": False} if "safety_checker" in index else {}
    added = {name: place for name, place in parts.items() if name == "controlnet" and name not in index}
    shared = {name: place for name, place in parts.items() if name not in added}
    pipeline = DiffusionPipeline.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=getattr(torch, card.dtype),
        **without, **open_components(card, folder, index, shared),
    )  # fmt: skip
    for name, place in added.items():
        if not place.is_dir():
            raise WeightsError(
                f"The shared part {name!r} of {card.title} was not found; nothing was loaded; "
                "put its folder back or correct the card."
            )
        network = open_network(ControlNetModel, place, name, card.dtype)
        pipeline = AutoPipelineForText2Image.from_pipe(pipeline, controlnet=network)
    return pipeline


def _has_index(folder: Path, card: GeneratorCard) -> bool:
    if (folder / INDEX).is_file():
        return True
    if not card.pipeline or not card.parts:
        raise WeightsError(
            "This folder has no model_index.json; nothing was loaded; "
            "give the folder of a diffusers pipeline."
        )
    return False


def _check_class(card: GeneratorCard, found: str) -> None:
    """A card that names a class gets that class: another one would take other arguments and give other images."""
    wanted = card.pipeline.replace("ControlNet", "") if "controlnet" in card.parts else card.pipeline
    if wanted and found not in (wanted, card.pipeline):
        raise WeightsError(
            f"The folder of {card.title} holds a {found[:60] or 'pipeline without a class'} and its card says "
            f"{card.pipeline[:60]}; nothing was loaded; give the folder that belongs to the card."
        )


def _set_scheduler(pipeline: Any, card: GeneratorCard) -> None:
    own = type(pipeline.scheduler).__name__
    if card.scheduler not in ("", own) or card.scheduler_settings:
        settings = dict(pipeline.scheduler.config)
        pipeline.scheduler = scheduler_of(card.scheduler or own, card.scheduler_settings, settings)
