"""The cards of published models, filled in with toy folders that are built once a session."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lab.config import ASSETS
from lab.generators.card import GeneratorCard
from lab.generators.card_files import read_card_file
from lab.generators.request import request_for
from tests.builders.published_pipelines import (
    flux,
    lora,
    lumina2,
    pixart_sigma,
    radedit,
    sana,
    sd35,
    stable_diffusion,
)

PROMPT = "moderate right pleural effusion"


def published_card(name: str) -> GeneratorCard:
    """The card that ships for a published model, as it is."""
    return read_card_file(ASSETS / "model_cards" / f"{name}.yaml")


def at_home(card: GeneratorCard, **places: Any) -> GeneratorCard:
    """The same card with its weights in folders of this machine, as a person fills it in."""
    return replace(card, hub_id="", revision="", base_revision="", published=False, **places)


BUILDERS: dict[str, Callable[[Path], Path]] = {
    "pixart-sigma": pixart_sigma, "sana": sana, "sd35": sd35, "lumina2": lumina2, "flux": flux,
    "sd": stable_diffusion, "sd-safety": lambda folder: stable_diffusion(folder, safety=True),
    "sd-clip": lambda folder: stable_diffusion(folder, real_words=True),
}  # fmt: skip


class Published:
    """Toy folders, each built once and then only copied or read."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, name: str) -> Path:
        """The folder of an architecture by its name in `BUILDERS`."""
        import torch

        place = self.root / name
        if not place.is_dir():
            torch.manual_seed(0)
            BUILDERS[name](place)
        return place

    def with_lora(self, name: str, file: str) -> tuple[Path, Path]:
        """Base folder and the folder of its LoRA."""
        base, place = self.folder(name), self.root / f"{name}-lora"
        if not place.is_dir():
            lora(base, place, file, "unet" if name == "sd" else "transformer")
        return base, place

    def card(self, name: str) -> GeneratorCard:
        """The published card of that id, filled in with toy folders."""
        card = published_card(name)
        if card.lora:
            toy = {"sd-v3-5": "sd35", "lumina": "lumina2", "flux": "flux"}[name]
            base, folder = self.with_lora(toy, card.lora)
            return at_home(card, base=str(base), folder=str(folder))
        if name == "radedit":
            place = self.root / "three"
            made = radedit(place) if not place.is_dir() else _three(place)
            parts = {"vae": made["vae"], "text_encoder": made["text"], "tokenizer": made["text"]}
            return at_home(card, folder=str(made["folder"]), parts={k: str(v) for k, v in parts.items()})
        return at_home(card, folder=str(self.folder(name if name in BUILDERS else "sd")))

    def copy(self, name: str, target: Path) -> Path:
        """A copy to damage or to change."""
        return Path(shutil.copytree(self.folder(name), target))


def _three(root: Path) -> dict[str, Path]:
    return {"folder": root / "radedit", "vae": root / "sdxl-vae", "text": root / "biovil-t"}


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The toy folders; test files that import this share them."""
    return Published(tmp_path_factory.getbasetemp() / "published")


def drawn(generator: Any, seed: int = 7, on_step: Any = None, **changes: Any) -> Any:
    """One sample of a request for one image, computed alone: steps 2 unless told."""
    changes = {"steps": 2, "size": 512 if 512 in generator.card.allowed_sizes else None} | changes
    prompt = changes.pop("prompt", PROMPT)
    request = replace(request_for(generator.card, prompt, 1, seed, **changes), micro_batch=1)
    return next(iter(generator.generate(request, on_step)))[0]


def spied(monkeypatch: pytest.MonkeyPatch, generator: Any) -> list[dict[str, Any]]:
    """What the pipeline is called with from now on; it answers with black images and computes nothing."""
    from functools import wraps

    kind, calls = type(generator.pipeline), []

    @wraps(kind.__call__)
    def call(self: Any, **given: Any) -> Any:
        calls.append(given)
        side = given.get("height") or generator.card.size
        return SimpleNamespace(images=np.zeros((len(given["generator"]), side, side, 3), np.float32))

    monkeypatch.setattr(kind, "__call__", call)
    return calls
