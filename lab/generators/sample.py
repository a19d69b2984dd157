"""A sample and its recipe; the recipe travels inside the PNG."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from lab.errors import ImageError, InputError
from lab.generators.condition import condition_from_json
from lab.generators.request import MICRO_BATCH, GenerationRequest
from lab.provenance import canonical_json, digest_bytes

RECIPE_KEY = "doppel:recipe"
RECIPE_VERSION = 1
MAX_RECIPE_BYTES = 64_000
_PNG = b"\x89PNG\r\n\x1a\n"
_NEEDED = ("generator", "weights", "prompt", "seed", "steps", "guidance", "size")


@dataclass(frozen=True)
class Sample:
    """One generated image, (H, W) uint8 grey or (H, W, 3) uint8, and the recipe that gives it again."""

    image: NDArray[np.uint8]
    recipe: dict[str, Any] = field(compare=False)

    def png(self) -> bytes:
        """The image as PNG with its recipe in chunk "doppel:recipe"; equal samples give equal bytes."""
        return write_png(self.image, self.recipe)

    @property
    def digest(self) -> str:
        """SHA-256 of the PNG."""
        return digest_bytes(self.png())


def write_png(image: NDArray[np.uint8], recipe: dict[str, Any]) -> bytes:
    """PNG bytes of an image with its recipe.

    Args:
        image: (H, W) or (H, W, 3) uint8.
        recipe: plain JSON without NaN.
    """
    chunk = PngImagePlugin.PngInfo()
    chunk.add_itxt(RECIPE_KEY, canonical_json(recipe))
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, format="PNG", pnginfo=chunk, compress_level=6)
    return stream.getvalue()


def read_recipe(png: bytes) -> dict[str, Any] | None:
    """The recipe inside PNG bytes, or None when there is none (other programs' images, stripped ones).

    The chunk comes from outside: its size, JSON and fields are checked, and nothing in it is executed.

    Raises:
        ImageError: when the bytes are not a readable PNG.
        InputError: when there is a recipe that cannot be used.
    """
    if png[:8] != _PNG:
        raise ImageError("This file is not a PNG; no recipe was read; choose a PNG that the lab wrote.")
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            image.load()
            text = image.text.get(RECIPE_KEY) if isinstance(image, PngImagePlugin.PngImageFile) else None
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise ImageError("This PNG is damaged; no recipe was read; take the original file.") from error
    return None if text is None else parse_recipe(text)


def parse_recipe(text: str) -> dict[str, Any]:
    """A recipe from its JSON text.

    Raises:
        InputError: when it is too long, not JSON, or lacks a field.
    """
    try:
        if len(text) > MAX_RECIPE_BYTES:
            raise ValueError("too long")
        recipe = json.loads(text)
        if not isinstance(recipe, dict) or recipe.get("version") != RECIPE_VERSION:
            raise ValueError("not a recipe of this version")
        if any(name not in recipe for name in _NEEDED):
            raise ValueError("a field is missing")
    except (ValueError, RecursionError) as error:
        raise InputError(
            "The recipe in this image cannot be read; the image is kept; write the prompt again by hand."
        ) from error
    return recipe


def request_from_recipe(recipe: dict[str, Any]) -> GenerationRequest:
    """The request that gives this sample again; not yet checked against a card."""
    return GenerationRequest(
        generator=recipe["generator"],
        prompt=recipe["prompt"],
        seeds=(recipe["seed"],),
        steps=recipe["steps"],
        guidance=recipe["guidance"],
        size=recipe["size"],
        negative_prompt=recipe.get("negative_prompt", ""),
        condition=condition_from_json(recipe.get("condition")),
        micro_batch=recipe.get("micro_batch", MICRO_BATCH),
    )
