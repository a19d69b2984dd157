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


@LOADERS.register("spade")
def _spade(card: GeneratorCard, folder: Path, device: str) -> Generator:
    from lab.generators.spade import SpadeGenerator

    return SpadeGenerator(card, folder, device)


@LOADERS.register("stylegan2")
def _stylegan2(card: GeneratorCard, folder: Path, device: str) -> Generator:
    from lab.generators.stylegan2 import StyleGan2Generator

    return StyleGan2Generator(card, folder, device)


@LOADERS.register("vae")
def _vae(card: GeneratorCard, folder: Path, device: str) -> Generator:
    from lab.generators.vae_decoder import VaeGenerator

    return VaeGenerator(card, folder, device)


@LOADERS.register("unet2d")
def _unet2d(card: GeneratorCard, folder: Path, device: str) -> Generator:
    from lab.generators.unet2d import Unet2dGenerator

    return Unet2dGenerator(card, folder, device)


@LOADERS.register("external-folder")
def _external_folder(card: GeneratorCard, folder: Path, device: str) -> Generator:
    from lab.generators.external_folder import ExternalFolder

    return ExternalFolder(card, folder, device)
