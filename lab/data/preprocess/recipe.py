"""A recipe: steps in order, with a digest, and a seed for each image that does not depend on the order of images."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from lab.data.preprocess.picture import Picture
from lab.data.preprocess.step import Step, step_from_json
from lab.errors import InputError
from lab.provenance import digest_json

FORMAT = 1
"""Raised by hand whenever a step gives other pixels for the same parameters."""
_PACKAGES = ("numpy", "scipy", "pillow", "opencv-python-headless")
MAX_STEPS = 30


def image_seed(seed: int, image_digest: str) -> int:
    """The seed of one image, from the recipe's seed and the image's digest: its place in the set does not matter."""
    return _derived(f"{seed}:{image_digest}")


def _derived(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


@dataclass(frozen=True)
class Recipe:
    """Steps that make what is stored out of what was imported.

    Attributes:
        id: lower-case name, or "" for one put together by hand.
        title: sentence case.
        steps: in order.

    Raises:
        InputError: for more than 30 steps, or steps that end in floats no file holds.
    """

    id: str
    title: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if len(self.steps) > MAX_STEPS:
            raise InputError(f"A recipe has at most {MAX_STEPS} steps; nothing was changed; remove some.")
        kinds = [step.spec.gives for step in self.steps if step.spec.gives != "same"]
        if kinds and kinds[-1] == "float":
            raise InputError(
                "The recipe ends in numbers that no file holds; nothing was changed; end it with 'Store as "
                "8 or 16 bits'."
            )

    @property
    def digest(self) -> str:
        """SHA-256 of the steps, their parameters and `FORMAT`.

        Source code is left out on purpose: a digest of it changes with every comment and would call equal
        pictures different, while the pixels themselves are digested with the dataset anyway. A change of
        what a step does raises `FORMAT`. Id and title are left out: they change no pixel.
        """
        return digest_json({"format": FORMAT, "steps": [step.as_json() for step in self.steps]})

    def as_json(self) -> dict[str, Any]:
        """For the dataset's card; `from_json` reads it."""
        steps = [step.as_json() for step in self.steps]
        return {"format": FORMAT, "id": self.id, "title": self.title, "steps": steps}

    @classmethod
    def from_json(cls, value: Any) -> Recipe:
        """A recipe from `as_json`, from a file or a form.

        Raises:
            InputError: for another shape or format, an unknown step or a parameter outside its range.
        """
        if not isinstance(value, Mapping) or not isinstance(value.get("steps"), list):
            raise InputError("This is not a preprocessing recipe; nothing was read; choose another file.")
        if value.get("format") != FORMAT:
            raise InputError(
                f"The recipe is of another format than {FORMAT}; nothing was read; put it together anew."
            )
        steps = tuple(step_from_json(item) for item in value["steps"][: MAX_STEPS + 1])
        return cls(str(value.get("id", ""))[:60], str(value.get("title", ""))[:120], steps)

    def record(self, seed: int) -> dict[str, Any]:
        """Everything the stored pixels depend on: recipe, digest, seed and package versions."""
        versions = {name: metadata.version(name) for name in _PACKAGES}
        return {"recipe": self.as_json(), "digest": self.digest, "seed": seed, "packages": versions}

    def run(self, picture: Picture, seed: int) -> Picture:
        """The picture as it is stored: uint8 or uint16.

        Args:
            picture: as imported.
            seed: of the recipe, the same for the whole set; each image's own seed comes from it and from the
                image's pixels, so exact duplicates are turned alike and the order of images does not matter.

        Raises:
            InputError: when a step refuses the picture, or the result is not of integers.
        """
        for _, after in self._stages(picture, seed):
            picture = after
        if picture.image.dtype == np.float32:
            raise InputError(
                "The recipe ends in numbers that no file holds; nothing was stored; end it with 'Store as "
                "8 or 16 bits'."
            )
        return picture

    def trace(self, picture: Picture, seed: int) -> list[tuple[str, Picture]]:
        """The picture before ("As imported") and after every step, by the steps' titles; the last is `run`'s."""
        stages = [(step.spec.title, after) for step, after in self._stages(picture, seed)]
        return [("As imported", picture), *stages]

    def _stages(self, picture: Picture, seed: int) -> Iterator[tuple[Step, Picture]]:
        own = image_seed(seed, picture.digest)
        seen: Counter[str] = Counter()
        for step in self.steps:
            # Seeds go by the step's name, not its place: with and without hair removal, the turns are the same.
            drawn = _derived(f"{own}:{step.name}:{seen[step.name]}")
            seen[step.name] += 1
            picture = step.apply(picture, drawn)
            yield step, picture

    def advice(self, modality: str = "") -> list[str]:
        """Sentences about an order or a step that is allowed, but rarely meant."""
        stages = [step.spec.stage for step in self.steps]
        names = [step.name for step in self.steps]
        found = []
        if "artefact" in stages and "geometry" in stages[: stages.index("artefact")]:
            found.append(
                "Hair removal stands after a step that moves pixels: its element is in pixels of the source, "
                "and interpolation softens the hair it looks for; put it first."
            )
        if modality == "chest radiograph" and "flip" in names:
            found.append(
                "Flips swap left and right: in a radiograph the heart changes sides; take the step out."
            )
        if "store" in stages and stages.index("store") < len(stages) - 1:
            found.append("Steps stand behind storing: they work on the stored grey levels; put storing last.")
        return found
