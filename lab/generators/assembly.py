"""Pipelines put together by hand: a folder without `model_index.json`, its components here and there (RadEdit).

The card names the pipeline's class and where the parts lie; every part says in its own settings what it is. CXR-BERT
is opened as the plain BERT that it is: the classes which its repository brings are never run.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.errors import WeightsError
from lab.generators.card import GeneratorCard
from lab.generators.components import check_finite, open_network
from lab.generators.weights import check_folder

CXR_BERT = "cxr-bert"
_SCHEDULER = "scheduler"


def assemble(card: GeneratorCard, folder: Path, parts: Mapping[str, Path]) -> Any:
    """The pipeline of a card whose folder has no index.

    Args:
        card: names the class of the pipeline, and the scheduler where the folder has none.
        folder: a folder of component folders.
        parts: folders of the components that lie elsewhere.

    Raises:
        WeightsError: when the class is not one of diffusers, or a component is missing or may not be opened.
        OSError, ValueError, RuntimeError: as the libraries raise them.
    """
    kind = _pipeline_class(card)
    optional = set(kind._optional_components)
    given: dict[str, Any] = {}
    for name in kind._get_signature_keys(kind)[0]:
        place = parts.get(name, folder / name)
        if place.is_dir():
            given[name] = _component(card, name, place)
        elif name == _SCHEDULER and card.scheduler:
            given[name] = scheduler_of(card.scheduler, card.scheduler_settings)
        elif name in optional:
            given[name] = None
        else:
            raise WeightsError(
                f"The component {name[:40]!r} of {card.title} was not found; nothing was loaded; "
                "put its folder into the model's, or name it under parts in the card."
            )
    # The general-purpose safety checker blackens medical films; it is never part of an assembly.
    given |= {"safety_checker": None} if "safety_checker" in given else {}
    if "requires_safety_checker" in inspect.signature(kind.__init__).parameters:
        given["requires_safety_checker"] = False
    return kind(**given)


def scheduler_of(name: str, settings: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> Any:
    """A scheduler of diffusers by class name, its settings laid over those of another one.

    Raises:
        WeightsError: when diffusers has none of that name.
    """
    import diffusers

    kind = getattr(diffusers, name, None)
    if kind is None or not name.endswith("Scheduler"):
        raise WeightsError(
            "The card names a scheduler that diffusers does not have; nothing was loaded; correct the card."
        )
    return kind.from_config({**(base or {}), **settings})


def is_cxr_bert(place: Path) -> bool:
    """Whether a folder is one of CXR-BERT, whose own classes are not used."""
    return _settings(place / "config.json").get("model_type") == CXR_BERT


def _component(card: GeneratorCard, name: str, place: Path) -> Any:
    if is_cxr_bert(place):
        return _cxr_bert(card, name, place)
    check_folder(place, weights=not name.startswith(("tokenizer", _SCHEDULER)))
    if name.startswith("tokenizer"):
        from transformers import AutoTokenizer

        longest = {"model_max_length": _longest(card)} if card.token_limit else {}
        return AutoTokenizer.from_pretrained(place, local_files_only=True, **longest)
    if name == _SCHEDULER:
        settings = _settings(place / "scheduler_config.json")
        own = str(settings.get("_class_name", ""))
        return scheduler_of(card.scheduler or own, card.scheduler_settings, settings)
    config = _settings(place / "config.json")
    named = [("diffusers", str(config.get("_class_name", "")))]
    named += [("transformers", str(kind)) for kind in config.get("architectures") or ()]
    for library, kind in named:
        part = getattr(importlib.import_module(library), kind, None) if kind else None
        if part is not None:
            return open_network(part, place, name, card.dtype)
    raise WeightsError(
        f"The component {name[:40]!r} of {card.title} does not say which class it is, or one of its own; nothing "
        "was loaded; use a component of a standard class."
    )


def _cxr_bert(card: GeneratorCard, name: str, place: Path) -> Any:
    import torch

    from lab.features.families import cxr_bert

    if name.startswith("tokenizer"):
        return cxr_bert.open_tokenizer(place, _longest(card) if card.token_limit else None)
    network = cxr_bert.open_trunk(place).to(getattr(torch, card.dtype))
    check_finite(name, network)
    return network


def _longest(card: GeneratorCard) -> int:
    """What a BERT or CLIP tokenizer cuts at: the card counts without the two marks."""
    return card.token_limit + 2


def _pipeline_class(card: GeneratorCard) -> Any:
    import diffusers

    kind = getattr(diffusers, card.pipeline, None) if card.pipeline else None
    if not (isinstance(kind, type) and issubclass(kind, diffusers.DiffusionPipeline)):
        raise WeightsError(
            "This folder has no model_index.json; nothing was loaded; give the folder of a diffusers pipeline, or "
            "name the pipeline's class in the card where it is put together from parts."
        )
    return kind


def _settings(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    values = json.loads(file.read_text(encoding="utf-8"))
    return values if isinstance(values, dict) else {}
