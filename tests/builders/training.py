"""What tests of training share: running a generator to its end, and a base small enough to train in seconds."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from lab.generators.training.recipe import TrainingRecipe

TOY_BASE = TrainingRecipe(
    "toy-base", "Toy base", patients=6, films_per_patient=1, held_out=2, size=32, vae_channels=(8, 8, 16),
    latent_channels=4, vae_steps=3, vae_batch=2, decoder_steps=3, text_width=32, text_layers=1, text_steps=3,
    text_batch=4, unet_steps=0,
)  # fmt: skip


def finished(steps: Generator[Any, None, Any]) -> Any:
    """Run a generator to its end; its return value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
