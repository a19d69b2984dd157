"""Which code opens which kind of model folder: one entry a family, its module loaded only when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

from lab.generators.card import GeneratorCard
from lab.generators.contract import Generator
from lab.registry import Registry

Loader = Callable[[GeneratorCard, Path, str], Generator]
LOADERS: Registry[Loader] = Registry("generator loader")
# Loader's name on a card to module and class, which is made from (card, folder, device).
_CLASSES = {
    "diffusers": ("diffusers_pipeline", "DiffusersGenerator"),
    "spade": ("spade", "SpadeGenerator"),
    "stylegan2": ("stylegan2", "StyleGan2Generator"),
    "vae": ("vae_decoder", "VaeGenerator"),
    "unet2d": ("unet2d", "Unet2dGenerator"),
    "external-folder": ("external_folder", "ExternalFolder"),
}


def _opened(module: str, kind: str, card: GeneratorCard, folder: Path, device: str) -> Generator:
    found = cast(Loader, getattr(importlib.import_module(f"lab.generators.{module}"), kind))
    return found(card, folder, device)


for _name, (_module, _kind) in _CLASSES.items():
    LOADERS.register(_name)(partial(_opened, _module, _kind))
