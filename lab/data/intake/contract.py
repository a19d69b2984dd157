"""What travels between the process that imports and its children: tasks one way, outcomes the other, never pixels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from lab.config import Settings, physical_cores
from lab.data.images import ImageLimits
from lab.data.sources.contract import PlannedImage

MOST_PROCESSES = 2


@dataclass(frozen=True)
class DecodeLimits:
    """What a child may use.

    Attributes:
        processes: children at once.
        memory_mb: address space a child may take beyond what it has at its start.
        seconds: for one file; a bundle of small files has as long.
        image: largest file and picture.
    """

    processes: int
    memory_mb: int
    seconds: float
    image: ImageLimits


def limits_of(chosen: Settings) -> DecodeLimits:
    """The limits of the settings; as many children as cores, two at most, unless a number is set."""
    processes = chosen.decode_processes or min(MOST_PROCESSES, physical_cores(), os.cpu_count() or 1)
    image = ImageLimits(chosen.max_pixels, chosen.max_file_bytes)
    return DecodeLimits(processes, chosen.decode_memory_mb, chosen.decode_seconds, image)


@dataclass(frozen=True, slots=True)
class Task:
    """One picture to be read and stored.

    Attributes:
        number: place in the plan; nothing depends on it but the order of outcomes.
        file: full path.
        reader: id of its reader.
        part: which picture of the file.
        mask: full path of its mask, "" for none.
        mask_reader: id of the mask's reader.
        mask_part: which picture of the mask's file.
        mask_values: value in the mask's file to value in the app's label map; empty keeps the values.
        spacing: pixel size as the table gives it, for a recipe; "" where it does not.
    """

    number: int
    file: str
    reader: str
    part: Mapping[str, Any]
    mask: str
    mask_reader: str
    mask_part: Mapping[str, Any]
    mask_values: Mapping[int, int]
    spacing: str


def task_of(number: int, image: PlannedImage) -> Task:
    """The task of a planned image."""
    return Task(
        number, os.fspath(image.file), image.reader, image.part, os.fspath(image.mask) if image.mask else "",
        image.mask_reader, image.mask_part, image.mask_values, image.extra.get(SPACING, ""),
    )  # fmt: skip


SPACING = "spacing_mm"
"""Further column that holds the pixel size in millimetres as "down x along", for example "1.25x1.25"."""

OF_PIXELS = frozenset({"window_centre", "window_width", "window_curve", "value_slope", "value_offset"})
"""Further columns about grey levels as read: they say nothing any more once a recipe has changed the pixels."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task; the file lies in the staging folder where it was not refused.

    Attributes:
        number: of the task.
        refused: the reason, one sentence, or "".
        digest: SHA-256 of the stored file.
        suffix: of the stored file.
        width, height, channels, bits: of the stored picture.
        format: kind of the original file, by content.
        fields: what the file itself says, by manifest column.
        extra: further manifest columns.
        mask: name in the staging folder's masks, "" for none.
        mask_refused: whether a mask was named and not taken.
    """

    number: int
    refused: str = ""
    digest: str = ""
    suffix: str = ""
    width: int = 0
    height: int = 0
    channels: int = 1
    bits: int = 8
    format: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    mask: str = ""
    mask_refused: bool = False

    @property
    def image_id(self) -> str:
        """Name of the picture in its dataset."""
        return self.digest[:16]

    def as_json(self) -> dict[str, Any]:
        """For the journal."""
        return {name: getattr(self, name) for name in _FACTS}


_FACTS = tuple(fact.name for fact in fields(Outcome) if fact.name != "number")


@dataclass(frozen=True)
class Order:
    """What holds for all tasks of an import.

    Attributes:
        staging: folder that receives images and masks.
        image: largest file and picture.
        recipe: of the preprocessing, as JSON; None stores every pixel as it was.
        seed: of the recipe.
    """

    staging: Path
    image: ImageLimits
    recipe: Mapping[str, Any] | None = None
    seed: int = 0
