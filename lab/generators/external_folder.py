"""A generator that runs elsewhere: its finished images lie in a folder, found by prompt and seed (LLM-CXR).

The folder holds `manifest.csv` (UTF-8, with a header) and the image files, PNG or JPEG, of the card's size. Its
columns: `file` (path within the folder), `prompt` and `seed` (0 to 2^32 - 1); others are ignored. Nothing is computed.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.errors import GeneratorError, ImageError, InputError, WeightsError
from lab.generators.card import GeneratorCard
from lab.generators.contract import StepProgress
from lab.generators.prompts import PromptReading
from lab.generators.request import MAX_PROMPT, MAX_SEED, GenerationRequest
from lab.generators.sample import Sample
from lab.generators.written import micro_batches, recipe_of
from lab.provenance import digest_file, digest_json

LOADER = "external-folder"
MANIFEST = "manifest.csv"
COLUMNS = ("file", "prompt", "seed")
MAX_ROWS = 1_000_000
MAX_FILE_BYTES = 50_000_000
_SEEDS_TOLD = 12


@dataclass(frozen=True)
class Held:
    """What a folder holds: for each prompt and seed its file, and the line of the manifest that lists it.

    Messages and recipes give the line or a digest, never the file's name: it may hold an identity.
    """

    files: dict[tuple[str, int], tuple[str, int]]

    def seeds(self, prompt: str) -> list[int]:
        """The seeds of one prompt, in their order."""
        return sorted(seed for (text, seed) in self.files if text == prompt)

    def prompts(self) -> list[str]:
        """The prompts, in the order of the manifest."""
        return list(dict.fromkeys(prompt for prompt, _ in self.files))


def read_manifest(folder: Path) -> Held:
    """What the manifest of a folder lists; no image is opened.

    Raises:
        WeightsError: naming the line that is not valid, or what is missing.
    """
    file = folder / MANIFEST
    if not file.is_file():
        raise _refused(f"it has no {MANIFEST}")
    files: dict[tuple[str, int], tuple[str, int]] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            lacking = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
            if lacking:
                raise _refused(f"{MANIFEST} has no column {lacking[0]!r}")
            for row in rows:
                key, name = _row(row, rows.line_num)
                if key in files:
                    raise _refused(f"line {rows.line_num} gives a prompt and seed a second time")
                files[key] = (name, rows.line_num)
                if len(files) > MAX_ROWS:
                    raise _refused(f"{MANIFEST} has more than {MAX_ROWS:,} rows")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _refused(f"{MANIFEST} cannot be read as UTF-8 text with commas") from error
    return Held(files)


def folder_digest(folder: Path) -> str:
    """SHA-256 over the manifest and the images that it lists; a file that is not there counts as absent.

    Raises:
        WeightsError: when the manifest cannot be read.
    """
    held = read_manifest(folder)
    return digest_json(
        [
            [prompt, seed, name, _digest(folder / name)]
            for (prompt, seed), (name, _) in sorted(held.files.items())
        ]
    )


class ExternalFolder:
    """Finished images of another program, handed out by prompt and seed.

    Attributes:
        card, digest: as of every generator; the digest covers every image.
    """

    def __init__(self, card: GeneratorCard, folder: Path, device: str) -> None:
        self.card, self.device = card, device
        self._folder = folder
        self._held = read_manifest(folder)
        self.digest = folder_digest(folder)

    def generate(
        self, request: GenerationRequest, on_step: Callable[[StepProgress], None] | None = None
    ) -> Iterator[list[Sample]]:
        """Yield the images of the prompt and seeds that were asked for; one step each micro-batch.

        Raises:
            InputError: for a request outside the card's range, or an image that the folder does not hold.
            GeneratorError: for a listed image that is missing, damaged or of another size.
        """
        request = request.checked(self.card)
        lacking = [seed for seed in request.seeds if (request.prompt, seed) not in self._held.files]
        if lacking:
            raise self._absent(request.prompt, lacking[0])
        batches, done = micro_batches(request), 0
        for index, seeds in enumerate(batches):
            samples = [self._sample(request, seed) for seed in seeds]
            if on_step is not None:
                on_step(StepProgress(1, 1, index, len(batches), done, len(request.seeds), seeds))
            done += len(seeds)
            yield samples

    def autoencode(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Always refused: nothing of the generator is here but its images."""
        raise GeneratorError(
            f"{self.card.title} has no autoencoder here; nothing was computed; choose a latent generator."
        )

    def prompt_reading(self, prompt: str) -> PromptReading:
        """Nothing is known of how the other program reads a prompt."""
        return PromptReading(0, 0, ())

    def _sample(self, request: GenerationRequest, seed: int) -> Sample:
        name, line = self._held.files[request.prompt, seed]
        image = self._image(name, line)
        recipe = recipe_of(self.card, self.digest, request, seed, self.device)
        return Sample(image, recipe | {"external": {"sha256": _digest(self._folder / name)}})

    def _image(self, name: str, line: int) -> NDArray[np.uint8]:
        from lab.data.images import decode

        file = self._folder / name
        try:
            if not file.resolve().is_relative_to(self._folder.resolve()) or not file.is_file():
                raise ImageError("it is not in the folder")
            if file.stat().st_size > MAX_FILE_BYTES:
                raise ImageError("it is larger than 50 MB")
            pixels: NDArray[Any] = decode(file.read_bytes()).array
        except (OSError, ImageError) as error:
            raise GeneratorError(
                f"The image of line {line} of {MANIFEST} is missing or cannot be read; finished samples are kept; "
                "put it back, or take its line out."
            ) from error
        if pixels.shape[:2] != (self.card.size, self.card.size):
            height, width = pixels.shape[:2]
            raise GeneratorError(
                f"The image of line {line} has {width} x {height} pixels and the card of {self.card.title} says "
                f"{self.card.size}; finished samples are kept; correct the size in the card, or the image."
            )
        return _eight_bit(pixels, self.card.colour)

    def _absent(self, prompt: str, seed: int) -> InputError:
        """Told by seeds and counts: a prompt may hold what does not belong into a message."""
        there = self._held.seeds(prompt)
        if there:
            told = ", ".join(map(str, there[:_SEEDS_TOLD])) + (", ..." if len(there) > _SEEDS_TOLD else "")
            return InputError(
                f"The folder of {self.card.title} has this prompt with the seeds {told}, not with {seed}; nothing was "
                f"generated; choose one of them, or make that image and list it in {MANIFEST}."
            )
        prompts = len(self._held.prompts())
        return InputError(
            f"The folder of {self.card.title} holds no image of this prompt; it holds {len(self._held.files):,} images "
            f"of {prompts:,} other prompts, which {MANIFEST} lists; nothing was generated; choose one of those, word "
            "for word, or make that image and add it."
        )


def _row(row: dict[str, Any], line: int) -> tuple[tuple[str, int], str]:
    prompt = unicodedata.normalize("NFC", " ".join(str(row["prompt"] or "").split()))
    seed, name = str(row["seed"] or "").strip(), str(row["file"] or "").strip()
    if not seed.isdecimal() or not int(seed) <= MAX_SEED:
        raise _refused(f"line {line} has no seed from 0 to {MAX_SEED}")
    if not prompt or len(prompt) > MAX_PROMPT:
        raise _refused(f"line {line} has no prompt of 1 to {MAX_PROMPT:,} characters")
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise _refused(f"line {line} names no file within the folder")
    return (prompt, int(seed)), name


def _eight_bit(pixels: NDArray[Any], colour: str) -> NDArray[np.uint8]:
    """(H, W) uint8, or (H, W, 3) where the card says rgb; 16-bit values lose their lower byte."""
    if pixels.dtype != np.uint8:
        pixels = (pixels.astype(np.uint16) >> 8).astype(np.uint8)
    if colour == "rgb":
        return np.ascontiguousarray(pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2))
    return pixels if pixels.ndim == 2 else np.rint(pixels[..., :3].mean(axis=2)).astype(np.uint8)


def _digest(file: Path) -> str:
    if not file.is_file():
        return "absent"
    state = file.stat()
    return _digest_as_it_is(file, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=100_000)
def _digest_as_it_is(file: Path, size: int, changed: int) -> str:
    return digest_file(file)


def _refused(reason: str) -> WeightsError:
    return WeightsError(
        f"This folder of finished images cannot be used: {reason}; nothing was loaded; it needs {MANIFEST} with the "
        "columns file, prompt and seed."
    )
