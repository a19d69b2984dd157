"""Which code opens which kind of model folder: one entry a family, its module loaded only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lab.generators.card import GeneratorCard
from lab.generators.contract import Generator
from lab.registry import Registry

LOADERS: Registry[Callable[[GeneratorCard, Path, str], Generator]] = Registry("generator loader")


@LOADERS.register("diffusers")
def _diffusers(card: GeneratorCard, folder: Path, device: str) -> Generator:
    from lab.generators.diffusers_pipeline import DiffusersGenerator

    return DiffusersGenerator(card, folder, device)
